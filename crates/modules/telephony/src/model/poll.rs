//! How Twilio's lists are read for what no webhook delivered: which entries are looked at, which wait for the next time,
//! and how far a list has been read.

use chrono::{DateTime, Duration, Utc};

/// Entries appear a little late in a list, and Twilio's clock is not ours: so much of it is read once more.
const OVERLAP: Duration = Duration::minutes(10);
/// A webhook may still be on its way: Twilio gives one 15 seconds, and its fallback as many again
/// (<https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides>).
const SETTLES_IN: Duration = Duration::seconds(60);
/// After a longer outage the rest is not read: a call of days ago is answered by nobody.
const LOOKS_BACK: Duration = Duration::days(3);

/// How far a list has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// What came in before this is not answered: the installation was not connected yet.
    pub(crate) since: DateTime<Utc>,
    /// All that came in before this has been looked at.
    pub(crate) read_up_to: DateTime<Utc>,
}

/// One reading of a list, from its newest entry to the oldest that matters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    since: DateTime<Utc>,
    /// Older entries are not looked at.
    pub(crate) from: DateTime<Utc>,
    settled_before: DateTime<Utc>,
    /// The oldest entry that was left for the next time.
    waiting: Option<DateTime<Utc>>,
}

impl Reading {
    pub(crate) fn begin(progress: Progress, now: DateTime<Utc>) -> Self {
        let from = (progress.read_up_to - OVERLAP).max(now - LOOKS_BACK).max(progress.since);
        Self { since: progress.since, from, settled_before: now - SETTLES_IN, waiting: None }
    }

    /// Whether an entry of which no webhook told is to be taken now. One that goes on, or ended a moment ago, waits.
    pub(crate) fn takes(&mut self, created_at: DateTime<Utc>, settled_at: Option<DateTime<Utc>>) -> bool {
        let is_settled = settled_at.is_some_and(|at| at <= self.settled_before);
        if !is_settled {
            self.waiting = Some(self.waiting.map_or(created_at, |oldest| oldest.min(created_at)));
        }
        is_settled
    }

    /// How far the list has been read when its last page has been.
    pub(crate) fn read_up_to(&self) -> DateTime<Utc> {
        self.waiting.map_or(self.settled_before, |oldest| oldest.min(self.settled_before)).max(self.since)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + Duration::days(100) + Duration::seconds(seconds)
    }

    #[test]
    fn nothing_from_before_the_first_reading() {
        let progress = Progress { since: at(0), read_up_to: at(0) };
        assert_eq!(Reading::begin(progress, at(180)).from, at(0));
        let later = Progress { since: at(0), read_up_to: at(10_000) };
        assert_eq!(Reading::begin(later, at(10_180)).from, at(10_000) - OVERLAP);
        assert_eq!(Reading::begin(later, at(9_999_999)).from, at(9_999_999) - LOOKS_BACK);
    }

    proptest! {
        /// Whatever comes in whenever, lasts as long as it may and is listed as late as the overlap allows: every entry
        /// is taken by one of the readings that follow it, and by none before it has settled.
        #[test]
        fn every_entry_is_taken(
            entries in prop::collection::vec((0_i64..2_000, 0_i64..3_000, 0_i64..300), 1..20),
            pauses in prop::collection::vec(5_i64..900, 60),
        ) {
            let mut progress = Progress { since: at(0), read_up_to: at(0) };
            let (mut now, mut taken) = (0, vec![false; entries.len()]);
            for pause in pauses {
                now += pause;
                let mut reading = Reading::begin(progress, at(now));
                for (index, (created, lasts, listed_after)) in entries.iter().enumerate() {
                    let is_listed = created + listed_after <= now && at(*created) >= reading.from;
                    if !is_listed || taken[index] {
                        continue;
                    }
                    let ended = created + lasts;
                    let settled_at = (ended <= now).then(|| at(ended));
                    taken[index] = reading.takes(at(*created), settled_at);
                    prop_assert!(!taken[index] || ended + SETTLES_IN.num_seconds() <= now);
                }
                progress.read_up_to = reading.read_up_to();
                prop_assert!(progress.read_up_to >= progress.since);
            }
            prop_assume!(now > 6_000);
            prop_assert!(taken.iter().all(|taken| *taken));
        }
    }
}
