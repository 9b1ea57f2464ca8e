use std::collections::HashMap;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use nmc_db::{Db, DbError, ReadTx, Tx};
use nmc_events::{Context, compliance::CampaignStatus, telephony::Keyword};
use nmc_identity::Identity;
use nmc_kernel::{Actor, CallId, CallerNumber, CampaignId, E164, IdempotencyKey, PhoneNumberId, Untextable};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use crate::{
    Campaign, CampaignChange, CampaignSubmission, DecideCampaignError, Decision, DoNotText, DoNotTextError,
    NumberError, NumberRequest, OptOutAction, OptOutChange, OptOutEntry, OptOutRevocation, OptOutSource, PhoneNumber,
    PhoneOptOut, Purpose, ReceivingNumber, Registration, RegistrationSubject, SendLimits, Standing, StoredDecision,
    Subject, SubmitCampaignError, http,
    model::destination::{Destination, destination},
    store,
    use_case::{
        campaign_unknown,
        can_send::{self, Text},
        decide, do_not_text,
        limits::Limits,
        numbers, opt_out, standing, submit,
    },
};

/// The module's face; cheap to clone.
///
/// Methods that take an [`Actor`] begin a transaction of their own; methods that take a transaction work on the
/// caller's and never commit.
#[derive(Clone, Debug)]
pub struct Compliance {
    db: Db,
    identity: Identity,
    limits: Arc<Limits>,
}

impl Compliance {
    /// Compliance over this database.
    pub fn new(db: Db, identity: Identity) -> Self {
        Self { db, identity, limits: Arc::default() }
    }

    /// The same with other limits to how many texts go out; the default is [`SendLimits::default`].
    #[must_use]
    pub fn with_limits(self, limits: SendLimits) -> Self {
        Self { limits: Arc::new(Limits::new(limits)), ..self }
    }

    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    /// The module's routes for signed-in people; the paths stand below `/v1`.
    pub fn v1_routes(&self) -> OpenApiRouter {
        http::v1_routes(self.clone())
    }

    /// Submits the business's brand and campaign; what is pending is replaced, what was rejected is pending again.
    /// Owners and operators may. Publishes `ComplianceStatusChanged` when the campaign's status changes.
    pub async fn register(
        &self,
        actor: &Actor,
        registration: &Registration,
        key: Option<&IdempotencyKey>,
    ) -> Result<CampaignId, SubmitCampaignError> {
        submit::register(&self.db, &self.identity, actor, registration, key).await
    }

    /// The same for what was filed with the carriers by other means, of which only the campaign's words are kept.
    pub async fn submit_campaign(
        &self,
        actor: &Actor,
        submission: &CampaignSubmission,
    ) -> Result<CampaignId, SubmitCampaignError> {
        submit::submit_campaign(&self.db, &self.identity, actor, submission).await
    }

    /// Passes on what the carriers decided about the brand or the campaign as submitted in `version`, and why. Operators
    /// may; nothing is decided where another submission has come since. An approved campaign has an approved brand, and a
    /// rejected brand a rejected campaign. Publishes `ComplianceStatusChanged` when the campaign's status changes: texts
    /// may go out only while it is approved.
    pub async fn decide(
        &self,
        actor: &Actor,
        subject: RegistrationSubject,
        version: i32,
        decided: CampaignStatus,
        reason: Option<&str>,
    ) -> Result<CampaignChange, DecideCampaignError> {
        decide::decide(&self.db, &self.identity, actor, subject, version, decided, reason).await
    }

    /// The carriers said yes to the campaign.
    pub async fn approve_campaign(&self, actor: &Actor, version: i32) -> Result<CampaignChange, DecideCampaignError> {
        self.decide(actor, RegistrationSubject::Campaign, version, CampaignStatus::Approved, None).await
    }

    /// The carriers said no to the campaign, without a word.
    pub async fn reject_campaign(&self, actor: &Actor, version: i32) -> Result<CampaignChange, DecideCampaignError> {
        self.decide(actor, RegistrationSubject::Campaign, version, CampaignStatus::Rejected, None).await
    }

    /// Where the business stands with all that has to be in order before it may text.
    pub async fn standing(&self, tx: &mut ReadTx) -> Result<Standing, DbError> {
        standing::standing(&self.identity, tx).await
    }

    /// The carriers refused a text, written at `written_at`, because they know no campaign for it: an approval that is
    /// older than the text is pending again, and nothing goes out until operators approve anew. `true` where this is
    /// news, which `ComplianceStatusChanged` tells.
    pub async fn campaign_unknown(
        &self,
        tx: &mut Tx,
        written_at: DateTime<Utc>,
        context: Context,
    ) -> Result<bool, DbError> {
        campaign_unknown::campaign_unknown(tx, written_at, context).await
    }

    /// The business's campaign; nothing where none was submitted.
    pub async fn campaign(&self, tx: &mut ReadTx) -> Result<Option<Campaign>, DbError> {
        store::campaign::find(tx).await
    }

    /// An owner says that a number is the business's. It stays `requested` until an operator confirms it, so that nobody
    /// can claim another's; that another business has it, or asks for it as well, is no obstacle and not shown.
    pub async fn request_number(
        &self,
        actor: &Actor,
        phone: &E164,
        key: Option<&IdempotencyKey>,
    ) -> Result<PhoneNumber, NumberError> {
        numbers::request(&self.db, &self.identity, actor, phone, key).await
    }

    /// Confirms a number that the business has asked for: it is active, with its route, and webhooks for it reach the
    /// business. Operators may. Other businesses' requests for it stay what they are.
    pub async fn confirm_number(&self, actor: &Actor, phone: &E164) -> Result<PhoneNumberId, NumberError> {
        numbers::confirm(&self.db, &self.identity, actor, phone).await
    }

    /// The same for a number that nobody has asked for. A number that the business has keeps its id.
    pub async fn add_receiving_number(&self, actor: &Actor, phone: &E164) -> Result<PhoneNumberId, NumberError> {
        numbers::add(&self.db, &self.identity, actor, phone).await
    }

    /// Says that a number is not the business's. Operators may.
    pub async fn reject_number(&self, actor: &Actor, phone: &E164, reason: &str) -> Result<PhoneNumberId, NumberError> {
        numbers::reject(&self.db, &self.identity, actor, phone, reason).await
    }

    /// Gives a number of the business up, with its route, so that it can become another's. Operators may. What waits to
    /// be sent from it is not sent.
    pub async fn release_number(
        &self,
        actor: &Actor,
        phone: &E164,
        reason: &str,
    ) -> Result<PhoneNumberId, NumberError> {
        numbers::release(&self.db, &self.identity, actor, phone, reason).await
    }

    /// What all businesses have asked for, the oldest first (at most 500); for operators. Begins a transaction of its
    /// own, which only the dispatcher's role may.
    pub async fn number_requests(&self) -> Result<Vec<NumberRequest>, DbError> {
        store::number::requests(&self.db).await
    }

    /// Every number the business has asked for, has, or has had, the oldest first.
    pub async fn numbers(&self, tx: &mut ReadTx) -> Result<Vec<PhoneNumber>, DbError> {
        store::number::all(tx).await
    }

    /// Whether the business receives on the number, and may therefore text from it.
    pub async fn receives_on(&self, tx: &mut ReadTx, phone: &E164) -> Result<bool, DbError> {
        store::number::is_receiving(tx, phone).await
    }

    /// Whether a call may be passed on to the number at the installation's expense: one of a country the business serves,
    /// and none that costs more than a call does. A toll-free number costs least.
    pub fn may_ring(&self, phone: &E164, countries: &[String]) -> bool {
        CallerNumber::from_provider(phone.as_str()).untextable() == Some(Untextable::TollFree)
            || destination(phone, countries) == Destination::Served
    }

    /// The business's receiving numbers, the oldest first.
    pub async fn receiving_numbers(&self, tx: &mut ReadTx) -> Result<Vec<ReceivingNumber>, DbError> {
        store::number::receiving(tx).await
    }

    /// The number the business texts from when no other is called for: its oldest.
    pub async fn sending_number(&self, tx: &mut ReadTx) -> Result<Option<E164>, DbError> {
        store::number::first_receiving(tx).await
    }

    /// Puts a number on the list of those never to text, or gives it another label.
    pub async fn add_do_not_text(
        &self,
        actor: &Actor,
        phone: &E164,
        label: &str,
        key: Option<&IdempotencyKey>,
    ) -> Result<DoNotText, DoNotTextError> {
        do_not_text::add(&self.db, &self.identity, actor, phone, label, key).await
    }

    /// Takes an entry off that list; `false` where there is none.
    pub async fn remove_do_not_text(&self, actor: &Actor, id: Uuid) -> Result<bool, DbError> {
        do_not_text::remove(&self.db, &self.identity, actor, id).await
    }

    /// The list of numbers never to text, the oldest first: at most `limit` entries after that one.
    pub async fn do_not_text(
        &self,
        tx: &mut ReadTx,
        after: Option<(DateTime<Utc>, Uuid)>,
        limit: i64,
    ) -> Result<Vec<DoNotText>, DbError> {
        store::do_not_text::list(tx, after, limit).await
    }

    /// The one gate every text passes, when it is composed and again when it is sent. Takes the phone's lock shared
    /// until the transaction ends: whoever is told [`Decision::Allow`] claims the send in the same transaction. The
    /// decision is stored when the subject has none or its newest says something else.
    ///
    /// A transaction that records an opt-out for the phone does so before it asks here: raising the lock from shared
    /// to exclusive can deadlock.
    pub async fn can_send(
        &self,
        tx: &mut Tx,
        subject: Subject,
        phone: &E164,
        purpose: Purpose,
    ) -> Result<Decision, DbError> {
        self.can_send_with(tx, subject, phone, purpose, Decision::Allow).await
    }

    /// The same together with what the sender knows itself (the conversation's state and epoch, a pause, too many texts
    /// to one caller): the stricter of the two holds, and only that one is stored. Neither usefulness, which the effects
    /// engine ends, nor a number's rate is passed here: waiting for one's turn is no decision worth keeping.
    pub async fn can_send_with(
        &self,
        tx: &mut Tx,
        subject: Subject,
        phone: &E164,
        purpose: Purpose,
        senders: Decision,
    ) -> Result<Decision, DbError> {
        let text = Text { subject, from: None, to: phone, purpose };
        can_send::can_send(&self.identity, &self.limits, tx, text, senders).await
    }

    /// The same for a text that goes out now from a number of the business: refused where it is that no more.
    pub async fn can_send_from(
        &self,
        tx: &mut Tx,
        subject: Subject,
        from: &E164,
        phone: &E164,
        purpose: Purpose,
        senders: Decision,
    ) -> Result<Decision, DbError> {
        let text = Text { subject, from: Some(from), to: phone, purpose };
        can_send::can_send(&self.identity, &self.limits, tx, text, senders).await
    }

    /// What [`Compliance::can_send`] would say now, without lock or trace: for what is promised aloud.
    pub async fn would_send(&self, tx: &mut ReadTx, phone: &E164, purpose: Purpose) -> Result<Decision, DbError> {
        can_send::would_send(&self.identity, &self.limits, tx, phone, purpose).await
    }

    /// Stores a decision that the sender took alone, unless the subject's newest says the same.
    pub async fn store_decision(
        &self,
        tx: &mut Tx,
        subject: Subject,
        phone: &E164,
        purpose: Purpose,
        decision: &Decision,
    ) -> Result<(), DbError> {
        can_send::store_decision(tx, Text { subject, from: None, to: phone, purpose }, decision).await
    }

    /// A subject's decisions in their order (the newest 200): why it was, or was not, sent.
    pub async fn decisions_for(&self, tx: &mut ReadTx, subject: Subject) -> Result<Vec<StoredDecision>, DbError> {
        store::decision::of_subject(tx, subject).await
    }

    /// The newest decision about each of these calls; a call of which none was taken is left out.
    pub async fn newest_decisions_of_calls(
        &self,
        tx: &mut ReadTx,
        calls: &[CallId],
    ) -> Result<HashMap<CallId, StoredDecision>, DbError> {
        store::decision::newest_of_calls(tx, calls).await
    }

    /// The caller wants no more texts. Takes the phone's lock exclusively until the transaction ends: when it has
    /// committed, no further send is allowed. Publishes `OptOutRecorded` when it is news.
    pub async fn record_opt_out(
        &self,
        tx: &mut Tx,
        phone: &E164,
        keyword: &str,
        source: OptOutSource,
        context: Context,
    ) -> Result<OptOutChange, DbError> {
        opt_out::record_opt_out(tx, phone, keyword, source, context).await
    }

    /// The caller wants texts again. Takes the same lock; publishes `OptOutRevoked` when it is news.
    pub async fn revoke_opt_out(
        &self,
        tx: &mut Tx,
        phone: &E164,
        keyword: &str,
        source: OptOutSource,
        context: Context,
    ) -> Result<OptOutRevocation, DbError> {
        opt_out::revoke_opt_out(tx, phone, keyword, source, context).await
    }

    /// Reads an inbound text: when the whole of it is a keyword, does what the keyword asks of the ledger and says
    /// which it was. `YES` counts only from somebody who has opted out. Any other text costs no statement.
    pub async fn record_keyword(
        &self,
        tx: &mut Tx,
        phone: &E164,
        body: &str,
        context: Context,
    ) -> Result<Option<Keyword>, DbError> {
        opt_out::record_keyword(tx, phone, body, context).await
    }

    /// Reads an inbound text that is no keyword: when it takes consent back in plain words ("please don't text me any
    /// more"), records the opt-out and says what that changed. It never takes an opt-out back. A text that says nothing
    /// of the kind costs no statement.
    pub async fn record_wording(
        &self,
        tx: &mut Tx,
        phone: &E164,
        body: &str,
        context: Context,
    ) -> Result<Option<OptOutChange>, DbError> {
        opt_out::record_wording(tx, phone, body, context).await
    }

    /// Whether an opt-out holds.
    pub async fn is_opted_out(&self, tx: &mut ReadTx, phone: &E164) -> Result<bool, DbError> {
        Ok(matches!(store::opt_out::newest(tx, phone).await?, Some((_, OptOutAction::OptOut))))
    }

    /// A phone's changes of mind, the newest first (at most 200).
    pub async fn history(&self, tx: &mut ReadTx, phone: &E164) -> Result<Vec<OptOutEntry>, DbError> {
        store::opt_out::history(tx, phone).await
    }

    /// The ledger of the whole business, the newest change first: at most `limit` entries before that one.
    pub async fn opt_outs(
        &self,
        tx: &mut ReadTx,
        phone: Option<&E164>,
        before: Option<(DateTime<Utc>, Uuid)>,
        limit: i64,
    ) -> Result<Vec<PhoneOptOut>, DbError> {
        store::opt_out::page(tx, phone, before, limit).await
    }
}
