//! Transactions that know their tenant.
//!
//! Owns: opening, committing and abandoning transactions; the tenant setting behind row-level security; writing
//! events into the outbox; routes from outside keys to tenants; webhook deduplication; first answers to repeated
//! requests; wake-ups; session locks; provisioning and migrations. Never: a business rule, or a table of a module.
//!
//! Two promises hold everywhere because all transactions begin here: a statement sees one tenant's rows only, and a
//! future that is dropped at any await leaves no connection behind that is still inside a transaction.

mod caller;
mod db;
mod error;
mod glance;
mod idempotency;
mod lock;
mod pace;
mod provision;
mod retention;
mod route;
mod shelf;
mod tx;
mod wake;
mod webhook;

pub use db::{Db, PoolSettings};
pub use error::{ConstraintKind, DbError};
pub use glance::Glance;
pub use idempotency::IdempotencyError;
pub use lock::SessionLock;
pub use pace::{LONGEST_REST, Pace};
pub use provision::{
    MIGRATOR, ProvisionError, is_behind_the_wall, migrate, migrations_current, provision, restrict_database,
};
pub use retention::{EVENTS_KEPT, first_id_at, made_at};
pub use route::{Route, RouteKind};
pub use tx::{ReadTx, SystemTx, Tx};
pub use wake::{Topic, Wakes};
pub use webhook::{Seen, WebhookProvider};
