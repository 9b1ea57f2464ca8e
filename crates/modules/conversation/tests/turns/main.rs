//! The automation's answers: when they come, that each comes once, and what comes first.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that meets the unexpected stops there; how many trials stood behind a zero is said"
)]
#![allow(clippy::large_futures, reason = "a world is large, and a test has one")]

#[path = "../setup/mod.rs"]
mod setup;

mod bursts;
mod deaths;
mod failing;
mod fairness;
mod hands;
mod holds;
mod introduced;
mod late;
mod lost;
mod main_job;
mod nudges;
mod reminders;
mod shop;
mod takeovers;
mod unread;
