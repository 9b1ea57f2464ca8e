//! How many texts may go out: what is left of a fraud, a fault or a flood when everything else has let it through.

use serde::Serialize;

/// The most texts within an hour and within a day (24 hours, not a date). A text that may not go now waits or is given
/// up; it is never sent for being older than others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendLimits {
    /// To one caller of one business, whoever writes them.
    pub caller: Limit,
    /// Of one business.
    pub business: Limit,
    /// Of all businesses together.
    pub installation: Limit,
}

/// The most there may be of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Within an hour.
    pub hour: u32,
    /// Within 24 hours.
    pub day: u32,
}

impl Default for SendLimits {
    /// A booking takes about ten texts, a trade of five people some hundred callers a day, five thousand of them a few
    /// texts an hour each.
    fn default() -> Self {
        Self {
            caller: Limit { hour: 30, day: 60 },
            business: Limit { hour: 500, day: 3_000 },
            installation: Limit { hour: 100_000, day: 1_000_000 },
        }
    }
}

/// What was let out so far, of the same shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LetOut {
    pub(crate) caller: Count,
    pub(crate) business: Count,
    pub(crate) installation: Count,
}

/// How much there was of something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) hour: i64,
    pub(crate) day: i64,
}

/// Which limit one more text would go beyond; of several the narrowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Beyond {
    /// The caller has had enough.
    Caller,
    /// The business has.
    Business,
    /// All businesses together have.
    Installation,
}

/// Whether one more text would be too many.
pub(crate) fn beyond(limits: &SendLimits, out: &LetOut) -> Option<Beyond> {
    let is_full = |limit: Limit, count: Count| count.hour >= i64::from(limit.hour) || count.day >= i64::from(limit.day);
    if is_full(limits.caller, out.caller) {
        Some(Beyond::Caller)
    } else if is_full(limits.business, out.business) {
        Some(Beyond::Business)
    } else if is_full(limits.installation, out.installation) {
        Some(Beyond::Installation)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_that_fits_and_the_first_that_does_not() {
        let one = Limit { hour: 2, day: 3 };
        let limits = SendLimits { caller: one, business: one, installation: one };
        for (hour, day, is_full) in [(0, 0, false), (1, 2, false), (2, 2, true), (1, 3, true), (5, 9, true)] {
            let count = Count { hour, day };
            let of = |caller, business, installation| beyond(&limits, &LetOut { caller, business, installation });
            let none = Count::default();
            assert_eq!(of(count, none, none), is_full.then_some(Beyond::Caller), "{count:?}");
            assert_eq!(of(none, count, none), is_full.then_some(Beyond::Business), "{count:?}");
            assert_eq!(of(none, none, count), is_full.then_some(Beyond::Installation), "{count:?}");
            assert_eq!(of(count, count, count), is_full.then_some(Beyond::Caller), "{count:?}");
        }
        assert_eq!(beyond(&SendLimits::default(), &LetOut::default()), None);
    }
}
