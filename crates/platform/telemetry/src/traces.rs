//! Traces over OTLP, and their continuation across queues.

use std::{collections::HashMap, time::Duration};

use nmc_config::TelemetryConfig;
use opentelemetry::{
    Array, Context, KeyValue, StringValue, Value,
    propagation::TextMapPropagator as _,
    trace::{Status, TraceContextExt as _, TracerProvider as _},
};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    propagation::TraceContextPropagator,
    trace::{Sampler, SdkTracerProvider, SpanData},
};
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{Layer, registry::LookupSpan};

use crate::mask_phone_numbers;

/// How long one export may take; the batch waits in memory, bounded, while it does.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// <https://www.w3.org/TR/trace-context/#traceparent-header>
const TRACEPARENT: &str = "traceparent";

/// The exporter's provider, or nothing where no collector is configured.
///
/// The client is the blocking one: the batch exporter runs on a thread of its own, without a runtime.
pub(crate) fn provider(
    config: &TelemetryConfig,
    service_name: &'static str,
) -> Result<Option<SdkTracerProvider>, ExporterBuildError> {
    let Some(endpoint) = &config.otlp_endpoint else { return Ok(None) };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint.at("/v1/traces"))
        .with_timeout(EXPORT_TIMEOUT)
        .build()?;
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.trace_sample_ratio)));
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(Masking(exporter))
        .with_sampler(sampler)
        .with_resource(Resource::builder().with_service_name(service_name).build())
        .build();
    Ok(Some(provider))
}

pub(crate) fn layer<S>(provider: &SdkTracerProvider, service_name: &'static str) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    tracing_opentelemetry::layer().with_tracer(provider.tracer(service_name)).with_error_events_to_status(true)
}

/// The current span as a W3C `traceparent`, to be stored with what is to be done later; nothing outside of a trace.
pub fn current_traceparent() -> Option<String> {
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carrier);
    carrier.remove(TRACEPARENT)
}

/// Makes `span` continue the trace of a W3C `traceparent`; must be called before the span is entered.
///
/// A value that is no `traceparent` leaves the span as it is: a trace is no reason to refuse work.
pub fn set_parent(span: &Span, traceparent: &str) {
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier);
    if context.span().span_context().is_valid() {
        // Fails where the span is switched off or traces are: both are ordinary.
        let _ = span.set_parent(context);
    }
}

/// Masks phone numbers in what is exported, as the log's writer does.
#[derive(Debug)]
struct Masking<E>(E);

impl<E: opentelemetry_sdk::trace::SpanExporter> opentelemetry_sdk::trace::SpanExporter for Masking<E> {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        batch.iter_mut().for_each(mask_span);
        self.0.export(batch).await
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

fn mask_span(span: &mut SpanData) {
    span.attributes.iter_mut().for_each(mask_attribute);
    for event in &mut span.events.events {
        event.name = mask_phone_numbers(&event.name).into_owned().into();
        event.attributes.iter_mut().for_each(mask_attribute);
    }
    if let Status::Error { description } = &mut span.status {
        *description = mask_phone_numbers(description).into_owned().into();
    }
}

fn mask_attribute(attribute: &mut KeyValue) {
    let mask = |text: &StringValue| StringValue::from(mask_phone_numbers(text.as_str()).into_owned());
    match &mut attribute.value {
        Value::String(text) => *text = mask(text),
        Value::Array(Array::String(texts)) => texts.iter_mut().for_each(|text| *text = mask(text)),
        _ => {}
    }
}
