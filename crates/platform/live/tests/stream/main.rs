//! The live stream over real sockets and a real Postgres.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

mod ends;
mod order;
mod resume;
mod support;
mod writers;
