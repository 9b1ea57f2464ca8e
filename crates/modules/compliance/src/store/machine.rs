use chrono::{DateTime, Utc};
use nmc_db::{DbError, Tx};
use nmc_kernel::E164;
use uuid::Uuid;

use crate::model::machine::Before;

/// What was heard from a phone before, and whether a text to it was let out after `since`. The row is locked.
pub(crate) async fn before(
    tx: &mut Tx,
    phone: &E164,
    text_hash: &[u8; 32],
    since: DateTime<Utc>,
) -> Result<(Option<Before>, bool), DbError> {
    let tenant = tx.tenant();
    let before = sqlx::query!(
        r#"
        select like_a_machine, last_text_hash = $3 as "is_same!", last_heard_at from comp_loop_watch
        where tenant_id = $1 and phone = $2 for no key update
        "#,
        tenant.as_uuid(),
        phone.as_str(),
        &text_hash[..]
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    let is_quick = sqlx::query_scalar!(
        r#"
        select exists (select from comp_gate_decisions where tenant_id = $1 and decided_at > $3 and phone = $2
                       and subject_kind = 'message' and outcome = 'allow') as "is_quick!"
        "#,
        tenant.as_uuid(),
        phone.as_str(),
        since
    )
    .fetch_one(tx.conn().await?)
    .await?;
    let before = before.map(|row| Before {
        like_a_machine: row.like_a_machine,
        is_same: row.is_same,
        heard_at: row.last_heard_at,
    });
    Ok((before, is_quick))
}

/// Notes the text just heard.
pub(crate) async fn save(tx: &mut Tx, phone: &E164, like_a_machine: i16, text_hash: &[u8; 32]) -> Result<(), DbError> {
    let (id, tenant, now) = (tx.ids().next::<Uuid>(), tx.tenant(), tx.now());
    sqlx::query!(
        "insert into comp_loop_watch (tenant_id, id, phone, like_a_machine, last_text_hash, last_heard_at)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (tenant_id, phone) do update set like_a_machine = excluded.like_a_machine,
           last_text_hash = excluded.last_text_hash, last_heard_at = excluded.last_heard_at",
        tenant.as_uuid(),
        id,
        phone.as_str(),
        like_a_machine,
        &text_hash[..],
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}
