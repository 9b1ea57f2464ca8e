use std::sync::Arc;

use nmc_catalog::Catalog;
use nmc_compliance::Compliance;
use nmc_db::{Db, DbError, ReadTx};
use nmc_effects::Effects;
use nmc_identity::Identity;
use nmc_kernel::{Actor, CallId, ConversationId, E164, IdempotencyKey, MessageId, Random, TaskId};
use nmc_outbox::Consumers;
use nmc_providers::twilio::{TwilioClient, TwilioWebhooks};
use nmc_scheduling::Scheduling;
use nmc_timers::Timers;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    CallWhy, ChangeStateError, Changed, ConversationRecord, Message, MessageWhy, NewMessage, SendSms, SetTemplateError,
    Settings, Task, Template, TemplateKey, TurnSettings, Turns, WriteError, Written,
    consumers::{
        appointment_booked::OnAppointmentBooked, appointment_cancelled::OnAppointmentCancelled,
        appointment_rescheduled::OnAppointmentRescheduled, call_detected::OnCallDetected,
        compliance_status_changed::OnComplianceStatusChanged, inbound_sms_received::OnInboundSmsReceived,
        opt_out_recorded::OnOptOutRecorded,
    },
    http,
    reader::Reader,
    timers::{
        close::CloseTimer, nudge::NudgeTimer, override_window::OverrideTimer, reminder::ReminderTimer,
        unblock::UnblockTimer, unblock_all::UnblockAllTimer,
    },
    use_case::{change_state, read, templates, tick_off, why, write},
};

/// The modules that this one asks.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Businesses and their settings.
    pub identity: Identity,
    /// What may be sent to whom.
    pub compliance: Compliance,
    /// What businesses sell.
    pub catalog: Catalog,
    /// Who can be booked when.
    pub scheduling: Scheduling,
}

/// The module's face; cheap to clone.
///
/// Methods that take an [`Actor`] begin a transaction of their own.
#[derive(Clone, Debug)]
pub struct Conversation {
    pub(crate) db: Db,
    pub(crate) identity: Identity,
    pub(crate) compliance: Compliance,
    pub(crate) catalog: Catalog,
    pub(crate) scheduling: Scheduling,
    pub(crate) twilio: TwilioClient,
    /// One for all clones: what it knows of the model's health is the process's.
    pub(crate) reader: Option<Arc<Reader>>,
    pub(crate) settings: Arc<Settings>,
}

impl Conversation {
    /// Conversation over this database, the modules it asks, and this account with Twilio.
    pub fn new(db: Db, asked: Asked, twilio: TwilioClient, settings: Settings) -> Self {
        let Asked { identity, compliance, catalog, scheduling } = asked;
        let reader = settings.model.clone().map(|model| Arc::new(Reader::new(model)));
        Self { db, identity, compliance, catalog, scheduling, twilio, reader, settings: Arc::new(settings) }
    }

    /// Adds what the module hears.
    #[must_use]
    pub fn consumers(&self, consumers: Consumers) -> Consumers {
        consumers
            .with(OnCallDetected(self.clone()))
            .with(OnInboundSmsReceived(self.clone()))
            .with(OnComplianceStatusChanged)
            .with(OnOptOutRecorded(self.clone()))
            .with(OnAppointmentBooked(self.clone()))
            .with(OnAppointmentRescheduled(self.clone()))
            .with(OnAppointmentCancelled)
    }

    /// Adds what falls due by time.
    #[must_use]
    pub fn timers(&self, timers: Timers) -> Timers {
        timers
            .with(CloseTimer(self.clone()))
            .with(NudgeTimer(self.clone()))
            .with(OverrideTimer(self.clone()))
            .with(ReminderTimer(self.clone()))
            .with(UnblockTimer(self.clone()))
            .with(UnblockAllTimer)
    }

    /// What works out the automation's answers.
    pub fn turns(&self, settings: TurnSettings, random: Random) -> Turns {
        Turns::new(self.clone(), settings, random)
    }

    /// Adds the sending of texts.
    #[must_use]
    pub fn effects(&self, effects: Effects) -> Effects {
        effects.with(SendSms::new(self.clone()))
    }

    /// The provider's webhooks.
    pub fn router(&self, webhooks: TwilioWebhooks) -> OpenApiRouter {
        http::router(self.clone(), webhooks)
    }

    /// The routes of signed-in people, without the `/v1` before them.
    pub fn v1_routes(&self) -> OpenApiRouter {
        http::v1_routes(self.clone())
    }

    /// A person writes to the caller; in an open conversation that takes it over. A repeat with the same `key` (or the
    /// same key of the message itself) sends nothing and gets the first answer.
    pub async fn write(
        &self,
        actor: &Actor,
        id: ConversationId,
        new: &NewMessage,
        key: Option<&IdempotencyKey>,
    ) -> Result<Written, WriteError> {
        write::write(self, actor, id, new, key).await
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
    pub async fn set_template(
        &self,
        actor: &Actor,
        key: TemplateKey,
        body: &str,
    ) -> Result<Template, SetTemplateError> {
        templates::set(self, actor, key, body).await
    }

    /// Goes back to the product's wording of a text; the business's owners and operators may.
    pub async fn reset_template(&self, actor: &Actor, key: TemplateKey) -> Result<Template, SetTemplateError> {
        templates::reset(self, actor, key).await
    }

    /// Every text with the wording that is sent.
    pub async fn templates(&self, actor: &Actor) -> Result<Vec<Template>, DbError> {
        templates::list(self, actor).await
    }

    /// The caller's live conversation, else the newest one.
    pub async fn conversation_with(&self, actor: &Actor, caller: &E164) -> Result<Option<ConversationRecord>, DbError> {
        read::conversation_with(self, actor, caller).await
    }

    /// A conversation's messages in their order (the newest 500).
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

    /// The same of the calls of a page of a list; those that have not been heard of (yet) are left out. On the caller's
    /// transaction.
    pub async fn why_calls(&self, tx: &mut ReadTx, ids: &[CallId]) -> Result<Vec<CallWhy>, DbError> {
        why::calls(self, tx, ids).await
    }

    /// What became of a message, and why; nothing where there is no such message.
    pub async fn why_message(&self, actor: &Actor, id: MessageId) -> Result<Option<MessageWhy>, DbError> {
        why::message(self, actor, id).await
    }
}
