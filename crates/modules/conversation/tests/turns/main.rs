//! The automation's answers: when they come, that each comes once, and what comes first.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that meets the unexpected stops there; how many trials stood behind a zero is said"
)]

#[path = "../setup/mod.rs"]
mod setup;

mod bursts;
mod deaths;
mod failing;
mod fairness;
mod hands;
mod lost;
mod main_job;
mod shop;
mod takeovers;
mod nudges;
mod reminders;
