//! One client's stream, from what it has missed to what happens now.

use std::{collections::VecDeque, pin::Pin, sync::Arc};

use axum::response::sse;
use nmc_db::{Db, DbError};
use nmc_kernel::TenantId;
use nmc_telemetry::name::LIVE_STREAMS_CUT_TOTAL;
use tokio::sync::broadcast::error::RecvError;

use crate::{Position, event::Placed, hub::Seat, store};

/// How a stream begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beginning {
    /// After this event, which the client had seen.
    After(Position),
    /// Now: the client has seen nothing yet. The place is that of the last event, where there is one.
    Ready(Option<Position>),
    /// Now: what the client had seen last cannot be gone on from.
    Reset(Option<Position>),
}

/// Why a stream is ended from our side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The server stops.
    Stop,
    /// The token holds no longer.
    Expired,
    /// The person may not sign in any more.
    SignedOut,
    /// The client is too slow.
    Slow,
    /// The database could not be read.
    Database,
}

impl Ended {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Expired => "expired",
            Self::SignedOut => "signed-out",
            Self::Slow => "slow",
            Self::Database => "database",
        }
    }
}

/// Resolves when the stream has to end whatever the client does.
pub(crate) type End = Pin<Box<dyn Future<Output = Ended> + Send>>;

pub(crate) struct Client {
    db: Db,
    tenant: TenantId,
    seat: Seat,
    end: End,
    greeting: Option<sse::Event>,
    /// What was read of what the client has missed.
    missed: VecDeque<Placed>,
    /// How far the client's events have been read, or heard.
    position: Position,
}

impl Client {
    pub(crate) fn new(db: Db, tenant: TenantId, seat: Seat, beginning: Beginning, end: End) -> Self {
        let greet = |name: &str, at: Option<Position>| {
            let greeting = sse::Event::default().event(name).data("{}");
            Some(match at {
                Some(at) => greeting.id(at.to_string()),
                None => greeting,
            })
        };
        let (greeting, position) = match beginning {
            Beginning::After(position) => (None, position),
            Beginning::Ready(at) => (greet("ready", at), at.unwrap_or(Position::START)),
            Beginning::Reset(at) => (greet("reset", at), at.unwrap_or(Position::START)),
        };
        Self { db, tenant, seat, end, greeting, missed: VecDeque::new(), position }
    }

    /// The next event; nothing where the stream ends.
    pub(crate) async fn next(&mut self) -> Option<sse::Event> {
        let Self { db, tenant, seat, end, greeting, missed, position } = self;
        let ended = tokio::select! {
            biased;
            ended = end => ended,
            next = next(db, *tenant, seat, greeting, missed, position) => match next {
                Ok(event) => return Some(event),
                Err(ended) => ended,
            },
        };
        metrics::counter!(LIVE_STREAMS_CUT_TOTAL, "reason" => ended.as_str()).increment(1);
        None
    }
}

async fn next(
    db: &Db,
    tenant: TenantId,
    seat: &mut Seat,
    greeting: &mut Option<sse::Event>,
    missed: &mut VecDeque<Placed>,
    position: &mut Position,
) -> Result<sse::Event, Ended> {
    if let Some(greeting) = greeting.take() {
        return Ok(greeting);
    }
    loop {
        if let Some(event) = missed.pop_front() {
            return Ok(event.to_sse());
        }
        if *position < seat.read_to {
            (*missed, *position) = catch_up(db, tenant, *position, seat.read_to).await.map_err(|error| {
                tracing::debug!(%error, "a live stream ended");
                Ended::Database
            })?;
            continue;
        }
        let event: Arc<Placed> = match seat.events.recv().await {
            Ok(event) => event,
            // The channel lives as long as its seats.
            Err(RecvError::Lagged(_) | RecvError::Closed) => return Err(Ended::Slow),
        };
        // A business whose first client came with the position of an event after it: heard before.
        if event.position > *position {
            *position = event.position;
            return Ok(event.to_sse());
        }
    }
}

/// A page of what was missed, and how far it goes.
async fn catch_up(
    db: &Db,
    tenant: TenantId,
    after: Position,
    up_to: Position,
) -> Result<(VecDeque<Placed>, Position), DbError> {
    let mut tx = db.read(tenant).await?;
    let read = store::read(&mut tx, after, up_to).await?;
    tx.finish().await?;
    let reached = if read.is_full { read.to } else { up_to };
    Ok((read.events.into(), reached))
}
