//! Clients that hang up at any moment: what was acknowledged is kept, and the server goes on.

mod harness;

use std::time::{Duration, Instant};

use harness::{App, BUSINESS, dialling};
use nmc_kernel::Random;
use nmc_providers::twilio::{AuthToken, signature};
use tokio::task::JoinSet;

const REQUESTS: usize = 10_000;
const CLIENTS: usize = 16;
/// Requests each client lets through first, to learn how long one takes on this machine.
const MEASURED: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_aborted_webhooks_lose_nothing_acknowledged() {
    let app = App::start(dialling()).await;
    let url = format!("{}/webhooks/twilio/sms-inbound", app.base_url);
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let url = url.clone();
        clients.spawn(async move {
            let random = Random::seeded(client as u64);
            #[expect(clippy::disallowed_methods, reason = "a client that hangs up")]
            let http = reqwest::Client::new();
            let token = AuthToken::new(harness::AUTH_TOKEN);
            let (mut acknowledged, mut aborted) = (Vec::new(), 0);
            let (begun, mut longest_life) = (Instant::now(), Duration::MAX);
            for n in 0..REQUESTS / CLIENTS {
                let sid = format!("SM{:032x}", client * REQUESTS + n);
                let from = format!("+1415{:07}", 2_000_000 + client * 1_000 + n);
                let params = [
                    ("MessageSid", sid.as_str()),
                    ("AccountSid", harness::ACCOUNT_SID),
                    ("From", from.as_str()),
                    ("To", BUSINESS),
                    ("Body", "hello"),
                    ("NumMedia", "0"),
                ];
                let request = http
                    .post(&url)
                    .header(signature::SIGNATURE_HEADER, signature::sign(&token, &url, &params))
                    .form(&params)
                    .send();
                if n == MEASURED {
                    // Twice what a request takes: about half are cut off, at every point there is.
                    longest_life = begun.elapsed() / u32::try_from(MEASURED).unwrap() * 2;
                }
                let life = if n < MEASURED { longest_life } else { longest_life.mul_f64(random.unit()) };
                match tokio::time::timeout(life, request).await {
                    Ok(Ok(answer)) if answer.status() == 200 => acknowledged.push(sid),
                    // Busy rolling back: an honest refusal.
                    Ok(Ok(answer)) => assert_eq!(answer.status(), 503),
                    Ok(Err(error)) => panic!("the server was gone: {error}"),
                    Err(_) => aborted += 1,
                }
            }
            (acknowledged, aborted)
        });
    }
    let (mut acknowledged, mut aborted) = (Vec::new(), 0);
    for (their_acknowledged, their_aborted) in clients.join_all().await {
        acknowledged.extend(their_acknowledged);
        aborted += their_aborted;
    }
    assert!(aborted > REQUESTS / 10, "only {aborted} aborted: the test tests nothing");
    assert!(acknowledged.len() > REQUESTS / 20, "only {} acknowledged: the test tests nothing", acknowledged.len());

    let kept: i64 = sqlx::query_scalar(
        "select count(*) from tel_inbound_sms s where s.provider_ref = any($1)
           and exists (select from outbox_events e where e.tenant_id = s.tenant_id and e.payload->>'provider_ref' = s.provider_ref)",
    )
    .bind(&acknowledged)
    .fetch_one(&mut app.look().await)
    .await
    .unwrap();
    assert_eq!(usize::try_from(kept).unwrap(), acknowledged.len(), "acknowledged texts are missing");
    // No transaction was left open behind any of them.
    let open =
        "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'
                and xact_start < now() - interval '1 second'";
    assert_eq!(app.count(open).await, 0);
    println!("{aborted} aborted, {} acknowledged", acknowledged.len());
}
