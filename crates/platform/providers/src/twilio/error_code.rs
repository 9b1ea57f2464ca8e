//! What a Twilio error code asks of us. Codes: <https://www.twilio.com/docs/api/errors>.

/// The one thing to do about an error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// May work later: at most this many more times, then it has failed.
    Retry {
        /// Further attempts that make sense.
        at_most: u32,
    },
    /// No text reaches this number: a landline, an unknown handset, an invalid number. A person should call back.
    Unreachable,
    /// The recipient does not want texts from us.
    OptedOut,
    /// The tenant's registration or sending number is not in order: nothing of the tenant's goes out until it is.
    TenantSetupWrong,
    /// Somebody must look: our fault, or something that stops more than this message.
    Alert,
}

impl Meaning {
    /// The stable word for metrics and decisions.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retry { .. } => "retry",
            Self::Unreachable => "unreachable",
            Self::OptedOut => "opted-out",
            Self::TenantSetupWrong => "tenant-setup-wrong",
            Self::Alert => "alert",
        }
    }
}

/// The codes with a meaning of their own; every other code is an [`Meaning::Alert`].
const TABLE: [(u32, Meaning); 23] = [
    // Too many requests: as many attempts as any effect has.
    (20_429, Meaning::Retry { at_most: 6 }),
    // The number is not a valid one.
    (21_211, Meaning::Unreachable),
    (21_217, Meaning::Unreachable),
    (21_614, Meaning::Unreachable),
    // The recipient cannot be reached from this sender (route, kind of number).
    (21_612, Meaning::Unreachable),
    // Sending to this country is switched off for the account.
    (21_408, Meaning::TenantSetupWrong),
    // The sender is not a number of the account, cannot send SMS, or does not belong to the service.
    (21_606, Meaning::TenantSetupWrong),
    (21_659, Meaning::TenantSetupWrong),
    (21_660, Meaning::TenantSetupWrong),
    (21_703, Meaning::TenantSetupWrong),
    (21_704, Meaning::TenantSetupWrong),
    // Replied STOP.
    (21_610, Meaning::OptedOut),
    // Queue of the sender full.
    (21_611, Meaning::Retry { at_most: 6 }),
    // Queue overflow.
    (30_001, Meaning::Retry { at_most: 2 }),
    // Handset switched off or out of reach.
    (30_003, Meaning::Retry { at_most: 2 }),
    // The recipient blocks us: to be honoured like a stop.
    (30_004, Meaning::OptedOut),
    // Handset unknown.
    (30_005, Meaning::Unreachable),
    // Landline, or a carrier that cannot be reached.
    (30_006, Meaning::Unreachable),
    // Filtered by the carrier: stop that text and look.
    (30_007, Meaning::Alert),
    // Unknown error of the carrier.
    (30_008, Meaning::Retry { at_most: 1 }),
    // Toll-free sender not verified.
    (30_032, Meaning::TenantSetupWrong),
    // Campaign not registered; suspended.
    (30_034, Meaning::TenantSetupWrong),
    (30_033, Meaning::TenantSetupWrong),
];

/// Every code with a meaning of its own, with that meaning.
pub fn known() -> impl Iterator<Item = (u32, Meaning)> {
    TABLE.into_iter()
}

/// What `code` asks of us.
pub fn meaning(code: u32) -> Meaning {
    TABLE.iter().find(|(known, _)| *known == code).map_or(Meaning::Alert, |(_, meaning)| *meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_meaning() {
        for (index, (code, _)) in TABLE.iter().enumerate() {
            assert!(!TABLE[index + 1..].iter().any(|(other, _)| other == code), "{code} twice");
        }
        let words = [
            (21_211, "unreachable"),
            (21_614, "unreachable"),
            (21_610, "opted-out"),
            (21_408, "tenant-setup-wrong"),
            (20_429, "retry"),
            (30_003, "retry"),
            (30_004, "opted-out"),
            (30_005, "unreachable"),
            (30_006, "unreachable"),
            (30_007, "alert"),
            (30_008, "retry"),
            (30_034, "tenant-setup-wrong"),
            (30_032, "tenant-setup-wrong"),
            (20_003, "alert"),
            (99_999, "alert"),
        ];
        for (code, word) in words {
            assert_eq!(meaning(code).as_str(), word, "{code}");
        }
        assert_eq!(meaning(30_003), Meaning::Retry { at_most: 2 });
        assert_eq!(meaning(30_008), Meaning::Retry { at_most: 1 });
    }
}
