//! The low-water mark: below it nothing is ready, so the claim need not wade through what is done.
//!
//! Dead index entries cannot be removed while any transaction is open elsewhere; without a mark the claim would walk
//! over all of them each time.

use std::time::{Duration, Instant};

/// How long a mark is trusted: another process may have given rows below it back.
const TRUST: Duration = Duration::from_secs(5);

/// What a claim saw.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claimed {
    pub(crate) lowest_seq: i64,
    pub(crate) highest_seq: i64,
    /// Every transaction below this had ended when the claim looked.
    pub(crate) xmin: i64,
    /// No transaction from this on had begun to write when the claim looked.
    pub(crate) xmax: i64,
}

#[derive(Debug)]
pub(crate) struct LowWaterMark {
    mark: i64,
    /// A sequence number that may become the mark, and the transaction id below which all must have ended first:
    /// until then a transaction that took a lower number may still commit.
    candidate: Option<(i64, i64)>,
    forget_at: Instant,
}

impl LowWaterMark {
    pub(crate) fn new(now: Instant) -> Self {
        Self { mark: 0, candidate: None, forget_at: now + TRUST }
    }

    /// The claim looks at rows above this.
    pub(crate) fn above(&mut self, now: Instant) -> i64 {
        if now >= self.forget_at {
            self.forget(now);
        }
        self.mark
    }

    /// Rows below may be ready again.
    pub(crate) fn forget(&mut self, now: Instant) {
        *self = Self::new(now);
    }

    pub(crate) fn observe(&mut self, claimed: Claimed) {
        if let Some((seq, xmax)) = self.candidate
            && claimed.xmin >= xmax
        {
            // All who could still have had a number up to `seq` have ended, and this claim found none of theirs left.
            if claimed.lowest_seq > seq {
                self.mark = self.mark.max(seq);
            }
            self.candidate = None;
        }
        self.candidate.get_or_insert((claimed.highest_seq, claimed.xmax));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claimed(lowest_seq: i64, highest_seq: i64, xmin: i64, xmax: i64) -> Claimed {
        Claimed { lowest_seq, highest_seq, xmin, xmax }
    }

    #[test]
    fn does_not_pass_a_row_that_may_still_be_committed() {
        let now = Instant::now();
        let mut mark = LowWaterMark::new(now);
        // Transaction 9 has taken a number below 10 and is still open.
        mark.observe(claimed(1, 10, 9, 12));
        mark.observe(claimed(11, 20, 9, 13));
        assert_eq!(mark.above(now), 0);
        // It commits; the next claim finds its row.
        mark.observe(claimed(7, 20, 14, 14));
        assert_eq!(mark.above(now), 0);
        mark.observe(claimed(21, 30, 15, 15));
        assert_eq!(mark.above(now), 20);
    }

    #[test]
    fn advances_while_everything_ends_in_order() {
        let now = Instant::now();
        let mut mark = LowWaterMark::new(now);
        mark.observe(claimed(1, 100, 50, 50));
        mark.observe(claimed(101, 200, 51, 51));
        assert_eq!(mark.above(now), 100);
    }

    #[test]
    fn is_forgotten_after_a_while() {
        let now = Instant::now();
        let mut mark = LowWaterMark::new(now);
        mark.observe(claimed(1, 100, 50, 50));
        mark.observe(claimed(101, 200, 51, 51));
        assert_eq!(mark.above(now + TRUST), 0);
    }
}
