//! Order statistics of what was measured.

use std::{fmt, time::Duration};

/// What a set of durations looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    /// Half of them are at most this long.
    pub(crate) p50: Duration,
    /// 95 of 100 are at most this long.
    pub(crate) p95: Duration,
    /// The longest.
    pub(crate) max: Duration,
    /// How many there are.
    pub(crate) count: usize,
}

impl Summary {
    /// Nothing where nothing was measured.
    pub(crate) fn of(mut samples: Vec<Duration>) -> Option<Self> {
        samples.sort_unstable();
        let max = *samples.last()?;
        Some(Self { p50: nearest_rank(&samples, 50)?, p95: nearest_rank(&samples, 95)?, max, count: samples.len() })
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} / {} / {} ms", millis(self.p50), millis(self.p95), millis(self.max))
    }
}

/// A summary for the table; a dash where nothing was measured.
pub(crate) fn shown(summary: Option<Summary>) -> String {
    summary.map_or_else(|| "-".to_owned(), |summary| summary.to_string())
}

/// Milliseconds with three significant digits: what a table has room for and a measurement supports.
pub(crate) fn millis(duration: Duration) -> String {
    let millis = duration.as_secs_f64() * 1e3;
    let decimals = match millis {
        ..10.0 => 2,
        ..100.0 => 1,
        _ => 0,
    };
    format!("{millis:.decimals$}")
}

/// The smallest sample that at least `percent` of 100 samples do not exceed. `sorted` is in ascending order.
fn nearest_rank(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

/// The middle one; the mean of the two middle ones where their number is even. Nothing of nothing.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    if sorted.len() % 2 == 1 { Some(upper) } else { Some(f64::midpoint(*sorted.get(middle.checked_sub(1)?)?, upper)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis_up_to(n: u64) -> Vec<Duration> {
        // Out of order on purpose.
        (1..=n).rev().map(Duration::from_millis).collect()
    }

    #[test]
    fn percentiles_are_samples_by_nearest_rank() {
        let summary = Summary::of(millis_up_to(100)).unwrap();
        assert_eq!(summary.p50, Duration::from_millis(50));
        assert_eq!(summary.p95, Duration::from_millis(95));
        assert_eq!(summary.max, Duration::from_millis(100));
        assert_eq!(summary.count, 100);
        // With ten samples the 95th percentile is the longest.
        assert_eq!(Summary::of(millis_up_to(10)).unwrap().p95, Duration::from_millis(10));
        assert_eq!(Summary::of(millis_up_to(20)).unwrap().p95, Duration::from_millis(19));
    }

    #[test]
    fn one_sample_is_all_of_its_percentiles_and_none_has_none() {
        let only = Duration::from_millis(7);
        assert_eq!(Summary::of(vec![only]), Some(Summary { p50: only, p95: only, max: only, count: 1 }));
        assert_eq!(Summary::of(Vec::new()), None);
        assert_eq!(shown(None), "-");
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[9.0, 1.0, 5.0]), Some(5.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 9.0]), Some(3.0));
    }

    #[test]
    fn milliseconds_keep_three_digits() {
        assert_eq!(millis(Duration::from_micros(412)), "0.41");
        assert_eq!(millis(Duration::from_micros(12_345)), "12.3");
        assert_eq!(millis(Duration::from_millis(1_234)), "1234");
    }
}
