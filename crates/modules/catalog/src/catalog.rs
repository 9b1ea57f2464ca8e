use std::collections::HashMap;

use chrono::{DateTime, Utc};
use nmc_db::{Db, DbError, ReadTx};
use nmc_identity::Identity;
use nmc_kernel::{Actor, IdempotencyKey, ServiceItemId};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    Alias, AliasesError, ChangeItemError, CreateItemError, ItemChange, NewItem, Quote, QuoteError, ServiceItem, http,
    store,
    use_case::{change, create, put_aliases, quote},
};

/// The module's face; cheap to clone.
///
/// Methods that take an [`Actor`] begin a transaction of their own; methods that take a transaction work on the
/// caller's and never commit.
#[derive(Clone, Debug)]
pub struct Catalog {
    db: Db,
    identity: Identity,
}

impl Catalog {
    /// Catalog over this database.
    pub fn new(db: Db, identity: Identity) -> Self {
        Self { db, identity }
    }

    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    /// The module's routes for signed-in people; the paths stand below `/v1`.
    pub fn v1_routes(&self) -> OpenApiRouter {
        http::v1_routes(self.clone())
    }

    /// Adds a job to what the business sells. Owners and operators may. Publishes `CatalogUpdated`.
    pub async fn create_item(
        &self,
        actor: &Actor,
        item: &NewItem,
        key: Option<&IdempotencyKey>,
    ) -> Result<ServiceItem, CreateItemError> {
        create::create(&self.db, &self.identity, actor, item, key).await
    }

    /// Changes the fields that are given. Owners and operators may. Publishes `CatalogUpdated` where something changes.
    pub async fn change_item(
        &self,
        actor: &Actor,
        id: ServiceItemId,
        change: ItemChange,
    ) -> Result<ServiceItem, ChangeItemError> {
        change::change(&self.db, &self.identity, actor, id, change).await
    }

    /// Takes a job out of what the business sells; it stays in the catalog, inactive. Otherwise as
    /// [`Catalog::change_item`].
    pub async fn deactivate_item(&self, actor: &Actor, id: ServiceItemId) -> Result<ServiceItem, ChangeItemError> {
        let change = ItemChange { is_active: Some(false), ..ItemChange::default() };
        self.change_item(actor, id, change).await
    }

    /// Puts these aliases, at most 50, in the place of all the item has; each text once, with the highest priority it is
    /// given. Owners and operators may. Publishes `CatalogUpdated` where something changes.
    pub async fn put_aliases(
        &self,
        actor: &Actor,
        id: ServiceItemId,
        aliases: Vec<Alias>,
    ) -> Result<ServiceItem, AliasesError> {
        put_aliases::put_aliases(&self.db, &self.identity, actor, id, aliases).await
    }

    /// What an active item is and costs.
    pub async fn quote(&self, tx: &mut ReadTx, id: ServiceItemId) -> Result<Quote, QuoteError> {
        quote::quote(tx, id).await
    }

    /// An item, active or not.
    pub async fn item(&self, tx: &mut ReadTx, id: ServiceItemId) -> Result<Option<ServiceItem>, DbError> {
        store::item::find(tx, id).await
    }

    /// The catalog, the oldest first: at most `limit` items after that one; only active or inactive ones where that is
    /// given.
    pub async fn items(
        &self,
        tx: &mut ReadTx,
        active: Option<bool>,
        after: Option<(DateTime<Utc>, ServiceItemId)>,
        limit: i64,
    ) -> Result<Vec<ServiceItem>, DbError> {
        store::item::list(tx, active, after, limit).await
    }

    /// What these items are called, active or not; those that do not exist are left out.
    pub async fn names(
        &self,
        tx: &mut ReadTx,
        ids: &[ServiceItemId],
    ) -> Result<HashMap<ServiceItemId, String>, DbError> {
        store::item::names(tx, ids).await
    }

    /// All that the business sells, with its aliases, the oldest first: what [`crate::matches`] compares a caller's text
    /// with, once no transaction is open any more.
    pub async fn sold(&self, tx: &mut ReadTx) -> Result<Vec<ServiceItem>, DbError> {
        store::item::list(tx, Some(true), None, create::ITEMS_MAX).await
    }
}
