//! Whether a missed call, or a text that opens a conversation, is greeted.

use chrono::{DateTime, Duration, Utc};
use nmc_compliance::{BlockReason, Decision, Purpose};

use super::{message::useful_until, state::ConversationState};

/// Within this time after the automation spoke there is no (second) greeting: one per burst of calls.
pub(crate) const BURST_MINUTES: i64 = 10;
/// Automatic texts to one caller within 24 hours. Nobody who calls or texts in earnest comes near it; two automations
/// that answer each other, and somebody who lets the business text a stranger, are cut off by it.
pub(crate) const MAX_AUTOMATIC_PER_DAY: i64 = 20;
/// When the campaign is approved, calls older than this are a person's to return.
const GREETABLE_AFTER_APPROVAL_MINUTES: i64 = 30;

/// What a call or an opening text leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// A greeting goes out, not before this time.
    Greet {
        /// Now, or when the quiet hours end.
        available_at: DateTime<Utc>,
    },
    /// The automation spoke a moment ago.
    RecentlyAnswered,
    /// A person has the conversation.
    Human,
    /// The conversation waits for the campaign's approval.
    Block,
    /// Nothing may be sent, for another reason.
    Refuse(BlockReason),
    /// The gate allows a text and it would be wrong all the same: a person answers.
    Silent(BlockReason),
}

/// What the service has written to a caller by itself, in whichever conversation; what failed was not written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spoken {
    /// When the automation last wrote: now where a text of it waits to be sent, later where it waits for the morning.
    pub(crate) at: Option<DateTime<Utc>>,
    /// Texts of the automation and of the service within 24 hours.
    pub(crate) in_a_day: i64,
    /// The provider has said that no text reaches the caller (a landline, an unknown handset), and neither a text that
    /// arrived nor one of the caller's has shown otherwise since.
    pub(crate) is_unreachable: bool,
}

/// `state` is that of the live conversation before this contact; `contact_at` when the caller called or wrote, which may
/// be long ago where the event was held up.
pub(crate) fn react(
    gate: &Decision,
    state: Option<ConversationState>,
    spoken: Spoken,
    contact_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Reaction {
    let is_burst = spoken.at.is_some_and(|at| now - at < Duration::minutes(BURST_MINUTES));
    let is_late = useful_until(Purpose::Greeting, contact_at) <= now;
    match gate {
        // A person who has it stays in charge, whatever becomes of the campaign.
        _ if state == Some(ConversationState::Human) => Reaction::Human,
        Decision::Block { reason: BlockReason::CampaignNotApproved } => Reaction::Block,
        Decision::Block { reason } => Reaction::Refuse(*reason),
        Decision::Allow | Decision::Defer { .. } if spoken.is_unreachable => Reaction::Silent(BlockReason::NotTextable),
        Decision::Allow | Decision::Defer { .. } if is_burst => Reaction::RecentlyAnswered,
        // Before the gate's wait, which would give an old call a new time to count from.
        Decision::Allow | Decision::Defer { .. } if is_late => Reaction::Silent(BlockReason::Expired),
        Decision::Allow | Decision::Defer { .. } if spoken.in_a_day >= MAX_AUTOMATIC_PER_DAY => {
            Reaction::Silent(BlockReason::TooMany)
        }
        Decision::Allow => Reaction::Greet { available_at: now },
        Decision::Defer { until, .. } => Reaction::Greet { available_at: (*until).max(now) },
    }
}

/// Since when the answer is due: the call, or the end of what it had to wait for.
pub(crate) fn counts_from(contact_at: DateTime<Utc>, available_at: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    if available_at > now { available_at } else { contact_at }
}

/// Whether a contact that waited for the campaign's approval is still greeted.
pub(crate) fn is_greetable_after_approval(contact_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now - contact_at <= Duration::minutes(GREETABLE_AFTER_APPROVAL_MINUTES)
}

#[cfg(test)]
mod tests {
    use nmc_compliance::DeferReason;
    use proptest::prelude::*;

    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + Duration::minutes(minutes)
    }

    /// What was said to the caller, and when the contact was; it is 100 minutes past now.
    fn situation(name: &str) -> (Spoken, DateTime<Utc>) {
        let spoken = |at, in_a_day| Spoken { at, in_a_day, is_unreachable: false };
        match name {
            "nothing said" => (spoken(None, 0), at(100)),
            "said just now" => (spoken(Some(at(100)), 1), at(100)),
            "said 9 min ago" => (spoken(Some(at(91)), 1), at(100)),
            "said 10 min ago" => (spoken(Some(at(90)), 1), at(100)),
            "to be said at dawn" => (spoken(Some(at(900)), 1), at(100)),
            "called 9 min ago" => (spoken(None, 19), at(91)),
            "called 10 min ago" => (spoken(None, 0), at(90)),
            "20 today" => (spoken(Some(at(50)), 20), at(100)),
            "landline" => (Spoken { is_unreachable: true, ..spoken(None, 0) }, at(100)),
            "landline, 20 today, late" => (Spoken { is_unreachable: true, ..spoken(Some(at(99)), 20) }, at(0)),
            "just now, 20 today, late" => (spoken(Some(at(99)), 20), at(0)),
            "20 today, late" => (spoken(Some(at(50)), 20), at(0)),
            other => panic!("{other}"),
        }
    }

    /// Written down by hand, not worked out: what comes of each situation where the gate allows a text, and where it
    /// has it wait.
    const REACTIONS: [(&str, &str, &str); 12] = [
        ("nothing said", "greet now", "greet later"),
        ("said just now", "recently answered", "recently answered"),
        ("said 9 min ago", "recently answered", "recently answered"),
        ("said 10 min ago", "greet now", "greet later"),
        ("to be said at dawn", "recently answered", "recently answered"),
        ("called 9 min ago", "greet now", "greet later"),
        ("called 10 min ago", "silent: expired", "silent: expired"),
        ("20 today", "silent: too-many", "silent: too-many"),
        ("landline", "silent: not-textable", "silent: not-textable"),
        ("landline, 20 today, late", "silent: not-textable", "silent: not-textable"),
        ("just now, 20 today, late", "recently answered", "recently answered"),
        ("20 today, late", "silent: expired", "silent: expired"),
    ];

    fn in_words(reaction: Reaction) -> String {
        match reaction {
            Reaction::Greet { available_at } if available_at == at(100) => "greet now".to_owned(),
            Reaction::Greet { available_at } if available_at == at(1_000) => "greet later".to_owned(),
            Reaction::Greet { available_at } => format!("greet at {available_at}"),
            Reaction::RecentlyAnswered => "recently answered".to_owned(),
            Reaction::Human => "human".to_owned(),
            Reaction::Block => "block".to_owned(),
            Reaction::Refuse(reason) => format!("refuse: {}", reason.as_str()),
            Reaction::Silent(reason) => format!("silent: {}", reason.as_str()),
        }
    }

    #[test]
    fn every_gate_state_and_situation() {
        let later = Decision::Defer { until: at(1_000), reason: DeferReason::QuietHours };
        let states = [None, Some(ConversationState::Open), Some(ConversationState::Blocked)];
        for (name, allowed, deferred) in REACTIONS {
            let (spoken, contact_at) = situation(name);
            let reaction = |gate: &Decision, state| in_words(react(gate, state, spoken, contact_at, at(100)));
            for state in states {
                assert_eq!(reaction(&Decision::Allow, state), allowed, "{name} {state:?}");
                assert_eq!(reaction(&later, state), deferred, "{name} {state:?}");
                for reason in BlockReason::ALL {
                    let refused = match reason.as_str() {
                        "campaign-not-approved" => "block".to_owned(),
                        word => format!("refuse: {word}"),
                    };
                    assert_eq!(reaction(&Decision::Block { reason: *reason }, state), refused, "{name} {state:?}");
                }
            }
            // A person who has the conversation stays in charge, whatever the gate says.
            let mut gates = vec![Decision::Allow, later];
            gates.extend(BlockReason::ALL.iter().map(|reason| Decision::Block { reason: *reason }));
            for gate in gates {
                assert_eq!(reaction(&gate, Some(ConversationState::Human)), "human", "{name} {gate:?}");
            }
        }
    }

    #[test]
    fn usefulness_counts_from_the_call_unless_it_had_to_wait() {
        assert_eq!(counts_from(at(0), at(3), at(3)), at(0));
        assert_eq!(counts_from(at(0), at(500), at(3)), at(500));
        assert!(is_greetable_after_approval(at(0), at(30)));
        assert!(!is_greetable_after_approval(at(0), at(31)));
    }

    proptest! {
        #[test]
        fn calls_in_any_rhythm_are_never_greeted_twice_within_ten_minutes(gaps in prop::collection::vec(0_i64..1_500, 1..60)) {
            let (mut now, mut spoke_at) = (at(0), None::<DateTime<Utc>>);
            for gap in gaps {
                now += Duration::seconds(gap);
                if let Reaction::Greet { available_at } = react(&Decision::Allow, Some(ConversationState::Open), Spoken { at: spoke_at, ..Spoken::default() }, now, now) {
                    prop_assert_eq!(available_at, now);
                    prop_assert!(spoke_at.is_none_or(|before| now - before >= Duration::minutes(BURST_MINUTES)));
                    spoke_at = Some(now);
                } else {
                    prop_assert!(spoke_at.is_some());
                }
            }
        }
    }
}
