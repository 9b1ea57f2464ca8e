//! Who may ask for what: every route of the API by everybody, every id by a stranger, each wall between tenants alone.
//!
//! The routes come from the document of the composed application, so a new one fails these tests until `table.rs` says
//! what it is.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected stops there"
)]

#[path = "../harness/mod.rs"]
mod harness;

mod api;
mod bodies;
mod document;
mod foreign;
mod limits;
mod live;
mod rows;
mod table;
mod who;
mod world;
