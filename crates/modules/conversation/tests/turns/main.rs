//! The automation's answers: when they come, that each comes once, and what comes first.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

#[path = "../setup/mod.rs"]
mod setup;

mod bursts;
mod main_job;
mod shop;
