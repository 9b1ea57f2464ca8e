use chrono::{DateTime, Utc};
use nmc_kernel::{E164, PhoneNumberId, TenantId};
use serde::{Deserialize, Serialize};

/// A number of the business that receives calls and texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivingNumber {
    /// Its id; the route of the number leads to it.
    pub id: PhoneNumberId,
    /// The number.
    pub phone: E164,
}

words! {
    /// Where a number stands.
    NumberStatus {
        /// An owner says that it is the business's.
        Requested = "requested",
        /// It is: calls and texts to it reach the business.
        Active = "active",
        /// It is not.
        Rejected = "rejected",
        /// It was, and has been given up.
        Released = "released",
    }
}

/// A number that the business has asked for, has, or has had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneNumber {
    /// Its id.
    pub id: PhoneNumberId,
    /// The number.
    pub phone: E164,
    /// Where it stands.
    pub status: NumberStatus,
    /// Why, where an operator said so.
    pub reason: Option<String>,
    /// Since when it stands there, UTC.
    pub since: DateTime<Utc>,
}

/// A number that an owner has asked for, as operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberRequest {
    /// The business.
    pub tenant: TenantId,
    /// The number.
    pub phone: E164,
    /// Since when it waits for an answer, UTC.
    pub requested_at: DateTime<Utc>,
}
