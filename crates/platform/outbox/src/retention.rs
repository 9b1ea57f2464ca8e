//! What the outbox forgets. Each works on at most `limit` rows of the transaction's tenant, passes over rows that
//! others have locked, and says how many it was.

use chrono::{DateTime, Utc};
use nmc_db::{DbError, Tx, first_id_at};

/// Deletes events that were dispatched before `before`. One that is needed again comes back from its dead letter.
pub async fn delete_dispatched(tx: &mut Tx, before: DateTime<Utc>, limit: i64) -> Result<u64, DbError> {
    let tenant = tx.tenant();
    let deleted = sqlx::query!(
        "delete from outbox_events where tenant_id = $1 and ctid = any (array(
           select ctid from outbox_events where tenant_id = $1 and id < $2 and dispatched_at < $3
           order by id limit $4 for update skip locked))",
        tenant.as_uuid(),
        first_id_at(before),
        before,
        limit
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(deleted.rows_affected())
}

/// Empties the payload of events from before `before` that nobody has taken. They go on to wait, or to fail, visibly.
pub async fn empty_undispatched(tx: &mut Tx, before: DateTime<Utc>, limit: i64) -> Result<u64, DbError> {
    let tenant = tx.tenant();
    let emptied = sqlx::query!(
        "update outbox_events set payload = '{}'
         where tenant_id = $1 and ctid = any (array(
           select ctid from outbox_events
           where tenant_id = $1 and id < $2 and occurred_at < $3 and dispatched_at is null and payload <> '{}'
           order by id limit $4 for update skip locked))",
        tenant.as_uuid(),
        first_id_at(before),
        before,
        limit
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(emptied.rows_affected())
}

/// Deletes the ledger's rows of events from before `before`, once the event is gone and no open dead letter could bring
/// it back: a row outlives its event.
pub async fn delete_consumed(tx: &mut Tx, before: DateTime<Utc>, limit: i64) -> Result<u64, DbError> {
    let tenant = tx.tenant();
    // The ledger's key has the consumer before the event: a step per consumer, of which there are few.
    let deleted = sqlx::query!(
        "with recursive consumers as (
           (select consumer from outbox_consumed where tenant_id = $1 order by consumer limit 1)
           union all
           select (select l.consumer from outbox_consumed l where l.tenant_id = $1 and l.consumer > c.consumer
                   order by l.consumer limit 1)
           from consumers c where c.consumer is not null)
         delete from outbox_consumed where tenant_id = $1 and ctid = any (array(
           select old.ctid from consumers c cross join lateral (
             select o.ctid from outbox_consumed o
             where o.tenant_id = $1 and o.consumer = c.consumer and o.event_id < $2
               and not exists (select from outbox_events e where e.tenant_id = $1 and e.id = o.event_id)
               and o.event_id <> all (array(
                 select d.event_id from outbox_dead_letters d where d.tenant_id = $1 and d.resolution is null))
             order by o.event_id limit $3) old
           limit $3))",
        tenant.as_uuid(),
        first_id_at(before),
        limit
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(deleted.rows_affected())
}

/// Empties the payload in dead letters of events from before `before`; the rest of the envelope stays.
pub async fn empty_dead_letters(tx: &mut Tx, before: DateTime<Utc>, limit: i64) -> Result<u64, DbError> {
    let tenant = tx.tenant();
    let emptied = sqlx::query!(
        r#"update outbox_dead_letters set envelope = envelope || '{"payload": {}}'
         where tenant_id = $1 and ctid = any (array(
           select ctid from outbox_dead_letters
           where tenant_id = $1 and event_id < $2 and envelope -> 'payload' is distinct from '{}'
           order by event_id limit $3 for update skip locked))"#,
        tenant.as_uuid(),
        first_id_at(before),
        limit
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(emptied.rows_affected())
}

/// Deletes dead letters from before `before`, open or not.
pub async fn delete_dead_letters(tx: &mut Tx, before: DateTime<Utc>, limit: i64) -> Result<u64, DbError> {
    let tenant = tx.tenant();
    let deleted = sqlx::query!(
        "delete from outbox_dead_letters where tenant_id = $1 and ctid = any (array(
           select ctid from outbox_dead_letters where tenant_id = $1 and id < $2 and created_at < $3
           order by id limit $4 for update skip locked))",
        tenant.as_uuid(),
        first_id_at(before),
        before,
        limit
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(deleted.rows_affected())
}
