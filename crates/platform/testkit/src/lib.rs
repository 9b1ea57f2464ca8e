//! What tests stand on.
//!
//! - [`TestDatabase`]: a database of its own for every test, on a real Postgres, as the roles the services have.
//! - [`eventually`]: waits, with a bound, for what other tasks and processes do.

mod database;
mod eventually;

pub use database::{TestDatabase, TestDatabaseError};
pub use eventually::eventually;
