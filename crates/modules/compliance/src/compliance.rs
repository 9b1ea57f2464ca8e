use nmc_db::{Db, DbError, ReadTx, Tx};
use nmc_events::{Context, compliance::CampaignStatus, telephony::Keyword};
use nmc_identity::Identity;
use nmc_kernel::{Actor, CampaignId, E164, PhoneNumberId};

use crate::{
    AddNumberError, Campaign, CampaignChange, CampaignSubmission, DecideCampaignError, Decision, DoNotText,
    DoNotTextError, OptOutAction, OptOutChange, OptOutEntry, OptOutRevocation, OptOutSource, Purpose, ReceivingNumber,
    StoredDecision, Subject, SubmitCampaignError, store,
    use_case::{add_receiving_number, can_send, decide_campaign, do_not_text, opt_out, submit_campaign},
};

/// The module's face; cheap to clone.
///
/// Methods that take an [`Actor`] begin a transaction of their own; methods that take a transaction work on the
/// caller's and never commit.
#[derive(Clone, Debug)]
pub struct Compliance {
    db: Db,
    identity: Identity,
}

impl Compliance {
    /// Compliance over this database.
    pub fn new(db: Db, identity: Identity) -> Self {
        Self { db, identity }
    }

    /// Submits the business's brand and campaign; what is pending is replaced, what was rejected is pending again.
    /// Owners and operators may. Publishes `ComplianceStatusChanged` when the status changes.
    pub async fn submit_campaign(
        &self,
        actor: &Actor,
        submission: &CampaignSubmission,
    ) -> Result<CampaignId, SubmitCampaignError> {
        submit_campaign::submit_campaign(&self.db, actor, submission).await
    }

    /// The carriers said yes: texts may go out. Operators may. Publishes `ComplianceStatusChanged` when it is news.
    pub async fn approve_campaign(&self, actor: &Actor) -> Result<CampaignChange, DecideCampaignError> {
        decide_campaign::decide_campaign(&self.db, actor, CampaignStatus::Approved).await
    }

    /// The carriers said no: no text goes out any more. Operators may. Publishes `ComplianceStatusChanged` when it is
    /// news.
    pub async fn reject_campaign(&self, actor: &Actor) -> Result<CampaignChange, DecideCampaignError> {
        decide_campaign::decide_campaign(&self.db, actor, CampaignStatus::Rejected).await
    }

    /// The business's campaign; nothing where none was submitted.
    pub async fn campaign(&self, tx: &mut ReadTx) -> Result<Option<Campaign>, DbError> {
        store::campaign::find(tx).await
    }

    /// Confirms a number as the business's, with its route; once it stands, webhooks for it reach the business.
    /// Operators may. A number that the business has keeps its id.
    pub async fn add_receiving_number(&self, actor: &Actor, phone: &E164) -> Result<PhoneNumberId, AddNumberError> {
        add_receiving_number::add_receiving_number(&self.db, actor, phone).await
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
    pub async fn add_do_not_text(&self, actor: &Actor, phone: &E164, label: &str) -> Result<(), DoNotTextError> {
        do_not_text::add(&self.db, actor, phone, label).await
    }

    /// Takes a number off that list; `false` where it was not on it.
    pub async fn remove_do_not_text(&self, actor: &Actor, phone: &E164) -> Result<bool, DbError> {
        do_not_text::remove(&self.db, actor, phone).await
    }

    /// The list of numbers never to text, by label.
    pub async fn do_not_text(&self, tx: &mut ReadTx) -> Result<Vec<DoNotText>, DbError> {
        store::do_not_text::list(tx).await
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
        can_send::can_send(&self.identity, tx, subject, phone, purpose, Decision::Allow).await
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
        can_send::can_send(&self.identity, tx, subject, phone, purpose, senders).await
    }

    /// What [`Compliance::can_send`] would say now, without lock or trace: for what is promised aloud.
    pub async fn would_send(&self, tx: &mut ReadTx, phone: &E164, purpose: Purpose) -> Result<Decision, DbError> {
        can_send::would_send(&self.identity, tx, phone, purpose).await
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
        can_send::store_decision(tx, subject, phone, purpose, decision).await
    }

    /// A subject's decisions in their order (the newest 200): why it was, or was not, sent.
    pub async fn decisions_for(&self, tx: &mut ReadTx, subject: Subject) -> Result<Vec<StoredDecision>, DbError> {
        store::decision::of_subject(tx, subject).await
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
}
