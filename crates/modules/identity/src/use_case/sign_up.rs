use chrono_tz::Tz;
use nmc_db::{Db, DbError};
use nmc_kernel::{Actor, InvitationId, Role, TenantId};
use nmc_providers::clerk::{ClerkClient, ClerkUser, ClerkUserId, ClientError};

use super::{
    add_user::{insert_user, joined},
    create_tenant::insert_tenant,
    join::{Joined, join},
    me::{Me, find_me},
};
use crate::{
    Email, NewTenant, Person, TenantName, TenantSettings,
    model::{invitation::invited_by_metadata, user::SignedIn},
    store,
};

/// What somebody says of their business who signs in for the first time. One with an invitation need not say it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignUp {
    /// The name its callers will know it by.
    pub name: Option<TenantName>,
    /// Where its local times are told.
    pub time_zone: Option<Tz>,
}

/// What signing in for the first time did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedUp {
    /// They have a business now, their own or the one that invited them.
    New(Me),
    /// They had one before.
    Already(Me),
}

/// Why somebody has no business.
#[derive(Debug, thiserror::Error)]
pub enum SignUpError {
    /// They have one, and may not do anything there.
    #[error("the user is deactivated")]
    Inactive,
    /// Clerk has no such person any more.
    #[error("Clerk does not know the user")]
    UnknownUser,
    /// Nobody has shown that the address is theirs.
    #[error("the user has no verified e-mail address")]
    EmailUnverified,
    /// Without an open invitation, a business needs a name and a time zone.
    #[error("a name and a time zone are needed")]
    Incomplete {
        /// Whether the name is missing.
        name: bool,
        /// Whether the time zone is missing.
        time_zone: bool,
    },
    /// Clerk cannot be asked now.
    #[error("Clerk cannot be asked")]
    Clerk(#[source] ClientError),
    /// The database did not do it.
    #[error(transparent)]
    Database(#[from] DbError),
}

pub(crate) async fn sign_up(
    db: &Db,
    clerk: &ClerkClient,
    subject: &ClerkUserId,
    wanted: SignUp,
) -> Result<SignedUp, SignUpError> {
    if let Some(known) = store::user::signed_in(db, subject).await? {
        return already(db, known).await;
    }
    // Before any transaction is open.
    let user = clerk.user(subject).await.map_err(|error| match error {
        ClientError::NotFound => SignUpError::UnknownUser,
        error => SignUpError::Clerk(error),
    })?;
    let person = verified(&user).ok_or(SignUpError::EmailUnverified)?;
    let signed_up = match invited_by_metadata(&user.public_metadata) {
        Some((tenant, invitation)) => come_in(db, tenant, invitation, &user).await?,
        None => None,
    };
    let signed_up = match signed_up {
        Some(me) => Some(me),
        None => found_business(db, person, wanted).await?,
    };
    match signed_up {
        Some(me) => Ok(SignedUp::New(me)),
        // Another request of theirs was faster, or the webhook that says that they are gone.
        None => match store::user::signed_in(db, subject).await? {
            Some(known) => already(db, known).await,
            None => Err(SignUpError::UnknownUser),
        },
    }
}

/// The person, if Clerk has verified their address.
pub(crate) fn verified(user: &ClerkUser) -> Option<Person> {
    let email = user.email.as_ref().filter(|email| email.is_verified)?;
    Some(Person {
        clerk_user_id: user.id.clone(),
        email: Email::parse(&email.address).ok()?,
        phone: user.phone.clone(),
        updated_at: user.updated_at,
    })
}

async fn already(db: &Db, known: SignedIn) -> Result<SignedUp, SignUpError> {
    if !known.is_active {
        return Err(SignUpError::Inactive);
    }
    let mut tx = db.read(known.tenant).await?;
    let me = find_me(&mut tx, known.user).await?.ok_or_else(|| DbError::from(sqlx::Error::RowNotFound))?;
    tx.finish().await?;
    Ok(SignedUp::Already(me))
}

/// Joins the business that has invited them; nothing where the invitation does not hold any more, or they have joined
/// one.
async fn come_in(
    db: &Db,
    tenant: TenantId,
    invitation: InvitationId,
    user: &ClerkUser,
) -> Result<Option<Me>, SignUpError> {
    let mut tx = db.begin(tenant).await?;
    let Joined::New(user) = join(&mut tx, invitation, user).await? else { return Ok(None) };
    let me = find_me(&mut tx, user).await?;
    tx.commit().await?;
    Ok(me)
}

/// Business, owner and route in one transaction; nothing where the person has joined a business meanwhile.
async fn found_business(db: &Db, person: Person, wanted: SignUp) -> Result<Option<Me>, SignUpError> {
    let (name, time_zone) = match (wanted.name, wanted.time_zone) {
        (Some(name), Some(time_zone)) => (name, time_zone),
        (name, time_zone) => {
            // Who has a business by now is told so, whatever they left out.
            if store::user::signed_in(db, &person.clerk_user_id).await?.is_some() {
                return Ok(None);
            }
            return Err(SignUpError::Incomplete { name: name.is_none(), time_zone: time_zone.is_none() });
        }
    };
    let tenant: TenantId = db.ids().next();
    let mut tx = db.begin(tenant).await?;
    let Some(user) = insert_user(&mut tx, person, Role::Owner).await? else { return Ok(None) };
    let actor = Actor::User { tenant, user: user.id, role: user.role };
    insert_tenant(&mut tx, &actor, NewTenant { name, time_zone, settings: TenantSettings::default() }).await?;
    store::audit::append(&mut tx, &actor, &joined(&user, "user.joined")).await?;
    let me = find_me(&mut tx, user.id).await?;
    tx.commit().await?;
    Ok(me)
}
