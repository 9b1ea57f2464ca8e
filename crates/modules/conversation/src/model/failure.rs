//! What follows from a text that was not sent or did not arrive.

use nmc_providers::twilio::{Meaning, error_code};

use crate::TaskKind;

/// Filtered by a carrier: <https://www.twilio.com/docs/api/errors/30007>.
const FILTERED: i32 = 30_007;
/// The number belongs to no campaign that the carriers know: <https://www.twilio.com/docs/api/errors/30034>. Or the
/// campaign was suspended: <https://www.twilio.com/docs/api/errors/30033>.
const CAMPAIGN_UNKNOWN: [i32; 2] = [30_034, 30_033];

/// The word for a text of the automation that was left out, because none had told the caller who writes, that it is
/// automated, and how to end it.
pub(crate) const NOT_INTRODUCED: &str = "not-introduced";

/// The codes that say that no text reaches the number.
pub(crate) fn unreachable_codes() -> impl Iterator<Item = i32> {
    let unreachable = error_code::known().filter(|(_, meaning)| *meaning == Meaning::Unreachable);
    unreachable.filter_map(|(code, _)| i32::try_from(code).ok())
}

/// Why a text failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure<'a> {
    /// The provider's code says it.
    Code(i32),
    /// A stable word says it.
    Word(&'a str),
}

/// What follows, beside the message's own status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each follows or does not, whatever the others do")]
pub(crate) struct Consequences {
    /// How often the text may be sent again at most, a little later; once that is over, a person is asked.
    pub(crate) resends: u32,
    /// The caller wants no more texts.
    pub(crate) is_opt_out: bool,
    /// The wording is not sent any more.
    pub(crate) stops_wording: bool,
    /// The gate closes: nothing of the business goes out until its campaign is approved anew.
    pub(crate) closes_gate: bool,
    /// Somebody of the service must look.
    pub(crate) alerts: bool,
    /// What a person is asked to do.
    pub(crate) task: TaskKind,
}

impl Failure<'_> {
    /// The code or word, for metrics and people.
    pub(crate) fn label(self) -> String {
        match self {
            Self::Code(code) => code.to_string(),
            Self::Word(word) => word.to_owned(),
        }
    }

    pub(crate) fn consequences(self) -> Consequences {
        let code = match self {
            Self::Code(code) => Some(code),
            Self::Word(_) => None,
        };
        let meaning = code.and_then(|code| u32::try_from(code).ok()).map(error_code::meaning);
        Consequences {
            resends: if let Some(Meaning::Retry { at_most }) = meaning { at_most } else { 0 },
            is_opt_out: meaning == Some(Meaning::OptedOut),
            stops_wording: code == Some(FILTERED),
            closes_gate: code.is_some_and(|code| CAMPAIGN_UNKNOWN.contains(&code)),
            alerts: meaning == Some(Meaning::Alert),
            task: match meaning {
                Some(Meaning::Unreachable | Meaning::OptedOut) => TaskKind::CallBack,
                Some(Meaning::TenantSetupWrong) => TaskKind::Setup,
                Some(Meaning::Retry { .. } | Meaning::Alert) | None => TaskKind::NotSent,
            },
        }
    }

    /// What a person is told.
    pub(crate) fn task_text(self) -> String {
        let meaning = match self {
            Self::Code(code) => u32::try_from(code).ok().map(error_code::meaning),
            Self::Word(_) => None,
        };
        let label = self.label();
        match meaning {
            Some(Meaning::Unreachable) => format!("Call back: no text reaches this caller (code {label})."),
            Some(Meaning::OptedOut) => format!("Call back: this caller takes no texts (code {label})."),
            Some(Meaning::TenantSetupWrong) => format!(
                "A text was refused because your number or registration is not in order (code {label}); call back."
            ),
            Some(Meaning::Retry { .. } | Meaning::Alert) => {
                format!("A text did not reach the caller (code {label}); call back.")
            }
            None => format!("A text was not sent ({label}); call back."),
        }
    }
}
