//! What only a person can settle.

use nmc_simulators::twilio::{Api, Fault, When};
use nmc_testkit::eventually;

use crate::{
    program::{BOUND, NOBODYS_ID, count, run},
    stand::{CALLER, Stand, ended, terminate},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_settle_an_effect_in_review() {
    let stand = Stand::new().await;
    let _server = stand.serve().await;
    let mut dispatcher = stand.dispatch();
    let busy = Fault::Answer { status: 429, code: Some(20429), retry_after_seconds: Some(3600) };
    stand.twilio.add_fault(Api::SendMessage, busy, When::Always);
    stand.missed_call().await;
    let mut superuser = stand.database.superuser().await.unwrap();
    let tried = "select count(*) from effect_intents where state = 'pending' and answered_attempts > 0";
    assert!(eventually(BOUND, async || count(&mut superuser, tried).await == 1).await, "nothing was tried");
    terminate(&dispatcher).await;
    assert_eq!(ended(&mut dispatcher).await.code(), Some(0));
    sqlx::raw_sql("update effect_intents set state = 'review'").execute(&mut superuser).await.unwrap();

    let environment = stand.dispatcher_environment();
    let effects = async |action: &[&str]| run(&[&["dispatcher", "effects"], action].concat(), &environment).await;
    let listed = effects(&["list", "--state", "review"]).await.json_lines();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["state"], "review");
    assert!(effects(&["list", "--state", "pending"]).await.json_lines().is_empty());
    assert!(!listed[0].to_string().contains(CALLER), "whom it is for is nobody's business here");
    let id = listed[0]["id"].as_str().unwrap();
    assert_eq!(effects(&["show", id]).await.json_lines(), listed);

    let no_reference = effects(&["resolve", id, "--to", "accepted"]).await;
    assert_eq!(no_reference.code, Some(2), "{no_reference:?}");
    let resolve = ["resolve", id, "--to", "accepted", "--provider-ref", "SM000000000000000000000000000000aa"];
    effects(&resolve).await.succeeded();
    assert_eq!(effects(&["show", id]).await.json_lines()[0]["state"], "accepted");
    let known = "select count(*) from conv_messages where provider_message_id = 'SM000000000000000000000000000000aa'";
    assert_eq!(count(&mut superuser, known).await, 1, "the thread knows which text it was");
    let log = "select count(*) from id_audit_log where action = 'effect.resolved' and actor_kind = 'operator'
               and object_id in (select id from effect_intents) and after = '{\"state\": \"accepted\"}'";
    assert_eq!(count(&mut superuser, log).await, 1, "who settled it is in the business's log");
    effects(&resolve).await.refused();
    assert_eq!(count(&mut superuser, log).await, 1);
    effects(&["resolve", NOBODYS_ID, "--to", "failed"]).await.refused();
    assert!(effects(&["show", NOBODYS_ID]).await.refused().contains(NOBODYS_ID));
}
