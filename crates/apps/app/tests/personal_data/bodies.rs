//! No text of a message is left anywhere when its time is over: every column that can hold words is looked at, whoever
//! made it and whatever it is for.

use std::collections::BTreeSet;

use chrono::Duration;

use crate::rows::{CANARY, Stand, holding, tables};

/// Columns that keep their words for longer than a text is kept, and why no text of a message stands there. A column
/// that is missing here has lost its words after 180 days, or is new and has to be thought about.
const KEPT: &[(&str, &[&str])] = &[
    (
        "a business's own words: its name, people, wordings, registration",
        &[
            "catalog_item_aliases.alias_text",
            "catalog_service_items.currency",
            "catalog_service_items.description",
            "catalog_service_items.name",
            "comp_brands.legal_name",
            "comp_brands.registration",
            "comp_campaigns.description",
            "comp_campaigns.sample_message",
            "comp_do_not_text.label",
            "comp_phone_numbers.reason",
            "comp_registration_history.reason",
            "conv_templates.body",
            "id_feature_gates.reason",
            "id_invitations.email",
            "id_tenants.name",
            "id_tenants.settings",
            "id_tenants.time_zone",
            "id_users.email",
            "id_users.notifications",
            "id_users.phone",
            "sched_holidays.name",
            "sched_resources.name",
            "sched_resources.time_zone",
            "sched_resources.weekly_hours",
            "sched_time_off.reason",
        ],
    ),
    (
        "phone numbers: who called, wrote and was visited is kept for 13 months, opt-outs and lists for ever",
        &[
            "comp_do_not_text.phone",
            "comp_gate_decisions.phone",
            "comp_loop_watch.phone",
            "comp_opt_outs.phone",
            "comp_phone_numbers.phone",
            "conv_contacts.business_phone",
            "conv_contacts.caller_phone",
            "conv_conversations.business_phone",
            "conv_conversations.caller_phone",
            "conv_tasks.caller_phone",
            "sched_appointments.customer_name",
            "sched_appointments.customer_phone",
            "tel_calls.forwarded_to",
            "tel_calls.from_phone",
            "tel_calls.to_phone",
            "tel_inbound_sms.from_phone",
            "tel_inbound_sms.to_phone",
            "tenant_routes.external_key",
        ],
    ),
    (
        "ids of providers and keys that say what something is for",
        &[
            "conv_messages.client_dedup_key",
            "conv_messages.provider_message_id",
            "conv_tasks.purpose_key",
            "effect_intents.order_key",
            "effect_intents.purpose_key",
            "effect_intents.traceparent",
            "id_invitations.clerk_invitation_id",
            "id_users.clerk_user_id",
            "sched_ext_busy.source_ref",
            "tel_calls.provider_ref",
            "tel_inbound_sms.provider_ref",
            "tel_polls.account",
        ],
    ),
    (
        "words of a fixed set: a CHECK or a type allows no others",
        &[
            "comp_brands.status",
            "comp_campaigns.status",
            "comp_gate_decisions.outcome",
            "comp_gate_decisions.purpose",
            "comp_gate_decisions.reason",
            "comp_gate_decisions.subject_kind",
            "comp_opt_out_confirmations.subject_kind",
            "comp_opt_outs.action",
            "comp_opt_outs.keyword",
            "comp_opt_outs.source",
            "comp_phone_numbers.status",
            "comp_registration_history.said_by",
            "comp_registration_history.status",
            "comp_registration_history.subject",
            "conv_contacts.kind",
            "conv_contacts.outcome",
            "conv_conversations.closed_reason",
            "conv_human_stretches.began_because",
            "conv_human_stretches.ended_because",
            "conv_messages.author",
            "conv_messages.direction",
            "conv_messages.failure",
            "conv_messages.purpose",
            "conv_messages.status",
            "conv_stopped_wordings.key",
            "conv_stopped_wordings.wording",
            "conv_tasks.kind",
            "conv_templates.key",
            "effect_intents.kind",
            "effect_pauses.kind",
            "id_audit_log.action",
            "id_audit_log.actor_kind",
            "id_audit_log.object",
            "id_feature_gates.gate",
            "id_invitations.failure",
            "id_invitations.role",
            "id_invitations.status",
            "id_tenants.status",
            "id_users.role",
            "outbox_dead_letters.consumer",
            "outbox_dead_letters.resolution",
            "sched_appointment_changes.reason",
            "sched_appointment_changes.what",
            "sched_appointments.booked_by",
            "sched_appointments.currency",
            "sched_appointments.status",
            "sched_holds.currency",
            "tel_calls.promise",
            "tel_calls.reason",
            "tel_calls.status",
            "tel_calls.untextable_reason",
            "tel_calls.way",
            "tel_inbound_sms.keyword",
            "tel_inbound_sms.untextable_reason",
            "tel_polls.list",
            "tenant_routes.kind",
            "timers.kind",
        ],
    ),
    (
        "the program's own sentences and values, without anybody's words (`leaks.rs` looks for them there)",
        &[
            "comp_gate_decisions.inputs",
            "conv_tasks.text",
            "conv_turns.last_error",
            "effect_intents.outcome",
            "id_audit_log.after",
            "id_audit_log.before",
            "outbox_dead_letters.error",
            "tel_polls.last_error",
            "timers.last_error",
        ],
    ),
];

#[tokio::test]
async fn no_column_keeps_a_text_for_longer_than_180_days() {
    let mut stand = Stand::new().await;
    let (tenant, old) = (stand.tenant, stand.now - Duration::days(181));
    for table in tables(&mut stand.superuser).await {
        if table != "_sqlx_migrations" && table != "id_tenants" {
            stand.plant(&table, tenant, old, 1, &[]).await;
        }
    }
    let planted = holding(&mut stand.superuser, CANARY).await;
    assert!(planted.len() > 100, "{} columns hold a canary", planted.len());
    stand.retention.run_now().await.unwrap();
    let left: BTreeSet<String> = holding(&mut stand.superuser, CANARY).await.into_keys().collect();
    let kept: BTreeSet<String> =
        KEPT.iter().flat_map(|(_, columns)| columns.iter()).map(|&column| column.to_owned()).collect();
    let unexplained: Vec<_> = left.difference(&kept).collect();
    assert!(unexplained.is_empty(), "these columns keep their words, and nobody has said why: {unexplained:#?}");
    let idle: Vec<_> = kept.difference(&left).collect();
    assert!(idle.is_empty(), "these have lost their words, or are gone: {idle:#?}");
    // What it is all about is among those that have.
    for column in [
        "conv_messages.body",
        "conv_messages.why",
        "effect_intents.request",
        "idempotency_keys.answer",
        "outbox_dead_letters.envelope",
        "outbox_events.payload",
        "tel_inbound_sms.body",
        "tel_inbound_sms.media",
    ] {
        assert!(planted.contains_key(column) && !left.contains(column), "{column}");
    }
}

#[tokio::test]
async fn a_text_that_is_younger_stays() {
    let mut stand = Stand::new().await;
    let (tenant, young) = (stand.tenant, stand.now - Duration::days(179));
    for table in ["conv_messages", "tel_inbound_sms", "effect_intents"] {
        stand.plant(table, tenant, young, 1, &[]).await;
    }
    let before = holding(&mut stand.superuser, CANARY).await;
    stand.retention.run_now().await.unwrap();
    assert_eq!(holding(&mut stand.superuser, CANARY).await, before);
}
