//! Dead letters: what a consumer failed on six times, kept whole until a person replays or discards it.

use chrono::{DateTime, Utc};
use nmc_db::{Db, DbError, SystemTx, Topic, Tx};
use nmc_kernel::TenantId;
use serde_json::json;
use uuid::Uuid;

use crate::row::Row;

/// A dead letter as ops see it. The envelope may hold personal data.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// Its own id.
    pub id: Uuid,
    /// The business.
    pub tenant: TenantId,
    /// The event that was not taken.
    pub event_id: Uuid,
    /// Who did not take it.
    pub consumer: String,
    /// Why, as of the last attempt.
    pub error: String,
    /// How often it was tried.
    pub attempts: i16,
    /// Since when it lies here.
    pub created_at: DateTime<Utc>,
    /// The event with all its fields.
    pub envelope: serde_json::Value,
}

pub(crate) async fn write(tx: &mut SystemTx, row: &Row, consumer: &str, error: &str) -> Result<(), DbError> {
    let e = &row.envelope;
    let envelope = json!({
        "event_id": e.event_id, "event_name": e.event_name, "schema_version": e.schema_version.to_string(),
        "tenant_id": e.tenant_id, "occurred_at": e.occurred_at, "correlation_id": e.correlation_id,
        "causation_id": e.causation_id, "payload": e.payload, "order_key": row.order_key,
    });
    let tenant_tx = tx.enter(e.tenant_id).await?;
    let (id, now) = (tenant_tx.ids().next::<Uuid>(), tenant_tx.now());
    sqlx::query!(
        "insert into outbox_dead_letters (tenant_id, id, event_id, consumer, error, attempts, envelope, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (tenant_id, consumer, event_id) where resolution is null do nothing",
        e.tenant_id.as_uuid(),
        id,
        e.event_id.as_uuid(),
        consumer,
        error,
        nmc_kernel::retry::MAX_ATTEMPTS.cast_signed(),
        envelope,
        now
    )
    .execute(tenant_tx.conn().await?)
    .await?;
    Ok(())
}

/// What ops do with dead letters.
#[derive(Clone, Debug)]
pub struct DeadLetters {
    db: Db,
}

impl DeadLetters {
    /// Over the dispatcher's database role.
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    /// The open ones of all tenants, oldest first, at most `limit`.
    pub async fn list(&self, limit: i64) -> Result<Vec<DeadLetter>, DbError> {
        let mut tx = self.db.begin_system().await?;
        let found = sqlx::query_as!(
            DeadLetter,
            r#"select id, tenant_id as "tenant: TenantId", event_id, consumer, error, attempts, created_at, envelope
               from outbox_dead_letters where resolution is null order by created_at limit $1"#,
            limit
        )
        .fetch_all(tx.conn()?)
        .await?;
        tx.roll_back().await?;
        Ok(found)
    }

    /// One of them by its id, open or not.
    pub async fn find(&self, id: Uuid) -> Result<Option<DeadLetter>, DbError> {
        let mut tx = self.db.begin_system().await?;
        let found = sqlx::query_as!(
            DeadLetter,
            r#"select id, tenant_id as "tenant: TenantId", event_id, consumer, error, attempts, created_at, envelope
               from outbox_dead_letters where id = $1"#,
            id
        )
        .fetch_optional(tx.conn()?)
        .await?;
        tx.roll_back().await?;
        Ok(found)
    }

    /// Has the event delivered again to every consumer that has not taken it; `false` where it is not open. `note` is
    /// done in the same transaction, entered for the business, as the last thing before it is committed.
    pub async fn replay(
        &self,
        id: Uuid,
        note: impl AsyncFnOnce(&mut Tx) -> Result<(), DbError>,
    ) -> Result<bool, DbError> {
        let Some(letter) = self.find(id).await? else { return Ok(false) };
        let mut tx = self.db.begin_system().await?;
        if !resolve(&mut tx, &letter, "replayed").await? {
            tx.roll_back().await?;
            return Ok(false);
        }
        let now = tx.now();
        let event = &letter.envelope;
        let tenant_tx = tx.enter(letter.tenant).await?;
        // An event older than the outbox keeps comes back from its dead letter.
        sqlx::query!(
            "insert into outbox_events (tenant_id, id, event_name, schema_version, occurred_at, correlation_id,
                                        causation_id, payload, order_key, available_at, lane)
             select $1, $2, e->>'event_name', e->>'schema_version', (e->>'occurred_at')::timestamptz,
                    (e->>'correlation_id')::uuid, (e->>'causation_id')::uuid, e->'payload', e->>'order_key', $4, 1
             from (select $3::jsonb as e) letter
             on conflict do nothing",
            letter.tenant.as_uuid(),
            letter.event_id,
            event,
            now
        )
        .execute(tenant_tx.conn().await?)
        .await?;
        sqlx::query!(
            "update outbox_events set lane = 1, attempts = 0, available_at = $3, dispatched_at = null, last_error = null
             where tenant_id = $1 and id = $2",
            letter.tenant.as_uuid(),
            letter.event_id,
            now
        )
        .execute(tenant_tx.conn().await?)
        .await?;
        note(tenant_tx).await?;
        tx.wake(Topic::Outbox);
        tx.commit().await?;
        Ok(true)
    }

    /// Gives the event up for its consumer; `false` where it is not open. The letter stays to be read. `note` as above.
    pub async fn discard(
        &self,
        id: Uuid,
        note: impl AsyncFnOnce(&mut Tx) -> Result<(), DbError>,
    ) -> Result<bool, DbError> {
        let Some(letter) = self.find(id).await? else { return Ok(false) };
        let mut tx = self.db.begin(letter.tenant).await?;
        let now = tx.now();
        let discarded = sqlx::query!(
            "update outbox_dead_letters set resolution = 'discarded', resolved_at = $3
             where tenant_id = $1 and id = $2 and resolution is null",
            letter.tenant.as_uuid(),
            id,
            now
        )
        .execute(tx.conn().await?)
        .await?;
        let is_discarded = discarded.rows_affected() == 1;
        if is_discarded {
            note(&mut tx).await?;
        }
        tx.commit().await?;
        Ok(is_discarded)
    }
}

/// Resolves every open letter of the event: a replay reaches all consumers that have not taken it.
async fn resolve(tx: &mut SystemTx, letter: &DeadLetter, resolution: &str) -> Result<bool, DbError> {
    let tenant_tx = tx.enter(letter.tenant).await?;
    let now = tenant_tx.now();
    let resolved = sqlx::query_scalar!(
        "update outbox_dead_letters set resolution = $3, resolved_at = $4
         where tenant_id = $1 and event_id = $2 and resolution is null returning id",
        letter.tenant.as_uuid(),
        letter.event_id,
        resolution,
        now
    )
    .fetch_all(tenant_tx.conn().await?)
    .await?;
    Ok(resolved.contains(&letter.id))
}
