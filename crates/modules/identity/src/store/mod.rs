//! All SQL of the module.

pub(crate) mod audit;
pub(crate) mod gate;
pub(crate) mod invitation;
pub(crate) mod retention;
pub(crate) mod tenant;
pub(crate) mod user;

use nmc_db::DbError;

/// What a row cannot be if only this program writes it.
#[derive(Debug, thiserror::Error)]
enum Damaged {
    #[error("the stored name of the tenant is not one")]
    Name,
    #[error("the stored time zone of the tenant does not exist")]
    TimeZone,
    #[error("the stored status of the tenant is unknown")]
    Status,
    #[error("the stored settings are of version {0}, which this program does not know")]
    SettingsVersion(u16),
    #[error("a stored user cannot be read")]
    User,
    #[error("a stored invitation cannot be read")]
    Invitation,
}

impl From<Damaged> for DbError {
    fn from(damaged: Damaged) -> Self {
        sqlx::Error::Decode(Box::new(damaged)).into()
    }
}
