use std::sync::Arc;

use chrono::{DateTime, Utc};
use nmc_db::{Db, DbError, ReadTx, Tx};
use nmc_effects::Effects;
use nmc_kernel::{Actor, Clock, IdempotencyKey, InvitationId, Role, TenantId, UserId};
use nmc_providers::clerk::{ClerkClient, ClerkEvent, ClerkTokens, ClerkUserId, ClerkWebhooks};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    AddUserError, AddedUser, Admission, AuditChain, AuditEntry, ChangeTenantError, ChangeUserError, CreateTenantError,
    Email, FeatureGate, GateState, Heard, Invitation, InviteError, Invited, Me, NewTenant, NotificationsChange, Person,
    RevokeError, SignUp, SignUpError, SignedUp, Tenant, TenantChange, TenantSettings, TenantStatus, User, UserChange,
    effects::{RevokeClerkInvitation, SendClerkInvitation},
    http::{self, Authentication},
    model::{gate::all_gates, user::SignedIn},
    store,
    use_case::{
        add_user, change_tenant, change_user, create_tenant, hear_from_clerk, invite, me, revoke_invitation, sign_up,
        verify_audit,
    },
};

/// The module's face; cheap to clone. What takes a `Tx` runs on the caller's; everything else begins its own.
#[derive(Clone, Debug)]
pub struct Identity {
    db: Db,
    countries: Arc<[String]>,
}

impl Identity {
    /// Identity over this database, of an installation that texts the United States and Canada.
    pub fn new(db: Db) -> Self {
        Self { db, countries: TenantSettings::default().countries.into() }
    }

    /// The same of an installation that texts these countries, as ISO 3166 codes. What a business has chosen beyond them
    /// does not count, and none can be chosen anew.
    #[must_use]
    pub fn with_countries(self, countries: Vec<String>) -> Self {
        Self { countries: countries.into(), ..self }
    }

    /// The business as this installation serves it.
    fn served(&self, mut tenant: Tenant) -> Tenant {
        tenant.settings.countries.retain(|country| self.countries.contains(country));
        tenant
    }

    /// Takes a new business on; it is active at once, and nobody signs in to it yet.
    pub async fn create_tenant(&self, new: NewTenant) -> Result<TenantId, CreateTenantError> {
        create_tenant::create_tenant(&self.db, new).await
    }

    /// Changes the fields that are given; owners and operators may.
    pub async fn change_tenant(&self, actor: &Actor, change: TenantChange) -> Result<Tenant, ChangeTenantError> {
        Ok(self.served(change_tenant::change_tenant(&self.db, &self.countries, actor, change).await?))
    }

    /// Replaces the settings of the actor's tenant; owners and operators may.
    pub async fn update_settings(&self, actor: &Actor, settings: TenantSettings) -> Result<(), ChangeTenantError> {
        change_tenant::update_settings(&self.db, &self.countries, actor, settings).await
    }

    /// Lets a business be served, or not; operators may.
    pub async fn set_status(&self, actor: &Actor, status: TenantStatus) -> Result<(), ChangeTenantError> {
        change_tenant::set_status(&self.db, actor, status).await
    }

    /// The transaction's tenant. One statement, the first time in a transaction. A tenant that does not exist, or whose
    /// row cannot be read, is [`DbError::Other`]: a transaction is opened for a tenant that somebody has looked up.
    pub async fn tenant(&self, tx: &mut ReadTx) -> Result<Tenant, DbError> {
        if let Some(tenant) = tx.remembered() {
            return Ok(tenant);
        }
        let tenant = self.served(store::tenant::find(tx).await?);
        tx.remember(tenant.clone());
        Ok(tenant)
    }

    /// How every gate of the transaction's tenant stands. One statement.
    pub async fn gates(&self, tx: &mut ReadTx) -> Result<Vec<GateState>, DbError> {
        Ok(all_gates(&store::gate::find(tx).await?))
    }

    /// Whether the transaction's tenant may do what a gate is about. One statement, which reads the tenant as well.
    pub async fn admits(&self, tx: &mut ReadTx, gate: FeatureGate) -> Result<Admission, DbError> {
        let (tenant, is_open) = store::tenant::find_with_gate(tx, gate).await?;
        let admission = match tenant.status {
            TenantStatus::Suspended => Admission::Suspended,
            TenantStatus::Active if is_open => Admission::Open,
            TenantStatus::Active => Admission::Closed,
        };
        tx.remember(self.served(tenant));
        Ok(admission)
    }

    /// One of the transaction's tenant's users. One statement.
    pub async fn user(&self, tx: &mut ReadTx, id: UserId) -> Result<Option<User>, DbError> {
        store::user::find(tx, id).await
    }

    /// The actor's business's users in the order in which they joined, from behind `after` on.
    pub async fn users(
        &self,
        actor: &Actor,
        after: Option<(DateTime<Utc>, UserId)>,
        limit: i64,
    ) -> Result<Vec<User>, DbError> {
        let mut tx = self.db.read(actor.tenant()).await?;
        let users = store::user::page(&mut tx, after, limit).await?;
        tx.finish().await?;
        Ok(users)
    }

    /// The actor's business's invitations, the newest first, from behind `after` on; and the time by which to judge
    /// whether they are open.
    pub async fn invitations(
        &self,
        actor: &Actor,
        after: Option<(DateTime<Utc>, InvitationId)>,
        limit: i64,
    ) -> Result<(Vec<Invitation>, DateTime<Utc>), DbError> {
        let mut tx = self.db.read(actor.tenant()).await?;
        let invitations = store::invitation::page(&mut tx, after, limit).await?;
        let now = tx.now();
        tx.finish().await?;
        Ok((invitations, now))
    }

    /// Makes a person who is known at Clerk one of the business's; operators may. Doing it twice changes nothing.
    pub async fn add_user(&self, actor: &Actor, person: Person, role: Role) -> Result<AddedUser, AddUserError> {
        add_user::add_user(&self.db, actor, person, role).await
    }

    /// Changes what a user may do; owners and operators may. The last active owner stays one.
    pub async fn change_user(&self, actor: &Actor, id: UserId, change: UserChange) -> Result<User, ChangeUserError> {
        change_user::change_user(&self.db, actor, id, change).await
    }

    /// Asks somebody to join the business; owners and operators may.
    pub async fn invite(
        &self,
        actor: &Actor,
        email: Email,
        role: Role,
        key: Option<&IdempotencyKey>,
    ) -> Result<(Invited, Invitation), InviteError> {
        invite::invite(&self.db, actor, email, role, key).await
    }

    /// Takes an invitation back; owners and operators may. Doing it twice changes nothing.
    pub async fn revoke_invitation(&self, actor: &Actor, id: InvitationId) -> Result<(), RevokeError> {
        revoke_invitation::revoke_invitation(&self.db, actor, id).await
    }

    /// Who the actor is; nothing where they are no person of the business.
    pub async fn me(&self, actor: &Actor) -> Result<Option<Me>, DbError> {
        me::me(&self.db, actor).await
    }

    /// Changes of what the actor wants to hear.
    pub async fn change_me(&self, actor: &Actor, change: NotificationsChange) -> Result<Option<Me>, DbError> {
        me::change_me(&self.db, actor, change).await
    }

    /// Somebody signs in, perhaps for the first time: their business is created, or they join the one that has invited
    /// them. Clerk is asked before any transaction is open.
    pub async fn sign_up(
        &self,
        clerk: &ClerkClient,
        subject: &ClerkUserId,
        wanted: SignUp,
    ) -> Result<SignedUp, SignUpError> {
        sign_up::sign_up(&self.db, clerk, subject, wanted).await
    }

    /// Takes a webhook of Clerk's.
    pub async fn hear_from_clerk(&self, event: &ClerkEvent) -> Result<Heard, DbError> {
        hear_from_clerk::hear_from_clerk(&self.db, event).await
    }

    /// Who somebody is that has signed in. One statement without a transaction: one round trip.
    pub(crate) async fn signed_in(&self, subject: &ClerkUserId) -> Result<Option<SignedIn>, DbError> {
        store::user::signed_in(&self.db, subject).await
    }

    /// Writes down what `actor` changed, with the change itself: whoever lets a person or an operator change something
    /// calls it last in the same transaction. The tenant's log is held until the transaction ends, so nothing may be
    /// locked after it. Three statements.
    pub async fn audit(&self, tx: &mut Tx, actor: &Actor, entry: &AuditEntry) -> Result<(), DbError> {
        store::audit::append(tx, actor, entry).await
    }

    /// Looks through the whole log of the actor's tenant for a row that was tampered with.
    pub async fn verify_audit(&self, actor: &Actor) -> Result<AuditChain, DbError> {
        verify_audit::verify_audit(&self.db, actor).await
    }

    /// What is asked of Clerk.
    pub fn effects(&self, effects: Effects, clerk: &ClerkClient) -> Effects {
        effects
            .with(SendClerkInvitation::new(self.db.clone(), clerk.clone()))
            .with(RevokeClerkInvitation::new(self.db.clone(), clerk.clone()))
    }

    /// The middleware that says who sent a request: `.layer(from_fn_with_state(identity.authenticate(tokens),
    /// nmc_identity::authenticate))`.
    pub fn authenticate(&self, tokens: ClerkTokens) -> Authentication {
        Authentication::new(self.clone(), tokens)
    }

    /// The routes of signed-in people, without their prefix `/v1`.
    pub fn v1_routes(&self) -> OpenApiRouter {
        http::v1_routes(self.clone())
    }

    /// `POST /tenants`, without its prefix `/v1`: for people who have signed in and have no business yet, so outside of
    /// the middleware.
    pub fn sign_up_routes(&self, tokens: ClerkTokens, clerk: ClerkClient) -> OpenApiRouter {
        http::sign_up_routes(self.clone(), tokens, clerk)
    }

    /// Clerk's webhook.
    pub fn routes(&self, webhooks: ClerkWebhooks, clock: Clock) -> OpenApiRouter {
        http::webhook_routes(self.clone(), webhooks, clock)
    }
}
