use std::sync::Arc;

use chrono::{DateTime, Utc};
use nmc_compliance::Compliance;
use nmc_db::{Db, DbError};
use nmc_effects::Effects;
use nmc_identity::Identity;
use nmc_kernel::{Actor, CallId, Random};
use nmc_providers::twilio::{
    DialStatusWebhook, InboundSms, TwilioClient, TwilioWebhooks, VoiceStatusWebhook, VoiceWebhook,
    WhisperResultWebhook, WhisperWebhook,
};
use nmc_timers::Timers;
use nmc_webhooks::Receipt;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    AskCallStatus, CallEnded, CallUndecided, Polling, TelephonySettings, http,
    model::{
        answer::{Answer, LegKey},
        record::Call,
        text_answer::TextAnswer,
    },
    store::call_list::CallFilter,
    use_case::{business_phone, caller_leg, list_calls, take_text},
};

/// The module's face; cheap to clone. Its use cases are Twilio's webhooks, each in a transaction of its own.
#[derive(Clone, Debug)]
pub struct Telephony {
    pub(crate) db: Db,
    pub(crate) identity: Identity,
    pub(crate) compliance: Compliance,
    pub(crate) twilio: TwilioClient,
    pub(crate) settings: Arc<TelephonySettings>,
}

impl Telephony {
    /// Telephony over this database: the server's role for [`Telephony::routes`], the dispatcher's for
    /// [`Telephony::timers`]
    /// and [`Telephony::effects`].
    pub fn new(
        db: Db,
        identity: Identity,
        compliance: Compliance,
        twilio: TwilioClient,
        settings: TelephonySettings,
    ) -> Self {
        Self { db, identity, compliance, twilio, settings: Arc::new(settings) }
    }

    /// `POST /webhooks/twilio/{voice,whisper,whisper-result,dial-status,voice-status,sms-inbound}`, with their
    /// description for the OpenAPI document; `webhooks` verifies the signatures.
    pub fn routes(&self, webhooks: TwilioWebhooks) -> OpenApiRouter {
        http::routes(self.clone(), webhooks)
    }

    /// `GET /calls`, `GET /calls/{id}`: the routes of signed-in people, without the `/v1` before them.
    pub fn v1_routes(&self) -> OpenApiRouter {
        http::v1_routes(self.clone())
    }

    /// Adds what falls due here.
    pub fn timers(&self, timers: Timers) -> Timers {
        timers.with(CallEnded::new(self.clone())).with(CallUndecided)
    }

    /// Reads Twilio's lists for what no webhook delivered.
    pub fn polling(&self, random: Random) -> Polling {
        Polling::new(self.clone(), random)
    }

    /// Adds what is asked of Twilio here.
    pub fn effects(&self, effects: Effects) -> Effects {
        effects.with(AskCallStatus::new(self.clone()))
    }

    /// The business's calls, the newest first, each with what was decided about answering it by a text.
    pub(crate) async fn calls(
        &self,
        actor: &Actor,
        filter: &CallFilter,
        position: Option<(DateTime<Utc>, CallId)>,
        limit: i64,
    ) -> Result<Vec<(Call, TextAnswer)>, DbError> {
        list_calls::list_calls(self, actor, filter, position, limit).await
    }

    /// One of the business's calls; nothing where it is another's.
    pub(crate) async fn call(&self, actor: &Actor, id: CallId) -> Result<Option<(Call, TextAnswer)>, DbError> {
        list_calls::find_call(self, actor, id).await
    }

    /// A call is here and waits for an answer.
    pub(crate) async fn call_arrived(&self, webhook: &VoiceWebhook, receipt: &Receipt) -> Result<Answer, DbError> {
        caller_leg::call_arrived(self, webhook, receipt).await
    }

    /// The business's phone has stopped ringing, or the talk is over.
    pub(crate) async fn dial_ended(&self, webhook: &DialStatusWebhook, receipt: &Receipt) -> Result<Answer, DbError> {
        caller_leg::dial_ended(self, webhook, receipt, None).await
    }

    /// The caller's leg has a new status.
    pub(crate) async fn status_changed(&self, webhook: &VoiceStatusWebhook, receipt: &Receipt) -> Result<(), DbError> {
        caller_leg::status_changed(self, webhook, receipt, None).await
    }

    /// The business's phone was picked up.
    pub(crate) async fn picked_up(
        &self,
        leg: LegKey,
        webhook: &WhisperWebhook,
        receipt: &Receipt,
    ) -> Result<Answer, DbError> {
        business_phone::picked_up(self, leg, webhook, receipt).await
    }

    /// A key was pressed there.
    pub(crate) async fn key_pressed(
        &self,
        leg: LegKey,
        webhook: &WhisperResultWebhook,
        receipt: &Receipt,
    ) -> Result<Answer, DbError> {
        business_phone::key_pressed(self, leg, webhook, receipt).await
    }

    /// A text has come in.
    pub(crate) async fn text_received(&self, webhook: &InboundSms, receipt: &Receipt) -> Result<(), DbError> {
        take_text::take_text(self, webhook, receipt, None).await
    }
}
