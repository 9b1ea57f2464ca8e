//! Routers called without a socket.
#![allow(clippy::expect_used, reason = "a test that meets the unexpected stops there")]

mod extract;
mod layers;
mod rate_limits;
mod signed_in;
mod support;
