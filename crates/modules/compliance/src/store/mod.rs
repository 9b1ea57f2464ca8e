//! All SQL of the module.

use nmc_db::DbError;

pub(crate) mod caller;
pub(crate) mod campaign;
pub(crate) mod decision;
pub(crate) mod do_not_text;
pub(crate) mod gate;
pub(crate) mod machine;
pub(crate) mod number;
pub(crate) mod opt_out;
pub(crate) mod phone_lock;
pub(crate) mod registration;
pub(crate) mod retention;

/// A stored word that this program does not know; the tables' checks do not let one in.
#[derive(Debug, thiserror::Error)]
#[error("the column {0} holds a word that is not known")]
struct UnknownWord(&'static str);

/// The word's meaning, or damaged data.
fn known<T>(meaning: Option<T>, column: &'static str) -> Result<T, DbError> {
    meaning.ok_or_else(|| sqlx::Error::Decode(Box::new(UnknownWord(column))).into())
}
