//! Reads on for every business that has clients here.

use std::time::Duration;

use futures::StreamExt as _;
use nmc_db::{Db, DbError, Topic};
use nmc_kernel::TenantId;
use tokio::time::sleep;

use crate::{Position, hub::Hub, store};

/// Businesses read at once: the stream takes no more connections from the requests.
const READS_AT_ONCE: usize = 4;
/// Pages of one business in a row, before the others have their turn.
const PAGES_IN_A_ROW: usize = 10;
/// Wake-ups within this time are answered together.
const GAP: Duration = Duration::from_millis(50);
/// After a wake-up, how soon to look again: an event may have waited for an older transaction, whose end wakes nobody.
const SECOND_LOOK: Duration = Duration::from_millis(150);

/// Reads until dropped: when woken, and at least every `poll_interval`. Without clients it asks the database nothing.
pub(crate) async fn run(db: &Db, hub: &Hub, poll_interval: Duration) {
    let mut is_failing = false;
    let mut wait = poll_interval;
    loop {
        if hub.read_to().is_empty() {
            hub.joined().await;
            wait = Duration::ZERO;
            continue;
        }
        wait = tokio::select! {
            () = db.wakes().wait(Topic::News) => SECOND_LOOK,
            () = hub.joined() => SECOND_LOOK,
            () = sleep(wait) => poll_interval,
        };
        let failed = pass(db, hub).await;
        if let Some(error) = failed.as_ref().filter(|_| !is_failing) {
            tracing::warn!(%error, "the live stream waits for the database");
        }
        is_failing = failed.is_some();
        sleep(GAP).await;
    }
}

/// Reads every business once; an error of one of them, if there was any.
async fn pass(db: &Db, hub: &Hub) -> Option<DbError> {
    let businesses = futures::stream::iter(hub.read_to());
    let reads = businesses.map(|(tenant, from)| read_on(db, hub, tenant, from)).buffer_unordered(READS_AT_ONCE);
    reads.filter_map(async |read| read.err()).fold(None, async |_, error| Some(error)).await
}

async fn read_on(db: &Db, hub: &Hub, tenant: TenantId, mut from: Position) -> Result<(), DbError> {
    for _ in 0..PAGES_IN_A_ROW {
        let mut tx = db.read(tenant).await?;
        let read = store::read(&mut tx, from, Position::END).await?;
        tx.finish().await?;
        if read.to == from {
            return Ok(());
        }
        hub.publish(tenant, from, read.to, read.events);
        from = read.to;
        if !read.is_full {
            return Ok(());
        }
    }
    // The rest comes with the next pass.
    db.wakes().wake_here(Topic::News);
    Ok(())
}
