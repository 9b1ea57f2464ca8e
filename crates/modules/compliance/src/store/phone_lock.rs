//! The lock that orders STOPs and sends: a transaction advisory lock on (tenant, phone).
//!
//! It lives in Postgres' two-number key space, apart from the one-number keys of session locks. The first number is
//! this module's class, 0x434F4D50 ("COMP"); no other module uses it. The second is a hash of tenant and phone: two
//! phones may share one and then merely wait for each other.

use nmc_db::{DbError, Tx};
use nmc_kernel::E164;

const CLASS: i32 = 0x434F_4D50;

/// A phone's key.
pub(crate) struct PhoneLock {
    pub(crate) class: i32,
    /// What is locked, before hashing.
    pub(crate) subject: String,
}

/// Who may send holds it shared, to the end of the transaction; `store::gate` takes it together with its look.
pub(crate) fn of(tx: &Tx, phone: &E164) -> PhoneLock {
    PhoneLock { class: CLASS, subject: format!("{}{}", tx.tenant(), phone.as_str()) }
}

/// Held by whoever changes whether the phone has opted out, to the end of the transaction.
pub(crate) async fn exclude(tx: &mut Tx, phone: &E164) -> Result<(), DbError> {
    let PhoneLock { class, subject } = of(tx, phone);
    sqlx::query!("select pg_advisory_xact_lock($1, hashtext($2))", class, subject).execute(tx.conn().await?).await?;
    Ok(())
}
