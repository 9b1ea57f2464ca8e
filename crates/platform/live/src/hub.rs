//! Who listens in this process, and how far each business has been read.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use nmc_kernel::TenantId;
use nmc_telemetry::name::LIVE_STREAMS;
use tokio::sync::{Notify, broadcast};

use crate::{Position, event::Placed};

/// Events that may wait for the slowest client of a business; whoever is further behind is cut.
const CHANNEL_CAPACITY: usize = 256;

/// The channels of the businesses that have clients here; clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hub(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    channels: Mutex<HashMap<TenantId, Channel>>,
    joined: Notify,
}

#[derive(Debug)]
struct Channel {
    clients: usize,
    read_to: Position,
    events: broadcast::Sender<Arc<Placed>>,
}

/// Why nobody more can listen.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// The process has as many clients as it may.
    Process,
    /// The business has.
    Tenant,
}

/// A client's place; given back when it is dropped. The last one's closes the channel.
#[derive(Debug)]
pub(crate) struct Seat {
    hub: Hub,
    tenant: TenantId,
    /// What is published from now on.
    pub(crate) events: broadcast::Receiver<Arc<Placed>>,
    /// Everything after this comes through `events`; up to it, the client reads for itself.
    pub(crate) read_to: Position,
}

impl Hub {
    /// A place for one more client of `tenant`. A business without clients until now is read from `latest` on.
    pub(crate) fn join(
        &self,
        tenant: TenantId,
        latest: Position,
        (process_max, tenant_max): (usize, usize),
    ) -> Result<Seat, Full> {
        let mut channels = self.channels();
        if channels.values().map(|channel| channel.clients).sum::<usize>() >= process_max {
            return Err(Full::Process);
        }
        let channel = channels.entry(tenant).or_insert_with(|| Channel {
            clients: 0,
            read_to: latest,
            events: broadcast::Sender::new(CHANNEL_CAPACITY),
        });
        if channel.clients >= tenant_max {
            return Err(Full::Tenant);
        }
        channel.clients += 1;
        let seat = Seat { hub: self.clone(), tenant, events: channel.events.subscribe(), read_to: channel.read_to };
        drop(channels);
        metrics::gauge!(LIVE_STREAMS).increment(1.0);
        self.0.joined.notify_one();
        Ok(seat)
    }

    /// Waits until somebody has joined; a joining before the call counts.
    pub(crate) async fn joined(&self) {
        self.0.joined.notified().await;
    }

    /// The businesses that have clients, and how far each has been read.
    pub(crate) fn read_to(&self) -> Vec<(TenantId, Position)> {
        self.channels().iter().map(|(tenant, channel)| (*tenant, channel.read_to)).collect()
    }

    /// Hands over what was read of `tenant` after `from`, up to `to`. Nothing where nobody listens any more, or somebody
    /// who came since begins elsewhere.
    pub(crate) fn publish(&self, tenant: TenantId, from: Position, to: Position, events: Vec<Placed>) {
        let mut channels = self.channels();
        let Some(channel) = channels.get_mut(&tenant).filter(|channel| channel.read_to == from) else { return };
        channel.read_to = to;
        for event in events {
            // There is nobody to hear it only while the last client is leaving.
            let _ = channel.events.send(Arc::new(event));
        }
    }

    fn channels(&self) -> MutexGuard<'_, HashMap<TenantId, Channel>> {
        self.0.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        metrics::gauge!(LIVE_STREAMS).decrement(1.0);
        let mut channels = self.hub.channels();
        if let Some(channel) = channels.get_mut(&self.tenant) {
            channel.clients -= 1;
            if channel.clients == 0 {
                channels.remove(&self.tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use nmc_kernel::Ids;

    use super::*;

    const AT: Position = Position { xid: 7, seq: 1 };

    #[test]
    fn places_are_bounded_and_given_back() {
        let (hub, ids) = (Hub::default(), Ids::system());
        let (one, other) = (ids.next(), ids.next());
        let first = hub.join(one, AT, (3, 2)).unwrap();
        let second = hub.join(one, Position::START, (3, 2)).unwrap();
        assert_eq!((first.read_to, second.read_to), (AT, AT), "the second hears the channel from where it is");
        assert_eq!(hub.join(one, AT, (3, 2)).unwrap_err(), Full::Tenant);
        let third = hub.join(other, AT, (3, 2)).unwrap();
        assert_eq!(hub.join(other, AT, (3, 2)).unwrap_err(), Full::Process);
        drop((first, second));
        assert_eq!(hub.read_to(), [(other, AT)], "a business without clients is forgotten");
        assert!(hub.join(other, AT, (3, 2)).is_ok());
        drop(third);
        assert_eq!(hub.read_to(), []);
    }

    #[test]
    fn what_was_read_for_somebody_who_left_is_given_to_nobody_else() {
        let (hub, tenant) = (Hub::default(), Ids::system().next());
        drop(hub.join(tenant, AT, (9, 9)).unwrap());
        let later = Position { xid: 9, seq: 5 };
        let seat = hub.join(tenant, later, (9, 9)).unwrap();
        hub.publish(tenant, AT, Position { xid: 8, seq: 2 }, Vec::new());
        assert_eq!(hub.read_to(), [(tenant, later)]);
        drop(seat);
    }
}
