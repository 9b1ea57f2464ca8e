use chrono::{DateTime, Utc};
use nmc_kernel::TenantId;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::{Db, DbError, ReadTx, Tx};

/// What kind of outside key leads to a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteKind {
    /// A receiving number in E.164 form.
    TwilioNumber,
    /// A Clerk user's id.
    ClerkUser,
    /// A Stripe customer's id.
    StripeCustomer,
    /// A calendar watch channel's id.
    CalendarChannel,
    /// A Jobber account's id.
    JobberAccount,
}

impl RouteKind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::TwilioNumber => "twilio-number",
            Self::ClerkUser => "clerk-user",
            Self::StripeCustomer => "stripe-customer",
            Self::CalendarChannel => "calendar-channel",
            Self::JobberAccount => "jobber-account",
        }
    }
}

/// Where an outside key leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The business.
    pub tenant: TenantId,
    /// The row of that business the key stands for.
    pub ref_id: Uuid,
}

impl Db {
    /// Finds what an outside key leads to, before any tenant is known.
    pub async fn route(&self, kind: RouteKind, key: &str) -> Result<Option<Route>, DbError> {
        for _ in 1..self.pool_size() {
            let mut connection = self.connection().await?;
            match find(&mut *connection, kind, key).await {
                // It died while it lay in the pool: asking on another one is all the same.
                Err(DbError::Unavailable(_)) => connection.close_on_drop(),
                found => {
                    self.shelf().keep(connection);
                    return found;
                }
            }
        }
        find(&mut *self.connection().await?, kind, key).await
    }
}

impl ReadTx {
    /// Finds what an outside key leads to, whichever tenant has it.
    pub async fn route(&mut self, kind: RouteKind, key: &str) -> Result<Option<Route>, DbError> {
        find(self.conn().await?, kind, key).await
    }

    /// Since when an outside key has led to this tenant; nothing where it does not.
    pub async fn routed_since(&mut self, kind: RouteKind, key: &str) -> Result<Option<DateTime<Utc>>, DbError> {
        let tenant = self.tenant();
        let since = sqlx::query_scalar!(
            "select created_at from tenant_routes where kind = $1 and external_key = $2 and tenant_id = $3",
            kind.as_str(),
            key,
            tenant.as_uuid()
        )
        .fetch_optional(self.conn().await?)
        .await?;
        Ok(since)
    }
}

impl ReadTx {
    /// Which of these outside keys lead anywhere, whichever tenant has it: one round trip for all.
    pub async fn are_routed(&mut self, kind: RouteKind, keys: &[&str]) -> Result<Vec<bool>, DbError> {
        let keys: Vec<String> = keys.iter().map(|&key| key.to_owned()).collect();
        let found = sqlx::query_scalar!(
            r#"select exists (select from nmc_route($1, k.key)) as "is_routed!"
               from unnest($2::text[]) with ordinality as k (key, place) order by k.place"#,
            kind.as_str(),
            &keys
        )
        .fetch_all(self.conn().await?)
        .await?;
        Ok(found)
    }
}

async fn find(executor: impl PgExecutor<'_>, kind: RouteKind, key: &str) -> Result<Option<Route>, DbError> {
    let found = sqlx::query!(
        r#"select tenant_id as "tenant_id!: TenantId", ref_id as "ref_id!" from nmc_route($1, $2)"#,
        kind.as_str(),
        key
    )
    .fetch_optional(executor)
    .await?;
    Ok(found.map(|row| Route { tenant: row.tenant_id, ref_id: row.ref_id }))
}

impl Tx {
    /// Claims an outside key for this tenant; `false` where it leads somewhere already, whoever has it.
    pub async fn add_route(&mut self, kind: RouteKind, key: &str, ref_id: Uuid) -> Result<bool, DbError> {
        let (tenant, now) = (self.tenant(), self.now());
        let added = sqlx::query!(
            "insert into tenant_routes (kind, external_key, tenant_id, ref_id, created_at) values ($1, $2, $3, $4, $5)
             on conflict do nothing",
            kind.as_str(),
            key,
            tenant.as_uuid(),
            ref_id,
            now
        )
        .execute(self.conn().await?)
        .await?;
        Ok(added.rows_affected() == 1)
    }

    /// Gives an outside key of this tenant up.
    pub async fn remove_route(&mut self, kind: RouteKind, key: &str) -> Result<(), DbError> {
        sqlx::query!(
            "delete from tenant_routes where kind = $1 and external_key = $2 and tenant_id = $3",
            kind.as_str(),
            key,
            self.tenant().as_uuid()
        )
        .execute(self.conn().await?)
        .await?;
        Ok(())
    }
}
