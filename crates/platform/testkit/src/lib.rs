//! What tests stand on.
//!
//! - [`TestDatabase`]: a database of its own for every test, on a real Postgres, as the roles the services have.

mod database;

pub use database::{TestDatabase, TestDatabaseError};
