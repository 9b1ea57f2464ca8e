//! What the tables hold about one caller: to be exported, or erased.

use nmc_db::{DbError, ReadTx, Tx};
use nmc_kernel::E164;

/// What stands in place of a label that somebody chose for a person.
const ERASED_LABEL: &str = "(erased)";

/// The caller's opt-outs, decisions of the gate, and place on the list, as stored.
pub(crate) async fn export(tx: &mut ReadTx, phone: &E164) -> Result<serde_json::Value, DbError> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select jsonb_build_object(
             'opt_outs', (select coalesce(jsonb_agg(to_jsonb(o) - 'tenant_id' order by o.number), '[]')
                          from comp_opt_outs o where o.tenant_id = $1 and o.phone = $2),
             'decisions', (select coalesce(jsonb_agg(to_jsonb(d) - 'tenant_id' order by d.decided_at, d.id), '[]')
                           from comp_gate_decisions d where d.tenant_id = $1 and d.phone = $2),
             'do_not_text', (select coalesce(jsonb_agg(to_jsonb(l) - 'tenant_id'), '[]')
                             from comp_do_not_text l where l.tenant_id = $1 and l.phone = $2),
             'loop_watch', (select coalesce(jsonb_agg(to_jsonb(w) - 'tenant_id' - 'last_text_hash'), '[]')
                            from comp_loop_watch w where w.tenant_id = $1 and w.phone = $2)) as "found!""#,
        tenant.as_uuid(),
        phone.as_str()
    )
    .fetch_one(tx.conn().await?)
    .await?;
    Ok(found)
}

/// Whether an opt-out of the caller holds, or the business keeps the number from being texted.
pub(crate) async fn is_stopped(tx: &mut ReadTx, phone: &E164) -> Result<bool, DbError> {
    let tenant = tx.tenant();
    let stopped = sqlx::query_scalar!(
        r#"select exists (select from comp_opt_outs o where o.tenant_id = $1 and o.phone = $2)
             or exists (select from comp_do_not_text l where l.tenant_id = $1 and l.phone = $2) as "stopped!""#,
        tenant.as_uuid(),
        phone.as_str()
    )
    .fetch_one(tx.conn().await?)
    .await?;
    Ok(stopped)
}

/// Deletes what was decided and noticed about the caller, and takes the label off the list. Opt-outs stay, and so does
/// the number on the list: they are what keeps the caller from being texted again.
pub(crate) async fn erase(tx: &mut Tx, phone: &E164) -> Result<u64, DbError> {
    let tenant = tx.tenant();
    let decisions = sqlx::query!(
        "delete from comp_gate_decisions where tenant_id = $1 and phone = $2",
        tenant.as_uuid(),
        phone.as_str()
    )
    .execute(tx.conn().await?)
    .await?;
    let watched = sqlx::query!(
        "delete from comp_loop_watch where tenant_id = $1 and phone = $2",
        tenant.as_uuid(),
        phone.as_str()
    )
    .execute(tx.conn().await?)
    .await?;
    let labels = sqlx::query!(
        "update comp_do_not_text set label = $3 where tenant_id = $1 and phone = $2 and label <> $3",
        tenant.as_uuid(),
        phone.as_str(),
        ERASED_LABEL
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(decisions.rows_affected() + watched.rows_affected() + labels.rows_affected())
}
