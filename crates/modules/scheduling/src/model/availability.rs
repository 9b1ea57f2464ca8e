use chrono::{DateTime, Days, Duration, NaiveDate, Utc};
use chrono_tz::Tz;
use nmc_identity::OpeningHours;
use nmc_kernel::Timeslot;

use super::{clock::Clock, granularity::Granularity, open_time::open_time, refusal::Refusal, stretches::Stretches};

/// No slot is longer: an item lasts eight hours at most.
const LONGEST_SLOT: Duration = Duration::days(1);
/// Local dates differ from those of UTC by one at most.
const A_DATE: Days = Days::new(1);

/// The rules a resource is judged by.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// Where its local times are told.
    pub(crate) zone: Tz,
    /// When it works, on each day of the week.
    pub(crate) hours: OpeningHours,
    /// The dates without hours, in order.
    pub(crate) holidays: Vec<NaiveDate>,
    /// Kept free before an appointment.
    pub(crate) buffer_before: Duration,
    /// Kept free after it.
    pub(crate) buffer_after: Duration,
    /// No appointment begins sooner from now.
    pub(crate) minimum_notice: Duration,
    /// No appointment begins later from now.
    pub(crate) horizon: Duration,
}

/// What keeps a resource from being booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum BusyWith {
    Appointment,
    Hold,
    TimeOff,
    External,
}

/// A range in which a resource is busy; of appointments and holds the blocked one, with their buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Busy {
    pub(crate) from: DateTime<Utc>,
    pub(crate) until: DateTime<Utc>,
    pub(crate) with: BusyWith,
}

/// When one resource can be booked.
#[derive(Debug)]
pub(crate) struct Availability {
    now: DateTime<Utc>,
    /// No slot begins before.
    earliest: DateTime<Utc>,
    /// No slot begins after.
    latest: DateTime<Utc>,
    buffer_before: Duration,
    buffer_after: Duration,
    clock: Clock,
    open: Stretches,
    /// What would be open without holidays.
    usual: Stretches,
    time_off: Stretches,
    external: Stretches,
    /// By appointments and holds.
    taken: Stretches,
}

impl Availability {
    /// `window` is what will be asked about: slots that lie in it. `busy` is all that can meet them and their buffers.
    pub(crate) fn new(
        rules: &Rules,
        busy: impl IntoIterator<Item = Busy>,
        window: Timeslot,
        now: DateTime<Utc>,
    ) -> Self {
        let latest = now + rules.horizon;
        // What is outside of notice and horizon is refused without a look at the hours, so they are not made for it.
        let date = |at: DateTime<Utc>| at.clamp(now, latest + LONGEST_SLOT).date_naive();
        let (first, last) = (date(window.start()) - A_DATE, date(window.end()) + A_DATE);
        let clock = Clock::over(rules.zone, first, last);
        let dates = || first.iter_days().take_while(|date| *date <= last);
        let is_holiday = |date: &NaiveDate| rules.holidays.binary_search(date).is_ok();
        let (mut time_off, mut external, mut taken) = (vec![], vec![], vec![]);
        for Busy { from, until, with } in busy {
            let of_its_kind = match with {
                BusyWith::TimeOff => &mut time_off,
                BusyWith::External => &mut external,
                BusyWith::Appointment | BusyWith::Hold => &mut taken,
            };
            of_its_kind.push(from..until);
        }
        Self {
            now,
            earliest: now + rules.minimum_notice,
            latest,
            buffer_before: rules.buffer_before,
            buffer_after: rules.buffer_after,
            open: open_time(&rules.hours, dates().filter(|date| !is_holiday(date)), &clock),
            usual: open_time(&rules.hours, dates(), &clock),
            clock,
            time_off: Stretches::of(time_off),
            external: Stretches::of(external),
            taken: Stretches::of(taken),
        }
    }

    /// The one judge: a search keeps what it allows, a hold is refused by what it says. What it allows is the range to
    /// block.
    pub(crate) fn judge(&self, slot: Timeslot) -> Result<Timeslot, Refusal> {
        if slot.start() < self.now {
            return Err(Refusal::Past);
        }
        if slot.start() < self.earliest {
            return Err(Refusal::TooSoon);
        }
        if slot.start() > self.latest {
            return Err(Refusal::TooFar);
        }
        if !self.clock.is_on(slot.start(), Granularity::Quarter.duration()) {
            return Err(Refusal::NotAligned);
        }
        if !self.open.cover(slot) {
            return Err(if self.usual.cover(slot) { Refusal::Holiday } else { Refusal::OutsideHours });
        }
        let blocked = self.blocked(slot);
        if self.time_off.meet(blocked) {
            return Err(Refusal::TimeOff);
        }
        if self.external.meet(blocked) {
            return Err(Refusal::External);
        }
        if self.taken.meet(slot) {
            return Err(Refusal::Taken);
        }
        if self.taken.meet(blocked) {
            return Err(Refusal::Buffer);
        }
        Ok(blocked)
    }

    /// The same for a person who overrides on purpose: only the past and what is taken refuse, and the buffers are kept
    /// as far as they fit.
    pub(crate) fn judge_override(&self, slot: Timeslot) -> Result<Timeslot, Refusal> {
        if slot.start() < self.now {
            return Err(Refusal::Past);
        }
        if self.taken.meet(slot) {
            return Err(Refusal::Taken);
        }
        let blocked = self.blocked(slot);
        let from = self.taken.end_before(slot.start()).map_or(blocked.start(), |end| end.max(blocked.start()));
        let until = self.taken.start_after(slot.end()).map_or(blocked.end(), |start| start.min(blocked.end()));
        Ok(Timeslot::new(from, until).unwrap_or(slot))
    }

    /// Every slot of this length in `window`, aligned to `granularity`, that `judge` allows, in order.
    pub(crate) fn slots(
        &self,
        window: Timeslot,
        length: Duration,
        granularity: Granularity,
    ) -> impl Iterator<Item = Timeslot> {
        let earliest = window.start().max(self.earliest);
        self.open
            .meeting(window)
            // Where something is taken there is nothing to judge.
            .flat_map(|open| {
                let gaps = self.taken.gaps(open.start - self.buffer_before..open.end + self.buffer_after);
                gaps.map(move |gap| (open, gap))
            })
            .flat_map(move |(open, gap)| {
                let first = earliest.max(open.start).max(gap.start + self.buffer_before);
                let end = window.end().min(open.end).min(gap.end - self.buffer_after);
                self.clock.marks(first, self.latest.min(end - length), granularity.duration())
            })
            .filter_map(move |start| Timeslot::new(start, start + length).ok())
            .filter(|slot| self.judge(*slot).is_ok())
    }

    /// The slot with its buffers.
    fn blocked(&self, slot: Timeslot) -> Timeslot {
        let from = slot.start().checked_sub_signed(self.buffer_before);
        let until = slot.end().checked_add_signed(self.buffer_after);
        Timeslot::new(from.unwrap_or(slot.start()), until.unwrap_or(slot.end())).unwrap_or(slot)
    }
}

#[cfg(test)]
#[path = "availability_tests.rs"]
mod tests;
