use chrono::Duration;
use nmc_db::{DbError, ReadTx};
use nmc_kernel::{CorrelationId, E164};

/// The correlation of this caller's newest call or text within `window` before now.
pub(crate) async fn recent(tx: &mut ReadTx, caller: &E164, window: Duration) -> Result<Option<CorrelationId>, DbError> {
    let (tenant, since) = (tx.tenant(), tx.now() - window);
    let found = sqlx::query_scalar!(
        r#"
        select newest.correlation_id as "correlation_id!: CorrelationId" from (
          (select correlation_id, created_at from tel_calls
           where tenant_id = $1 and from_phone = $2 and created_at > $3 order by created_at desc limit 1)
          union all
          (select correlation_id, created_at from tel_inbound_sms
           where tenant_id = $1 and from_phone = $2 and created_at > $3 order by created_at desc limit 1)
        ) newest order by newest.created_at desc limit 1
        "#,
        tenant.as_uuid(),
        caller.as_str(),
        since
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    Ok(found)
}
