//! A caller's data, given out and erased: planted through the real use cases, looked for in every column of every table.

use std::collections::BTreeMap;

use nmc_app::{EraseCallerError, Modules};
use nmc_kernel::Actor;
use nmc_simulators::twilio::{CallRequest, CallScenario, TextRequest};
use serde_json::Value;
use sqlx::{Connection as _, PgConnection};

use crate::{
    harness::{App, dialling, phone},
    rows::{holding, modules, run},
};

const CALLER: &str = "+14155550142";
/// Another caller, whose data stays as it is. Its number begins with nobody's.
const OTHER: &str = "+14155550177";
const BODY: &str = "My name is Canary Bird, Canary Lane 7";
const OTHERS_BODY: &str = "Sparrow here";

/// Where the number of an erased caller may stand, each with its reason.
const KEPT: &[&str] = &[
    "comp_do_not_text.phone", // the business keeps the number from being texted
    "comp_opt_outs.phone",    // the stop is honoured
];

struct Stand {
    app: App,
    modules: Modules,
    actor: Actor,
    superuser: PgConnection,
}

impl Stand {
    /// A business with two callers: both called, were greeted and wrote.
    async fn new() -> Self {
        let app = Box::pin(App::start(dialling())).await;
        for (caller, body) in [(CALLER, BODY), (OTHER, OTHERS_BODY)] {
            app.twilio.place_call(CallRequest::new(caller, app.number.clone(), CallScenario::NoAnswer)).await;
            app.settle().await;
            app.twilio.send_text(TextRequest::new(caller, app.number.clone(), body)).await;
            app.settle().await;
        }
        let modules = modules(&app.database, app.database.dispatcher());
        let actor = Actor::Operator { tenant: app.tenant };
        let superuser = app.look().await;
        Self { app, modules, actor, superuser }
    }

    async fn erase(&self) -> Result<Value, EraseCallerError> {
        self.modules.erase_caller(self.app.database.dispatcher(), &self.actor, &phone(CALLER)).await
    }

    /// What is found of the caller, by number and by what was written.
    async fn found(&mut self) -> (BTreeMap<String, i64>, BTreeMap<String, i64>) {
        (holding(&mut self.superuser, CALLER).await, holding(&mut self.superuser, "Canary").await)
    }

    async fn others(&mut self) -> BTreeMap<String, i64> {
        let mut found = holding(&mut self.superuser, OTHER).await;
        found.extend(holding(&mut self.superuser, "Sparrow").await);
        found
    }
}

#[tokio::test]
async fn an_erased_caller_is_found_nowhere_but_where_a_stop_is_kept() {
    let mut stand = Stand::new().await;
    // A text that waits, a dead letter, an answer kept for a repeat, an event that nobody has taken, a stop, a label.
    stand.app.twilio.place_call(CallRequest::new(CALLER, stand.app.number.clone(), CallScenario::NoAnswer)).await;
    stand.app.twilio.send_text(TextRequest::new(CALLER, stand.app.number.clone(), "Canary again")).await;
    let planted = format!(
        r#"insert into outbox_dead_letters (tenant_id, id, event_id, consumer, error, attempts, envelope, created_at)
           select tenant_id, gen_random_uuid(), id, 'test.failed', 'it failed', 6,
                  jsonb_build_object('payload', payload, 'order_key', order_key), occurred_at
           from outbox_events where payload::text like '%{CALLER}%';
           insert into idempotency_keys (tenant_id, user_id, key, fingerprint, answer, created_at)
           select tenant_id, gen_random_uuid(), 'a', decode(repeat('00', 32), 'hex'),
                  jsonb_build_object('conversation_id', id, 'body', 'Canary'), opened_at
           from conv_conversations where caller_phone = '{CALLER}' limit 1;
           insert into effect_intents (tenant_id, id, kind, purpose_key, order_key, state, available_at, useful_until, request,
                                       correlation_id, created_at)
           select tenant_id, gen_random_uuid(), 'sms', 'planted', 'planted', 'review', created_at, created_at,
                  '{{"to": "{CALLER}", "body": "Canary"}}', correlation_id, created_at
           from conv_conversations where caller_phone = '{CALLER}' limit 1;
           insert into comp_do_not_text (tenant_id, id, phone, label, created_at)
           select tenant_id, gen_random_uuid(), '{CALLER}', 'Canary, my aunt', created_at
           from conv_conversations where caller_phone = '{CALLER}' limit 1;
           update conv_conversations set dialogue = '{{"address": "Canary Street"}}' where caller_phone = '{CALLER}';
           insert into conv_turns (tenant_id, conversation_id, due_at, first_text_at, created_at)
           select tenant_id, id, created_at, created_at, created_at from conv_conversations where caller_phone = '{CALLER}'
           on conflict do nothing"#
    );
    run(&mut stand.superuser, &planted).await;
    let (by_number, by_words) = stand.found().await;
    // The paths that hold personal data are planted indeed.
    for column in [
        "comp_do_not_text.label",
        "conv_conversations.dialogue",
        "conv_messages.body",
        "effect_intents.request",
        "idempotency_keys.answer",
        "outbox_dead_letters.envelope",
        "outbox_events.payload",
        "tel_inbound_sms.body",
    ] {
        assert!(by_words.contains_key(column), "{column} is not planted: {by_words:?}");
    }
    for column in [
        "comp_gate_decisions.phone",
        "conv_contacts.caller_phone",
        "conv_conversations.caller_phone",
        "tel_calls.from_phone",
    ] {
        assert!(by_number.contains_key(column), "{column} is not planted: {by_number:?}");
    }
    let others = stand.others().await;
    let sent = stand.app.texts_to(CALLER).len();

    let report = stand.erase().await.unwrap();
    let (by_number, by_words) = stand.found().await;
    assert_eq!(by_words, BTreeMap::new());
    assert_eq!(by_number.keys().collect::<Vec<_>>(), ["comp_do_not_text.phone"], "{report}");
    assert!(report["kept"].as_str().unwrap().contains("never to text"), "{report}");
    assert_eq!(stand.others().await, others, "another caller's data was touched");
    let live = "select count(*) from conv_conversations where state <> 'closed'";
    assert_eq!(stand.app.count(live).await, 1, "the other's");
    assert_eq!(
        stand
            .app
            .count(
                "select count(*) from timers t where kind like 'conversation.%'
        and not exists (select from conv_conversations c where c.id = t.ref_id)"
            )
            .await,
        0
    );

    // Nothing of it comes back, and nothing goes out.
    stand.app.settle().await;
    let (by_number, by_words) = stand.found().await;
    assert_eq!((by_number.len(), by_words.len()), (1, 0), "{by_number:?} {by_words:?}");
    assert_eq!(stand.app.texts_to(CALLER).len(), sent);
    assert_eq!(stand.app.count("select count(*) from effect_intents where finished_at is null").await, 0);
    assert_eq!(stand.app.count("select count(*) from outbox_dead_letters where resolution is null").await, 0);

    // It is written down, without the number: `holding` has looked there, too.
    let entries = "select count(*) from id_audit_log where action = 'caller.erased'";
    assert_eq!(stand.app.count(entries).await, 1);

    // Twice is the same as once.
    let again = stand.erase().await.unwrap();
    assert!(again["erased"].as_object().unwrap().values().all(|rows| rows == 0), "{again}");
    assert_eq!(stand.app.count(entries).await, 2);
}

#[tokio::test]
async fn the_stop_of_an_erased_caller_is_honoured() {
    let mut stand = Stand::new().await;
    stand.app.twilio.send_text(TextRequest::new(CALLER, stand.app.number.clone(), "STOP")).await;
    stand.app.settle().await;
    let sent = stand.app.texts_to(CALLER).len();
    let report = stand.erase().await.unwrap();
    assert!(report["kept"].as_str().unwrap().contains("opt-outs"), "{report}");
    let (by_number, by_words) = stand.found().await;
    assert!(by_number.keys().all(|column| KEPT.contains(&column.as_str())), "{by_number:?}");
    assert!(by_number.contains_key("comp_opt_outs.phone"));
    assert_eq!(by_words, BTreeMap::new());
    stand.app.twilio.place_call(CallRequest::new(CALLER, stand.app.number.clone(), CallScenario::NoAnswer)).await;
    stand.app.settle().await;
    assert_eq!(stand.app.texts_to(CALLER).len(), sent, "the stop still holds");
}

#[tokio::test]
async fn a_caller_who_calls_again_is_a_new_one() {
    let stand = Stand::new().await;
    let sent = stand.app.texts_to(CALLER).len();
    let report = stand.erase().await.unwrap();
    assert_eq!(report["kept"], "nothing");
    stand.app.twilio.place_call(CallRequest::new(CALLER, stand.app.number.clone(), CallScenario::NoAnswer)).await;
    stand.app.settle().await;
    assert_eq!(stand.app.texts_to(CALLER).len(), sent + 1);
}

#[tokio::test]
async fn while_a_text_is_on_its_way_nothing_is_erased() {
    let mut stand = Stand::new().await;
    run(
        &mut stand.superuser,
        &format!(
            "update effect_intents set state = 'in_flight', owner = 1, claimed_at = created_at, finished_at = null
             where request::text like '%{CALLER}%'"
        ),
    )
    .await;
    let before = stand.found().await;
    assert!(matches!(stand.erase().await, Err(EraseCallerError::UnderWay)));
    assert_eq!(stand.found().await, before);
}

#[tokio::test]
async fn an_export_has_all_there_is_of_the_caller_and_of_nobody_else() {
    let mut stand = Stand::new().await;
    let dispatcher = stand.app.database.dispatcher().clone();
    let exported = stand.modules.export_caller(&dispatcher, &stand.actor, &phone(CALLER)).await.unwrap();
    let text = exported.to_string();
    assert!(text.contains(CALLER) && text.contains(BODY), "{exported:#}");
    assert!(!text.contains(OTHER) && !text.contains(OTHERS_BODY), "{exported:#}");
    for (part, rows) in [
        ("/telephony/calls", 1),
        ("/telephony/texts", 1),
        ("/conversation/conversations", 1),
        ("/conversation/contacts", 2),
        ("/compliance/opt_outs", 0),
    ] {
        assert_eq!(exported.pointer(part).unwrap().as_array().unwrap().len(), rows, "{part}: {exported:#}");
    }
    // Every table in which the caller stands is in it, and every row of those.
    let messages = exported.pointer("/conversation/conversations/0/messages").unwrap().as_array().unwrap().len();
    let stored = stand.app.count("select count(*) from conv_messages m join conv_conversations c on c.id = m.conversation_id where c.caller_phone = '+14155550142'").await;
    assert_eq!(i64::try_from(messages).unwrap(), stored);
    for (column, rows) in holding(&mut stand.superuser, CALLER).await {
        let part = match column.split('.').next().unwrap() {
            "tel_calls" => "/telephony/calls",
            "tel_inbound_sms" => "/telephony/texts",
            "conv_conversations" => "/conversation/conversations",
            "conv_contacts" => "/conversation/contacts",
            "conv_tasks" => "/conversation/tasks",
            "sched_appointments" => "/scheduling/appointments",
            "comp_gate_decisions" => "/compliance/decisions",
            "comp_loop_watch" => "/compliance/loop_watch",
            "outbox_events" => "/outbox/events",
            "effect_intents" => "/effects",
            other => panic!("the caller stands in {other}, which is not exported"),
        };
        let found = exported.pointer(part).unwrap().as_array().unwrap().len();
        assert!(i64::try_from(found).unwrap() >= rows, "{column}: {rows} rows, {found} exported");
    }
    assert_eq!(stand.app.count("select count(*) from id_audit_log where action = 'caller.exported'").await, 1);
    let nobody = stand.modules.export_caller(&dispatcher, &stand.actor, &phone("+14155550111")).await.unwrap();
    assert_eq!(nobody.pointer("/conversation/conversations").unwrap().as_array().unwrap().len(), 0);
    // The server's role reads none of it across businesses, and writes none of it off.
    let mut server = PgConnection::connect(&stand.app.database.app_url()).await.unwrap();
    assert!(sqlx::query("delete from conv_messages").execute(&mut server).await.is_err());
}

/// The business's number stands in what is known of every caller.
#[tokio::test]
async fn the_businesss_own_number_is_no_callers() {
    let mut stand = Stand::new().await;
    let (dispatcher, own) = (stand.app.database.dispatcher().clone(), stand.app.number.clone());
    let before = stand.others().await;
    let erased = stand.modules.erase_caller(&dispatcher, &stand.actor, &own).await;
    assert!(matches!(erased, Err(EraseCallerError::OwnNumber)), "{erased:?}");
    assert_eq!(stand.others().await, before);
    let exported = stand.modules.export_caller(&dispatcher, &stand.actor, &own).await;
    assert!(matches!(exported, Err(EraseCallerError::OwnNumber)), "{exported:?}");
}
