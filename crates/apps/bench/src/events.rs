//! Events to deliver, in bulk, and a consumer that does nothing but note that it ran.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use nmc_db::Tx;
use nmc_events::{Envelope, Event as _, telephony::CallDetected};
use nmc_kernel::EventId;
use nmc_outbox::{ConsumeError, Consumer};
use sqlx::PgConnection;
use tokio::sync::Notify;

use crate::BenchError;

/// The consumer's name, in the ledger and in the raw SQL's ledger rows.
pub(crate) const CONSUMER: &str = "bench.nothing";
/// Tenants a batch is spread over.
const TENANTS: u32 = 100;

/// Empties the outbox and fills it with `ready` events that can be delivered and `stuck` ones that wait for a retry in
/// an hour; then leaves the tables as a vacuum would have found them a moment ago.
pub(crate) async fn fill(superuser: &mut PgConnection, ready: i32, stuck: i32) -> Result<(), BenchError> {
    sqlx::raw_sql("truncate outbox_events, outbox_consumed, outbox_runs").execute(&mut *superuser).await?;
    let tenants: Vec<String> = (0..TENANTS).map(|n| format!("00000000-0000-7000-8000-{n:012x}")).collect();
    for (count, lane) in [(stuck, 1), (ready, 0)] {
        add(superuser, &tenants, count, lane).await?;
    }
    sqlx::raw_sql("vacuum analyze outbox_events, outbox_consumed").execute(&mut *superuser).await?;
    sqlx::raw_sql("checkpoint").execute(superuser).await?;
    Ok(())
}

/// Adds events of these tenants in turn: in lane 0 they can be delivered, in lane 1 they wait for a retry in an hour.
pub(crate) async fn add(
    superuser: &mut PgConnection,
    tenants: &[String],
    count: i32,
    lane: i16,
) -> Result<(), BenchError> {
    // Ids that grow with time, as the real ones (UUIDs of version 7) do.
    sqlx::query(
        "insert into outbox_events (tenant_id, id, event_name, schema_version, occurred_at, correlation_id, payload,
                                    order_key, available_at, lane)
         select ($2::text[])[1 + n % cardinality($2)]::uuid,
                ('0193' || lpad(to_hex(n), 8, '0') || '7' || substr(hash, 1, 3) || '8' || substr(hash, 4, 15))::uuid,
                $3, '1.0.0', clock_timestamp(), gen_random_uuid(),
                jsonb_build_object('call_id', gen_random_uuid(), 'from_phone', phone, 'untextable_reason', null,
                                   'to_phone', '+14155550100', 'reason', 'no-answer', 'provider_ref', 'CA' || hash),
                phone, clock_timestamp() + $4 * interval '1 hour', $4
         from (select n, md5(random()::text) as hash, '+1212555' || lpad((100 + n % 100)::text, 4, '0') as phone
               from generate_series(1, $1) n) numbers",
    )
    .bind(count)
    .bind(tenants)
    .bind(CallDetected::NAME)
    .bind(lane)
    .execute(superuser)
    .await?;
    Ok(())
}

/// Fails where an event that could be delivered was not, or the ledger has not as many rows as there were events.
pub(crate) async fn check_delivered(superuser: &mut PgConnection, events: i32) -> Result<(), BenchError> {
    let (left, taken): (i64, i64) = sqlx::query_as(
        "select (select count(*) from outbox_events where lane = 0 and dispatched_at is null),
                (select count(*) from outbox_consumed)",
    )
    .fetch_one(superuser)
    .await?;
    if left == 0 && taken == i64::from(events) {
        return Ok(());
    }
    Err(BenchError::Wrong(format!("of {events} events {left} were left over, and the ledger has {taken}")))
}

/// Hears of missed calls and does nothing about them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Nothing(Arc<Progress>);

#[derive(Debug, Default)]
struct Progress {
    taken: AtomicUsize,
    wanted: usize,
    done: Notify,
}

impl Nothing {
    pub(crate) fn until(wanted: usize) -> Self {
        Self(Arc::new(Progress { wanted, ..Progress::default() }))
    }

    /// Waits until as many events were taken as are wanted.
    pub(crate) async fn done(&self) {
        self.0.done.notified().await;
    }
}

impl Consumer for Nothing {
    type Event = CallDetected;
    const NAME: &'static str = CONSUMER;

    async fn consume(&self, _: &mut Tx, _: &CallDetected, _: &Envelope) -> Result<(), ConsumeError> {
        if self.0.taken.fetch_add(1, Ordering::Relaxed) + 1 == self.0.wanted {
            self.0.done.notify_one();
        }
        Ok(())
    }
}

/// Hears of missed calls and notes when.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stopwatch(Arc<Mutex<HashMap<EventId, Instant>>>);

impl Stopwatch {
    /// When each event was heard of first.
    pub(crate) fn heard(&self) -> HashMap<EventId, Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Consumer for Stopwatch {
    type Event = CallDetected;
    const NAME: &'static str = "bench.stopwatch";

    async fn consume(&self, _: &mut Tx, _: &CallDetected, envelope: &Envelope) -> Result<(), ConsumeError> {
        let now = Instant::now();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(envelope.event_id).or_insert(now);
        Ok(())
    }
}
