use chrono::Duration;
use nmc_compliance::{BlockReason, Decision, DeferReason, Purpose, Subject};
use nmc_db::{DbError, Tx};
use nmc_effects::{Accepted, CallOutcome, Change, Check, EffectKind, Failed, Intent, Look};
use nmc_events::conversation::Author;
use nmc_kernel::{ConversationId, E164, MessageId};
use nmc_providers::twilio::{
    ListedMessage, Meaning, MessageQuery, NotSent, SendOutcome, Sender, SmsStatus, error_code,
};
use serde::{Deserialize, Serialize};

use super::rate::NumberRate;
use crate::{
    Conversation, ConversationRecord, ConversationState, http,
    model::{
        failure::{Failure, NOT_INTRODUCED},
        message::segments,
    },
    store,
    use_case::{
        follow_up::still_holds,
        record_outcome::{leave_to_a_person, record_accepted, record_not_sent},
    },
};

/// How often a paused text looks whether the pause is over.
const PAUSE_WAIT: Duration = Duration::seconds(5);
/// How often a text looks whether the one that has to come first has left. That one may have been planned after it,
/// sent again because it did not arrive: it overtakes only who waits for longer than the order of intents is held.
const INTRODUCTION_WAIT: Duration = Duration::minutes(1);
/// How far the provider's clock may be behind ours, in a listing.
const CLOCK_SLACK: Duration = Duration::minutes(2);
/// The provider's code for "the recipient has opted out": <https://www.twilio.com/docs/api/errors/21610>.
const CODE_OPTED_OUT: i32 = 21_610;

/// One text to be sent. The text itself travels along, because the call has no transaction to read it in.
#[derive(Clone, Serialize, Deserialize)]
pub struct SmsRequest {
    /// The message.
    pub message_id: MessageId,
    /// Its conversation.
    pub conversation_id: ConversationId,
    /// The conversation's epoch when the text was composed.
    pub epoch: i32,
    /// Who wrote it: what the automation wrote is held to the epoch.
    pub author: Author,
    /// What it is for.
    #[serde(with = "purpose_word")]
    pub purpose: Purpose,
    /// The caller.
    pub to: E164,
    /// The business's number.
    pub from: E164,
    /// The text.
    pub body: String,
    /// The text this one is sent in place of, because that one seemed not to have arrived.
    #[serde(default)]
    pub resend_of: Option<MessageId>,
}

impl std::fmt::Debug for SmsRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmsRequest")
            .field("message_id", &self.message_id)
            .field("conversation_id", &self.conversation_id)
            .field("epoch", &self.epoch)
            .field("purpose", &self.purpose)
            .finish_non_exhaustive()
    }
}

/// The effect `sms`: a text goes to Twilio, at most once.
#[derive(Debug)]
pub struct SendSms {
    conversations: Conversation,
    rate: NumberRate,
}

impl SendSms {
    pub(crate) fn new(conversations: Conversation) -> Self {
        let rate = NumberRate::new(conversations.settings.segments_per_second);
        Self { conversations, rate }
    }

    /// What this module knows against sending now: the conversation has moved on, or sending is paused.
    fn own_decision(&self, tx: &Tx, conversation: &ConversationRecord, request: &SmsRequest) -> Decision {
        if request.author == Author::Automation {
            let reason = match conversation.state {
                // The automation's own handing over leaves the epoch as it is.
                ConversationState::Human => (conversation.epoch != request.epoch).then_some(BlockReason::TakenOver),
                ConversationState::Closed => Some(BlockReason::ConversationClosed),
                ConversationState::Blocked => Some(BlockReason::CampaignNotApproved),
                ConversationState::Open => (conversation.epoch != request.epoch).then_some(BlockReason::Superseded),
            };
            if let Some(reason) = reason {
                return Decision::Block { reason };
            }
        }
        if self.conversations.settings.is_paused {
            return Decision::Defer { until: tx.now() + PAUSE_WAIT, reason: DeferReason::Paused };
        }
        Decision::Allow
    }

    /// Nothing of the automation leaves before a text that says who writes, that it is automated, and how to end it.
    /// One that is on its way is waited for; where none is any more, a person answers.
    async fn after_introduction(&self, tx: &mut Tx, request: &SmsRequest) -> Result<Check, DbError> {
        if request.author != Author::Automation || request.purpose == Purpose::Greeting {
            return Ok(Check::Go);
        }
        let asking = request.resend_of.unwrap_or(request.message_id);
        let introduction = store::introduction::of(tx, &request.to, asking).await?;
        if introduction.is_given || nmc_effects::may_be_out(tx, &introduction.planned).await? {
            return Ok(Check::Go);
        }
        Ok(if introduction.planned.is_empty() {
            Check::Cancel { reason: NOT_INTRODUCED }
        } else {
            Check::Wait { until: tx.now() + INTRODUCTION_WAIT, reason: NOT_INTRODUCED }
        })
    }

    fn sender(&self, request: &SmsRequest) -> Sender {
        match &self.conversations.settings.messaging_service {
            Some(service) => Sender::Service(service.clone()),
            None => Sender::Number(request.from.clone()),
        }
    }

    /// Which of the listed messages can be this one, those that are other texts of ours left out.
    async fn unclaimed(
        &self,
        intent: &Intent<SmsRequest>,
        listed: Vec<ListedMessage>,
    ) -> Result<Vec<ListedMessage>, DbError> {
        let mut tx = self.conversations.db.read(intent.tenant).await?;
        let sids: Vec<String> = listed.iter().map(|message| message.sid.to_string()).collect();
        let known = store::message::known_provider_ids(&mut tx, &sids).await?;
        tx.finish().await?;
        let is_another = |message: &ListedMessage| {
            known.iter().any(|(sid, id)| sid == message.sid.as_str() && *id != intent.request.message_id)
        };
        Ok(listed.into_iter().filter(|message| !is_another(message)).collect())
    }
}

impl EffectKind for SendSms {
    const KIND: &'static str = "sms";
    type Request = SmsRequest;

    async fn check(&self, tx: &mut Tx, intent: &Intent<SmsRequest>) -> Result<Check, DbError> {
        let request = &intent.request;
        let Some(conversation) = store::conversation::lock(tx, request.conversation_id).await? else {
            return Ok(Check::Cancel { reason: "conversation-erased" });
        };
        let mut own = self.own_decision(tx, &conversation, request);
        if let Some(first) = request.resend_of
            && store::message::has_arrived(tx, request.conversation_id, first).await?
        {
            own = Decision::Block { reason: BlockReason::Superseded };
        }
        if !still_holds(&self.conversations, tx, &conversation, request).await? {
            own = own.and(Decision::Block { reason: BlockReason::Superseded });
        }
        let subject = Subject::Message(request.message_id);
        let compliance = &self.conversations.compliance;
        let (from, to) = (&request.from, &request.to);
        let mut gate = compliance.can_send_from(tx, subject, from, to, request.purpose, own).await?;
        if let (Purpose::Greeting, Decision::Defer { reason: DeferReason::QuietHours, .. }) = (request.purpose, gate)
            && !store::turn::texts_since(tx, request.conversation_id, intent.created_at, 1).await?.is_empty()
        {
            // A call may be answered in the morning; to somebody who writes it is the reply.
            gate = compliance.can_send_from(tx, subject, from, to, Purpose::Reply, own).await?;
        }
        match gate {
            Decision::Block { reason } => return Ok(Check::Cancel { reason: reason.as_str() }),
            Decision::Defer { until, reason } => return Ok(Check::Wait { until, reason: reason.as_str() }),
            Decision::Allow => {}
        }
        match self.after_introduction(tx, request).await? {
            Check::Go => {}
            not_yet => return Ok(not_yet),
        }
        // Last, because room that was taken is not given back. Waiting for one's turn is no decision worth keeping.
        match self.rate.take(&request.from, segments(&request.body), tx.now()) {
            Ok(()) => Ok(Check::Go),
            Err(until) => Ok(Check::Wait { until, reason: DeferReason::Rate.as_str() }),
        }
    }

    async fn call(&self, intent: &Intent<SmsRequest>) -> CallOutcome {
        let request = &intent.request;
        let base_url = &self.conversations.settings.public_base_url;
        let sms = nmc_providers::twilio::SendSms {
            to: request.to.clone(),
            from: self.sender(request),
            body: request.body.clone(),
            status_callback: Some(http::status_callback_url(base_url, intent.tenant, intent.id, intent.attempt)),
        };
        outcome(self.conversations.twilio.send(&sms).await)
    }

    async fn look(&self, intent: &Intent<SmsRequest>) -> Look {
        let request = &intent.request;
        let from = match self.sender(request) {
            Sender::Number(number) => Some(number),
            // The service may have chosen any of its numbers.
            Sender::Service(_) => None,
        };
        // From the first attempt on: what an earlier one left behind is this text as well.
        let query = MessageQuery { to: request.to.clone(), from, created_since: intent.created_at - CLOCK_SLACK };
        let listing = match self.conversations.twilio.list_messages(&query).await {
            Ok(listing) => listing,
            Err(error) => return Look::Unreachable { reason: error.to_string() },
        };
        let is_complete = listing.complete;
        let alike = listing.items.into_iter().filter(|message| is_alike(message, &request.body)).collect();
        let mut matches = match self.unclaimed(intent, alike).await {
            Ok(matches) => matches,
            Err(error) => return Look::Unreachable { reason: error.to_string() },
        };
        match (matches.pop(), matches.len()) {
            (None, _) if is_complete => Look::Nothing,
            (None, _) => Look::Unreachable { reason: "the listing is not complete".to_owned() },
            (Some(only), 0) => found(&only),
            (Some(_), others) => Look::Ambiguous { reason: format!("{} texts could be this one", others + 1) },
        }
    }

    async fn apply(&self, tx: &mut Tx, intent: &Intent<SmsRequest>, change: &Change) -> Result<(), DbError> {
        let request = &intent.request;
        let conversations = &self.conversations;
        let Some((conversation, message)) = store::text::lock(tx, request.message_id).await? else { return Ok(()) };
        let context = intent.context;
        match change {
            Change::Accepted(accepted) => {
                record_accepted(tx, &conversation, &message, &accepted.provider_ref, context).await
            }
            Change::Failed(Failed { code, reason }) => {
                let failure = code.map_or(Failure::Word(reason), Failure::Code);
                record_not_sent(conversations, tx, &conversation, &message, failure, context).await
            }
            Change::Cancelled { reason } if reason == NOT_INTRODUCED => {
                leave_to_a_person(conversations, tx, conversation, &message, intent.id, context).await
            }
            Change::Cancelled { reason } if is_nobodys_task(reason) => {
                store::message::fail_of_intents(tx, &[intent.id], reason).await
            }
            Change::Cancelled { reason } => {
                let failure = Failure::Word(reason);
                record_not_sent(conversations, tx, &conversation, &message, failure, context).await
            }
            Change::Expired => {
                let failure = Failure::Word("expired");
                record_not_sent(conversations, tx, &conversation, &message, failure, context).await
            }
        }
    }
}

/// What was taken back because somebody wanted it so needs nobody's attention.
fn is_nobodys_task(reason: &str) -> bool {
    BlockReason::from_word(reason).is_some_and(|reason| !reason.needs_a_person())
}

/// The engine's view of an answer.
fn outcome(outcome: SendOutcome) -> CallOutcome {
    match outcome {
        SendOutcome::Accepted { sid, .. } => CallOutcome::Accepted(Accepted { provider_ref: sid.to_string() }),
        // It would be the same request every time.
        SendOutcome::NotSent { reason: NotSent::BadRequest, .. } => failed(None, "bad-request"),
        SendOutcome::NotSent { reason, retry_after } => CallOutcome::NotSent {
            answered: reason == NotSent::RateLimited,
            retry_after: retry_after.and_then(|wait| Duration::from_std(wait).ok()),
            reason: format!("{reason:?}"),
        },
        SendOutcome::OptedOut => failed(Some(CODE_OPTED_OUT), Meaning::OptedOut.as_str()),
        SendOutcome::Rejected { meaning: Meaning::Retry { .. }, code, .. } => CallOutcome::NotSent {
            answered: true,
            retry_after: None,
            reason: format!("refused for now, code {code:?}"),
        },
        SendOutcome::Rejected { http_status, code: None, .. } => failed(None, &format!("http-{http_status}")),
        SendOutcome::Rejected { code, meaning, .. } => {
            failed(code.and_then(|code| i32::try_from(code).ok()), meaning.as_str())
        }
        SendOutcome::Unknown { reason } => CallOutcome::Unknown { reason: format!("{reason:?}") },
    }
}

fn failed(code: Option<i32>, reason: &str) -> CallOutcome {
    CallOutcome::Failed(Failed { code, reason: reason.to_owned() })
}

/// The text may have more around it than was sent: a trial account puts a line before every one
/// (<https://www.twilio.com/docs/usage/tutorials/how-to-use-your-free-trial-account>).
fn is_alike(listed: &ListedMessage, body: &str) -> bool {
    listed.direction != "inbound" && listed.body.contains(body.trim())
}

/// A message that was found has been accepted; one that has failed meanwhile would otherwise wait for a report that may
/// have come and gone. A report of it that still comes is recorded as any.
fn found(message: &ListedMessage) -> Look {
    if SmsStatus::from_twilio(&message.status) != Some(SmsStatus::Failed) {
        return Look::Accepted(Accepted { provider_ref: message.sid.to_string() });
    }
    let reason = message.error_code.map_or("undelivered", |code| error_code::meaning(code).as_str());
    let code = message.error_code.and_then(|code| i32::try_from(code).ok());
    Look::Failed(Failed { code, reason: reason.to_owned() })
}

/// A purpose as its stable word.
mod purpose_word {
    use nmc_compliance::Purpose;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
    pub(super) fn serialize<S: Serializer>(purpose: &Purpose, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(purpose.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Purpose, D::Error> {
        let word = String::deserialize(deserializer)?;
        let known = Purpose::ALL.iter().copied().find(|purpose| purpose.as_str() == word);
        known.ok_or_else(|| D::Error::custom("not a purpose"))
    }
}
