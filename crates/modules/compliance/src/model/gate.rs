use chrono::{DateTime, Duration, Utc};
use nmc_events::compliance::CampaignStatus;
use nmc_kernel::Untextable;
use serde_json::{Value, json};

use crate::{
    BlockReason, Decision, DeferReason, Purpose, Subject,
    model::{destination::Destination, limit::Beyond, state_hours::STATE_HOURS_VERSION},
};

/// How long after an opt-out its confirmation may be sent: 47 CFR 64.1200(a)(12),
/// <https://www.ecfr.gov/current/title-47/section-64.1200#p-64.1200(a)(12)>.
const CONFIRMATION_MINUTES: i64 = 5;
/// How long a text waits that is beyond a limit, before it asks again.
const LIMIT_WAIT: Duration = Duration::minutes(5);

/// All that a decision depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own, and they combine freely")]
pub(crate) struct Facts {
    /// The number is a receiving number of this installation, of whichever tenant.
    pub(crate) is_own_number: bool,
    /// Why nobody reads texts on the number, if nobody does.
    pub(crate) untextable: Option<Untextable>,
    /// Whether the business texts numbers like this.
    pub(crate) destination: Destination,
    /// The opt-out that holds, if one does.
    pub(crate) opt_out: Option<OptOut>,
    /// The number is on the business's list.
    pub(crate) is_do_not_text: bool,
    /// The business is served.
    pub(crate) is_tenant_active: bool,
    /// The caller's last texts look like a machine's.
    pub(crate) is_loop: bool,
    /// The limit that one more text would go beyond.
    pub(crate) beyond: Option<Beyond>,
    /// Where the campaign stands; nothing where none was submitted.
    pub(crate) campaign: Option<CampaignStatus>,
    /// When the quiet hours end that hold now where the caller is; nothing outside of them.
    pub(crate) quiet_until: Option<DateTime<Utc>>,
    /// The answer to a call waits for the end of the quiet hours as well.
    pub(crate) is_greeting_quiet: bool,
}

/// An opt-out that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OptOut {
    /// When it was recorded.
    pub(crate) recorded_at: DateTime<Utc>,
    /// The text that confirms it, if there is one.
    pub(crate) confirmed_by: Option<Subject>,
}

/// Whether a text may go out. Of several refusals the one that lasts longest is given, the campaign's last: it alone
/// ends without the caller or the business doing anything, and what waits for it is sent then.
pub(crate) fn judge(facts: &Facts, subject: Option<Subject>, purpose: Purpose, now: DateTime<Utc>) -> Decision {
    if let Some(reason) = refusal(facts, subject, purpose, now) {
        return Decision::Block { reason };
    }
    let quiet = match facts.quiet_until {
        Some(until) if waits_for_morning(purpose, facts.is_greeting_quiet) => {
            Decision::Defer { until, reason: DeferReason::QuietHours }
        }
        _ => Decision::Allow,
    };
    let wait = |reason| Decision::Defer { until: now + LIMIT_WAIT, reason };
    quiet.and(match facts.beyond.filter(|_| is_limited(purpose)) {
        Some(Beyond::Business) => wait(DeferReason::BusinessLimit),
        Some(Beyond::Installation) => wait(DeferReason::InstallationLimit),
        Some(Beyond::Caller) | None => Decision::Allow,
    })
}

fn refusal(facts: &Facts, subject: Option<Subject>, purpose: Purpose, now: DateTime<Utc>) -> Option<BlockReason> {
    if facts.is_own_number {
        return Some(BlockReason::OwnNumber);
    }
    if facts.untextable.is_some() {
        return Some(BlockReason::NotTextable);
    }
    match facts.destination {
        Destination::Served => {}
        Destination::CountryNotServed => return Some(BlockReason::CountryNotServed),
        Destination::PremiumRate => return Some(BlockReason::PremiumRate),
    }
    if let Some(reason) = opt_out_refusal(facts.opt_out, subject, purpose, now) {
        return Some(reason);
    }
    if facts.is_do_not_text {
        return Some(BlockReason::DoNotText);
    }
    if !facts.is_tenant_active {
        return Some(BlockReason::TenantSuspended);
    }
    if facts.is_loop && is_unasked_for_by_people(purpose) {
        return Some(BlockReason::Loop);
    }
    if facts.beyond == Some(Beyond::Caller) && is_limited(purpose) {
        return Some(BlockReason::CallerLimit);
    }
    (facts.campaign != Some(CampaignStatus::Approved)).then_some(BlockReason::CampaignNotApproved)
}

fn opt_out_refusal(
    opt_out: Option<OptOut>,
    subject: Option<Subject>,
    purpose: Purpose,
    now: DateTime<Utc>,
) -> Option<BlockReason> {
    match (purpose, opt_out) {
        (Purpose::OptOutConfirmation, None) => Some(BlockReason::NoOptOut),
        (Purpose::OptOutConfirmation, Some(opt_out)) => {
            if opt_out.confirmed_by.is_some() && opt_out.confirmed_by != subject {
                return Some(BlockReason::AlreadyConfirmed);
            }
            let is_late = now - opt_out.recorded_at > Duration::minutes(CONFIRMATION_MINUTES);
            is_late.then_some(BlockReason::ConfirmationTooLate)
        }
        (Purpose::Help, _) | (_, None) => None,
        (_, Some(_)) => Some(BlockReason::OptedOut),
    }
}

/// What the law wants sent is sent, however much else there was; an opt-out is confirmed once anyway.
fn is_limited(purpose: Purpose) -> bool {
    purpose != Purpose::OptOutConfirmation
}

/// What the automation writes of its own accord: what would keep a loop going.
fn is_unasked_for_by_people(purpose: Purpose) -> bool {
    match purpose {
        Purpose::Greeting | Purpose::Reply | Purpose::Nudge | Purpose::Reminder | Purpose::Help => true,
        Purpose::Human | Purpose::Confirmation | Purpose::OptOutConfirmation | Purpose::Notice => false,
    }
}

/// Answers go out at once. What we start waits for the morning, and so does the answer to a call where the business
/// wants it.
fn waits_for_morning(purpose: Purpose, is_greeting_quiet: bool) -> bool {
    match purpose {
        Purpose::Nudge | Purpose::Reminder => true,
        Purpose::Greeting => is_greeting_quiet,
        Purpose::Reply
        | Purpose::Human
        | Purpose::Confirmation
        | Purpose::OptOutConfirmation
        | Purpose::Help
        | Purpose::Notice => false,
    }
}

impl Facts {
    /// What is kept beside the decision; no phone number is in it.
    pub(crate) fn as_inputs(&self) -> Value {
        json!({
            "own_number": self.is_own_number,
            "untextable": self.untextable.map(Untextable::as_str),
            "destination": self.destination.as_str(),
            "opted_out_at": self.opt_out.map(|opt_out| opt_out.recorded_at),
            "do_not_text": self.is_do_not_text,
            "tenant_active": self.is_tenant_active,
            "campaign": self.campaign.map(CampaignStatus::as_str),
            "loop": self.is_loop,
            "beyond": self.beyond,
            "quiet_until": self.quiet_until,
            "state_hours": STATE_HOURS_VERSION,
        })
    }
}

#[cfg(test)]
mod tests {
    use nmc_kernel::MessageId;
    use uuid::Uuid;

    use super::*;

    const NOW: DateTime<Utc> = DateTime::from_timestamp_nanos(1_800_000_000_000_000_000);

    fn asking() -> Subject {
        Subject::Message(MessageId::from(Uuid::from_u128(1)))
    }

    fn another() -> Subject {
        Subject::Message(MessageId::from(Uuid::from_u128(2)))
    }

    fn opt_outs() -> Vec<Option<OptOut>> {
        let since = |seconds| NOW - Duration::seconds(seconds);
        let mut all = vec![None];
        // The last moment of the five minutes, and the first after it.
        for seconds in [0, 300, 301] {
            for confirmed_by in [None, Some(asking()), Some(another())] {
                all.push(Some(OptOut { recorded_at: since(seconds), confirmed_by }));
            }
        }
        all
    }

    fn each(mut check: impl FnMut(Facts, Purpose)) {
        let untextables = [None, Some(Untextable::TollFree)];
        let destinations = [Destination::Served, Destination::CountryNotServed, Destination::PremiumRate];
        let campaigns =
            [None, Some(CampaignStatus::Pending), Some(CampaignStatus::Approved), Some(CampaignStatus::Rejected)];
        let beyonds = [None, Some(Beyond::Caller), Some(Beyond::Business), Some(Beyond::Installation)];
        for bits in 0..64_u8 {
            let bit = |at: u8| bits & (1 << at) != 0;
            for untextable in untextables {
                for destination in destinations {
                    for opt_out in opt_outs() {
                        for campaign in campaigns {
                            for (purpose, beyond) in Purpose::ALL.iter().flat_map(|p| beyonds.map(|beyond| (p, beyond)))
                            {
                                let facts = Facts {
                                    is_own_number: bit(0),
                                    untextable,
                                    destination,
                                    opt_out,
                                    is_do_not_text: bit(1),
                                    is_tenant_active: bit(2),
                                    is_loop: bit(5),
                                    beyond,
                                    campaign,
                                    quiet_until: bit(3).then(|| NOW + Duration::hours(3)),
                                    is_greeting_quiet: bit(4),
                                };
                                check(facts, *purpose);
                            }
                        }
                    }
                }
            }
        }
    }

    /// Every reason that speaks against the text, said one by one; the first is the one to be given.
    fn against(facts: &Facts, purpose: Purpose) -> Vec<BlockReason> {
        let is_confirmation = purpose == Purpose::OptOutConfirmation;
        let is_automatic = matches!(purpose.as_str(), "greeting" | "reply" | "nudge" | "reminder" | "help");
        let out = facts.opt_out;
        let taken = out.is_some_and(|out| out.confirmed_by == Some(another()));
        let late = out.is_some_and(|out| NOW - out.recorded_at > Duration::seconds(300));
        [
            (facts.is_own_number, BlockReason::OwnNumber),
            (facts.untextable.is_some(), BlockReason::NotTextable),
            (facts.destination == Destination::CountryNotServed, BlockReason::CountryNotServed),
            (facts.destination == Destination::PremiumRate, BlockReason::PremiumRate),
            (out.is_some() && !is_confirmation && purpose != Purpose::Help, BlockReason::OptedOut),
            (out.is_none() && is_confirmation, BlockReason::NoOptOut),
            (taken && is_confirmation, BlockReason::AlreadyConfirmed),
            (late && is_confirmation, BlockReason::ConfirmationTooLate),
            (facts.is_do_not_text, BlockReason::DoNotText),
            (!facts.is_tenant_active, BlockReason::TenantSuspended),
            (facts.is_loop && is_automatic, BlockReason::Loop),
            (facts.beyond == Some(Beyond::Caller) && !is_confirmation, BlockReason::CallerLimit),
            (facts.campaign != Some(CampaignStatus::Approved), BlockReason::CampaignNotApproved),
        ]
        .into_iter()
        .filter_map(|(holds, reason)| holds.then_some(reason))
        .collect()
    }

    #[test]
    fn every_combination_of_what_is_known() {
        let (mut allowed, mut deferred, mut blocked) = (0, 0, 0);
        each(|facts, purpose| {
            let decision = judge(&facts, Some(asking()), purpose, NOW);
            let waits = match purpose {
                Purpose::Nudge | Purpose::Reminder => facts.quiet_until,
                Purpose::Greeting if facts.is_greeting_quiet => facts.quiet_until,
                _ => None,
            };
            let limit = match facts.beyond {
                _ if purpose == Purpose::OptOutConfirmation => None,
                Some(Beyond::Business) => Some(DeferReason::BusinessLimit),
                Some(Beyond::Installation) => Some(DeferReason::InstallationLimit),
                Some(Beyond::Caller) | None => None,
            };
            let expected = match (against(&facts, purpose).first(), waits, limit) {
                (Some(reason), ..) => Decision::Block { reason: *reason },
                // The night is longer than the look at a limit.
                (None, Some(until), _) => Decision::Defer { until, reason: DeferReason::QuietHours },
                (None, None, Some(reason)) => Decision::Defer { until: NOW + Duration::minutes(5), reason },
                (None, None, None) => Decision::Allow,
            };
            assert_eq!(decision, expected, "{purpose:?} {facts:?}");
            match decision {
                Decision::Allow => allowed += 1,
                Decision::Defer { .. } => deferred += 1,
                Decision::Block { .. } => blocked += 1,
            }
        });
        assert_eq!(allowed + deferred + blocked, 64 * 2 * 3 * 10 * 4 * 9 * 4);
        assert!(allowed > 0 && deferred > 0, "{allowed} {deferred} {blocked}");
    }

    #[test]
    fn asked_without_a_subject_any_confirmation_is_another_ones() {
        let facts = Facts {
            is_own_number: false,
            untextable: None,
            destination: Destination::Served,
            opt_out: Some(OptOut { recorded_at: NOW, confirmed_by: Some(asking()) }),
            is_do_not_text: false,
            is_tenant_active: true,
            is_loop: false,
            beyond: None,
            campaign: Some(CampaignStatus::Approved),
            quiet_until: None,
            is_greeting_quiet: false,
        };
        let ask = |subject| judge(&facts, subject, Purpose::OptOutConfirmation, NOW);
        assert_eq!(ask(None), Decision::Block { reason: BlockReason::AlreadyConfirmed });
        assert_eq!(ask(Some(asking())), Decision::Allow);
    }

    #[test]
    fn the_campaign_is_the_last_reason_given() {
        each(|facts, purpose| {
            let decision = judge(&facts, Some(asking()), purpose, NOW);
            if decision == (Decision::Block { reason: BlockReason::CampaignNotApproved }) {
                let approved = Facts { campaign: Some(CampaignStatus::Approved), ..facts };
                let then = judge(&approved, Some(asking()), purpose, NOW);
                assert!(!matches!(then, Decision::Block { .. }), "{purpose:?} {then:?}");
            }
        });
    }

    #[test]
    fn what_is_kept_of_the_facts_is_small() {
        each(|facts, _| assert!(facts.as_inputs().to_string().len() < 500));
    }
}
