//! What Billing publishes.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Event, SchemaVersion};

/// Stripe changed a subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubscriptionUpdated {
    /// Stripe's id of the customer.
    pub stripe_customer_id: String,
    /// Stripe's id of the subscription.
    pub stripe_subscription_id: String,
    /// The plan subscribed to.
    pub plan: String,
    /// Stripe's word for the subscription's state, known or not.
    pub status: String,
    /// Until when the current period runs; null where Stripe names none.
    pub current_period_end: Option<DateTime<Utc>>,
}

impl Event for SubscriptionUpdated {
    const NAME: &'static str = "nmc.billing.SubscriptionUpdated";
    const VERSION: SchemaVersion = SchemaVersion::V1;
}
