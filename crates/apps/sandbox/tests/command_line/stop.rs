//! A signal to stop ends nothing halfway.

use nmc_simulators::twilio::{Api, Fault, SignatureKind, When};
use nmc_testkit::eventually;
use sqlx::PgConnection;
use tokio::net::TcpStream;

use crate::{
    program::{BOUND, count},
    stand::{Stand, ended, terminate},
};

/// What sessions of a role were doing last that stand inside a transaction.
async fn open_transactions(look: &mut PgConnection, role: &str) -> Vec<String> {
    sqlx::query_scalar(
        "select state || ': ' || query from pg_stat_activity
         where datname = current_database() and usename = $1 and state like 'idle in transaction%'",
    )
    .bind(role)
    .fetch_all(look)
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sigterm_the_server_answers_what_is_under_way_and_ends() {
    let stand = Stand::new().await;
    let mut server = stand.serve().await;
    let mut blocker = stand.database.superuser().await.unwrap();
    sqlx::raw_sql("begin; lock table webhook_events").execute(&mut blocker).await.unwrap();
    let mut look = stand.database.superuser().await.unwrap();

    let number = stand.tenant.number.as_str();
    let stopping = async {
        let waiting = "select count(*) from pg_stat_activity where datname = current_database() and usename = 'nmc_app'
                       and wait_event_type = 'Lock'";
        assert!(eventually(BOUND, async || count(&mut look, waiting).await == 1).await, "no request waits");
        terminate(&server).await;
        let closed = eventually(BOUND, async || TcpStream::connect(stand.http).await.is_err()).await;
        assert!(closed, "new connections are still taken");
        assert!(server.try_wait().unwrap().is_none(), "it ended with a request under way");
        sqlx::raw_sql("commit").execute(&mut blocker).await.unwrap();
    };
    let (answer, ()) = tokio::join!(stand.text(number, "hello", SignatureKind::Correct), stopping);
    assert_eq!(answer, Some(200));
    assert_eq!(ended(&mut server).await.code(), Some(0));
    assert_eq!(count(&mut look, "select count(*) from tel_inbound_sms").await, 1, "what was answered is stored");
    assert_eq!(open_transactions(&mut look, "nmc_app").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sigterm_the_dispatcher_records_what_is_under_way_and_ends() {
    let stand = Stand::new().await;
    let _server = stand.serve().await;
    let mut dispatcher = stand.dispatch();
    stand.twilio.add_fault(Api::SendMessage, Fault::Delay { millis: 2_000 }, When::Always);
    stand.missed_call().await;
    let mut look = stand.database.superuser().await.unwrap();
    let in_flight = "select count(*) from effect_intents where state = 'in_flight'";
    assert!(eventually(BOUND, async || count(&mut look, in_flight).await == 1).await, "no effect is under way");
    terminate(&dispatcher).await;
    assert_eq!(ended(&mut dispatcher).await.code(), Some(0));

    assert_eq!(stand.twilio.accepted().len(), 1);
    assert_eq!(count(&mut look, "select count(*) from effect_intents where state = 'accepted'").await, 1);
    assert_eq!(count(&mut look, "select count(*) from effect_intents where state <> 'accepted'").await, 0);
    assert_eq!(count(&mut look, "select count(*) from outbox_runs where cardinality(event_seqs) > 0").await, 0);
    // The server goes on, and may be in the middle of one.
    assert_eq!(open_transactions(&mut look, "nmc_dispatcher").await, [""; 0]);
}
