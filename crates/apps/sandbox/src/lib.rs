//! The whole product on one machine: a private Postgres, the two programs as processes of their own, and simulators in
//! the providers' place. What `cargo run` starts, what the demo plays on, and what fault tests kill.

mod catalog;
mod clerk;
mod database;
mod demo;
mod evaluate;
mod handset;
mod installation;
mod program;
mod resources;
mod run;
mod tenant;

pub use clerk::token;
pub use database::{Database, DatabaseError};
pub use demo::demo;
pub use evaluate::Evaluation;
pub use handset::Handset;
pub use installation::{Installation, Plan, SandboxError};
pub use program::{Program, ProgramError};
pub use run::run;
pub use tenant::{ExampleTenant, example_tenant};
