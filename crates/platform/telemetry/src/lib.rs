//! How the programs tell what they do: logs, traces, metrics, started once by [`init`].
//!
//! Logs are JSON lines on standard error (standard output belongs to the results of subcommands). Traces go to an
//! OpenTelemetry collector where one is configured. Metrics are read from a listener of their own. What looks like a
//! phone number is masked on the way out of logs and traces, whatever wrote it.

mod logs;
mod mask;
mod metric;
mod panics;
mod prometheus;
mod slo;
mod traces;

use std::{io, time::Duration};

use metrics_exporter_prometheus::PrometheusHandle;
use nmc_config::TelemetryConfig;
use tracing_subscriber::{layer::SubscriberExt as _, util::SubscriberInitExt as _};

pub use mask::mask_phone_numbers;
pub use metric::{METRICS, MetricKind, MetricSpec, name};
pub use prometheus::metrics_router;
pub use slo::record_first_sms;
pub use traces::{current_traceparent, set_parent};

/// How long the last traces may take to leave when the program ends; a stop as a whole has 10 s.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

/// Why logs, traces or metrics could not be started.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter of log lines is not understood.
    #[error("RUST_LOG is not a log filter")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// The exporter of traces cannot be built for the configured address.
    #[error("traces cannot be exported to OTEL_EXPORTER_OTLP_ENDPOINT")]
    Traces(#[from] opentelemetry_otlp::ExporterBuildError),
    /// Something of this process receives the log lines already.
    #[error("logging was started twice")]
    Logs(#[from] tracing_subscriber::util::TryInitError),
    /// Something of this process receives the metrics already.
    #[error("metrics were started twice")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
}

/// Keeps telemetry running; hold it until the end of `main`. Dropping it sends the last traces, for at most 3 s.
#[must_use = "dropping it ends the export of traces"]
pub struct Telemetry {
    traces: Option<opentelemetry_sdk::trace::SdkTracerProvider>,
    metrics: PrometheusHandle,
    upkeep: tokio::task::JoinHandle<()>,
}

impl Telemetry {
    /// What [`metrics_router`] serves.
    pub fn metrics(&self) -> PrometheusHandle {
        self.metrics.clone()
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        self.upkeep.abort();
        if let Some(Err(error)) = self.traces.as_ref().map(|traces| traces.shutdown_with_timeout(FLUSH_TIMEOUT)) {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// Starts logs, traces, metrics and the panic hook of this process, once, inside its Tokio runtime.
pub fn init(config: &TelemetryConfig, service_name: &'static str) -> Result<Telemetry, TelemetryError> {
    let filter = logs::filter(config)?;
    let traces = traces::provider(config, service_name)?;
    let metrics = prometheus::install()?;
    tracing_subscriber::registry()
        .with(filter)
        .with(logs::layer(io::stderr))
        .with(traces.as_ref().map(|provider| traces::layer(provider, service_name)))
        .try_init()?;
    panics::log_panics();
    let upkeep = tokio::spawn(prometheus::upkeep(metrics.clone()));
    Ok(Telemetry { traces, metrics, upkeep })
}
