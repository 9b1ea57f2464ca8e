//! Each rule just inside and just outside its age.

use chrono::{DateTime, Duration, Months, NaiveTime, Utc};
use nmc_kernel::{Ids, TenantId};

use crate::rows::Stand;

/// What is left of a row that is too old.
enum Left {
    Nothing,
    /// Its row, without what this condition finds.
    Row {
        without: &'static str,
    },
}

struct Rule {
    table: &'static str,
    kept: fn(DateTime<Utc>) -> DateTime<Utc>,
    values: &'static [(&'static str, &'static str)],
    left: Left,
}

fn hours_24(now: DateTime<Utc>) -> DateTime<Utc> {
    now - Duration::hours(24)
}
fn days_30(now: DateTime<Utc>) -> DateTime<Utc> {
    now - Duration::days(30)
}
fn days_90(now: DateTime<Utc>) -> DateTime<Utc> {
    now - Duration::days(90)
}
fn days_180(now: DateTime<Utc>) -> DateTime<Utc> {
    now - Duration::days(180)
}
fn months_13(now: DateTime<Utc>) -> DateTime<Utc> {
    now.checked_sub_months(Months::new(13)).unwrap()
}
/// The first moment of that day: what is of a day is kept from it on.
fn months_13_day(now: DateTime<Utc>) -> DateTime<Utc> {
    months_13(now).date_naive().and_time(NaiveTime::MIN).and_utc()
}

/// As the specification has them. A row is planted a second before and a second after each age.
const RULES: &[Rule] = &[
    Rule { table: "idempotency_keys", kept: hours_24, values: &[], left: Left::Nothing },
    Rule { table: "webhook_events", kept: days_90, values: &[], left: Left::Nothing },
    Rule { table: "outbox_events", kept: days_30, values: &[], left: Left::Nothing },
    Rule {
        table: "outbox_events",
        kept: days_180,
        values: &[("dispatched_at", "null")],
        left: Left::Row { without: "payload::text like '%canary%'" },
    },
    Rule { table: "outbox_consumed", kept: days_30, values: &[], left: Left::Nothing },
    Rule {
        table: "outbox_dead_letters",
        kept: days_180,
        values: &[],
        left: Left::Row { without: "envelope::text like '%canary%'" },
    },
    Rule { table: "outbox_dead_letters", kept: months_13, values: &[], left: Left::Nothing },
    Rule {
        table: "effect_intents",
        kept: days_180,
        values: &[],
        left: Left::Row { without: "request::text like '%canary%'" },
    },
    Rule {
        table: "effect_intents",
        kept: days_180,
        values: &[
            ("state", "'review'"),
            ("finished_at", "null"),
            ("request", "'{\"to\": \"kept\", \"body\": \"canary\"}'"),
        ],
        left: Left::Row { without: "request::text like '%canary%' or request ->> 'to' <> 'kept'" },
    },
    Rule { table: "effect_intents", kept: months_13, values: &[], left: Left::Nothing },
    Rule {
        table: "effect_intents",
        kept: months_13,
        values: &[("state", "'review'"), ("finished_at", "null")],
        left: Left::Nothing,
    },
    Rule { table: "timers", kept: months_13, values: &[], left: Left::Nothing },
    Rule { table: "comp_gate_decisions", kept: months_13, values: &[], left: Left::Nothing },
    Rule { table: "comp_loop_watch", kept: months_13, values: &[], left: Left::Nothing },
    Rule { table: "id_invitations", kept: months_13, values: &[], left: Left::Nothing },
    Rule { table: "tel_calls", kept: months_13, values: &[], left: Left::Nothing },
    Rule {
        table: "tel_inbound_sms",
        kept: days_180,
        values: &[],
        left: Left::Row { without: "body like '%canary%' or media::text like '%canary%'" },
    },
    Rule { table: "tel_inbound_sms", kept: months_13, values: &[], left: Left::Nothing },
    Rule {
        table: "conv_messages",
        kept: days_180,
        values: &[],
        left: Left::Row { without: "body like '%canary%' or why::text like '%canary%'" },
    },
    Rule { table: "conv_messages", kept: months_13, values: &[], left: Left::Nothing },
    Rule { table: "conv_contacts", kept: months_13, values: &[], left: Left::Nothing },
    Rule { table: "conv_tasks", kept: months_13, values: &[], left: Left::Nothing },
    Rule {
        table: "conv_conversations",
        kept: days_180,
        values: &[],
        left: Left::Row { without: "dialogue::text like '%canary%'" },
    },
    Rule { table: "conv_conversations", kept: months_13, values: &[], left: Left::Nothing },
    Rule { table: "sched_ended_holds", kept: days_30, values: &[], left: Left::Nothing },
    Rule {
        table: "sched_appointments",
        kept: days_180,
        values: &[],
        left: Left::Row { without: "customer_address like '%canary%' or notes like '%canary%'" },
    },
    Rule { table: "sched_appointments", kept: months_13, values: &[], left: Left::Nothing },
    Rule { table: "sched_ext_busy", kept: months_13, values: &[], left: Left::Nothing },
    Rule { table: "sched_time_off", kept: months_13, values: &[], left: Left::Nothing },
    Rule { table: "sched_holidays", kept: months_13_day, values: &[], left: Left::Nothing },
];

#[tokio::test]
async fn every_rule_keeps_what_is_younger_and_takes_what_is_older() {
    for (number, rule) in RULES.iter().enumerate() {
        let mut stand = Stand::new().await;
        let (table, edge) = (rule.table, (rule.kept)(stand.now));
        let neighbour: TenantId = Ids::system().next();
        stand.plant("id_tenants", neighbour, stand.now, 1, &[]).await;
        let moments = [edge - Duration::seconds(1), edge + Duration::seconds(1)];
        for tenant in [stand.tenant, neighbour] {
            for at in moments {
                stand.plant(table, tenant, at, 1, rule.values).await;
            }
        }
        // Without a tenant there is one row per moment.
        let planted = stand.count(&format!("select count(*) from {table}")).await;
        let (old, young) = (planted / 2, planted / 2);
        assert!(planted == 2 || planted == 4, "rule {number}, {table}: {planted} rows");

        let swept = stand.retention.run_now().await.unwrap();
        // Younger rows of 13 months have their texts emptied meanwhile.
        let touched: u64 = swept.values().sum();
        assert!(i64::try_from(touched).unwrap() >= old, "rule {number}, {table}: {swept:?}");
        match rule.left {
            Left::Nothing => {
                assert_eq!(
                    stand.count(&format!("select count(*) from {table}")).await,
                    young,
                    "rule {number}, {table}"
                );
            }
            Left::Row { without } => {
                let with = stand.count(&format!("select count(*) from {table} where {without}")).await;
                let rows = stand.count(&format!("select count(*) from {table}")).await;
                assert_eq!((rows, with), (planted, young), "rule {number}, {table}");
            }
        }
        // A second time there is nothing to do.
        let again: u64 = stand.retention.run_now().await.unwrap().values().sum();
        assert_eq!(again, 0, "rule {number}, {table}");
    }
}

#[tokio::test]
async fn a_rule_is_tried_for_each_name() {
    let stand = Stand::new().await;
    let rules = stand.retention.rules();
    for name in &rules {
        let table = name.split([',', ' ']).next().unwrap();
        assert!(RULES.iter().any(|rule| rule.table == table), "no test of the rule {name:?}");
    }
    // Webhooks are no business's; intents are tried as finished and in review.
    assert_eq!(rules.len() + 1 + 2, RULES.len());
}

#[tokio::test]
async fn opt_outs_and_what_lives_stay_for_ever() {
    let mut stand = Stand::new().await;
    let (tenant, long_ago) = (stand.tenant, stand.now - Duration::days(4000));
    for (table, values) in [
        ("comp_opt_outs", &[][..]),
        ("comp_opt_out_confirmations", &[]),
        ("comp_do_not_text", &[]),
        ("conv_templates", &[]),
        ("conv_conversations", &[("state", "'open'"), ("closed_at", "null"), ("dialogue", "null")]),
        ("effect_intents", &[("state", "'pending'"), ("finished_at", "null"), ("request", "'{}'")]),
        ("outbox_events", &[("dispatched_at", "null"), ("payload", "'{}'")]),
    ] {
        stand.plant(table, tenant, long_ago, 3, values).await;
        let swept: u64 = stand.retention.run_now().await.unwrap().values().sum();
        assert_eq!(swept, 0, "{table}");
        assert_eq!(stand.count(&format!("select count(*) from {table}")).await, 3, "{table}");
    }
}

#[tokio::test]
async fn the_ledger_outlives_its_event_and_what_could_bring_it_back() {
    let mut stand = Stand::new().await;
    let (tenant, at) = (stand.tenant, stand.now - Duration::days(31));
    // Three consumers, thirty events; the ids of events and of the ledger's events are the same.
    for consumer in ["'a'", "'b'", "'c'"] {
        stand.plant("outbox_consumed", tenant, at, 30, &[("consumer", consumer)]).await;
    }
    stand.plant("outbox_events", tenant, at, 20, &[("dispatched_at", "null")]).await;
    stand.plant("outbox_dead_letters", tenant, at, 25, &[("resolution", "null"), ("resolved_at", "null")]).await;
    stand.retention.run_now().await.unwrap();
    assert_eq!(stand.count("select count(*) from outbox_consumed").await, 3 * 25);
    stand.count("with gone as (update outbox_events set dispatched_at = available_at returning 1) select count(*) from gone").await;
    stand.count("with done as (update outbox_dead_letters set resolution = 'replayed' returning 1) select count(*) from done").await;
    stand.retention.run_now().await.unwrap();
    assert_eq!(stand.count("select count(*) from outbox_events").await, 0);
    assert_eq!(stand.count("select count(*) from outbox_consumed").await, 0);
}

#[tokio::test]
async fn a_conversation_takes_what_is_left_of_it_along() {
    let mut stand = Stand::new().await;
    let (tenant, old) = (stand.tenant, months_13(stand.now) - Duration::days(1));
    stand.plant("conv_conversations", tenant, old, 1, &[]).await;
    let conversation = "(select id from conv_conversations)";
    for table in ["conv_messages", "conv_contacts", "conv_tasks", "conv_human_stretches", "conv_turns"] {
        // Young rows in a thread that is old: such as a task about it.
        let young = stand.now - Duration::days(1);
        stand.plant(table, tenant, young, 1, &[("conversation_id", conversation)]).await;
    }
    assert!(stand.retention.run_now().await.unwrap()["conv_conversations"] == 1);
    for table in
        ["conv_messages", "conv_contacts", "conv_tasks", "conv_human_stretches", "conv_turns", "conv_conversations"]
    {
        assert_eq!(stand.count(&format!("select count(*) from {table}")).await, 0, "{table}");
    }
}
