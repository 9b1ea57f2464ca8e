//! Personal data over the whole database: what is kept for how long, what is given out and erased on request, and what
//! never gets out.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets the unexpected stops there")]

#[path = "../harness/mod.rs"]
mod harness;

mod ages;
mod batches;
mod bodies;
mod callers;
mod leaks;
mod plans;
mod rows;
