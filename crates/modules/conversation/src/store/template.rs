use nmc_db::{DbError, ReadTx, Tx};
use uuid::Uuid;

use crate::TemplateKey;

/// The business's own wording, if it has one.
pub(crate) async fn find(tx: &mut ReadTx, key: TemplateKey) -> Result<Option<String>, DbError> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        "select body from conv_templates where tenant_id = $1 and key = $2",
        tenant.as_uuid(),
        key.as_str()
    )
    .fetch_optional(tx.conn().await?)
    .await?)
}

/// Replaces the business's own wording.
pub(crate) async fn save(tx: &mut Tx, key: TemplateKey, body: &str) -> Result<(), DbError> {
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
