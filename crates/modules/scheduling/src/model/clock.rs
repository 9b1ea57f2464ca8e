use std::ops::Range;

use chrono::{DateTime, Days, Duration, NaiveDate, NaiveDateTime, NaiveTime, Offset as _, TimeZone as _, Utc};
use chrono_tz::Tz;

/// No zone changes its offset twice within so long.
const STEP: Duration = Duration::days(1);
/// No zone is further from UTC (13 and 14 hours at most), and none ever turned its clocks by more than a day.
const MARGIN: Days = Days::new(2);

/// What the clocks of a time zone show, over some days.
#[derive(Debug)]
pub(crate) struct Clock(Vec<Steady>);

/// From one change of the clocks to the next.
#[derive(Debug)]
struct Steady {
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    /// How far the clocks are ahead of UTC.
    ahead_seconds: i64,
}

impl Clock {
    /// For every local time of the dates.
    pub(crate) fn over(zone: Tz, first: NaiveDate, last: NaiveDate) -> Self {
        let ahead = |at: DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc();
        let midnight = |date: NaiveDate| date.and_time(NaiveTime::MIN).and_utc();
        let mut from = midnight(first - MARGIN);
        let end = midnight(last + MARGIN);

        let (mut stretches, mut at) = (Vec::with_capacity(2), from);
        while at < end {
            let next = at + STEP;
            if ahead(at) != ahead(next) {
                let until = change(at..next, ahead);
                stretches.push(Steady { from, until, ahead_seconds: ahead(at).into() });
                from = until;
            }
            at = next;
        }
        stretches.push(Steady { from, until: DateTime::<Utc>::MAX_UTC, ahead_seconds: ahead(at).into() });
        Self(stretches)
    }

    /// When the clock shows `opens` or later, until it first shows `closes` or later. A time that is left out is the
    /// end of the gap, a time that comes twice is its first occurrence; what comes again before `opens` is left out.
    pub(crate) fn between(
        &self,
        opens: NaiveDateTime,
        closes: NaiveDateTime,
    ) -> impl Iterator<Item = Range<DateTime<Utc>>> {
        let end = self.first(closes);
        self.0.iter().map(move |steady| steady.from.max(steady.instant(opens))..steady.until.min(end))
    }

    /// Whether the clock shows a multiple of `step` past midnight.
    pub(crate) fn is_on(&self, at: DateTime<Utc>, step: Duration) -> bool {
        let steady = self.0.iter().find(|steady| at < steady.until);
        steady.is_some_and(|steady| steady.past(at, step).is_zero())
    }

    /// When, from `from` to `last`, the clock shows a multiple of `step` past midnight: in order, each once.
    pub(crate) fn marks(
        &self,
        from: DateTime<Utc>,
        last: DateTime<Utc>,
        step: Duration,
    ) -> impl Iterator<Item = DateTime<Utc>> {
        self.0.iter().filter(move |steady| from < steady.until && steady.from <= last).flat_map(move |steady| {
            let from = from.max(steady.from);
            let past = steady.past(from, step);
            let mut next = if past.is_zero() { from } else { from - past + step };
            std::iter::from_fn(move || {
                let mark = next;
                next += step;
                (mark <= last && mark < steady.until).then_some(mark)
            })
        })
    }

    /// The first instant at which the clock shows `local` or later.
    pub(crate) fn first(&self, local: NaiveDateTime) -> DateTime<Utc> {
        let in_each = self.0.iter().map(|steady| (steady.from.max(steady.instant(local)), steady.until));
        in_each.filter(|(at, until)| at < until).map(|(at, _)| at).next().unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

impl Steady {
    /// When the clock would show `local`, were there no changes.
    fn instant(&self, local: NaiveDateTime) -> DateTime<Utc> {
        local.and_utc() - Duration::seconds(self.ahead_seconds)
    }

    /// How long ago the clock last showed a multiple of `step` past midnight.
    fn past(&self, at: DateTime<Utc>, step: Duration) -> Duration {
        let seconds = (at.timestamp() + self.ahead_seconds).rem_euclid(step.num_seconds());
        Duration::seconds(seconds) + Duration::nanoseconds(at.timestamp_subsec_nanos().into())
    }
}

/// The second of a change between two instants.
fn change(within: Range<DateTime<Utc>>, ahead: impl Fn(DateTime<Utc>) -> i32) -> DateTime<Utc> {
    let Range { start: mut before, end: mut after } = within;
    while after - before > Duration::seconds(1) {
        let middle = before + Duration::seconds((after - before).num_seconds() / 2);
        if ahead(middle) == ahead(before) { before = middle } else { after = middle }
    }
    after
}
