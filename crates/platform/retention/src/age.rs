use chrono::{DateTime, Duration, Months, Utc};
use nmc_db::EVENTS_KEPT;

/// For how long the text of a message is kept, wherever it stands.
const BODIES: Duration = Duration::days(180);
/// For how long it is kept who called and wrote when, and why a text was or was not sent.
const METADATA: Months = Months::new(13);
/// For how long a webhook is known when it comes again (ADR 0007).
const WEBHOOKS: Duration = Duration::days(90);
/// For how long a request's first answer is kept for repeats of it.
const ANSWERS: Duration = Duration::hours(24);

/// Texts of messages from before this are to go.
pub fn bodies_before(now: DateTime<Utc>) -> DateTime<Utc> {
    now - BODIES
}

/// Whatever is from before this is to go, but for opt-outs and the audit log.
pub fn metadata_before(now: DateTime<Utc>) -> DateTime<Utc> {
    // Only a clock in the first year there is has nothing before it.
    now.checked_sub_months(METADATA).unwrap_or(DateTime::<Utc>::MIN_UTC)
}

pub(crate) fn webhooks_before(now: DateTime<Utc>) -> DateTime<Utc> {
    now - WEBHOOKS
}

pub(crate) fn events_before(now: DateTime<Utc>) -> DateTime<Utc> {
    now - EVENTS_KEPT
}

pub(crate) fn answers_before(now: DateTime<Utc>) -> DateTime<Utc> {
    now - ANSWERS
}
