use nmc_db::{DbError, ReadTx, Tx};
use uuid::Uuid;

use crate::{TemplateKey, Wording, model::template::Wordings};

/// The text whose wordings the transaction has read last.
#[derive(Clone)]
struct Read(TemplateKey, Wordings);

/// Keeps what was read of a text, until the transaction ends or changes it.
pub(super) fn remember(tx: &mut ReadTx, key: TemplateKey, wordings: Wordings) {
    tx.remember(Read(key, wordings));
}

/// A text's wordings.
pub(crate) async fn find(tx: &mut ReadTx, key: TemplateKey) -> Result<Wordings, DbError> {
    if let Some(Read(of, wordings)) = tx.remembered()
        && of == key
    {
        return Ok(wordings);
    }
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Wordings,
        r#"select t.body as "own?", t.updated_at as "own_changed_at?",
                  coalesce(bool_or(s.wording = 'business'), false) as "is_own_stopped!",
                  coalesce(bool_or(s.wording = 'product'), false) as "is_built_in_stopped!"
           from (values (1)) as one
           left join conv_templates t on t.tenant_id = $1 and t.key = $2
           left join conv_stopped_wordings s on s.tenant_id = $1 and s.key = $2
           group by t.body, t.updated_at"#,
        tenant.as_uuid(),
        key.as_str()
    )
    .fetch_one(tx.conn().await?)
    .await?)
}

/// Replaces the business's own wording.
pub(crate) async fn save(tx: &mut Tx, key: TemplateKey, body: &str) -> Result<(), DbError> {
    tx.forget::<Read>();
    let (tenant, now) = (tx.tenant(), tx.now());
    let id: Uuid = tx.ids().next();
    sqlx::query!(
        "insert into conv_templates (tenant_id, id, key, body, created_at, updated_at) values ($1, $2, $3, $4, $5, $5)
         on conflict (tenant_id, key) do update set body = excluded.body, updated_at = excluded.updated_at",
        tenant.as_uuid(),
        id,
        key.as_str(),
        body,
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}

/// Takes the business's own wording away; `false` where it had none.
pub(crate) async fn delete(tx: &mut Tx, key: TemplateKey) -> Result<bool, DbError> {
    tx.forget::<Read>();
    let tenant = tx.tenant();
    let deleted =
        sqlx::query!("delete from conv_templates where tenant_id = $1 and key = $2", tenant.as_uuid(), key.as_str())
            .execute(tx.conn().await?)
            .await?;
    Ok(deleted.rows_affected() == 1)
}

/// A carrier has filtered this wording: it is not sent any more. `false` where that was known.
pub(crate) async fn stop(tx: &mut Tx, key: TemplateKey, wording: Wording, error_code: i32) -> Result<bool, DbError> {
    tx.forget::<Read>();
    let (tenant, now) = (tx.tenant(), tx.now());
    let id: Uuid = tx.ids().next();
    let stopped = sqlx::query!(
        "insert into conv_stopped_wordings (tenant_id, id, key, wording, error_code, stopped_at)
         values ($1, $2, $3, $4, $5, $6) on conflict (tenant_id, key, wording) do nothing",
        tenant.as_uuid(),
        id,
        key.as_str(),
        wording.as_str(),
        error_code,
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(stopped.rows_affected() == 1)
}

/// An owner has decided about the text's wording anew: it is sent again.
pub(crate) async fn resume(tx: &mut Tx, key: TemplateKey) -> Result<(), DbError> {
    tx.forget::<Read>();
    let tenant = tx.tenant();
    sqlx::query!("delete from conv_stopped_wordings where tenant_id = $1 and key = $2", tenant.as_uuid(), key.as_str())
        .execute(tx.conn().await?)
        .await?;
    Ok(())
}
