use chrono::{DateTime, Utc};
use nmc_db::{DbError, ReadTx, Tx};
use nmc_kernel::{InvitationId, Role, UserId};
use nmc_providers::clerk::InvitationId as ClerkInvitationId;

use super::Damaged;
use crate::{Email, Invitation, InvitationStatus, model::user::role_word};

struct Row {
    id: InvitationId,
    email: String,
    role: Role,
    status: InvitationStatus,
    failure: Option<String>,
    invited_by: Option<UserId>,
    clerk_invitation_id: Option<String>,
    sent_at: Option<DateTime<Utc>>,
    expires_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
}

impl Row {
    fn read(self) -> Result<Invitation, DbError> {
        let clerk_invitation_id = self.clerk_invitation_id.map(|id| ClerkInvitationId::parse(&id)).transpose();
        Ok(Invitation {
            id: self.id,
            email: Email::parse(&self.email).map_err(|_| Damaged::Invitation)?,
            role: self.role,
            status: self.status,
            failure: self.failure,
            invited_by: self.invited_by,
            clerk_invitation_id: clerk_invitation_id.map_err(|_| Damaged::Invitation)?,
            sent_at: self.sent_at,
            expires_at: self.expires_at,
            created_at: self.created_at,
        })
    }
}

/// One of the tenant's invitations.
pub(crate) async fn find(tx: &mut ReadTx, id: InvitationId) -> Result<Option<Invitation>, DbError> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"
        select id as "id: InvitationId", email, role as "role: Role", status as "status: InvitationStatus", failure,
               invited_by as "invited_by: UserId", clerk_invitation_id, sent_at, expires_at, created_at
        from id_invitations where tenant_id = $1 and id = $2
        "#,
        tenant.as_uuid(),
        id.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    row.map(Row::read).transpose()
}

/// The same, held to the end of the transaction.
pub(crate) async fn lock(tx: &mut Tx, id: InvitationId) -> Result<Option<Invitation>, DbError> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"
        select id as "id: InvitationId", email, role as "role: Role", status as "status: InvitationStatus", failure,
               invited_by as "invited_by: UserId", clerk_invitation_id, sent_at, expires_at, created_at
        from id_invitations where tenant_id = $1 and id = $2 for no key update
        "#,
        tenant.as_uuid(),
        id.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    row.map(Row::read).transpose()
}

/// The open invitation to an address, held to the end of the transaction; its time may have passed.
pub(crate) async fn lock_open(tx: &mut Tx, email: &Email) -> Result<Option<Invitation>, DbError> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"
        select id as "id: InvitationId", email, role as "role: Role", status as "status: InvitationStatus", failure,
               invited_by as "invited_by: UserId", clerk_invitation_id, sent_at, expires_at, created_at
        from id_invitations where tenant_id = $1 and lower(email) = $2 and status = 'open' for no key update
        "#,
        tenant.as_uuid(),
        email.as_str()
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    row.map(Row::read).transpose()
}

/// The tenant's invitations, the newest first, from behind `after` on.
pub(crate) async fn page(
    tx: &mut ReadTx,
    after: Option<(DateTime<Utc>, InvitationId)>,
    limit: i64,
) -> Result<Vec<Invitation>, DbError> {
    let tenant = tx.tenant();
    let (until, id) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"
        select id as "id: InvitationId", email, role as "role: Role", status as "status: InvitationStatus", failure,
               invited_by as "invited_by: UserId", clerk_invitation_id, sent_at, expires_at, created_at
        from id_invitations
        where tenant_id = $1 and ($2::timestamptz is null or (created_at, id) < ($2, $3::uuid))
        order by created_at desc, id desc limit $4
        "#,
        tenant.as_uuid(),
        until,
        id.map(InvitationId::as_uuid),
        limit
    )
    .fetch_all(tx.conn().await?)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// Adds an open invitation; `false` where there is one to this address.
pub(crate) async fn insert(tx: &mut Tx, invitation: &Invitation) -> Result<bool, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let inserted = sqlx::query!(
        "insert into id_invitations (tenant_id, id, email, role, status, invited_by, expires_at, created_at, updated_at)
         values ($1, $2, $3, $4, 'open', $5, $6, $7, $7)
         on conflict (tenant_id, lower(email)) where status = 'open' do nothing",
        tenant.as_uuid(),
        invitation.id.as_uuid(),
        invitation.email.as_str(),
        role_word(invitation.role),
        invitation.invited_by.map(UserId::as_uuid),
        invitation.expires_at,
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Ends an open invitation otherwise than by being accepted. The caller holds it.
pub(crate) async fn end(
    tx: &mut Tx,
    id: InvitationId,
    status: InvitationStatus,
    failure: Option<&str>,
) -> Result<(), DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "update id_invitations set status = $3, failure = $4, updated_at = $5
         where tenant_id = $1 and id = $2 and status = 'open'",
        tenant.as_uuid(),
        id.as_uuid(),
        status as _,
        failure,
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}

/// The person has joined. The caller holds the invitation.
pub(crate) async fn accept(tx: &mut Tx, id: InvitationId, user: UserId) -> Result<(), DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "update id_invitations set status = 'accepted', accepted_by = $3, updated_at = $4
         where tenant_id = $1 and id = $2 and status = 'open'",
        tenant.as_uuid(),
        id.as_uuid(),
        user.as_uuid(),
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}

/// Clerk has the invitation. The caller holds it.
pub(crate) async fn sent(tx: &mut Tx, id: InvitationId, clerk_id: &ClerkInvitationId) -> Result<(), DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    sqlx::query!(
        "update id_invitations set clerk_invitation_id = $3, sent_at = $4, updated_at = $4
         where tenant_id = $1 and id = $2 and clerk_invitation_id is null",
        tenant.as_uuid(),
        id.as_uuid(),
        clerk_id.as_str(),
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}
