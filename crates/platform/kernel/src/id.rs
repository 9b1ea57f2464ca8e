//! Typed ids from one definition: a conversation's id cannot be passed where a message's is wanted.

/// Defines a UUID newtype that travels through JSON, SQL, OpenAPI and JSON Schema as a plain UUID.
macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize, sqlx::Type, schemars::JsonSchema, utoipa::ToSchema,
        )]
        #[serde(transparent)]
        #[sqlx(transparent)]
        #[schemars(transparent)]
        #[schema(value_type = uuid::Uuid)]
        pub struct $name(uuid::Uuid);

        impl $name {
            /// The bare UUID, for SQL and for wire formats.
            pub const fn as_uuid(self) -> uuid::Uuid {
                self.0
            }
        }
        impl From<uuid::Uuid> for $name {
            fn from(id: uuid::Uuid) -> Self {
                Self(id)
            }
        }
        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    )+};
}

typed_ids! {
    /// A customer account: one business.
    TenantId,
    /// A person of the business who signs in.
    UserId,
    /// An invitation to join a business.
    InvitationId,
    /// A domain event's envelope id.
    EventId,
    /// One per call or conversation, carried through the booking to the report.
    CorrelationId,
    /// A row of `tel_calls`.
    CallId,
    /// A row of `tel_inbound_sms`.
    InboundSmsId,
    /// A thread with one caller.
    ConversationId,
    /// One SMS, in or out.
    MessageId,
    /// Something a person of the business should do.
    TaskId,
    /// An intent to call a provider.
    IntentId,
    /// A tenant's 10DLC campaign.
    CampaignId,
    /// A number of the business that receives calls and texts.
    PhoneNumberId,
    /// A bookable job of the catalog.
    ServiceItemId,
    /// A worker or team that can be booked.
    ResourceId,
    /// A resource's calendar.
    CalendarId,
    /// A timed reservation of a timeslot.
    HoldId,
    /// A booking.
    AppointmentId,
}
