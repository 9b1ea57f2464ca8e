use chrono::{DateTime, Utc};
use nmc_events::{
    Context,
    scheduling::{AppointmentHeld, AppointmentReleased, ReleaseReason},
};
use nmc_kernel::{
    AppointmentId, ConversationId, CorrelationId, HoldId, Money, ResourceId, ServiceItemId, Timeslot, UserId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is to be reserved.
#[derive(Clone, Debug)]
pub struct NewHold {
    /// Who is to be reserved.
    pub resource_id: ResourceId,
    /// The time as the customer is told it.
    pub slot: Timeslot,
    /// What is to be done; its price is kept for as long as the hold lives. None: said when it is booked.
    pub service_item_id: Option<ServiceItemId>,
    /// The conversation it is for: what that holds already is given back, and is no obstacle.
    pub conversation_id: Option<ConversationId>,
    /// The appointment that is to move here: it is no obstacle to itself.
    pub moves_appointment_id: Option<AppointmentId>,
    /// A person sets the resource's rules aside on purpose.
    pub is_override: bool,
}

/// What a hold is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({ "hold_id": "0190a0a0-0000-7000-8000-000000000021", "expires_at": "2026-06-10T18:15:00Z" }))]
pub struct Held {
    /// The hold: it is booked, or an appointment is moved to it, by this id.
    pub hold_id: HoldId,
    /// Until when it reserves its time, UTC.
    pub expires_at: DateTime<Utc>,
}

/// A timeslot that is reserved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Its id.
    pub id: HoldId,
    /// Who is reserved.
    pub resource_id: ResourceId,
    /// The time as the customer is told it.
    pub slot: Timeslot,
    /// What is kept free for it, buffers included.
    pub blocked: Timeslot,
    /// Until when.
    pub expires_at: DateTime<Utc>,
    /// What is to be done, where that was said.
    pub service_item_id: Option<ServiceItemId>,
    /// What that costs, as it was quoted.
    pub price: Option<Money>,
    /// The conversation it is for.
    pub conversation_id: Option<ConversationId>,
    /// What the booking will belong to.
    pub correlation_id: CorrelationId,
    /// Who asked for it; none: the automation.
    pub user_id: Option<UserId>,
    /// The appointment that is to move here.
    pub moves_appointment_id: Option<AppointmentId>,
    /// Whether a person set the resource's rules aside.
    pub is_override: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl Hold {
    /// Whether it reserves anything any more.
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        self.expires_at <= now
    }

    /// What its events belong to.
    pub(crate) const fn context(&self) -> Context {
        Context { correlation: self.correlation_id, causation: None }
    }

    /// The news of it.
    pub(crate) const fn held(&self) -> AppointmentHeld {
        AppointmentHeld {
            hold_id: self.id,
            resource_id: self.resource_id,
            start: self.slot.start(),
            end: self.slot.end(),
            conversation_id: self.conversation_id,
        }
    }

    /// Why it ends now, where nobody books it: what has run out is not given back.
    pub(crate) fn end_reason(&self, now: DateTime<Utc>) -> ReleaseReason {
        if self.is_over(now) { ReleaseReason::Expired } else { ReleaseReason::Released }
    }

    /// The news of its end without a booking.
    pub(crate) const fn released(&self, reason: ReleaseReason) -> AppointmentReleased {
        AppointmentReleased {
            hold_id: self.id,
            resource_id: self.resource_id,
            start: self.slot.start(),
            end: self.slot.end(),
            conversation_id: self.conversation_id,
            reason,
        }
    }
}

/// What became of a hold that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Became {
    /// An appointment, or the new time of one.
    Booked(AppointmentId),
    /// It was given back.
    Released,
    /// Its time ran out.
    Expired,
}

impl Became {
    /// The stored word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Booked(_) => "booked",
            Self::Released => "released",
            Self::Expired => "expired",
        }
    }
}

impl From<ReleaseReason> for Became {
    fn from(reason: ReleaseReason) -> Self {
        match reason {
            ReleaseReason::Expired => Self::Expired,
            ReleaseReason::Released => Self::Released,
        }
    }
}
