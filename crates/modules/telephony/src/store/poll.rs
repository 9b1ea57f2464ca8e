use chrono::{DateTime, Duration, Utc};
use nmc_db::{DbError, Tx};

use crate::model::poll::Progress;

/// One of an account's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum List {
    /// Texts.
    Messages,
    /// Calls.
    Calls,
}

impl List {
    pub(crate) const ALL: [Self; 2] = [Self::Messages, Self::Calls];

    /// The stable word in tables and metrics.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Calls => "calls",
        }
    }
}

/// A list that this process alone may read until the lease ends.
#[derive(Clone, Debug)]
pub(crate) struct Lease {
    pub(crate) list: List,
    pub(crate) progress: Progress,
    /// Readings in a row that came to no end.
    pub(crate) failures: u16,
    until: DateTime<Utc>,
}

/// Begins to read an account's list from now on, where that has not been done before.
pub(crate) async fn ensure(tx: &mut Tx, account: &str, list: List, first_due: Duration) -> Result<(), DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "insert into tel_polls (tenant_id, account, list, since, read_up_to, due_at, failures, created_at)
         values ($1, $2, $3, $4, $4, $5, 0, $4)
         on conflict (tenant_id, account, list) do nothing",
        tenant.as_uuid(),
        account,
        list.as_str(),
        now,
        now + first_due
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}

/// Leases a list if it is due and nobody else reads it.
pub(crate) async fn lease(tx: &mut Tx, account: &str, list: List, lasts: Duration) -> Result<Option<Lease>, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let until = now + lasts;
    let leased = sqlx::query!(
        "update tel_polls set leased_until = $4
         where tenant_id = $1 and account = $2 and list = $3 and due_at <= $5
           and (leased_until is null or leased_until <= $5)
         returning since, read_up_to, failures",
        tenant.as_uuid(),
        account,
        list.as_str(),
        until,
        now
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    Ok(leased.map(|row| Lease {
        list,
        progress: Progress { since: row.since, read_up_to: row.read_up_to },
        failures: u16::try_from(row.failures).unwrap_or(0),
        until,
    }))
}

/// Keeps the lease for longer; `false` where it has passed to another process.
pub(crate) async fn renew(tx: &mut Tx, account: &str, lease: &mut Lease, lasts: Duration) -> Result<bool, DbError> {
    let (tenant, until) = (tx.tenant(), tx.now() + lasts);
    let renewed = sqlx::query!(
        "update tel_polls set leased_until = $5
         where tenant_id = $1 and account = $2 and list = $3 and leased_until = $4",
        tenant.as_uuid(),
        account,
        lease.list.as_str(),
        lease.until,
        until
    )
    .execute(tx.conn().await?)
    .await?;
    lease.until = until;
    Ok(renewed.rows_affected() == 1)
}

/// The list was read to its end. Whoever has lost the lease meanwhile changes nothing.
pub(crate) async fn finish(
    tx: &mut Tx,
    account: &str,
    lease: &Lease,
    read_up_to: DateTime<Utc>,
    due_at: DateTime<Utc>,
) -> Result<(), DbError> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update tel_polls set read_up_to = $5, due_at = $6, leased_until = null, failures = 0, last_error = null
         where tenant_id = $1 and account = $2 and list = $3 and leased_until = $4",
        tenant.as_uuid(),
        account,
        lease.list.as_str(),
        lease.until,
        read_up_to,
        due_at
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}

/// It was not, because the process stops: whoever comes next may read it.
pub(crate) async fn give_back(tx: &mut Tx, account: &str, lease: &Lease) -> Result<(), DbError> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update tel_polls set leased_until = null
         where tenant_id = $1 and account = $2 and list = $3 and leased_until = $4",
        tenant.as_uuid(),
        account,
        lease.list.as_str(),
        lease.until
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}

/// It was not: it is read again later, from where it was.
pub(crate) async fn postpone(
    tx: &mut Tx,
    account: &str,
    lease: &Lease,
    due_at: DateTime<Utc>,
    error: &str,
) -> Result<(), DbError> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update tel_polls set due_at = $5, leased_until = null, failures = least(failures, 1000) + 1, last_error = $6
         where tenant_id = $1 and account = $2 and list = $3 and leased_until = $4",
        tenant.as_uuid(),
        account,
        lease.list.as_str(),
        lease.until,
        due_at,
        error
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}
