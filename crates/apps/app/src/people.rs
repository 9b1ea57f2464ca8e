//! What operators do to the people of a business, and to its log.

use clap::{Subcommand, ValueEnum};
use nmc_db::Db;
use nmc_identity::{AddedUser, AuditChain, Email, Identity, Person};
use nmc_kernel::{Role, TenantId};
use nmc_providers::clerk::ClerkUserId;

use crate::{
    AppError,
    operators::{operator_of, refused, say},
};

#[derive(Debug, Subcommand)]
pub(crate) enum UserAction {
    /// Let a Clerk user sign in to a business, without an invitation; prints the user's id. Repeating it changes nothing.
    Add {
        /// The business.
        #[arg(long)]
        tenant: TenantId,
        /// The user's id at Clerk, `user_...`.
        #[arg(long)]
        clerk_user: ClerkUserId,
        /// The user's e-mail address.
        #[arg(long)]
        email: Email,
        /// What they may do.
        #[arg(long)]
        role: RoleWord,
    },
}

/// A role, on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum RoleWord {
    /// Runs the business.
    #[value(alias = "OWNER")]
    Owner,
    /// Works in it.
    #[value(alias = "TECH")]
    Tech,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditAction {
    /// Look through a business's log of who changed what for a row that was tampered with; prints how long it is and the
    /// newest row's hash. Rows cut off at the end show only against what was printed before: keep it elsewhere.
    Verify {
        /// The business.
        #[arg(long)]
        tenant: TenantId,
    },
}

pub(crate) async fn user(action: UserAction, identity: &Identity, db: &Db) -> Result<(), AppError> {
    let UserAction::Add { tenant, clerk_user, email, role } = action;
    let operator = operator_of(tenant, identity, db).await?;
    let role = match role {
        RoleWord::Owner => Role::Owner,
        RoleWord::Tech => Role::Tech,
    };
    let person = Person { clerk_user_id: clerk_user, email, phone: None, updated_at: None };
    let (AddedUser::New(id) | AddedUser::Already(id)) =
        identity.add_user(&operator, person, role).await.map_err(refused)?;
    say(&id.to_string());
    Ok(())
}

pub(crate) async fn audit(action: AuditAction, identity: &Identity, db: &Db) -> Result<(), AppError> {
    let AuditAction::Verify { tenant } = action;
    let operator = operator_of(tenant, identity, db).await?;
    match identity.verify_audit(&operator).await? {
        AuditChain::Whole { entries, newest_hash } => {
            say(&format!("the log is whole: {entries} entries, newest {}", hex::encode(newest_hash)));
            Ok(())
        }
        AuditChain::Broken(broken) => {
            Err(AppError::Refused(format!("the log does not hold at entry {}: it was tampered with", broken.seq)))
        }
    }
}
