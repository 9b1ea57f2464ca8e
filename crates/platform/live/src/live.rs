use std::{pin::Pin, sync::Arc, time::Duration};

use axum::response::sse;
use chrono::{DateTime, Utc};
use futures::Stream;
use nmc_db::{Db, DbError, EVENTS_KEPT};
use nmc_kernel::{Actor, Clock};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    Position,
    client::{Beginning, Client, End, Ended},
    hub::{Full, Hub},
    reader, store,
};

/// Whether a person may still see what happens; asked every few seconds.
pub type StillSignedIn = Arc<dyn Fn(Actor) -> Pin<Box<dyn Future<Output = bool> + Send>> + Send + Sync>;

/// Bounds of the stream.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Streams of this process at most.
    pub streams_max: usize,
    /// Streams of one business in this process at most.
    pub streams_per_tenant_max: usize,
    /// How often to look for events when nothing wakes the reader.
    pub poll_interval: Duration,
    /// How often each stream's person is looked at.
    pub check_interval: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            streams_max: 1000,
            streams_per_tenant_max: 50,
            poll_interval: Duration::from_secs(2),
            check_interval: Duration::from_secs(5),
        }
    }
}

/// The live stream of a process; cheap to clone.
#[derive(Clone)]
pub struct Live {
    db: Db,
    clock: Clock,
    settings: Settings,
    still_signed_in: StillSignedIn,
    hub: Hub,
    stop: CancellationToken,
}

/// Why a stream does not begin.
#[derive(Debug)]
pub(crate) enum NotOpened {
    /// There are as many as there may be.
    Full(Full),
    /// The database cannot be read.
    Database(DbError),
}

impl From<DbError> for NotOpened {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

impl Live {
    /// Nothing is read until [`Live::run`].
    pub fn new(db: Db, clock: Clock, settings: Settings, still_signed_in: StillSignedIn) -> Self {
        Self { db, clock, settings, still_signed_in, hub: Hub::default(), stop: CancellationToken::new() }
    }

    /// Reads for this process's clients until `stop`, which ends their streams.
    pub async fn run(&self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => self.stop.cancel(),
            () = reader::run(&self.db, &self.hub, self.settings.poll_interval) => {}
        }
    }

    /// A stream for `actor`, who has seen everything up to `seen`, until `signed_in_until`.
    pub(crate) async fn open(
        &self,
        actor: Actor,
        seen: Option<Position>,
        signed_in_until: Option<DateTime<Utc>>,
    ) -> Result<impl Stream<Item = sse::Event> + use<>, NotOpened> {
        let tenant = actor.tenant();
        let mut tx = self.db.read(tenant).await?;
        let latest = store::latest(&mut tx).await?;
        let beginning = match seen {
            None => Beginning::Ready(latest),
            Some(seen) => {
                let seen_at = store::time_of(&mut tx, seen).await?.filter(|_| Some(seen) <= latest);
                // Whatever came after an event that is younger than retention's age is still there.
                let is_resumable = seen_at.is_some_and(|seen_at| seen_at > tx.now() - EVENTS_KEPT);
                if is_resumable { Beginning::After(seen) } else { Beginning::Reset(latest) }
            }
        };
        tx.finish().await?;
        let limits = (self.settings.streams_max, self.settings.streams_per_tenant_max);
        let seat = self.hub.join(tenant, latest.unwrap_or(Position::START), limits).map_err(NotOpened::Full)?;
        let client = Client::new(self.db.clone(), tenant, seat, beginning, self.end(actor, signed_in_until));
        Ok(futures::stream::unfold(client, async |mut client| client.next().await.map(|event| (event, client))))
    }

    /// What ends `actor`'s stream whatever its client does.
    fn end(&self, actor: Actor, signed_in_until: Option<DateTime<Utc>>) -> End {
        let (stop, still_signed_in) = (self.stop.clone(), self.still_signed_in.clone());
        let check_interval = self.settings.check_interval;
        let token_holds = signed_in_until.map(|until| (until - self.clock.now()).to_std().unwrap_or_default());
        let expired = async move {
            match token_holds {
                Some(token_holds) => sleep(token_holds).await,
                None => std::future::pending().await,
            }
        };
        let signed_out = async move {
            loop {
                sleep(check_interval).await;
                if !still_signed_in(actor).await {
                    return;
                }
            }
        };
        Box::pin(async move {
            tokio::select! {
                () = stop.cancelled() => Ended::Stop,
                () = expired => Ended::Expired,
                () = signed_out => Ended::SignedOut,
            }
        })
    }
}
