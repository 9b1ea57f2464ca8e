//! The programs as operators and service managers meet them: exit codes, what is printed, signals, and the metrics
//! page. Each runs as a child process on a database of its own.

#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

mod businesses;
mod configuration;
mod counters;
mod operators;
mod pause;
mod program;
mod review;
mod stand;
mod stop;
mod token;
