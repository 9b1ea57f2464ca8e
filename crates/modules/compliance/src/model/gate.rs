use chrono::{DateTime, Duration, Utc};
use nmc_events::compliance::CampaignStatus;
use nmc_kernel::Untextable;
use serde_json::{Value, json};

use crate::{BlockReason, Decision, DeferReason, Purpose, Subject, model::destination::Destination};

/// How long after an opt-out its confirmation may be sent: 47 CFR 64.1200(a)(12),
/// <https://www.ecfr.gov/current/title-47/section-64.1200#p-64.1200(a)(12)>.
const CONFIRMATION_MINUTES: i64 = 5;

/// All that a decision depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    match refusal(facts, subject, purpose, now) {
        Some(reason) => Decision::Block { reason },
        None => match facts.quiet_until {
            Some(until) if waits_for_morning(purpose, facts.is_greeting_quiet) => {
                Decision::Defer { until, reason: DeferReason::QuietHours }
            }
            _ => Decision::Allow,
        },
    }
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
    (facts.campaign != Some(CampaignStatus::Approved)).then_some(BlockReason::CampaignNotApproved)
}

fn opt_out_refusal(
    opt_out: Option<OptOut>,
    subject: Option<Subject>,
    purpose: Purpose,
    now: DateTime<Utc>,
) -> Option<BlockReason> {
    match (purpose, opt_out) {
        (Purpose::Help, _) => None,
        (Purpose::OptOutConfirmation, None) => Some(BlockReason::NoOptOut),
        (Purpose::OptOutConfirmation, Some(opt_out)) => {
            if opt_out.confirmed_by.is_some() && opt_out.confirmed_by != subject {
                return Some(BlockReason::AlreadyConfirmed);
            }
            let is_late = now - opt_out.recorded_at > Duration::minutes(CONFIRMATION_MINUTES);
            is_late.then_some(BlockReason::ConfirmationTooLate)
        }
        (_, None) => None,
        (_, Some(_)) => Some(BlockReason::OptedOut),
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
            "quiet_until": self.quiet_until,
        })
    }
}
