//! What the tables of this crate forget, and what the retention of others needs of a transaction.

use chrono::{DateTime, TimeDelta, Utc};
use nmc_kernel::TenantId;
use uuid::Uuid;

use crate::{DbError, SystemTx, Tx};

/// The smallest id that can be made at this moment. Ids begin with the time they were made at, so a primary key finds
/// the rows that are older.
pub fn first_id_at(at: DateTime<Utc>) -> Uuid {
    let milliseconds = u64::try_from(at.timestamp_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(milliseconds, &[0; 10]).into_uuid()
}

/// When an id was made, to the millisecond; nothing for one that does not say.
pub fn made_at(id: Uuid) -> Option<DateTime<Utc>> {
    let (seconds, nanoseconds) = id.get_timestamp()?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanoseconds)
}

/// For how long an event is kept after it was dispatched: retention deletes it then, and a live stream can be gone on
/// from it until then.
pub const EVENTS_KEPT: TimeDelta = TimeDelta::days(30);

impl SystemTx {
    /// The next `limit` businesses after `after`, by id. For the dispatcher's role.
    pub async fn tenants(&mut self, after: Option<TenantId>, limit: i64) -> Result<Vec<TenantId>, DbError> {
        let tenants = sqlx::query_scalar!(
            r#"select known.id as "id!: TenantId" from nmc_tenants() as known(id)
               where $1::uuid is null or known.id > $1 order by 1 limit $2"#,
            after.map(TenantId::as_uuid),
            limit
        )
        .fetch_all(self.conn()?)
        .await?;
        Ok(tenants)
    }

    /// Forgets at most `limit` webhooks taken before `before`; says how many.
    pub async fn forget_webhooks(&mut self, before: DateTime<Utc>, limit: i64) -> Result<u64, DbError> {
        let forgotten = sqlx::query!(
            "delete from webhook_events where ctid = any (array(
               select ctid from webhook_events where received_at < $1 order by received_at limit $2))",
            before,
            limit
        )
        .execute(self.conn()?)
        .await?;
        Ok(forgotten.rows_affected())
    }
}

impl Tx {
    /// Forgets at most `limit` first answers to requests, kept before `before`; says how many.
    pub async fn forget_answers(&mut self, before: DateTime<Utc>, limit: i64) -> Result<u64, DbError> {
        let tenant = self.tenant();
        let forgotten = sqlx::query!(
            "delete from idempotency_keys where tenant_id = $1 and ctid = any (array(
               select ctid from idempotency_keys where tenant_id = $1 and created_at < $2
               order by created_at limit $3))",
            tenant.as_uuid(),
            before,
            limit
        )
        .execute(self.conn().await?)
        .await?;
        Ok(forgotten.rows_affected())
    }
}

#[cfg(test)]
mod tests {
    use nmc_kernel::{Clock, Ids, Random};

    use super::*;

    #[test]
    fn the_first_id_of_a_moment_lies_between_those_before_and_those_of_it() {
        for seconds in [0, 1_800_000_000, 4_000_000_000] {
            let at = DateTime::from_timestamp(seconds, 0).unwrap();
            for seed in 0..1000 {
                let id = |at| Ids::new(Clock::fixed(at), Random::seeded(seed)).next::<Uuid>();
                assert!(first_id_at(at) <= id(at));
                assert_eq!(made_at(id(at)), Some(at));
                assert!(seconds == 0 || id(at - chrono::Duration::milliseconds(1)) < first_id_at(at));
            }
        }
    }
}
