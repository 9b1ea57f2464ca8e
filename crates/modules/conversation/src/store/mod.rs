//! All SQL of the module.

use chrono::{DateTime, Utc};
use nmc_db::DbError;
use serde::{Deserialize, de::IntoDeserializer, de::value};
use uuid::Uuid;

pub(crate) mod caller;
pub(crate) mod contact;
pub(crate) mod conversation;
pub(crate) mod follow_up;
pub(crate) mod introduction;
pub(crate) mod message;
pub(crate) mod retention;
pub(crate) mod stretch;
pub(crate) mod task;
pub(crate) mod template;
pub(crate) mod text;
pub(crate) mod turn;

/// Where a page of a list begins: beyond the row with this time and id.
pub(crate) type Position = (DateTime<Utc>, Uuid);

/// Reads a stored word of the event catalog's vocabulary. A CHECK allows no other.
fn word<'a, T: Deserialize<'a>>(stored: &'a str) -> Result<T, DbError> {
    let deserializer: value::StrDeserializer<'a, value::Error> = stored.into_deserializer();
    T::deserialize(deserializer).map_err(|error| DbError::from(sqlx::Error::Decode(Box::new(error))))
}
