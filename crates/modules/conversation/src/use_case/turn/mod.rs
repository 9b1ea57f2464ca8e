//! One turn: the texts of a caller, and the answer of the automation to them.

pub(crate) mod answer;
mod commands;
mod conclude;
pub(crate) mod give_up;
mod hear;
mod read;
mod think;

use nmc_db::DbError;

/// How a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The caller is answered.
    Answered,
    /// There was nothing to say.
    Silent,
    /// A person has the conversation now.
    HandedOver,
    /// No text may go to the caller.
    Refused,
    /// It came too late: a person is asked to answer.
    TooLate,
    /// Something else came first: the caller wrote more, a person took over, nobody waits any more.
    Moved,
}

impl Outcome {
    /// The word of the metric.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Silent => "silent",
            Self::HandedOver => "handed-over",
            Self::Refused => "refused",
            Self::TooLate => "too-late",
            Self::Moved => "moved",
        }
    }
}

/// Why a turn came to no answer; it is tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TurnError {
    /// A statement failed.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The thought panicked.
    #[error("the thought panicked")]
    Panicked,
    /// The attempt came to no end in time.
    #[error("the attempt took too long")]
    TookTooLong,
    /// The thought wanted to look up more than a turn may.
    #[error("the thought came to no end")]
    Endless,
    /// Somebody moved the appointment at the same time.
    #[error("the appointment was moved meanwhile")]
    Interfered,
    /// Scheduling refused what only a mistake of the program asks for.
    #[error("scheduling refused: {0}")]
    Refused(&'static str),
}

impl TurnError {
    /// What is kept of it: without anything of the caller's.
    pub(crate) fn word(&self) -> String {
        match self {
            Self::Database(error) => match error.constraint() {
                Some(constraint) => format!("database: {constraint}"),
                None => "database".to_owned(),
            },
            Self::Panicked | Self::TookTooLong | Self::Endless | Self::Interfered | Self::Refused(_) => {
                self.to_string()
            }
        }
    }
}
