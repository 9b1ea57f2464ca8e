use std::{collections::HashMap, fmt::Write as _, panic::AssertUnwindSafe, sync::Arc};

use futures::{FutureExt as _, future::BoxFuture};
use nmc_db::{DbError, Tx};
use nmc_events::{Envelope, Event, PayloadError};

/// Hears one kind of event.
///
/// A few statements on the transaction it is lent and nothing else: no network, no waiting. Delivery is at least once,
/// so doing it twice must be the same as doing it once, by keys of its own.
pub trait Consumer: Send + Sync + 'static {
    /// What it hears.
    type Event: Event;
    /// `<module>.<what it does>`; stored in the ledger, so it never changes.
    const NAME: &'static str;

    /// Does the work for one event.
    fn consume(
        &self,
        tx: &mut Tx,
        event: &Self::Event,
        envelope: &Envelope,
    ) -> impl Future<Output = Result<(), ConsumeError>> + Send;
}

/// Why a consumer did not take an event.
#[derive(Debug, thiserror::Error)]
pub enum ConsumeError {
    /// A statement failed.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The payload cannot be read.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// The consumer does not know this major version: the event waits for a release that does.
    #[error("{consumer} knows major version {known} of the event, not {found}")]
    UnknownVersion {
        /// Who does not know it.
        consumer: &'static str,
        /// The major version it knows.
        known: u16,
        /// The major version of the event.
        found: u16,
    },
    /// The consumer panicked.
    #[error("the consumer panicked")]
    Panicked,
    /// The consumer refused, in its own words (without personal data: they are kept and logged).
    #[error("{0}")]
    Refused(String),
}

impl ConsumeError {
    pub(crate) fn is_collision(&self) -> bool {
        matches!(self, Self::Database(error) if error.is_collision())
    }

    /// Whether the database, and not this event, is the trouble: such a failure costs no attempt.
    pub(crate) fn is_outage(&self) -> bool {
        matches!(self, Self::Database(DbError::Unavailable(_) | DbError::PoolExhausted | DbError::StaleTransaction))
    }

    /// The error and what caused it, for the dead letter and the log.
    pub(crate) fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            let _ = write!(text, ": {cause}");
            source = cause.source();
        }
        text.truncate(text.floor_char_boundary(MAX_ERROR_CHARS));
        text
    }
}

/// Longest error text kept: enough for a chain of causes, too little to keep a payload in by accident.
const MAX_ERROR_CHARS: usize = 1_000;

/// A [`Consumer`] with its event type erased, so that consumers of different events fit one list.
trait AnyConsumer: Send + Sync {
    fn consume<'a>(&'a self, tx: &'a mut Tx, envelope: &'a Envelope) -> BoxFuture<'a, Result<(), ConsumeError>>;
}

struct Typed<C>(C);

impl<C: Consumer> AnyConsumer for Typed<C> {
    fn consume<'a>(&'a self, tx: &'a mut Tx, envelope: &'a Envelope) -> BoxFuture<'a, Result<(), ConsumeError>> {
        async move {
            let event: C::Event = envelope.decode()?;
            self.0.consume(tx, &event, envelope).await
        }
        .boxed()
    }
}

/// A consumer with what is known of it without its type.
pub(crate) struct Registered {
    pub(crate) name: &'static str,
    major: u16,
    consumer: Box<dyn AnyConsumer>,
}

impl Registered {
    /// Why the event waits where nobody of this consumer's family knows its major version.
    pub(crate) fn unknown_version(&self, envelope: &Envelope) -> ConsumeError {
        let found = envelope.schema_version.major;
        ConsumeError::UnknownVersion { consumer: self.name, known: self.major, found }
    }

    /// Runs the consumer; a panic is an error like any other.
    pub(crate) async fn consume(&self, tx: &mut Tx, envelope: &Envelope) -> Result<(), ConsumeError> {
        AssertUnwindSafe(self.consumer.consume(tx, envelope))
            .catch_unwind()
            .await
            .unwrap_or(Err(ConsumeError::Panicked))
    }
}

/// Who hears what; built once at start.
#[derive(Clone, Default)]
pub struct Consumers {
    by_event: HashMap<&'static str, Vec<Arc<Registered>>>,
}

impl Consumers {
    /// Nobody hears anything yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a consumer. Two major versions of an event are heard by two consumers of one family: `x.y` and `x.y.v2`.
    /// A name is unique; a second one of the same name would share its ledger.
    #[must_use]
    pub fn with<C: Consumer>(mut self, consumer: C) -> Self {
        debug_assert!(!self.names().contains(&C::NAME), "two consumers are called {}", C::NAME);
        self.by_event.entry(C::Event::NAME).or_default().push(Arc::new(Registered {
            name: C::NAME,
            major: C::Event::VERSION.major,
            consumer: Box::new(Typed(consumer)),
        }));
        self
    }

    /// All names, sorted: they are stored, so a test holds them still.
    pub fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.by_event.values().flatten().map(|c| c.name).collect();
        names.sort_unstable();
        names
    }

    /// Which events each consumer hears, sorted by event: for the documents.
    pub fn by_event(&self) -> Vec<(&'static str, Vec<&'static str>)> {
        let mut all: Vec<_> =
            self.by_event.iter().map(|(event, cs)| (*event, cs.iter().map(|c| c.name).collect())).collect();
        all.sort_unstable();
        all
    }

    /// The events that somebody hears.
    pub fn events(&self) -> impl Iterator<Item = &'static str> {
        self.by_event.keys().copied()
    }

    pub(crate) fn hears(&self, event: &str) -> bool {
        self.by_event.contains_key(event)
    }

    pub(crate) fn audience(&self, envelope: &Envelope) -> Audience<'_> {
        let all = self.by_event.get(envelope.event_name.as_str()).map_or(&[][..], Vec::as_slice);
        let found = envelope.schema_version.major;
        let hearing: Vec<&Registered> = all.iter().map(AsRef::as_ref).filter(|c| c.major == found).collect();
        let is_deaf = |c: &Registered| !hearing.iter().any(|hears| family(hears.name) == family(c.name));
        let deaf = all.iter().map(AsRef::as_ref).filter(|c| is_deaf(c)).collect();
        Audience { hearing, deaf }
    }
}

/// Who is concerned by one event.
pub(crate) struct Audience<'a> {
    /// Who hears its major version.
    pub(crate) hearing: Vec<&'a Registered>,
    /// Whose family has no member that does: the event waits for a release that has one.
    pub(crate) deaf: Vec<&'a Registered>,
}

/// A consumer's name without the version it may end in.
fn family(name: &str) -> &str {
    match name.rsplit_once(".v") {
        Some((family, version)) if !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit()) => family,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::family;

    #[test]
    fn versions_of_a_consumer_are_one_family() {
        assert_eq!(family("conversation.calls.v2"), family("conversation.calls"));
        assert_eq!(family("conversation.voice"), "conversation.voice");
        assert_eq!(family("a.v"), "a.v");
        assert_eq!(family("a.v2x"), "a.v2x");
    }
}
