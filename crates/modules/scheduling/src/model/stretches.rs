use std::ops::Range;

use chrono::{DateTime, Utc};
use nmc_kernel::Timeslot;

/// Stretches of time, in order and apart from one another: each look is a binary search.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stretches(Vec<Range<DateTime<Utc>>>);

impl Stretches {
    /// From pieces in any order. What touches or overlaps becomes one, what is empty is left out.
    pub(crate) fn of(mut stretches: Vec<Range<DateTime<Utc>>>) -> Self {
        stretches.retain(|stretch| stretch.start < stretch.end);
        stretches.sort_unstable_by_key(|stretch| stretch.start);
        stretches.dedup_by(|next, last| {
            let is_one = next.start <= last.end;
            if is_one {
                last.end = last.end.max(next.end);
            }
            is_one
        });
        Self(stretches)
    }

    /// Whether one of them covers all of the slot.
    pub(crate) fn cover(&self, slot: Timeslot) -> bool {
        self.from(slot.start()).first().is_some_and(|next| next.start <= slot.start() && slot.end() <= next.end)
    }

    /// Whether one of them shares an instant with the slot.
    pub(crate) fn meet(&self, slot: Timeslot) -> bool {
        self.from(slot.start()).first().is_some_and(|next| next.start < slot.end())
    }

    /// Those that share an instant with the slot.
    pub(crate) fn meeting(&self, slot: Timeslot) -> impl Iterator<Item = &Range<DateTime<Utc>>> {
        self.from(slot.start()).iter().take_while(move |stretch| stretch.start < slot.end())
    }

    /// What lies between them within a range; where one holds at an end of it, an empty gap or less is among it.
    pub(crate) fn gaps(&self, within: Range<DateTime<Utc>>) -> impl Iterator<Item = Range<DateTime<Utc>>> {
        let Range { start: mut from, end } = within;
        let between = self.from(from).iter().map(|next| (next.start, next.end)).take_while(move |next| next.0 < end);
        between.chain(std::iter::once((end, end))).map(move |next| std::mem::replace(&mut from, next.1)..next.0)
    }

    /// The end of the last one that is over by `at`.
    pub(crate) fn end_before(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.0[..self.over_by(at)].last().map(|stretch| stretch.end)
    }

    /// The beginning of the first one from `at` on, if none holds at `at`.
    pub(crate) fn start_after(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.from(at).first().map(|stretch| stretch.start)
    }

    /// Those that are not over by `at`.
    fn from(&self, at: DateTime<Utc>) -> &[Range<DateTime<Utc>>] {
        &self.0[self.over_by(at)..]
    }

    fn over_by(&self, at: DateTime<Utc>) -> usize {
        self.0.partition_point(|stretch| stretch.end <= at)
    }
}
