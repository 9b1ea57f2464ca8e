use chrono::{DateTime, Utc};
use nmc_kernel::{CallId, E164, MessageId};
use uuid::Uuid;

/// What a decision is about; its history is kept per subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A missed call that may be answered by a text.
    Call(CallId),
    /// One outbound text.
    Message(MessageId),
    /// A text to a person of the business.
    Notice(Uuid),
}

impl Subject {
    /// `call`, `message` or `notice`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Call(_) => "call",
            Self::Message(_) => "message",
            Self::Notice(_) => "notice",
        }
    }

    /// The bare id.
    pub const fn id(&self) -> Uuid {
        match self {
            Self::Call(id) => id.as_uuid(),
            Self::Message(id) => id.as_uuid(),
            Self::Notice(id) => *id,
        }
    }
}

/// The subject that is stored in these columns, if it is one.
pub(crate) fn subject_from_stored(kind: &str, id: Uuid) -> Option<Subject> {
    match kind {
        "call" => Some(Subject::Call(id.into())),
        "message" => Some(Subject::Message(id.into())),
        "notice" => Some(Subject::Notice(id)),
        _ => None,
    }
}

words! {
    /// What a text is for; the rules differ by it.
    Purpose {
        /// The answer to a missed call, or to a text that opens a conversation.
        Greeting = "greeting",
        /// An automatic answer within a conversation.
        Reply = "reply",
        /// A text that a person of the business wrote.
        Human = "human",
        /// What was booked, moved or cancelled a moment ago.
        Confirmation = "confirmation",
        /// A question after silence: started by us.
        Nudge = "nudge",
        /// An appointment that comes near: started by us.
        Reminder = "reminder",
        /// The one text that says an opt-out was understood.
        OptOutConfirmation = "opt-out-confirmation",
        /// The answer to HELP.
        Help = "help",
        /// News for a person of the business.
        Notice = "notice",
    }
}

/// Whether a text may go out now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may.
    Allow,
    /// Not yet: it waits and asks again then.
    Defer {
        /// When to ask again, UTC.
        until: DateTime<Utc>,
        /// Why it waits.
        reason: DeferReason,
    },
    /// It must not.
    Block {
        /// Why not.
        reason: BlockReason,
    },
}

words! {
    /// Why a text waits. Pause, rate and provider are the sender's.
    DeferReason {
        /// It is night where the caller is.
        QuietHours = "quiet-hours",
        /// Operators have paused sending.
        Paused = "paused",
        /// The number, or the business, sends as fast as it may.
        Rate = "rate",
        /// The provider does not take texts at the moment.
        ProviderUnavailable = "provider-unavailable",
        /// The business has sent as many texts as one may in this time.
        BusinessLimit = "business-limit",
        /// All businesses together have: something is wrong, or somebody uses us against us.
        InstallationLimit = "installation-limit",
    }
}

words! {
    /// Why a text must not go out. From [`BlockReason::Superseded`] on they are the sender's.
    BlockReason {
        /// The number belongs to this installation: two automations would talk for ever.
        OwnNumber = "own-number",
        /// No person reads texts on this number (toll-free, short code, withheld).
        NotTextable = "not-textable",
        /// The business does not serve the number's country.
        CountryNotServed = "country-not-served",
        /// Texts to the number cost whoever sends them more than a text: toll fraud.
        PremiumRate = "premium-rate",
        /// The caller has opted out.
        OptedOut = "opted-out",
        /// There is no opt-out to confirm (any more), or there was none to take back.
        NoOptOut = "no-opt-out",
        /// Another text confirms this opt-out already.
        AlreadyConfirmed = "already-confirmed",
        /// The time in which an opt-out may be confirmed is over.
        ConfirmationTooLate = "confirmation-too-late",
        /// The business has put the number on its list.
        DoNotText = "do-not-text",
        /// The business is not served at the moment.
        TenantSuspended = "tenant-suspended",
        /// The carriers have not approved what the business sends.
        CampaignNotApproved = "campaign-not-approved",
        /// The caller seems to be a machine that answers whatever we write.
        Loop = "loop",
        /// The caller has been sent as many texts as one may get in this time.
        CallerLimit = "caller-limit",
        /// The number it was to be sent from is not the business's any more.
        NumberReleased = "number-released",
        /// The conversation has moved on since the text was composed.
        Superseded = "superseded",
        /// A person has taken the conversation over.
        TakenOver = "taken-over",
        /// The conversation has ended.
        ConversationClosed = "conversation-closed",
        /// The text has waited for so long that it would only confuse.
        Expired = "expired",
        /// The caller has had as many automatic texts as one may get in this time: a loop, or an abuse.
        TooMany = "too-many",
    }
}

impl BlockReason {
    /// Whether a person of the business has to see to the caller, who waits for a text that does not come. Not where
    /// the text was taken back because somebody wanted it so.
    pub const fn needs_a_person(self) -> bool {
        match self {
            Self::OptedOut
            | Self::NoOptOut
            | Self::AlreadyConfirmed
            | Self::Superseded
            | Self::TakenOver
            | Self::ConversationClosed => false,
            Self::OwnNumber
            | Self::NotTextable
            | Self::CountryNotServed
            | Self::PremiumRate
            | Self::ConfirmationTooLate
            | Self::DoNotText
            | Self::TenantSuspended
            | Self::CampaignNotApproved
            | Self::Loop
            | Self::CallerLimit
            | Self::NumberReleased
            | Self::Expired
            | Self::TooMany => true,
        }
    }
}

impl Decision {
    /// `allow`, `defer` or `block`.
    pub const fn outcome(&self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Defer { .. } => "defer",
            Self::Block { .. } => "block",
        }
    }

    /// Why, where it is not allowed: the stable word.
    pub const fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Allow => None,
            Self::Defer { reason, .. } => Some(reason.as_str()),
            Self::Block { reason } => Some(reason.as_str()),
        }
    }

    /// When to ask again, where it waits.
    pub const fn until(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Defer { until, .. } => Some(*until),
            Self::Allow | Self::Block { .. } => None,
        }
    }

    /// The stricter of two: a refusal beats waiting, and of two waits the longer one holds. Of two refusals it is this.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Block { .. }, _) | (_, Self::Allow) => self,
            (Self::Defer { until, .. }, Self::Defer { until: later, .. }) if until >= later => self,
            _ => other,
        }
    }

    /// Whether the two say the same for the same reason; until when is not part of it, else every look at a waiting
    /// text would be a new decision.
    pub(crate) fn is_same_outcome(&self, outcome: &str, reason: Option<&str>) -> bool {
        self.outcome() == outcome && self.reason() == reason
    }

    /// The decision that is stored in these columns, if it is one.
    pub(crate) fn from_stored(outcome: &str, reason: Option<&str>, until: Option<DateTime<Utc>>) -> Option<Self> {
        match (outcome, reason, until) {
            ("allow", None, None) => Some(Self::Allow),
            ("defer", Some(reason), Some(until)) => {
                DeferReason::from_word(reason).map(|reason| Self::Defer { until, reason })
            }
            ("block", Some(reason), None) => BlockReason::from_word(reason).map(|reason| Self::Block { reason }),
            _ => None,
        }
    }
}

/// A decision as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDecision {
    /// Counts a subject's decisions from 1.
    pub number: i32,
    /// What the text was for.
    pub purpose: Purpose,
    /// Whom it was for.
    pub phone: E164,
    /// What was decided.
    pub decision: Decision,
    /// What Compliance knew when it decided, as JSON; an empty object where the sender decided alone.
    pub inputs: serde_json::Value,
    /// When, UTC.
    pub decided_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn all() -> Vec<Decision> {
        let mut all = vec![Decision::Allow];
        for until in [NOW, NOW + Duration::hours(1)] {
            all.extend(DeferReason::ALL.iter().map(|reason| Decision::Defer { until, reason: *reason }));
        }
        all.extend(BlockReason::ALL.iter().map(|reason| Decision::Block { reason: *reason }));
        all
    }

    #[test]
    fn the_stricter_of_two_decisions_holds() {
        for a in all() {
            for b in all() {
                let both = a.and(b);
                assert!(both == a || both == b);
                let (is_blocked, waits) = (a.outcome() == "block" || b.outcome() == "block", both.outcome() == "defer");
                assert_eq!(both.outcome() == "block", is_blocked, "{a:?} {b:?}");
                assert_eq!(both.outcome() == "allow", a == Decision::Allow && b == Decision::Allow, "{a:?} {b:?}");
                if waits {
                    assert_eq!(both.until(), a.until().max(b.until()), "{a:?} {b:?}");
                }
            }
            assert_eq!(a.and(a), a);
        }
    }

    #[test]
    fn what_is_stored_is_what_is_read() {
        for decision in all() {
            let read = Decision::from_stored(decision.outcome(), decision.reason(), decision.until());
            assert_eq!(read, Some(decision));
        }
        for (outcome, reason, until) in [
            ("allow", Some("paused"), None),
            ("defer", Some("paused"), None),
            ("defer", Some("opted-out"), Some(NOW)),
            ("block", Some("paused"), None),
            ("block", None, None),
            ("perhaps", None, None),
        ] {
            assert_eq!(Decision::from_stored(outcome, reason, until), None, "{outcome} {reason:?}");
        }
    }

    #[test]
    fn what_somebody_wanted_so_is_nobody_s_task() {
        let of_nobody: Vec<_> = BlockReason::ALL.iter().filter(|reason| !reason.needs_a_person()).collect();
        let words: Vec<_> = of_nobody.into_iter().map(|reason| reason.as_str()).collect();
        assert_eq!(words.join(" "), "opted-out no-opt-out already-confirmed superseded taken-over conversation-closed");
    }

    #[test]
    fn waiting_longer_for_the_same_reason_is_no_news() {
        let paused = |until| Decision::Defer { until, reason: DeferReason::Paused };
        let (first, later) = (paused(NOW), paused(NOW + Duration::hours(1)));
        assert!(later.is_same_outcome(first.outcome(), first.reason()));
        assert!(!later.is_same_outcome("defer", Some("rate")));
        assert!(!Decision::Allow.is_same_outcome("defer", Some("paused")));
    }

    #[test]
    fn stored_words_do_not_change() {
        let words = |all: &[&'static str]| all.join(" ");
        let purposes: Vec<_> = Purpose::ALL.iter().map(|word| word.as_str()).collect();
        assert_eq!(
            words(&purposes),
            "greeting reply human confirmation nudge reminder opt-out-confirmation help notice"
        );
        let defers: Vec<_> = DeferReason::ALL.iter().map(|word| word.as_str()).collect();
        assert_eq!(words(&defers), "quiet-hours paused rate provider-unavailable business-limit installation-limit");
        let blocks: Vec<_> = BlockReason::ALL.iter().map(|word| word.as_str()).collect();
        assert_eq!(
            words(&blocks),
            "own-number not-textable country-not-served premium-rate opted-out no-opt-out already-confirmed \
             confirmation-too-late do-not-text tenant-suspended campaign-not-approved loop caller-limit \
             number-released superseded taken-over conversation-closed expired too-many"
        );
    }
}
