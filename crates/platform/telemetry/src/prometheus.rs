//! Metrics for Prometheus: histograms with fixed buckets, on a listener of their own.

use std::time::Duration;

use axum::{Router, http::header::CONTENT_TYPE, routing::get};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use crate::metric;

/// Upper bounds of every `*_seconds` histogram. Webhooks are answered within milliseconds and the first text within
/// five seconds (ADR 0009), so the lower end is fine; a minute is where every wait ends.
const BUCKETS_SECONDS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.0075, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0,
    5.0, 7.5, 10.0, 15.0, 30.0, 60.0,
];

/// Recorded values wait in memory until they are folded into their buckets: by a scrape, or by this.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// <https://prometheus.io/docs/instrumenting/exposition_formats/>
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(crate) fn install() -> Result<PrometheusHandle, BuildError> {
    let handle = builder()?.install_recorder()?;
    metric::describe();
    Ok(handle)
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), BUCKETS_SECONDS)
}

pub(crate) async fn upkeep(handle: PrometheusHandle) {
    let mut interval = tokio::time::interval(UPKEEP_INTERVAL);
    loop {
        interval.tick().await;
        handle.run_upkeep();
    }
}

/// `GET /metrics` in Prometheus' text format; to be served on `METRICS_ADDR`, never beside the API.
pub fn metrics_router(handle: PrometheusHandle) -> Router {
    Router::new().route("/metrics", get(async move || ([(CONTENT_TYPE, TEXT_FORMAT)], handle.render())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{METRICS, MetricKind};

    #[test]
    fn every_metric_is_described_and_every_histogram_has_buckets() {
        let recorder = builder().unwrap().build_recorder();
        metrics::with_local_recorder(&recorder, || {
            metric::describe();
            for spec in METRICS {
                let labels: Vec<_> = spec.labels.iter().map(|label| metrics::Label::new(*label, "x")).collect();
                match spec.kind {
                    MetricKind::Counter => metrics::counter!(spec.name, labels).increment(1),
                    MetricKind::Gauge => metrics::gauge!(spec.name, labels).set(1.0),
                    MetricKind::Histogram => metrics::histogram!(spec.name, labels).record(0.0004),
                }
            }
        });
        let text = recorder.handle().render();
        for spec in METRICS {
            let kind = format!("{:?}", spec.kind).to_lowercase();
            assert!(text.contains(&format!("# TYPE {} {kind}\n", spec.name)), "{} in {text}", spec.name);
            assert!(text.contains(&format!("# HELP {} ", spec.name)), "{} in {text}", spec.name);
            if spec.kind == MetricKind::Histogram {
                let buckets = text.lines().filter(|line| line.starts_with(&format!("{}_bucket{{", spec.name))).count();
                assert_eq!(buckets, BUCKETS_SECONDS.len() + 1, "{}", spec.name);
            }
        }
    }

    #[test]
    fn buckets_rise() {
        assert!(BUCKETS_SECONDS.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
