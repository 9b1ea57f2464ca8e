use chrono::{DateTime, Utc};
use nmc_kernel::UserId;

words! {
    /// How a person came to have a conversation.
    StretchBegan {
        /// Took it over.
        TakenOver = "taken-over",
        /// Wrote in it.
        Wrote = "wrote",
        /// Was given it by the automation: the caller wants a person, is in danger, or is not understood.
        HandedOver = "handed-over",
    }
}

words! {
    /// How a person's having it came to an end.
    StretchEnded {
        /// Given back to the automation.
        Released = "released",
        /// The caller waited for too long, and the business wants the automation to step in then.
        Unanswered = "unanswered",
        /// The conversation ended.
        Closed = "closed",
    }
}

/// One time that a person had a conversation. What was said between its edges was said by or to that person.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct HumanStretch {
    /// Since when, UTC.
    pub began_at: DateTime<Utc>,
    /// Who began it; null where the automation handed it over.
    pub began_by: Option<UserId>,
    /// How it began.
    pub began_because: StretchBegan,
    /// Until when, UTC; null while it lasts.
    pub ended_at: Option<DateTime<Utc>>,
    /// Who ended it; null where nobody of the business did.
    pub ended_by: Option<UserId>,
    /// How it ended; null while it lasts.
    pub ended_because: Option<StretchEnded>,
}
