//! Session tokens and webhooks of Clerk's: what is accepted, what is not, and where the keys come from.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets the unexpected stops there")]

mod accepted;
mod attacks;
mod keys;
mod support;
mod vectors;
mod webhooks;
