use std::collections::HashMap;

use chrono::{DateTime, Utc};
use nmc_db::{DbError, ReadTx, Tx};
use nmc_kernel::{Currency, Minutes, Money, ServiceItemId};
use sqlx::{
    error::BoxDynError,
    types::{Json, Uuid},
};

use crate::{Alias, Description, NewItem, Quote, ServiceItem};

/// The class of the transaction advisory locks on a tenant's catalog, 0x43415441 ("CATA"), in Postgres' two-number key
/// space. The second number is a hash: two tenants may share one and then merely wait for each other.
const LOCK_CLASS: i32 = 0x4341_5441;

struct Row {
    id: Uuid,
    name: String,
    duration_minutes: i32,
    price_cents: i64,
    currency: Currency,
    active: bool,
    description: Option<String>,
    aliases: Json<Vec<Alias>>,
    created_at: DateTime<Utc>,
}

impl TryFrom<Row> for ServiceItem {
    type Error = DbError;
    fn try_from(row: Row) -> Result<Self, DbError> {
        Ok(Self {
            id: row.id.into(),
            name: row.name,
            duration: Minutes::new(row.duration_minutes).map_err(|error| damaged(error.into()))?,
            price: Money::new(row.price_cents, row.currency).map_err(|error| damaged(error.into()))?,
            is_active: row.active,
            description: row.description,
            aliases: row.aliases.0,
            created_at: row.created_at,
        })
    }
}

/// The table's checks let nothing in that is not accepted here.
fn damaged(error: BoxDynError) -> DbError {
    sqlx::Error::Decode(error).into()
}

/// Whoever changes the tenant's catalog does it alone, until the transaction ends.
pub(crate) async fn lock_catalog(tx: &mut Tx) -> Result<(), DbError> {
    let tenant = tx.tenant();
    sqlx::query!("select pg_advisory_xact_lock($1, hashtext($2))", LOCK_CLASS, tenant.to_string())
        .execute(tx.conn().await?)
        .await?;
    Ok(())
}

/// How many items there are, inactive ones included.
pub(crate) async fn count(tx: &mut ReadTx) -> Result<i64, DbError> {
    let tenant = tx.tenant();
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from catalog_service_items where tenant_id = $1"#,
        tenant.as_uuid()
    )
    .fetch_one(tx.conn().await?)
    .await?;
    Ok(count)
}

/// Adds an active item without aliases.
pub(crate) async fn insert(tx: &mut Tx, new: &NewItem) -> Result<ServiceItem, DbError> {
    let (id, tenant, now) = (tx.ids().next::<ServiceItemId>(), tx.tenant(), tx.now());
    let inserted = sqlx::query_as!(
        Row,
        r#"
        insert into catalog_service_items (tenant_id, id, name, duration_minutes, price_cents, currency, active,
                                           description, created_at)
        values ($1, $2, $3, $4, $5, $6, true, $7, $8)
        returning id, name, duration_minutes, price_cents, currency as "currency: Currency", active, description,
                  created_at, '[]'::json as "aliases!: Json<Vec<Alias>>"
        "#,
        tenant.as_uuid(),
        id.as_uuid(),
        new.name.as_str(),
        new.duration.get(),
        new.price.amount_cents(),
        new.price.currency() as Currency,
        new.description.as_ref().map(Description::as_str),
        now
    )
    .fetch_one(tx.conn().await?)
    .await?;
    inserted.try_into()
}

pub(crate) async fn update(tx: &mut Tx, item: &ServiceItem) -> Result<(), DbError> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update catalog_service_items
         set name = $3, duration_minutes = $4, price_cents = $5, currency = $6, active = $7, description = $8
         where tenant_id = $1 and id = $2",
        tenant.as_uuid(),
        item.id.as_uuid(),
        item.name,
        item.duration.get(),
        item.price.amount_cents(),
        item.price.currency() as Currency,
        item.is_active,
        item.description
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}

/// What the item is and costs, and whether it is active.
pub(crate) async fn quote(tx: &mut ReadTx, id: ServiceItemId) -> Result<Option<(Quote, bool)>, DbError> {
    let tenant = tx.tenant();
    let row = sqlx::query!(
        r#"select name, duration_minutes, price_cents, currency as "currency: Currency", active
           from catalog_service_items where tenant_id = $1 and id = $2"#,
        tenant.as_uuid(),
        id.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let duration = Minutes::new(row.duration_minutes).map_err(|error| damaged(error.into()))?;
    let price = Money::new(row.price_cents, row.currency).map_err(|error| damaged(error.into()))?;
    Ok(Some((Quote { service_item_id: id, name: row.name, duration, price }, row.active)))
}

/// The item, active or not.
pub(crate) async fn find(tx: &mut ReadTx, id: ServiceItemId) -> Result<Option<ServiceItem>, DbError> {
    let tenant = tx.tenant();
    sqlx::query_as!(
        Row,
        r#"
        select i.id, i.name, i.duration_minutes, i.price_cents, i.currency as "currency: Currency", i.active,
               i.description, i.created_at,
               coalesce((select json_agg(json_build_object('text', a.alias_text, 'priority', a.priority)
                                         order by a.priority desc, a.alias_text collate "C")
                         from catalog_item_aliases a where a.tenant_id = $1 and a.item_id = i.id), '[]')
                 as "aliases!: Json<Vec<Alias>>"
        from catalog_service_items i where i.tenant_id = $1 and i.id = $2
        "#,
        tenant.as_uuid(),
        id.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?
    .map(ServiceItem::try_from)
    .transpose()
}

/// A page of the catalog, the oldest first; only the active or the inactive, where it matters.
pub(crate) async fn list(
    tx: &mut ReadTx,
    active: Option<bool>,
    after: Option<(DateTime<Utc>, ServiceItemId)>,
    limit: i64,
) -> Result<Vec<ServiceItem>, DbError> {
    let tenant = tx.tenant();
    let (after_time, after_id) = after.map(|(time, id)| (time, id.as_uuid())).unzip();
    sqlx::query_as!(
        Row,
        r#"
        select i.id, i.name, i.duration_minutes, i.price_cents, i.currency as "currency: Currency", i.active,
               i.description, i.created_at,
               coalesce((select json_agg(json_build_object('text', a.alias_text, 'priority', a.priority)
                                         order by a.priority desc, a.alias_text collate "C")
                         from catalog_item_aliases a where a.tenant_id = $1 and a.item_id = i.id), '[]')
                 as "aliases!: Json<Vec<Alias>>"
        from catalog_service_items i
        where i.tenant_id = $1 and ($2::boolean is null or i.active = $2)
          and ($3::timestamptz is null or (i.created_at, i.id) > ($3, $4))
        order by i.created_at, i.id limit $5
        "#,
        tenant.as_uuid(),
        active,
        after_time,
        after_id,
        limit
    )
    .fetch_all(tx.conn().await?)
    .await?
    .into_iter()
    .map(ServiceItem::try_from)
    .collect()
}

/// What the items are called, active or not; those that do not exist are left out.
pub(crate) async fn names(tx: &mut ReadTx, ids: &[ServiceItemId]) -> Result<HashMap<ServiceItemId, String>, DbError> {
    let tenant = tx.tenant();
    let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    let named = sqlx::query!(
        r#"select id as "id: ServiceItemId", name from catalog_service_items where tenant_id = $1 and id = any($2)"#,
        tenant.as_uuid(),
        &ids
    )
    .fetch_all(tx.conn().await?)
    .await?;
    Ok(named.into_iter().map(|row| (row.id, row.name)).collect())
}
