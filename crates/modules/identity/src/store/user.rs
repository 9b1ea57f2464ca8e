use chrono::{DateTime, Utc};
use nmc_db::{Db, DbError, ReadTx, Tx};
use nmc_kernel::{E164, Role, TenantId, UserId};
use nmc_providers::clerk::ClerkUserId;
use sqlx::types::Json;

use super::Damaged;
use crate::{
    Email, NotificationPreferences, Person, User,
    model::user::{SignedIn, role_word},
};

/// Who somebody is that has signed in, before any tenant is known: one statement, one round trip, no transaction.
pub(crate) async fn signed_in(db: &Db, clerk_user: &ClerkUserId) -> Result<Option<SignedIn>, DbError> {
    for _ in 1..db.pool_size() {
        match ask_signed_in(db, clerk_user).await {
            // The connection died while it lay in the pool: asking on another one is all the same.
            Err(DbError::Unavailable(_)) => {}
            found => return found,
        }
    }
    ask_signed_in(db, clerk_user).await
}

async fn ask_signed_in(db: &Db, clerk_user: &ClerkUserId) -> Result<Option<SignedIn>, DbError> {
    let mut glance = db.glance().await?;
    let found = sqlx::query_as!(
        SignedIn,
        r#"
        select tenant_id as "tenant!: TenantId", user_id as "user!: UserId", role as "role!: Role", active as "is_active!"
        from nmc_signed_in($1)
        "#,
        clerk_user.as_str()
    )
    .fetch_optional(glance.conn()?)
    .await?;
    glance.finish();
    Ok(found)
}

struct Row {
    id: UserId,
    clerk_user_id: String,
    email: String,
    phone: Option<String>,
    role: Role,
    is_active: bool,
    notifications: Json<NotificationPreferences>,
    created_at: DateTime<Utc>,
}

impl Row {
    fn read(self) -> Result<User, DbError> {
        Ok(User {
            id: self.id,
            clerk_user_id: ClerkUserId::parse(&self.clerk_user_id).map_err(|_| Damaged::User)?,
            email: Email::parse(&self.email).map_err(|_| Damaged::User)?,
            phone: self.phone.map(|phone| E164::parse(&phone)).transpose().map_err(|_| Damaged::User)?,
            role: self.role,
            is_active: self.is_active,
            notifications: self.notifications.0,
            created_at: self.created_at,
        })
    }
}

/// One of the tenant's users.
pub(crate) async fn find(tx: &mut ReadTx, id: UserId) -> Result<Option<User>, DbError> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"
        select id as "id: UserId", clerk_user_id, email, phone, role as "role: Role", active as is_active,
               notifications as "notifications: Json<NotificationPreferences>", created_at
        from id_users where tenant_id = $1 and id = $2
        "#,
        tenant.as_uuid(),
        id.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    row.map(Row::read).transpose()
}

/// The tenant's users in the order in which they joined, from behind `after` on.
pub(crate) async fn page(
    tx: &mut ReadTx,
    after: Option<(DateTime<Utc>, UserId)>,
    limit: i64,
) -> Result<Vec<User>, DbError> {
    let tenant = tx.tenant();
    let (since, id) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"
        select id as "id: UserId", clerk_user_id, email, phone, role as "role: Role", active as is_active,
               notifications as "notifications: Json<NotificationPreferences>", created_at
        from id_users
        where tenant_id = $1 and ($2::timestamptz is null or (created_at, id) > ($2, $3::uuid))
        order by created_at, id limit $4
        "#,
        tenant.as_uuid(),
        since,
        id.map(UserId::as_uuid),
        limit
    )
    .fetch_all(tx.conn().await?)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// Whether one of the tenant's users has this address.
pub(crate) async fn has_email(tx: &mut ReadTx, email: &Email) -> Result<bool, DbError> {
    let tenant = tx.tenant();
    let has = sqlx::query_scalar!(
        r#"select exists (select from id_users where tenant_id = $1 and lower(email) = $2) as "has!""#,
        tenant.as_uuid(),
        email.as_str()
    )
    .fetch_one(tx.conn().await?)
    .await?;
    Ok(has)
}

/// Adds a user, whose route the caller has added in the same transaction.
pub(crate) async fn insert(tx: &mut Tx, user: &User, of: Option<DateTime<Utc>>) -> Result<(), DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "insert into id_users (tenant_id, id, clerk_user_id, email, phone, role, active, notifications,
                               clerk_updated_at, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)",
        tenant.as_uuid(),
        user.id.as_uuid(),
        user.clerk_user_id.as_str(),
        user.email.as_str(),
        user.phone.as_ref().map(E164::as_str),
        role_word(user.role),
        user.is_active,
        Json(&user.notifications) as _,
        of,
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}

/// How many active owners the tenant has beside this user. The caller holds the business.
pub(crate) async fn other_owners(tx: &mut ReadTx, id: UserId) -> Result<i64, DbError> {
    let tenant = tx.tenant();
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from id_users where tenant_id = $1 and id <> $2 and role = 'OWNER' and active"#,
        tenant.as_uuid(),
        id.as_uuid()
    )
    .fetch_one(tx.conn().await?)
    .await?;
    Ok(count)
}

/// Stores what a user may do. The caller holds the business.
pub(crate) async fn update_access(tx: &mut Tx, user: &User) -> Result<(), DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "update id_users set role = $3, active = $4, updated_at = $5 where tenant_id = $1 and id = $2",
        tenant.as_uuid(),
        user.id.as_uuid(),
        role_word(user.role),
        user.is_active,
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}

/// Locks one of the tenant's users, for a change of what only they decide.
pub(crate) async fn lock(tx: &mut Tx, id: UserId) -> Result<(), DbError> {
    let tenant = tx.tenant();
    sqlx::query!(
        "select id from id_users where tenant_id = $1 and id = $2 for no key update",
        tenant.as_uuid(),
        id.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    Ok(())
}

/// Stores of what a user wants to hear.
pub(crate) async fn update_notifications(
    tx: &mut Tx,
    id: UserId,
    notifications: &NotificationPreferences,
) -> Result<(), DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "update id_users set notifications = $3, updated_at = $4 where tenant_id = $1 and id = $2",
        tenant.as_uuid(),
        id.as_uuid(),
        Json(notifications) as _,
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}

/// What became of Clerk's word about a person.
pub(crate) struct ContactUpdate {
    pub(crate) email_changed: bool,
    pub(crate) phone_changed: bool,
}

/// Stores how a user is reached, where this is newer than what is known; nothing where it is not, or changes nothing.
pub(crate) async fn update_contact(tx: &mut Tx, id: UserId, person: &Person) -> Result<Option<ContactUpdate>, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let updated = sqlx::query!(
        r#"
        with known as (
          select email, phone from id_users
          where tenant_id = $1 and id = $2 and (clerk_updated_at is null or $5::timestamptz is null or clerk_updated_at < $5)
          for no key update
        )
        update id_users u set email = $3, phone = $4, clerk_updated_at = coalesce($5, u.clerk_updated_at), updated_at = $6
        from known where u.tenant_id = $1 and u.id = $2
        returning known.email <> $3 as "email_changed!", known.phone is distinct from $4 as "phone_changed!"
        "#,
        tenant.as_uuid(),
        id.as_uuid(),
        person.email.as_str(),
        person.phone.as_ref().map(E164::as_str),
        person.updated_at,
        now
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    let update =
        updated.map(|row| ContactUpdate { email_changed: row.email_changed, phone_changed: row.phone_changed });
    Ok(update.filter(|update| update.email_changed || update.phone_changed))
}
