use chrono::{DateTime, Utc};
use nmc_db::{DbError, ReadTx};
use nmc_kernel::{CallId, CorrelationId, E164};

use super::call::Row;
use crate::model::record::Call;

/// Which calls are wanted; what is not said is not asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallFilter {
    /// That began at this time or later.
    pub(crate) from: Option<DateTime<Utc>>,
    /// That began before this time.
    pub(crate) to: Option<DateTime<Utc>>,
    pub(crate) caller: Option<E164>,
    /// `open`, `accepted`, `missed`.
    pub(crate) status: Option<&'static str>,
    /// How they were missed.
    pub(crate) reason: Option<&'static str>,
}

/// The business's calls, the newest first, after `position`.
pub(crate) async fn list(
    tx: &mut ReadTx,
    filter: &CallFilter,
    position: Option<(DateTime<Utc>, CallId)>,
    limit: i64,
) -> Result<Vec<Call>, DbError> {
    let tenant = tx.tenant();
    let (last_time, last_id) = position.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"
        select id as "id: CallId", provider_ref, from_phone as "from_phone: E164", untextable_reason,
               to_phone as "to_phone: E164", way, forwarded_to as "forwarded_to: E164", whisper, status, reason,
               answered, ended_at, duration_seconds, promise, correlation_id as "correlation_id: CorrelationId",
               created_at
        from tel_calls
        where tenant_id = $1
          and created_at >= coalesce($2::timestamptz, '-infinity') and created_at < coalesce($3::timestamptz, 'infinity')
          and created_at <= coalesce($7::timestamptz, 'infinity') and ($7::timestamptz is null or (created_at, id) < ($7, $8))
          and ($4::text is null or from_phone = $4)
          and ($5::text is null or status = $5)
          and ($6::text is null or reason = $6)
        order by created_at desc, id desc limit $9
        "#,
        tenant.as_uuid(),
        filter.from,
        filter.to,
        filter.caller.as_ref().map(E164::as_str),
        filter.status,
        filter.reason,
        last_time,
        last_id.map(CallId::as_uuid),
        limit
    )
    .fetch_all(tx.conn().await?)
    .await?;
    Ok(rows.into_iter().map(Call::try_from).collect::<Result<_, _>>()?)
}

/// The call with this id.
pub(crate) async fn find(tx: &mut ReadTx, id: CallId) -> Result<Option<Call>, DbError> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"
        select id as "id: CallId", provider_ref, from_phone as "from_phone: E164", untextable_reason,
               to_phone as "to_phone: E164", way, forwarded_to as "forwarded_to: E164", whisper, status, reason,
               answered, ended_at, duration_seconds, promise, correlation_id as "correlation_id: CorrelationId",
               created_at
        from tel_calls where tenant_id = $1 and id = $2
        "#,
        tenant.as_uuid(),
        id.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    Ok(row.map(Call::try_from).transpose()?)
}
