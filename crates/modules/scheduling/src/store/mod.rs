//! All SQL of the module.

use chrono::{DateTime, Utc};
use nmc_kernel::{Currency, Money, Timeslot};

pub(crate) mod appointment;
pub(crate) mod appointments;
pub(crate) mod calendar;
pub(crate) mod customer;
pub(crate) mod feed;
pub(crate) mod hold;
pub(crate) mod holiday;
pub(crate) mod over;
pub(crate) mod resource;
pub(crate) mod retention;
pub(crate) mod time_off;

/// A row that only this program writes cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the column {0} holds what is not known")]
pub(crate) struct Damaged(pub(crate) &'static str);

impl From<Damaged> for nmc_db::DbError {
    fn from(damaged: Damaged) -> Self {
        sqlx::Error::Decode(Box::new(damaged)).into()
    }
}

fn timeslot(start: DateTime<Utc>, end: DateTime<Utc>) -> Result<Timeslot, Damaged> {
    Timeslot::new(start, end).map_err(|_| Damaged("ends_at"))
}

fn money(cents: i64, currency: Currency) -> Result<Money, Damaged> {
    Money::new(cents, currency).map_err(|_| Damaged("price_cents"))
}
