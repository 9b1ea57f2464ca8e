//! The application: the modules put together once, and the two programs that run over them.
//!
//! `nmc-server` answers HTTP: webhooks in one short transaction each, and the operators' subcommands that change a
//! business. `nmc-dispatcher` does everything that is not an answer: consumers, timers, effects. Both build the same
//! [`Modules`] from the same configuration and differ only in what they run.

mod api;
mod caller_command;
mod callers;
mod command;
mod compose;
mod dispatcher;
mod dispatcher_command;
mod example;
mod operators;
mod people;
mod process;
mod providers;
mod server;
mod server_command;

pub use callers::EraseCallerError;
pub use command::run_program;
pub use compose::Modules;
pub use dispatcher::dispatch;
pub use dispatcher_command::DispatcherCommand;
pub use process::{AppError, StopOn, stop_signal};
pub use server::{routes, serve};
pub use server_command::ServerCommand;
