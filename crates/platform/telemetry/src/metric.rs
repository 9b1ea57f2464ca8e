//! The metrics there are. Crates record them with the macros of `metrics` under the names of [`name`].

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram};

/// What a metric measures with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Only rises.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Seconds, in buckets.
    Histogram,
}

/// A metric as Prometheus shows it.
#[derive(Clone, Copy, Debug)]
pub struct MetricSpec {
    /// The name.
    pub name: &'static str,
    /// What it measures with.
    pub kind: MetricKind,
    /// The labels: each has few values. Tenants, phone numbers and ids are none.
    pub labels: &'static [&'static str],
    /// What it counts.
    pub help: &'static str,
}

/// Declares each metric once: its constant in [`name`] and its line in [`METRICS`].
macro_rules! metrics_table {
    ($($constant:ident = $name:literal, $kind:ident, [$($label:literal),*], $help:literal;)+) => {
        /// The names, for the macros of `metrics`.
        pub mod name {
            $(
                #[doc = $help]
                pub const $constant: &str = $name;
            )+
        }

        /// Every metric of the programs.
        pub const METRICS: &[MetricSpec] = &[
            $(MetricSpec { name: $name, kind: MetricKind::$kind, labels: &[$($label),*], help: $help },)+
        ];
    };
}

metrics_table! {
    SLO_FIRST_SMS_SECONDS = "slo_first_sms_seconds", Histogram, [],
        "From the provider's webhook of a missed call to the provider's acceptance of the first text.";
    SLO_FIRST_SMS_P95_SECONDS = "slo_first_sms_p95_seconds", Gauge, [],
        "The 95th percentile of slo_first_sms_seconds over this process's last 500 first texts.";
    HTTP_REQUEST_DURATION_SECONDS = "http_request_duration_seconds", Histogram, ["route", "method", "status"],
        "Time to the head of the answer, by route template.";
    HTTP_REQUESTS_SHED_TOTAL = "http_requests_shed_total", Counter, ["pool"],
        "Requests answered with 503 because too many were being worked on.";
    HTTP_REQUESTS_LIMITED_TOTAL = "http_requests_limited_total", Counter, ["whose"],
        "Requests answered with 429 because their address, business or (first sign-ins) person had sent too many.";
    LIVE_STREAMS = "live_streams", Gauge, [],
        "Live streams open in this process.";
    LIVE_STREAMS_CUT_TOTAL = "live_streams_cut_total", Counter, ["reason"],
        "Live streams ended by the server: stop, expired, signed-out, slow, database.";
    WEBHOOK_HANDLER_DURATION_SECONDS = "webhook_handler_duration_seconds", Histogram, ["provider", "endpoint", "status"],
        "Time to answer a provider's webhook.";
    WEBHOOK_DEDUPE_HITS_TOTAL = "webhook_dedupe_hits_total", Counter, ["provider"],
        "Webhooks that had been stored before.";
    WEBHOOK_ALTERED_TOTAL = "webhook_altered_total", Counter, ["provider"],
        "Webhooks that came again with other content under the same id.";
    WEBHOOK_SIGNATURE_FAILURES_TOTAL = "webhook_signature_failures_total", Counter, ["provider"],
        "Webhooks refused for their signature.";
    WEBHOOK_UNKNOWN_NUMBERS_TOTAL = "webhook_unknown_numbers_total", Counter, ["provider", "endpoint"],
        "Webhooks about a number or a call of nobody.";
    WEBHOOK_UNKNOWN_USERS_TOTAL = "webhook_unknown_users_total", Counter, ["provider"],
        "Webhooks about a person of no business.";
    INBOUND_RECOVERED_TOTAL = "inbound_recovered_total", Counter, ["kind"],
        "Calls and texts that no webhook delivered and polling found.";
    INBOUND_SMS_UNANSWERABLE_TOTAL = "inbound_sms_unanswerable_total", Counter, ["reason"],
        "Texts that came in from a sender that no text can be sent to.";
    OUTBOX_DISPATCH_LAG_SECONDS = "outbox_dispatch_lag_seconds", Histogram, [],
        "From an event's publication to its delivery to all its consumers.";
    OUTBOX_OLDEST_PENDING_SECONDS = "outbox_oldest_pending_seconds", Gauge, [],
        "Age of the oldest event that is ready and not delivered; 0 where none is.";
    OUTBOX_PENDING = "outbox_pending", Gauge, [],
        "Events not delivered yet.";
    OUTBOX_DISPATCH_ATTEMPTS_TOTAL = "outbox_dispatch_attempts_total", Counter, ["event_name"],
        "Attempts to deliver an event to its consumers.";
    OUTBOX_DISPATCH_FAILURES_TOTAL = "outbox_dispatch_failures_total", Counter, ["event_name", "consumer"],
        "Attempts of a consumer to take an event that failed.";
    OUTBOX_DEAD_LETTERS = "outbox_dead_letters", Gauge, [],
        "Events a consumer has been given up on, for a person to look at.";
    INTEGRATION_HTTP_REQUESTS_TOTAL = "integration_http_requests_total", Counter, ["provider", "endpoint", "status"],
        "Calls to providers.";
    INTEGRATION_HTTP_DURATION_SECONDS = "integration_http_duration_seconds", Histogram, ["provider", "endpoint"],
        "Time a provider took to answer.";
    SMS_OUTBOUND_FAILURES_TOTAL = "sms_outbound_failures_total", Counter, ["code"],
        "Texts that were not sent or not delivered, by the provider's error code.";
    SMS_UNKNOWN = "sms_unknown", Gauge, [],
        "Texts of which it is not known whether the provider took them.";
    SMS_PAUSED = "sms_paused", Gauge, [],
        "1 while operators have paused outbound texts on all dispatchers, else 0.";
    SCHEDULING_SEARCH_DURATION_SECONDS = "scheduling_search_duration_seconds", Histogram, [],
        "Time to find free slots.";
    SCHEDULING_HOLD_CONFLICT_TOTAL = "scheduling_hold_conflict_total", Counter, [],
        "Holds refused because somebody else had the time.";
    SCHEDULING_BOOK_CONFLICT_TOTAL = "scheduling_book_conflict_total", Counter, [],
        "Bookings that came too late: the hold had run out, or the time was taken.";
    BOOKING_POST_DURATION_SECONDS = "booking_post_duration_seconds", Histogram, [],
        "Time to book what is held.";
    TURN_LAG_SECONDS = "turn_lag_seconds", Histogram, [],
        "From when an automatic answer was due to when it began to be worked out.";
    TURN_DURATION_SECONDS = "turn_duration_seconds", Histogram, [],
        "Time to work an automatic answer out, up to its commit.";
    TURNS_TOTAL = "turns_total", Counter, ["outcome"],
        "Attempts at an automatic answer: answered, silent, handed-over, refused, too-late, moved, failed.";
    TURN_UNDERSTANDING_TOTAL = "turn_understanding_total", Counter, ["by", "because"],
        "Callers' texts read for an answer: by model or deterministic, and why the model was not heard: none, breaker, timeout, unreachable, refused, unreadable, declined, unclear.";
    HUMAN_TAKEOVER_TOTAL = "human_takeover_total", Counter, [],
        "Conversations taken over by a person.";
    STOP_OPTOUT_TOTAL = "stop_optout_total", Counter, [],
        "Callers who opted out.";
    AUTH_FAILURES_TOTAL = "auth_failures_total", Counter, ["reason"],
        "Requests refused because of who asks: a token that does not hold, a person who may not.";
    DB_CONNECTIONS_IN_USE = "db_connections_in_use", Gauge, [],
        "Connections to Postgres taken out of the pool.";
}

/// Tells the recorder of each metric what it counts; counters without labels begin at zero, so that their first step
/// is seen.
pub(crate) fn describe() {
    for spec in METRICS {
        match spec.kind {
            MetricKind::Counter => describe_counter!(spec.name, spec.help),
            MetricKind::Gauge => describe_gauge!(spec.name, spec.help),
            MetricKind::Histogram => describe_histogram!(spec.name, Unit::Seconds, spec.help),
        }
        if spec.kind == MetricKind::Counter && spec.labels.is_empty() {
            counter!(spec.name).increment(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_follow_prometheus_habits() {
        let names: BTreeSet<_> = METRICS.iter().map(|spec| spec.name).collect();
        assert_eq!(names.len(), METRICS.len(), "a name stands twice");
        for spec in METRICS {
            assert_eq!(spec.kind == MetricKind::Counter, spec.name.ends_with("_total"), "{}", spec.name);
            assert!(spec.kind != MetricKind::Histogram || spec.name.ends_with("_seconds"), "{}", spec.name);
        }
    }

    #[test]
    fn no_label_can_grow_with_customers() {
        let bounded = [
            "route",
            "method",
            "status",
            "provider",
            "endpoint",
            "event_name",
            "consumer",
            "code",
            "reason",
            "pool",
            // What became of a turn: the words of an enum.
            "outcome",
            // Who read a text, and why not the model: likewise.
            "by",
            "because",
            // Whose limit it was, an address or a business; a call or a text.
            "whose",
            "kind",
        ];
        for spec in METRICS {
            assert!(spec.labels.iter().all(|label| bounded.contains(label)), "{}: {:?}", spec.name, spec.labels);
        }
    }
}
