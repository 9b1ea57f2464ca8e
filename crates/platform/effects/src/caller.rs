//! What intents hold about one caller: to be exported, or erased.

use nmc_db::{DbError, ReadTx, Tx};
use nmc_kernel::E164;

/// What erasing found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Erased {
    /// So many intents name the caller no longer.
    Intents(u64),
    /// A call to a provider is on its way, or it is being found out what became of one: the number is needed until that
    /// is settled. The transaction must not be committed.
    UnderWay,
}

/// Every intent that names the caller, as stored.
pub async fn export(tx: &mut ReadTx, phone: &E164) -> Result<serde_json::Value, DbError> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select coalesce(jsonb_agg(to_jsonb(i) - 'tenant_id' order by i.id), '[]') as "found!" from effect_intents i
           where i.tenant_id = $1 and position($2 in i.request::text) > 0"#,
        tenant.as_uuid(),
        quoted(phone)
    )
    .fetch_one(tx.conn().await?)
    .await?;
    Ok(found)
}

/// Empties every intent that names the caller; what has not been claimed is cancelled, and what only a person could have
/// settled counts as failed. The caller of this has locked the subjects and applies the consequences to its own rows.
pub async fn erase(tx: &mut Tx, phone: &E164) -> Result<Erased, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    // Waits for claims that are being committed; the order keeps two erasures from waiting for each other.
    let states = sqlx::query_scalar!(
        "select state from effect_intents
         where tenant_id = $1 and position($2 in request::text) > 0 order by id for no key update",
        tenant.as_uuid(),
        quoted(phone)
    )
    .fetch_all(tx.conn().await?)
    .await?;
    if states.iter().any(|state| state == "in_flight" || state == "unknown") {
        return Ok(Erased::UnderWay);
    }
    let erased = sqlx::query!(
        r#"update effect_intents
           set request = '{}',
               state = case state when 'pending' then 'cancelled' when 'review' then 'failed' else state end,
               outcome = case when finished_at is null then '{"cancelled": "caller-erased"}' else outcome end,
               finished_at = coalesce(finished_at, $3)
           where tenant_id = $1 and position($2 in request::text) > 0"#,
        tenant.as_uuid(),
        quoted(phone),
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(Erased::Intents(erased.rows_affected()))
}

/// As the number stands in JSON: a longer one that begins with it is another's.
fn quoted(phone: &E164) -> String {
    format!("\"{}\"", phone.as_str())
}
