//! The reasons of decisions for people: what the API shows beside the stable word.

use super::decision::{BlockReason, DeferReason};

impl DeferReason {
    /// Why a text waits, as a sentence.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::QuietHours => "It is night where the caller is: the text waits for the morning.",
            Self::Paused => "Sending is paused: the text waits.",
            Self::Rate => "As many texts as may go out at once are on their way: the text waits its turn.",
            Self::ProviderUnavailable => "The provider takes no texts at the moment: the text waits.",
            Self::BusinessLimit => "The business has sent as many texts as it may in this time: the text waits.",
            Self::InstallationLimit => "All businesses together have sent as many texts as they may: the text waits.",
        }
    }
}

impl BlockReason {
    /// Why a text must not go out, as a sentence.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::OwnNumber => "The number is one of this service's own: two automations would talk for ever.",
            Self::NotTextable => "No person reads texts on this number.",
            Self::CountryNotServed => "The business does not serve the number's country.",
            Self::PremiumRate => "Texts to this number cost more than a text.",
            Self::OptedOut => "The caller has opted out of texts.",
            Self::NoOptOut => "There is no opt-out to confirm any more.",
            Self::AlreadyConfirmed => "The opt-out has been confirmed already.",
            Self::ConfirmationTooLate => "It is too late to confirm the opt-out.",
            Self::DoNotText => "The number is on the business's list of numbers never to text.",
            Self::TenantSuspended => "The business is not served at the moment.",
            Self::CampaignNotApproved => "The carriers have not approved the business's campaign.",
            Self::Loop => "The caller seems to be a machine that answers whatever is written to it.",
            Self::CallerLimit => "The caller has been sent as many texts as one may get in this time.",
            Self::NumberReleased => "The number it was to be sent from is not the business's any more.",
            Self::Superseded => "The conversation has moved on since the text was composed.",
            Self::TakenOver => "A person has taken the conversation over.",
            Self::ConversationClosed => "The conversation has ended.",
            Self::Expired => "The text had waited for so long that it would only have confused.",
            Self::TooMany => "The caller has had as many automatic texts as one may get in this time.",
        }
    }
}
