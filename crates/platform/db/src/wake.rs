//! Wake-ups: a hint that something is due. The poll is the truth; a lost wake-up costs a poll interval (ADR 0014).

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering},
    },
    time::Duration,
};

use sqlx::{Connection as _, PgConnection, postgres::PgListener};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{Db, DbError};

/// The Postgres channel all processes share.
const CHANNEL: &str = "nmc_wake";
/// Who can wait is told at most this often: news, and what this process sees to itself, where others merely help.
const FOLDED_FOR: Duration = Duration::from_millis(25);
/// How long to wait before trying again when the database cannot be reached.
const RECONNECT_PAUSE: Duration = Duration::from_millis(500);

/// The bits of every topic.
const ALL_BITS: u8 = 31;

/// What may have become due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// An event that somebody hears stands in the outbox.
    Outbox,
    /// An effect intent is pending.
    Effects,
    /// A timer was set or moved.
    Timers,
    /// An event was published, whether or not anybody hears it.
    News,
    /// An answer of the automation will be due soon.
    Turns,
}

impl Topic {
    const ALL: [Self; 5] = [Self::Outbox, Self::Effects, Self::Timers, Self::News, Self::Turns];

    const fn bit(self) -> u8 {
        match self {
            Self::Outbox => 1,
            Self::Effects => 2,
            Self::Timers => 4,
            Self::News => 8,
            Self::Turns => 16,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Outbox => "outbox",
            Self::Effects => "effects",
            Self::Timers => "timers",
            Self::News => "news",
            Self::Turns => "turns",
        }
    }
}

/// One process's wake-ups; clones share them.
///
/// Within the process a wake-up is immediate. Other processes are told by one connection that sends at most one NOTIFY
/// at a time: whatever becomes due meanwhile is folded into the next, because a NOTIFY in every transaction would put
/// all commits in one queue.
#[derive(Clone, Debug, Default)]
pub struct Wakes(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    local: [Notify; 5],
    /// What somebody in this process has waited for.
    seen_to: AtomicU8,
    unsent: AtomicU8,
    unsent_changed: Notify,
    /// The session that tells others; what it says is no news here.
    teller: AtomicU32,
    /// Whether this process hears the others.
    is_heard: AtomicBool,
}

impl Wakes {
    /// Nobody to tell yet; [`Wakes::run`] connects it to the other processes.
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn send(&self, topics: &[Topic]) {
        if topics.is_empty() {
            return;
        }
        let bits = topics.iter().fold(0, |bits, topic| bits | topic.bit());
        self.wake_local(bits);
        self.0.unsent.fetch_or(bits, Ordering::AcqRel);
        self.0.unsent_changed.notify_one();
    }

    /// Wakes one waiter of this process only: there is more than the one who looked could take.
    pub fn wake_here(&self, topic: Topic) {
        self.local(topic).notify_one();
    }

    /// Waits until `topic` may be due; a wake-up that came before the call counts.
    pub async fn wait(&self, topic: Topic) {
        self.0.seen_to.fetch_or(topic.bit(), Ordering::Relaxed);
        self.local(topic).notified().await;
    }

    /// Whether what others commit is announced here; else only looking finds it.
    pub(crate) fn are_heard(&self) -> bool {
        self.0.is_heard.load(Ordering::Relaxed)
    }

    pub(crate) fn hear(&self, heard: bool) {
        self.0.is_heard.store(heard, Ordering::Relaxed);
    }

    /// Tells other processes and hears them, until `stop`. Outlives any loss of the database.
    pub async fn run(&self, db: &Db, stop: CancellationToken) {
        let both = async {
            tokio::join!(self.tell_others(db), self.hear_others(db));
        };
        tokio::select! { () = stop.cancelled() => {}, () = both => {} }
    }

    fn local(&self, topic: Topic) -> &Notify {
        match topic {
            Topic::Outbox => &self.0.local[0],
            Topic::Effects => &self.0.local[1],
            Topic::Timers => &self.0.local[2],
            Topic::News => &self.0.local[3],
            Topic::Turns => &self.0.local[4],
        }
    }

    fn wake_local(&self, bits: u8) {
        for topic in Topic::ALL {
            if bits & topic.bit() != 0 {
                self.local(topic).notify_one();
            }
        }
    }

    async fn tell_others(&self, db: &Db) {
        loop {
            if let Err(error) = self.tell(db).await {
                // The poll finds what this would have announced.
                tracing::debug!(%error, "wake-ups interrupted; others poll meanwhile");
            }
            tokio::time::sleep(RECONNECT_PAUSE).await;
        }
    }

    /// Announces on a connection of its own, one message at a time; whatever is woken meanwhile goes with the next.
    async fn tell(&self, db: &Db) -> Result<(), DbError> {
        let mut connection = PgConnection::connect_with(&db.pool().connect_options()).await?;
        // A NOTIFY's commit has nothing to lose, so it need not wait for the disk.
        sqlx::raw_sql("set synchronous_commit = off").execute(&mut connection).await?;
        let session: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut connection).await?;
        self.0.teller.store(session.cast_unsigned(), Ordering::Relaxed);
        // The session before may have ended with something half told.
        self.0.unsent.fetch_or(ALL_BITS, Ordering::AcqRel);
        self.0.unsent_changed.notify_one();
        loop {
            self.0.unsent_changed.notified().await;
            // Ends early when something is added that another process waits for.
            let _ = tokio::time::timeout(FOLDED_FOR, async {
                while !self.is_urgent() {
                    self.0.unsent_changed.notified().await;
                }
            })
            .await;
            let bits = self.0.unsent.swap(0, Ordering::AcqRel);
            let words: Vec<&str> = Topic::ALL.into_iter().filter(|t| bits & t.bit() != 0).map(Topic::word).collect();
            if !words.is_empty() {
                let notify = sqlx::query("select pg_notify($1, $2)").bind(CHANNEL).bind(words.join(","));
                notify.execute(&mut connection).await?;
            }
        }
    }

    /// Whether something is to be told that nobody here sees to.
    fn is_urgent(&self) -> bool {
        let can_wait = self.0.seen_to.load(Ordering::Relaxed) | Topic::News.bit();
        self.0.unsent.load(Ordering::Acquire) & !can_wait != 0
    }

    async fn hear_others(&self, db: &Db) {
        loop {
            if let Err(error) = self.listen(db).await {
                self.hear(false);
                tracing::debug!(%error, "wake-ups interrupted; polling meanwhile");
            }
            tokio::time::sleep(RECONNECT_PAUSE).await;
        }
    }

    async fn listen(&self, db: &Db) -> Result<(), DbError> {
        let mut listener = PgListener::connect_with(db.pool()).await?;
        listener.listen(CHANNEL).await?;
        self.hear(true);
        // Whatever was announced before we listened is found now.
        self.wake_local(u8::MAX);
        loop {
            // Nothing: the connection was lost and is back; something may have been missed.
            let bits = match listener.try_recv().await? {
                None => u8::MAX,
                Some(notification) if notification.process_id() == self.0.teller.load(Ordering::Relaxed) => 0,
                Some(notification) => {
                    let payload = notification.payload();
                    Topic::ALL
                        .into_iter()
                        .filter(|t| payload.split(',').any(|w| w == t.word()))
                        .fold(0, |b, t| b | t.bit())
                }
            };
            self.wake_local(bits);
        }
    }
}
