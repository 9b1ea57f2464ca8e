//! What a refusal of a use case is over HTTP.

use axum::http::StatusCode;
use nmc_web::{FieldError, Problem};

use crate::{
    Barred, BookError, ChangeError, CorrectError, Detail, DetailsError, HoldError, Refusal, Refused, ReleaseError,
    RescheduleError, SearchError,
};

impl<E: Into<Problem>> From<Refused<E>> for Problem {
    fn from(refused: Refused<E>) -> Self {
        let problem = refused.error.into();
        if refused.alternatives.is_empty() { problem } else { problem.with("alternatives", refused.alternatives) }
    }
}

impl From<SearchError> for Problem {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Window => Self::invalid_field("window_end", error.to_string()),
            SearchError::NotFound => Self::not_found(),
            SearchError::ItemInactive => item_inactive(),
            SearchError::Database(error) => error.into(),
        }
    }
}

impl From<HoldError> for Problem {
    fn from(error: HoldError) -> Self {
        match error {
            HoldError::PersonRequired => Self::forbidden("person_required", "Only a person of the business may."),
            HoldError::Barred(barred) => barred.into(),
            HoldError::NotFound => Self::not_found(),
            HoldError::ItemInactive => item_inactive(),
            HoldError::Duration(_) => {
                duration_mismatch("The timeslot must last as long as the item.", "end", error.to_string())
            }
            HoldError::Minute(field) => Self::invalid_field(field, error.to_string()),
            HoldError::Length => Self::invalid_field("end", error.to_string()),
            HoldError::LacksSkill => lacks_skill(),
            HoldError::ResourceInactive => Self::conflict("resource_inactive", "The resource cannot be booked."),
            HoldError::AppointmentOver => appointment_over(),
            HoldError::Refused(refusal) => refusal.into(),
            HoldError::KeyReused => Self::idempotency_key_reused(),
            HoldError::Database(error) => error.into(),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::conflict(refusal.code(), capitalised(&refusal.to_string()))
    }
}

impl From<BookError> for Problem {
    fn from(error: BookError) -> Self {
        match error {
            BookError::Barred(barred) => barred.into(),
            BookError::NotFound => Self::not_found(),
            BookError::ItemInactive => item_inactive(),
            BookError::HoldExpired => hold_expired(),
            BookError::HoldReleased => hold_released(),
            BookError::HoldBooked => hold_booked(),
            BookError::OtherItem => other_item(),
            BookError::HoldMoves => hold_moves(),
            BookError::Duration(_) => {
                duration_mismatch("The hold must last as long as the item.", "hold_id", error.to_string())
            }
            BookError::LacksSkill => lacks_skill(),
            BookError::Taken => Refusal::Taken.into(),
            BookError::KeyReused => Self::idempotency_key_reused(),
            BookError::Database(error) => error.into(),
        }
    }
}

impl From<RescheduleError> for Problem {
    fn from(error: RescheduleError) -> Self {
        match error {
            RescheduleError::Barred(barred) => barred.into(),
            RescheduleError::NotFound => Self::not_found(),
            RescheduleError::HoldExpired => hold_expired(),
            RescheduleError::HoldReleased => hold_released(),
            RescheduleError::HoldBooked => hold_booked(),
            RescheduleError::OtherItem => other_item(),
            RescheduleError::HoldMoves => hold_moves(),
            RescheduleError::Duration(_) => {
                duration_mismatch("The hold must last as long as the appointment.", "hold_id", error.to_string())
            }
            RescheduleError::LacksSkill => lacks_skill(),
            RescheduleError::Over => appointment_over(),
            RescheduleError::Moved => appointment_moved(),
            RescheduleError::Taken => Refusal::Taken.into(),
            RescheduleError::Database(error) => error.into(),
        }
    }
}

impl From<ReleaseError> for Problem {
    fn from(error: ReleaseError) -> Self {
        match error {
            ReleaseError::NotFound => Self::not_found(),
            ReleaseError::Booked => hold_booked(),
            ReleaseError::Database(error) => error.into(),
        }
    }
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::NotFound => Self::not_found(),
            ChangeError::Over => appointment_over(),
            ChangeError::NotBegun => Self::conflict("appointment_not_begun", "The appointment has not begun."),
            ChangeError::Moved => appointment_moved(),
            ChangeError::Database(error) => error.into(),
        }
    }
}

impl From<CorrectError> for Problem {
    fn from(error: CorrectError) -> Self {
        match error {
            CorrectError::Change(error) => error.into(),
            CorrectError::Details(error) => error.into(),
        }
    }
}

impl From<DetailsError> for Problem {
    fn from(error: DetailsError) -> Self {
        let field = match error.detail {
            Detail::Name => "customer_name",
            Detail::Address => "address",
            Detail::Notes => "notes",
        };
        Self::invalid_field(field, error.to_string())
    }
}

impl From<Barred> for Problem {
    fn from(barred: Barred) -> Self {
        match barred {
            Barred::Closed => Self::forbidden("booking_closed", "The business takes no bookings."),
            Barred::Suspended => Self::forbidden("tenant_suspended", "The business is suspended."),
        }
    }
}

fn item_inactive() -> Problem {
    Problem::gone("item_inactive", "The item is not offered any more.")
}

fn duration_mismatch(detail: &'static str, field: &'static str, error: String) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "duration_mismatch", detail)
        .with_errors(vec![FieldError::new(field, error)])
}

fn lacks_skill() -> Problem {
    Problem::conflict("lacks_skill", "The resource does not do this.")
}

fn hold_expired() -> Problem {
    Problem::gone("hold_expired", "The hold's time has run out: hold a timeslot again.")
}

fn hold_released() -> Problem {
    Problem::gone("hold_released", "The hold was given back: hold a timeslot again.")
}

fn hold_booked() -> Problem {
    Problem::conflict("hold_booked", "The hold has become an appointment already.")
}

fn other_item() -> Problem {
    Problem::conflict("hold_for_another_item", "The hold was made for another item of the catalog.")
}

fn hold_moves() -> Problem {
    Problem::conflict("hold_moves_appointment", "The hold was made to move an appointment, and not this one.")
}

fn appointment_over() -> Problem {
    Problem::conflict("appointment_over", "The appointment was cancelled, or is over.")
}

fn appointment_moved() -> Problem {
    Problem::conflict("appointment_moved", "Somebody else moved the appointment at the same time.")
}

fn capitalised(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map(|first| format!("{}{}.", first.to_uppercase(), letters.as_str())).unwrap_or_default()
}
