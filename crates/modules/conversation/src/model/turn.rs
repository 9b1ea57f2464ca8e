//! When an answer is due, and when it comes to nothing.

use chrono::{DateTime, Duration, Utc};

/// After the last text: who writes in pieces is answered once.
pub const SETTLES_AFTER: Duration = Duration::milliseconds(2_500);
/// After the first text: whoever goes on writing is answered all the same.
const WAITS_AT_MOST: Duration = Duration::seconds(10);
/// An answer that is overdue by more comes into a conversation that has moved on: a person answers instead.
const OF_USE_FOR: Duration = Duration::minutes(30);

/// When the answer to texts is due of which the first came at `first_at` and the newest at `newest_at`.
pub(crate) fn due_at(first_at: DateTime<Utc>, newest_at: DateTime<Utc>) -> DateTime<Utc> {
    (newest_at + SETTLES_AFTER).min(first_at + WAITS_AT_MOST)
}

/// Whether an answer that was due then comes too late now.
pub(crate) fn is_too_late(due_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now - due_at > OF_USE_FOR
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn due_once_it_is_quiet_and_never_later_than_ten_seconds_after_the_first(
            gaps in prop::collection::vec(0_i64..4_000, 0..40),
        ) {
            let first = DateTime::UNIX_EPOCH;
            let (mut newest, mut due) = (first, due_at(first, first));
            prop_assert_eq!(due, first + SETTLES_AFTER);
            for gap in gaps {
                newest += Duration::milliseconds(gap);
                let later = due_at(first, newest);
                // A further text never brings the answer forward.
                prop_assert!(later >= due && later <= first + WAITS_AT_MOST);
                prop_assert!(later == newest + SETTLES_AFTER || later == first + WAITS_AT_MOST);
                due = later;
            }
        }
    }

    #[test]
    fn an_answer_half_an_hour_late_is_one_too_late() {
        let due = DateTime::UNIX_EPOCH;
        assert!(!is_too_late(due, due + OF_USE_FOR));
        assert!(is_too_late(due, due + OF_USE_FOR + Duration::milliseconds(1)));
        assert!(!is_too_late(due, due - Duration::days(1)));
    }
}
