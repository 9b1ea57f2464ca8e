//! The second wall, looked at from outside: row-level security and rights, walked through the catalog of a real database
//! so that a new table cannot be forgotten, and tried as each role.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

mod faults;
mod privileges;
mod roles;
mod tenants;
