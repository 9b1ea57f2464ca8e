//! Each use case's errors as the API tells them.

use std::time::Duration;

use nmc_web::{FieldError, Problem};

use super::authenticate::inactive;
use crate::{ChangeTenantError, ChangeUserError, InviteError, RevokeError, SignUpError};

/// Clerk is back within seconds, or not for long.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// A business that has invited as many as it may in a day.
const INVITE_AGAIN_AFTER: Duration = Duration::from_hours(1);

fn owner_required() -> Problem {
    Problem::forbidden("owner_required", "Only an owner of the business may do this.")
}

impl From<ChangeTenantError> for Problem {
    fn from(error: ChangeTenantError) -> Self {
        match error {
            ChangeTenantError::Forbidden => owner_required(),
            ChangeTenantError::Settings(error) => {
                Self::invalid_field(format!("settings.{}", error.field()), error.to_string())
            }
            ChangeTenantError::CountryNotOffered(_) => Self::invalid_field("settings.countries", error.to_string()),
            ChangeTenantError::NotFound => Self::not_found(),
            ChangeTenantError::Database(error) => error.into(),
        }
    }
}

impl From<ChangeUserError> for Problem {
    fn from(error: ChangeUserError) -> Self {
        match error {
            ChangeUserError::Forbidden => owner_required(),
            ChangeUserError::NotFound => Self::not_found(),
            ChangeUserError::LastOwner(_) => Self::conflict(
                "last_owner",
                "The last active owner of a business can be neither demoted nor deactivated.",
            ),
            ChangeUserError::Database(error) => error.into(),
        }
    }
}

impl From<InviteError> for Problem {
    fn from(error: InviteError) -> Self {
        match error {
            InviteError::Forbidden => owner_required(),
            InviteError::AlreadyMember => {
                Self::conflict("already_member", "Somebody with this address works in the business already.")
            }
            InviteError::OtherRole => Self::conflict(
                "already_invited",
                "An open invitation to this address is for another role: take it back first.",
            ),
            InviteError::TooMany => Self::too_many_requests(INVITE_AGAIN_AFTER),
            InviteError::Idempotency(error) => error.into(),
            InviteError::Database(error) => error.into(),
        }
    }
}

impl From<RevokeError> for Problem {
    fn from(error: RevokeError) -> Self {
        match error {
            RevokeError::Forbidden => owner_required(),
            RevokeError::NotFound => Self::not_found(),
            RevokeError::Accepted => {
                Self::conflict("invitation_accepted", "The invitation has been accepted: deactivate the user instead.")
            }
            RevokeError::Database(error) => error.into(),
        }
    }
}

impl From<SignUpError> for Problem {
    fn from(error: SignUpError) -> Self {
        match error {
            SignUpError::Inactive => inactive(),
            SignUpError::UnknownUser => Self::unauthorized("token_invalid", "The token's user is gone."),
            SignUpError::EmailUnverified => {
                Self::forbidden("email_unverified", "Verify your e-mail address first, then try again.")
            }
            SignUpError::Incomplete { name, time_zone } => {
                let missing = |field: &'static str, is_missing: bool| {
                    is_missing.then(|| FieldError::new(field, "is needed to create a business"))
                };
                Self::invalid(missing("name", name).into_iter().chain(missing("time_zone", time_zone)).collect())
            }
            SignUpError::Clerk(error) if error.is_transient() => {
                tracing::warn!(%error, "a person who signs in for the first time waits for Clerk");
                Self::unavailable("sign_in_unavailable", RETRY_AFTER)
            }
            SignUpError::Clerk(error) => {
                // A wrong key, for example: nobody can sign up until an operator has seen to it.
                tracing::error!(%error, "Clerk does not answer about a person who signs in for the first time");
                Self::unavailable("sign_in_unavailable", RETRY_AFTER)
            }
            SignUpError::Database(error) => error.into(),
        }
    }
}
