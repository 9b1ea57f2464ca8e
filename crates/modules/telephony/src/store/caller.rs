//! What the tables hold about one caller: to be exported, or erased.

use nmc_db::{DbError, ReadTx, Tx};
use nmc_kernel::{E164, Untextable};

/// Every call and text of the caller, as stored.
pub(crate) async fn export(tx: &mut ReadTx, phone: &E164) -> Result<serde_json::Value, DbError> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select jsonb_build_object(
             'calls', (select coalesce(jsonb_agg(to_jsonb(c) - 'tenant_id' order by c.created_at, c.id), '[]')
                       from tel_calls c where c.tenant_id = $1 and c.from_phone = $2),
             'texts', (select coalesce(jsonb_agg(to_jsonb(t) - 'tenant_id' order by t.created_at, t.id), '[]')
                       from tel_inbound_sms t where t.tenant_id = $1 and t.from_phone = $2)) as "found!""#,
        tenant.as_uuid(),
        phone.as_str()
    )
    .fetch_one(tx.conn().await?)
    .await?;
    Ok(found)
}

/// Makes the caller's calls and texts those of somebody who withheld the number, and empties the texts. The rows stay:
/// a report that comes later, or a list of the provider's, would bring the number back otherwise.
pub(crate) async fn erase(tx: &mut Tx, phone: &E164) -> Result<u64, DbError> {
    let (tenant, withheld) = (tx.tenant(), Untextable::Withheld.as_str());
    let calls = sqlx::query!(
        "update tel_calls set from_phone = null, untextable_reason = $3 where tenant_id = $1 and from_phone = $2",
        tenant.as_uuid(),
        phone.as_str(),
        withheld
    )
    .execute(tx.conn().await?)
    .await?;
    let texts = sqlx::query!(
        "update tel_inbound_sms set from_phone = null, untextable_reason = $3, body = '', media = '[]'
         where tenant_id = $1 and from_phone = $2",
        tenant.as_uuid(),
        phone.as_str(),
        withheld
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(calls.rows_affected() + texts.rows_affected())
}
