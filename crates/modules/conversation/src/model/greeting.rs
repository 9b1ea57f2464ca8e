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

    fn gates() -> Vec<Decision> {
        let mut gates = vec![Decision::Allow, Decision::Defer { until: at(1_000), reason: DeferReason::QuietHours }];
        gates.extend(BlockReason::ALL.iter().map(|reason| Decision::Block { reason: *reason }));
        gates
    }

    #[test]
    fn every_gate_state_and_silence() {
        let states =
            [None, Some(ConversationState::Open), Some(ConversationState::Human), Some(ConversationState::Blocked)];
        let now = at(100);
        for gate in gates() {
            for state in states {
                for spoke_at in [None, Some(at(900)), Some(at(100)), Some(at(91)), Some(at(90)), Some(at(0))] {
                    for (contact_at, in_a_day) in [(at(100), 0), (at(91), 19), (at(90), 0), (at(100), 20)] {
                        let spoken = Spoken { at: spoke_at, in_a_day };
                        let reaction = react(&gate, state, spoken, contact_at, now);
                        let is_burst = spoke_at.is_some_and(|spoke| spoke > at(90));
                        let expected = match (gate, state) {
                            (_, Some(ConversationState::Human)) => Reaction::Human,
                            (Decision::Block { reason: BlockReason::CampaignNotApproved }, _) => Reaction::Block,
                            (Decision::Block { reason }, _) => Reaction::Refuse(reason),
                            _ if is_burst => Reaction::RecentlyAnswered,
                            _ if contact_at == at(90) => Reaction::Silent(BlockReason::Expired),
                            _ if in_a_day == 20 => Reaction::Silent(BlockReason::TooMany),
                            (Decision::Allow, _) => Reaction::Greet { available_at: now },
                            (Decision::Defer { until, .. }, _) => Reaction::Greet { available_at: until },
                        };
                        assert_eq!(reaction, expected, "{gate:?} {state:?} {spoken:?} {contact_at}");
                    }
                }
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
                if let Reaction::Greet { available_at } = react(&Decision::Allow, Some(ConversationState::Open), Spoken { at: spoke_at, in_a_day: 0 }, now, now) {
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
