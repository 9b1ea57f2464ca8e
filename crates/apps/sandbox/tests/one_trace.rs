//! One missed call is one trace: from the provider's webhook through the outbox and the effects to the provider's
//! API, across both programs. And nobody's number or text is in it.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

use std::{path::Path, sync::Arc, time::Duration};

use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use nmc_sandbox::{Installation, Plan};
use nmc_simulators::twilio::{CallRequest, CallScenario};
use nmc_testkit::eventually;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::Span,
};
use prost::Message as _;
use tokio::net::TcpListener;

const CALLER: &str = "+14155550142";
const SERVER: &str = "nmc-server";
const DISPATCHER: &str = "nmc-dispatcher";
/// Text is looked for by this many of its first characters: a part of it would be as bad as the whole.
const TELLING_CHARACTERS: usize = 24;
/// How long the text may take: far more than it does.
const TEXT_TIMEOUT: Duration = Duration::from_secs(20);

/// A span and which program sent it.
#[derive(Debug)]
struct Collected {
    service: String,
    span: Span,
}

/// An OpenTelemetry collector that remembers everything.
#[derive(Clone, Default)]
struct Collector(Arc<std::sync::Mutex<Vec<Collected>>>);

impl Collector {
    /// Listens; the base URL for `OTEL_EXPORTER_OTLP_ENDPOINT`.
    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = Router::new().route("/v1/traces", post(take)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        format!("http://{address}")
    }

    fn spans(&self) -> Vec<Collected> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

async fn take(State(collector): State<Collector>, body: Bytes) -> StatusCode {
    let Ok(request) = ExportTraceServiceRequest::decode(body) else { return StatusCode::BAD_REQUEST };
    let mut spans = collector.0.lock().unwrap();
    for resource in request.resource_spans {
        let attributes = resource.resource.map(|resource| resource.attributes).unwrap_or_default();
        let service = attribute(&attributes, "service.name").unwrap_or_default();
        for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            spans.push(Collected { service: service.clone(), span });
        }
    }
    StatusCode::OK
}

fn attribute(attributes: &[KeyValue], key: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        _ => None,
    }
}

/// The only span of `service` with this name.
fn only<'a>(spans: &[&'a Collected], service: &str, name: &str) -> &'a Span {
    let found: Vec<_> = spans.iter().filter(|c| c.service == service && c.span.name == name).collect();
    let all: Vec<_> = spans.iter().map(|c| (&c.service, &c.span.name)).collect();
    assert_eq!(found.len(), 1, "{name:?} of {service} among {all:?}");
    &found[0].span
}

/// Everything in a span that is text.
fn texts(span: &Span) -> Vec<String> {
    let of_events = span.events.iter().flat_map(|event| &event.attributes);
    let values = span.attributes.iter().chain(of_events).map(|attribute| format!("{:?}", attribute.value));
    let names = span.events.iter().map(|event| event.name.clone());
    let own = [span.name.clone(), span.status.as_ref().map(|status| status.message.clone()).unwrap_or_default()];
    values.chain(names).chain(own).collect()
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missed_call_is_one_trace_across_the_programs() {
    let collector = Collector::default();
    let configuration =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.start().await), ("OTEL_TRACES_SAMPLER_ARG", "1".to_owned())];
    let plan = Plan {
        database: "nmc_one_trace",
        fresh: true,
        durable: false,
        configuration: configuration.map(|(key, value)| (key.to_owned(), value)).into(),
        ..Plan::new(Path::new(env!("CARGO_TARGET_TMPDIR")).join("one_trace"), env!("CARGO_BIN_EXE_nmc-sandbox").into())
    };
    let installation = Installation::start(&plan).await.unwrap();
    let twilio = installation.twilio.clone();
    twilio.place_call(CallRequest::new(CALLER, installation.tenant.number.clone(), CallScenario::NoAnswer)).await;
    assert!(eventually(TEXT_TIMEOUT, async || !twilio.accepted().is_empty()).await, "the caller gets no text");
    twilio.settled().await;
    let body = twilio.accepted()[0].body.clone();
    // Both programs finish what runs and send their last spans.
    installation.stop().await.unwrap();
    let spans = collector.spans();

    let everything: Vec<_> = spans.iter().collect();
    let request = only(&everything, DISPATCHER, "twilio messages.create");
    let trace: Vec<_> = spans.iter().filter(|c| c.span.trace_id == request.trace_id).collect();
    let effect = only(&trace, DISPATCHER, "effect");
    let consume = only(&trace, DISPATCHER, "consume");
    let webhook = only(&trace, SERVER, "POST /webhooks/twilio/dial-status");
    assert_eq!(trace.len(), 4, "{trace:#?}");
    assert_eq!(request.parent_span_id, effect.span_id);
    assert_eq!(effect.parent_span_id, consume.span_id);
    assert_eq!(consume.parent_span_id, webhook.span_id);
    assert!(webhook.parent_span_id.is_empty(), "the webhook begins the trace");
    assert_eq!(attribute(&consume.attributes, "event_name").as_deref(), Some("nmc.telephony.CallDetected"));
    let correlation = attribute(&consume.attributes, "correlation_id");
    assert!(correlation.is_some());
    assert_eq!(correlation, attribute(&effect.attributes, "correlation_id"));

    let private = digits(CALLER.trim_start_matches("+1"));
    let telling: String = body.chars().take(TELLING_CHARACTERS).collect();
    for Collected { service, span } in &spans {
        for text in texts(span) {
            assert!(!digits(&text).contains(&private), "a number in {:?} of {service}: {text}", span.name);
            assert!(!text.contains(&telling), "a text in {:?} of {service}: {text}", span.name);
        }
    }
}
