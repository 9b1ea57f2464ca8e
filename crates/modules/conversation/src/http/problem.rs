//! What a refusal of a use case is over HTTP.

use nmc_web::Problem;

use crate::{ChangeStateError, SetTemplateError, WriteError};

impl From<ChangeStateError> for Problem {
    fn from(error: ChangeStateError) -> Self {
        match error {
            ChangeStateError::NotFound => Self::not_found(),
            ChangeStateError::Closed => closed(),
            ChangeStateError::Blocked => Self::conflict(
                "conversation_blocked",
                "The conversation waits for the campaign's approval; nobody can write in it yet.",
            ),
            ChangeStateError::Database(error) => error.into(),
        }
    }
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::NotAllowed => Self::forbidden("person_required", "Only a person of the business may write."),
            WriteError::NotFound => Self::not_found(),
            WriteError::Closed => closed(),
            WriteError::Body(error) => Self::invalid_field("body", error.to_string()),
            WriteError::Key => Self::invalid_field("client_dedup_key", error.to_string()),
            WriteError::KeyReused => Self::idempotency_key_reused(),
            WriteError::Refused(reason) => {
                Self::forbidden(reason.as_str(), "No text may go to this caller; the code says why.")
            }
            WriteError::Database(error) => error.into(),
        }
    }
}

impl From<SetTemplateError> for Problem {
    fn from(error: SetTemplateError) -> Self {
        match error {
            SetTemplateError::NotAllowed => {
                Self::forbidden("owner_required", "Only an owner of the business may do this.")
            }
            SetTemplateError::Template(error) => Self::invalid_field("body", format!("{}: {error}", error.rule())),
            SetTemplateError::Database(error) => error.into(),
        }
    }
}

fn closed() -> Problem {
    Problem::conflict(
        "conversation_closed",
        "The conversation has ended; the caller's next call or text begins another.",
    )
}
