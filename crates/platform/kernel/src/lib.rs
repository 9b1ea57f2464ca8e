//! Words of the product as types: what every other crate may assume about a phone number, an id, money or time.
//!
//! Pure and synchronous. Everything with a private field is valid once it exists, so nothing inside the system
//! validates it again. Knows nothing of HTTP, SQL statements or providers.

mod actor;
mod ambient;
mod given;
mod id;
mod idempotency;
mod invisible;
mod mask;
mod minutes;
mod money;
mod phone;
mod timeslot;

pub mod retry;

pub use actor::{Actor, Role};
pub use ambient::{Clock, Ids, Random};
pub use given::given;
pub use id::{
    AppointmentId, CalendarId, CallId, CampaignId, ConversationId, CorrelationId, EventId, HoldId, InboundSmsId,
    IntentId, InvitationId, MessageId, PhoneNumberId, ResourceId, ServiceItemId, TaskId, TenantId, UserId,
};
pub use idempotency::IdempotencyKey;
pub use invisible::is_invisible;
pub use mask::Masked;
pub use minutes::{Minutes, MinutesError};
pub use money::{Currency, Money, MoneyError};
pub use phone::{CallerNumber, E164, PhoneError, Untextable};
pub use timeslot::{Timeslot, TimeslotError};
