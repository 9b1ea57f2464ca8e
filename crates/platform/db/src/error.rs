use std::{error::Error as _, fmt};

use nmc_events::PayloadError;

/// What can go wrong between us and Postgres, classified once.
///
/// `Debug` is the chain of messages, without Postgres' detail: that quotes the row that was refused, and whoever logs an
/// error with `?` would log somebody's words.
#[derive(thiserror::Error)]
pub enum DbError {
    /// Postgres cannot be reached, is starting up or shutting down. Trying again later may work.
    #[error("the database cannot be reached")]
    Unavailable(#[source] sqlx::Error),
    /// No connection of the pool became free in time. Trying again later may work.
    #[error("no database connection became free in time")]
    PoolExhausted,
    /// A deadlock or serialisation failure: the whole transaction may be repeated at once.
    #[error("the transaction collided with another")]
    Collision(#[source] sqlx::Error),
    /// A statement or lock took longer than it may.
    #[error("a statement took longer than it may")]
    Timeout(#[source] sqlx::Error),
    /// A named constraint refused the change.
    #[error("the constraint {name} refused the change")]
    Constraint {
        /// The constraint's name.
        name: String,
        /// What kind of constraint.
        kind: ConstraintKind,
        /// What Postgres said.
        #[source]
        source: sqlx::Error,
    },
    /// The connection was handed out inside a transaction that somebody else began; it has been closed.
    #[error("a connection was still inside a transaction")]
    StaleTransaction,
    /// An event's payload cannot be written or read.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// A mistake in a statement, a missing right, or damaged data.
    #[error("a database statement failed")]
    Other(#[source] sqlx::Error),
}

/// The kinds of constraint a caller may want to tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConstraintKind {
    /// A unique or primary key.
    Unique,
    /// A foreign key.
    ForeignKey,
    /// An exclusion constraint (two bookings of one slot).
    Exclusion,
    /// A check or not-null constraint.
    Check,
}

impl fmt::Debug for DbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        let mut source = self.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

impl DbError {
    /// Whether the same work may succeed a little later without anything being changed.
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(_) | Self::PoolExhausted | Self::Collision(_) | Self::Timeout(_) | Self::StaleTransaction
        )
    }

    /// Whether the whole transaction may be repeated at once.
    pub const fn is_collision(&self) -> bool {
        matches!(self, Self::Collision(_))
    }

    /// The name of the constraint that refused, if one did.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Constraint { name, .. } => Some(name),
            _ => None,
        }
    }
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut => return Self::PoolExhausted,
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
                return Self::Unavailable(error);
            }
            sqlx::Error::Database(database) => {
                let code = database.code().unwrap_or_default().into_owned();
                let kind = match code.as_str() {
                    "23505" => Some(ConstraintKind::Unique),
                    "23503" => Some(ConstraintKind::ForeignKey),
                    "23P01" => Some(ConstraintKind::Exclusion),
                    "23514" | "23502" => Some(ConstraintKind::Check),
                    _ => None,
                };
                if let Some(kind) = kind {
                    let name = database.constraint().unwrap_or("not null").to_owned();
                    return Self::Constraint { name, kind, source: error };
                }
                match code.as_str() {
                    "40P01" | "40001" => return Self::Collision(error),
                    // Lock, statement and idle-in-transaction time-outs.
                    "55P03" | "57014" | "25P03" => return Self::Timeout(error),
                    _ => {}
                }
                // Class 08: connection; class 53: out of resources (too many connections, disk full);
                // 57P01 to 57P03: shut down, crashed, starting.
                if code.starts_with("08") || code.starts_with("53") || code.starts_with("57P") {
                    return Self::Unavailable(error);
                }
            }
            _ => {}
        }
        Self::Other(error)
    }
}
