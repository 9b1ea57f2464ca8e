//! All SQL of the module.

use nmc_db::DbError;
use serde::{Deserialize, de::IntoDeserializer, de::value};

pub(crate) mod contact;
pub(crate) mod conversation;
pub(crate) mod message;
pub(crate) mod task;
pub(crate) mod template;

/// Reads a stored word of the event catalog's vocabulary. A CHECK allows no other.
fn word<'a, T: Deserialize<'a>>(stored: &'a str) -> Result<T, DbError> {
    let deserializer: value::StrDeserializer<'a, value::Error> = stored.into_deserializer();
    T::deserialize(deserializer).map_err(|error| DbError::from(sqlx::Error::Decode(Box::new(error))))
}
