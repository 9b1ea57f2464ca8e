//! All SQL of the module.

pub(crate) mod resource;

/// A row that only this program writes cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the column {0} holds what is not known")]
pub(crate) struct Damaged(pub(crate) &'static str);

impl From<Damaged> for nmc_db::DbError {
    fn from(damaged: Damaged) -> Self {
        sqlx::Error::Decode(Box::new(damaged)).into()
    }
}
