//! What the outbox holds about one caller: to be exported, or erased.

use nmc_db::{DbError, ReadTx, Tx};
use nmc_kernel::E164;

/// Every event and dead letter that names the caller, as stored.
pub async fn export(tx: &mut ReadTx, phone: &E164) -> Result<serde_json::Value, DbError> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select jsonb_build_object(
             'events', (select coalesce(jsonb_agg(to_jsonb(e) - 'tenant_id' - 'xid' order by e.id), '[]') from outbox_events e
                        where e.tenant_id = $1 and (e.order_key = $2 or position($3 in e.payload::text) > 0)),
             'dead_letters', (select coalesce(jsonb_agg(to_jsonb(d) - 'tenant_id' order by d.id), '[]')
                              from outbox_dead_letters d
                              where d.tenant_id = $1 and position($3 in d.envelope::text) > 0)) as "found!""#,
        tenant.as_uuid(),
        phone.as_str(),
        quoted(phone)
    )
    .fetch_one(tx.conn().await?)
    .await?;
    Ok(found)
}

/// Empties every event and dead letter that names the caller. What has not been delivered is given up, what is open is
/// discarded: nobody is to learn of the caller any more. Says how many events and letters it was.
pub async fn erase(tx: &mut Tx, phone: &E164) -> Result<u64, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let events = sqlx::query!(
        "update outbox_events set payload = '{}', order_key = null, last_error = null,
                dispatched_at = coalesce(dispatched_at, $4)
         where tenant_id = $1 and (order_key = $2 or position($3 in payload::text) > 0)",
        tenant.as_uuid(),
        phone.as_str(),
        quoted(phone),
        now
    )
    .execute(tx.conn().await?)
    .await?;
    let letters = sqlx::query!(
        r#"update outbox_dead_letters
           set envelope = envelope || '{"payload": {}, "order_key": null}',
               resolution = coalesce(resolution, 'discarded'), resolved_at = coalesce(resolved_at, $3)
           where tenant_id = $1 and position($2 in envelope::text) > 0"#,
        tenant.as_uuid(),
        quoted(phone),
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(events.rows_affected() + letters.rows_affected())
}

/// As the number stands in JSON: a longer one that begins with it is another's.
fn quoted(phone: &E164) -> String {
    format!("\"{}\"", phone.as_str())
}
