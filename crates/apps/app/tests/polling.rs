//! What no webhook delivered, from Twilio's lists to the caller's phone.

mod harness;

use chrono::{DateTime, Duration, Utc};
use harness::{App, config};
use nmc_app::Modules;
use nmc_identity::{CallMode, TenantSettings};
use nmc_kernel::{Clock, Random};
use nmc_simulators::twilio::Call;
use sqlx::Connection as _;

const CALLER: &str = "+14155550123";
const EARLIER_CALLER: &str = "+14155550124";

fn now() -> DateTime<Utc> {
    Clock::system().now()
}

/// A call of which Twilio never told; it ended `ago`.
fn call_lost(app: &App, number: u32, from: &str, ago: Duration) {
    app.twilio.put_call(Call {
        sid: format!("CA{number:032x}"),
        parent_call_sid: None,
        from: from.to_owned(),
        to: app.number.as_str().to_owned(),
        status: "completed".to_owned(),
        direction: "inbound".to_owned(),
        started_at: now() - ago - Duration::seconds(5),
        duration_seconds: 5,
    });
}

#[tokio::test]
async fn a_call_found_within_minutes_is_greeted_and_one_found_too_late_is_a_task() {
    let app = App::start(TenantSettings { call_mode: CallMode::Forwarded, ..TenantSettings::default() }).await;
    let configuration = config(&app.database, &app.base_url, &app.twilio.base_url(), &app.clerk);
    let dispatching = Modules::new(app.database.dispatcher(), &configuration).unwrap();
    let polling = dispatching.telephony.polling(Random::seeded(9));
    assert_eq!(polling.poll_due().await.unwrap(), 0);
    // The installation has run since yesterday, and nobody has read the lists for two hours.
    let (yesterday, read_up_to) = (now() - Duration::days(1), now() - Duration::hours(2));
    let mut superuser = app.look().await;
    for change in [
        "update tenant_routes set created_at = $1 where $2::timestamptz is not null",
        "update tel_polls set since = $1, read_up_to = $2, due_at = $2",
    ] {
        sqlx::query(change).bind(yesterday).bind(read_up_to).execute(&mut superuser).await.unwrap();
    }
    superuser.close().await.unwrap();
    call_lost(&app, 1, CALLER, Duration::minutes(3));
    call_lost(&app, 2, EARLIER_CALLER, Duration::minutes(90));

    assert_eq!(polling.poll_due().await.unwrap(), 2);
    app.settle().await;
    assert_eq!((app.texts_to(CALLER).len(), app.texts_to(EARLIER_CALLER).len()), (1, 0));
    let tasks = "select count(*) from conv_tasks where kind = 'call-back' and caller_phone = '+14155550124'";
    assert_eq!(app.count(tasks).await, 1);
    let expired = "select count(*) from comp_gate_decisions where reason = 'expired'";
    assert_eq!(app.count(expired).await, 1, "and the call says why");
}
