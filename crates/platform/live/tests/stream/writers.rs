//! Many who write, some who give up, several servers, clients that come and go.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use nmc_db::{Db, PoolSettings, Wakes};
use nmc_events::{Context, conversation::ConversationReleased};
use nmc_kernel::{Random, TenantId};
use nmc_testkit::TestDatabase;

use crate::support::{Server, in_order};

const WRITERS: u64 = 4;
const TRANSACTIONS: usize = 60;
const CLIENTS: u64 = 3;
/// A transaction that is held open asks fewer idle questions than this; a few are a whole transaction of another's.
const IDLE_STATEMENTS_MAX: u64 = 40;

/// How many transactions have ended, and during how many of those that were held open others did.
#[derive(Debug, Default)]
struct Count {
    ended: AtomicUsize,
    overtaken: AtomicUsize,
}

/// Writes for either business, holding some transactions open for a while and giving some up.
async fn write(db: Db, tenants: [TenantId; 2], seed: u64, count: Arc<Count>) {
    let random = Random::seeded(seed);
    for _ in 0..TRANSACTIONS {
        let tenant = tenants[usize::from(random.unit() < 0.3)];
        let mut tx = db.begin(tenant).await.unwrap();
        // Takes its place among the transactions now and its numbers later, or both at once.
        if random.unit() < 0.5 {
            sqlx::query("select pg_current_xact_id()").execute(tx.conn().await.unwrap()).await.unwrap();
            let ended = count.ended.load(Ordering::Relaxed);
            for _ in 0..random.u64() % IDLE_STATEMENTS_MAX {
                sqlx::query("select 1").execute(tx.conn().await.unwrap()).await.unwrap();
            }
            if count.ended.load(Ordering::Relaxed) > ended {
                count.overtaken.fetch_add(1, Ordering::Relaxed);
            }
        }
        for _ in 0..=(random.u64() % 3) {
            let event = ConversationReleased { conversation_id: tx.ids().next(), user_id: None };
            let context = Context { correlation: tx.ids().next(), causation: None };
            tx.publish(&event, context).unwrap();
        }
        if random.unit() < 0.2 {
            tx.roll_back().await.unwrap();
        } else {
            tx.commit().await.unwrap();
        }
        count.ended.fetch_add(1, Ordering::Relaxed);
    }
}

/// Listens to one server or the other and leaves now and then, until `last` was heard; what it heard.
async fn listen(servers: Arc<[Server; 2]>, tenant: TenantId, begin: String, seed: u64, last: Last) -> Vec<String> {
    let random = Random::seeded(seed);
    let mut heard = vec![begin];
    loop {
        let server = &servers[usize::from(random.unit() < 0.5)];
        let mut client = server.resume(tenant, heard.last().unwrap()).await;
        while random.unit() > 0.05 {
            let Some(event) = client.next().await else { break };
            assert_ne!(event.name, "reset");
            let is_last = event.data["payload"]["conversation_id"] == last.to_string();
            heard.push(event.id.unwrap());
            if is_last {
                return heard;
            }
        }
    }
}

type Last = uuid::Uuid;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_client_hears_everything_once_in_order_whoever_writes() {
    for trial in 0..3_u64 {
        let database = TestDatabase::create().await.unwrap();
        let servers = Arc::new([Server::start(&database).await, Server::start(&database).await]);
        let db = Db::new(&database.app_url(), PoolSettings::default(), Wakes::new()).unwrap();
        let tenants: [TenantId; 2] = [db.ids().next(), db.ids().next()];
        for tenant in tenants {
            crate::support::release(&db, tenant).await;
        }
        let last: Last = db.ids().next();
        let mut clients = Vec::new();
        for number in 0..CLIENTS {
            let tenant = tenants[usize::from(number == 0)];
            let begin = in_order(&database, tenant).await.remove(0);
            let listening = listen(servers.clone(), tenant, begin, 100 * trial + number, last);
            clients.push((tenant, tokio::spawn(listening)));
        }
        let count = Arc::new(Count::default());
        let write = |writer| tokio::spawn(write(db.clone(), tenants, 1000 * trial + writer, count.clone()));
        for writer in (0..WRITERS).map(write).collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        let overtaken = count.overtaken.load(Ordering::Relaxed);
        assert!(overtaken > TRANSACTIONS / 2, "{overtaken} transactions were overtaken: the test tests too little");
        for tenant in tenants {
            let mut tx = db.begin(tenant).await.unwrap();
            let event = ConversationReleased { conversation_id: last.into(), user_id: None };
            let context = Context { correlation: tx.ids().next(), causation: None };
            tx.publish(&event, context).unwrap();
            tx.commit().await.unwrap();
        }
        for (tenant, client) in clients {
            assert_eq!(client.await.unwrap(), in_order(&database, tenant).await, "trial {trial}");
        }
    }
}
