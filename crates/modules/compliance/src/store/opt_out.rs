use chrono::{DateTime, Utc};
use nmc_db::{DbError, ReadTx, Tx};
use nmc_kernel::E164;
use uuid::Uuid;

use super::known;
use crate::{OptOutAction, OptOutEntry, OptOutSource, PhoneOptOut, Subject};

/// More changes of mind than anybody makes; the newest are shown.
const MAX_HISTORY: i64 = 200;

/// The number and action of a phone's newest row.
pub(crate) async fn newest(tx: &mut ReadTx, phone: &E164) -> Result<Option<(i32, OptOutAction)>, DbError> {
    let tenant = tx.tenant();
    let row = sqlx::query!(
        "select number, action from comp_opt_outs where tenant_id = $1 and phone = $2 order by number desc limit 1",
        tenant.as_uuid(),
        phone.as_str()
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    row.map(|row| Ok((row.number, known(OptOutAction::from_word(&row.action), "comp_opt_outs.action")?))).transpose()
}

/// Adds a row to a phone's history.
pub(crate) async fn append(
    tx: &mut Tx,
    phone: &E164,
    number: i32,
    action: OptOutAction,
    keyword: &str,
    source: OptOutSource,
) -> Result<(), DbError> {
    let (id, tenant, now) = (tx.ids().next::<Uuid>(), tx.tenant(), tx.now());
    sqlx::query!(
        "insert into comp_opt_outs (tenant_id, id, phone, number, action, keyword, source, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        tenant.as_uuid(),
        id,
        phone.as_str(),
        number,
        action.as_str(),
        keyword,
        source.as_str(),
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}

/// A phone's history, the newest first.
pub(crate) async fn history(tx: &mut ReadTx, phone: &E164) -> Result<Vec<OptOutEntry>, DbError> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        "select number, action, keyword, source, created_at from comp_opt_outs
         where tenant_id = $1 and phone = $2 order by number desc limit $3",
        tenant.as_uuid(),
        phone.as_str(),
        MAX_HISTORY
    )
    .fetch_all(tx.conn().await?)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(OptOutEntry {
                number: row.number,
                action: known(OptOutAction::from_word(&row.action), "comp_opt_outs.action")?,
                keyword: row.keyword,
                source: known(OptOutSource::from_word(&row.source), "comp_opt_outs.source")?,
                recorded_at: row.created_at,
            })
        })
        .collect()
}

/// A page of the ledger, the newest first: of one phone, or of all.
pub(crate) async fn page(
    tx: &mut ReadTx,
    phone: Option<&E164>,
    before: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<PhoneOptOut>, DbError> {
    let tenant = tx.tenant();
    let (before_time, before_id) = before.unzip();
    let rows = sqlx::query!(
        r#"
        select o.id, o.phone as "phone: E164", o.number, o.action, o.keyword, o.source, o.created_at,
               not exists (select from comp_opt_outs later where later.tenant_id = $1 and later.phone = o.phone
                           and later.number = o.number + 1) as "holds!"
        from comp_opt_outs o
        where o.tenant_id = $1 and ($2::text is null or o.phone = $2)
          and ($3::timestamptz is null or (o.created_at, o.id) < ($3, $4))
        order by o.created_at desc, o.id desc limit $5
        "#,
        tenant.as_uuid(),
        phone.map(E164::as_str),
        before_time,
        before_id,
        limit
    )
    .fetch_all(tx.conn().await?)
    .await?;
    rows.into_iter()
        .map(|row| {
            let entry = OptOutEntry {
                number: row.number,
                action: known(OptOutAction::from_word(&row.action), "comp_opt_outs.action")?,
                keyword: row.keyword,
                source: known(OptOutSource::from_word(&row.source), "comp_opt_outs.source")?,
                recorded_at: row.created_at,
            };
            Ok(PhoneOptOut { id: row.id, phone: row.phone, entry, holds: row.holds })
        })
        .collect()
}

/// Makes `subject` the confirmation of an opt-out; `false` where another text is.
pub(crate) async fn claim_confirmation(tx: &mut Tx, opt_out: Uuid, subject: Subject) -> Result<bool, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let claimed = sqlx::query!(
        "insert into comp_opt_out_confirmations (tenant_id, id, subject_kind, subject_id, created_at)
         values ($1, $2, $3, $4, $5) on conflict (tenant_id, id) do nothing",
        tenant.as_uuid(),
        opt_out,
        subject.kind(),
        subject.id(),
        now
    )
    .execute(tx.conn().await?)
    .await?;
    if claimed.rows_affected() == 1 {
        return Ok(true);
    }
    let is_ours = sqlx::query_scalar!(
        r#"
        select subject_kind = $3 and subject_id = $4 as "is_ours!"
        from comp_opt_out_confirmations where tenant_id = $1 and id = $2
        "#,
        tenant.as_uuid(),
        opt_out,
        subject.kind(),
        subject.id()
    )
    .fetch_one(tx.conn().await?)
    .await?;
    Ok(is_ours)
}
