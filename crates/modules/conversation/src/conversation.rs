use std::sync::Arc;

use nmc_compliance::Compliance;
use nmc_db::{Db, DbError};
use nmc_effects::Effects;
use nmc_identity::Identity;
use nmc_kernel::{Actor, CallId, ConversationId, E164, MessageId, TaskId};
use nmc_outbox::Consumers;
use nmc_providers::twilio::{TwilioClient, TwilioWebhooks};
use nmc_timers::Timers;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    CallWhy, ChangeStateError, Changed, ConversationRecord, Message, MessageWhy, SendSms, SetTemplateError, Settings,
    Task, TemplateKey,
    consumers::{
        call_detected::OnCallDetected, compliance_status_changed::OnComplianceStatusChanged,
        inbound_sms_received::OnInboundSmsReceived, opt_out_recorded::OnOptOutRecorded,
    },
    http,
    timers::{close::CloseTimer, unblock::UnblockTimer},
    use_case::{change_state, read, templates, tick_off, why},
};

/// The module's face; cheap to clone.
///
/// Methods that take an [`Actor`] begin a transaction of their own.
#[derive(Clone, Debug)]
pub struct Conversation {
    pub(crate) db: Db,
    pub(crate) identity: Identity,
    pub(crate) compliance: Compliance,
    pub(crate) twilio: TwilioClient,
    pub(crate) settings: Arc<Settings>,
}

impl Conversation {
    /// Conversation over this database and this account with Twilio.
    pub fn new(db: Db, identity: Identity, compliance: Compliance, twilio: TwilioClient, settings: Settings) -> Self {
        Self { db, identity, compliance, twilio, settings: Arc::new(settings) }
    }

    /// Adds what the module hears.
    #[must_use]
    pub fn consumers(&self, consumers: Consumers) -> Consumers {
        consumers
            .with(OnCallDetected(self.clone()))
            .with(OnInboundSmsReceived(self.clone()))
            .with(OnComplianceStatusChanged)
            .with(OnOptOutRecorded(self.clone()))
    }

    /// Adds what falls due by time.
    #[must_use]
    pub fn timers(&self, timers: Timers) -> Timers {
        timers.with(CloseTimer(self.clone())).with(UnblockTimer(self.clone()))
    }

    /// Adds the sending of texts.
    #[must_use]
    pub fn effects(&self, effects: Effects) -> Effects {
        effects.with(SendSms::new(self.clone()))
    }

    /// The module's routes.
    pub fn router(&self, webhooks: TwilioWebhooks) -> OpenApiRouter {
        http::router(self.clone(), webhooks)
    }

    /// A person takes an open conversation over: the automation falls silent, and what it had planned never leaves.
    pub async fn take_over(&self, actor: &Actor, id: ConversationId) -> Result<Changed, ChangeStateError> {
        change_state::take_over(self, actor, id).await
    }

    /// A person gives the conversation back to the automation.
    pub async fn release(&self, actor: &Actor, id: ConversationId) -> Result<Changed, ChangeStateError> {
        change_state::release(self, actor, id).await
    }

    /// A person ends the conversation; the caller's next call or text begins another.
    pub async fn close(&self, actor: &Actor, id: ConversationId) -> Result<Changed, ChangeStateError> {
        change_state::close(self, actor, id).await
    }

    /// Ticks a task off; [`Changed::Already`] where it was done before.
    pub async fn tick_off(&self, actor: &Actor, id: TaskId) -> Result<Changed, ChangeStateError> {
        tick_off::tick_off(self, actor, id).await
    }

    /// Replaces the business's wording of a text; its owners and operators may.
    pub async fn set_template(&self, actor: &Actor, key: TemplateKey, body: &str) -> Result<(), SetTemplateError> {
        templates::set(self, actor, key, body).await
    }

    /// The caller's live conversation, else the newest one.
    pub async fn conversation_with(&self, actor: &Actor, caller: &E164) -> Result<Option<ConversationRecord>, DbError> {
        read::conversation_with(self, actor, caller).await
    }

    /// A conversation's messages in their order (the first 500).
    pub async fn messages(&self, actor: &Actor, id: ConversationId) -> Result<Vec<Message>, DbError> {
        read::messages(self, actor, id).await
    }

    /// Tasks nobody has ticked off, the oldest first (200 at most).
    pub async fn open_tasks(&self, actor: &Actor) -> Result<Vec<Task>, DbError> {
        read::open_tasks(self, actor).await
    }

    /// What became of a missed call, and why; nothing where it has not been heard of (yet).
    pub async fn why_call(&self, actor: &Actor, id: CallId) -> Result<Option<CallWhy>, DbError> {
        why::call(self, actor, id).await
    }

    /// What became of a message, and why; nothing where there is no such message.
    pub async fn why_message(&self, actor: &Actor, id: MessageId) -> Result<Option<MessageWhy>, DbError> {
        why::message(self, actor, id).await
    }
}
