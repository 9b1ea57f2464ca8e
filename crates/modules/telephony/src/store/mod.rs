//! All SQL of the module.

pub(crate) mod call;
pub(crate) mod call_list;
pub(crate) mod caller;
pub(crate) mod correlation;
pub(crate) mod inbound_sms;
pub(crate) mod poll;
pub(crate) mod retention;

use nmc_db::DbError;
use nmc_kernel::Untextable;

/// What a row of ours cannot hold if only this program writes it.
#[derive(Debug, thiserror::Error)]
#[error("the stored {column} is not one this program knows")]
struct Damaged {
    column: &'static str,
}

impl From<Damaged> for DbError {
    fn from(damaged: Damaged) -> Self {
        sqlx::Error::Decode(Box::new(damaged)).into()
    }
}

/// Finds the value whose stored word this is.
fn known<T: Copy>(column: &'static str, word: &str, all: &[T], as_str: fn(T) -> &'static str) -> Result<T, Damaged> {
    all.iter().copied().find(|value| as_str(*value) == word).ok_or(Damaged { column })
}

/// Every reason, in the kernel's order.
const UNTEXTABLE: [Untextable; 5] =
    [Untextable::Withheld, Untextable::ShortCode, Untextable::TollFree, Untextable::Malformed, Untextable::OwnNumber];
