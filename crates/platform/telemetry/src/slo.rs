//! The first text's objective (ADR 0009) as a number that needs no query.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use crate::name::{SLO_FIRST_SMS_P95_SECONDS, SLO_FIRST_SMS_SECONDS};

/// How many first texts the percentile looks back on: enough that one slow text is not the fifth percent, few enough
/// that an hour of trouble shows.
const LOOKS_BACK: usize = 500;

/// The last durations, oldest first. One per process, as the recorder of metrics is.
static LAST: Mutex<VecDeque<f64>> = Mutex::new(VecDeque::new());

/// Records how long a caller waited for the first text, in seconds from the webhook to the provider's acceptance.
pub fn record_first_sms(seconds: f64) {
    metrics::histogram!(SLO_FIRST_SMS_SECONDS).record(seconds);
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if last.len() == LOOKS_BACK {
        last.pop_front();
    }
    last.push_back(seconds);
    metrics::gauge!(SLO_FIRST_SMS_P95_SECONDS).set(percentile_95(last.iter().copied().collect()));
}

/// The smallest value that at least 95 of 100 do not exceed; 0 of nothing.
fn percentile_95(mut values: Vec<f64>) -> f64 {
    let rank = (values.len() * 95).div_ceil(100);
    let Some(at) = rank.checked_sub(1) else { return 0.0 };
    *values.select_nth_unstable_by(at, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_percentile_is_the_nearest_rank() {
        assert!(percentile_95(Vec::new()).abs() < f64::EPSILON);
        for (count, expected) in [(1, 1.0), (10, 10.0), (19, 19.0), (20, 19.0), (100, 95.0), (101, 96.0)] {
            let values: Vec<f64> = (1..=count).rev().map(f64::from).collect();
            assert!((percentile_95(values) - expected).abs() < f64::EPSILON, "of {count}");
        }
    }

    #[test]
    fn the_gauge_follows_the_last_texts() {
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, || {
            record_first_sms(60.0);
            for _ in 0..LOOKS_BACK {
                record_first_sms(0.5);
            }
        });
        let text = recorder.handle().render();
        assert!(text.contains("slo_first_sms_p95_seconds 0.5\n"), "{text}");
        assert!(text.contains("slo_first_sms_seconds_count 501\n"), "{text}");
    }
}
