//! Providers played on this machine: they speak the real wire formats and sign as the providers do, so the services
//! under test run their production code and only base URLs and keys differ.
//!
//! For tests, the sandbox and the benchmark. Loopback only; never part of a production binary.

pub mod clerk;
pub mod model;
mod server;
pub mod twilio;
mod work;

pub use server::StartError;
