//! A Postgres of one's own, for development, the sandbox and the tests: found on the machine or installed, run on a Unix
//! socket that only its user can reach, shared by the processes that want it, and stopped when the last of them is gone.
//!
//! - [`Binaries`] finds Postgres's programs, or installs them.
//! - [`PrivatePostgres`] starts a server in a directory, or joins the one that runs there.
//! - [`wait_until`] waits, with a bound, for what cannot announce itself.
//!
//! Three lock files in that directory carry the agreement between processes. `gate.lock` is held while somebody arrives,
//! starts or stops the server. `users.lock` is held shared by every user for as long as it lives; the operating system
//! lets go of it for a process that is killed. `watchdog.lock` is held by a shell script that waits for `users.lock` to
//! become free and then, inside the gate, stops the server. The watchdog is started before the server.
//!
//! The directory also holds `cluster` (what Postgres calls its data directory) and `postgres.log`. Sessions are trusted:
//! the directory of the socket is open to its owner alone. As root, everything is run and owned by the user `postgres` or
//! `nobody`, since Postgres refuses to be run by root.
//!
//! What it never does: listen on a network, touch a Postgres it did not start, or know a table of the product.

mod account;
mod binaries;
mod cluster;
mod command;
mod error;
mod home;
mod install;
mod server;
mod wait;
mod watchdog;

pub use binaries::{Binaries, OLDEST_MAJOR};
pub use error::PostgresError;
pub use server::{PrivatePostgres, Settings};
pub use wait::wait_until;

/// The environment variable that names the directory of Postgres's programs and so ends the search for them.
pub const OVERRIDE_VARIABLE: &str = "NMC_POSTGRES_BIN";
