use nmc_db::{DbError, Tx};
use nmc_kernel::ServiceItemId;
use sqlx::types::Uuid;

use crate::Alias;

/// Puts these in the place of all the item has.
pub(crate) async fn replace(tx: &mut Tx, item: ServiceItemId, aliases: &[Alias]) -> Result<(), DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "delete from catalog_item_aliases where tenant_id = $1 and item_id = $2",
        tenant.as_uuid(),
        item.as_uuid()
    )
    .execute(tx.conn().await?)
    .await?;
    let ids: Vec<Uuid> = aliases.iter().map(|_| tx.ids().next()).collect();
    let texts: Vec<String> = aliases.iter().map(|alias| alias.text.as_str().to_owned()).collect();
    let priorities: Vec<i16> = aliases.iter().map(|alias| alias.priority.into()).collect();
    sqlx::query!(
        "insert into catalog_item_aliases (tenant_id, id, item_id, alias_text, priority, created_at)
         select $1, a.id, $2, a.text, a.priority, $3
         from unnest($4::uuid[], $5::text[], $6::smallint[]) as a(id, text, priority)",
        tenant.as_uuid(),
        item.as_uuid(),
        now,
        &ids,
        &texts,
        &priorities
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}
