//! What must hold when everybody has written, asked of the database and of what the simulator has accepted.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use nmc_sandbox::Installation;
use nmc_testkit::eventually;
use sqlx::{Connection as _, PgConnection};

use crate::{caller::Caller, script::End};

/// What is not finished yet.
const UNFINISHED: &str = "
    select (select count(*) from outbox_events where dispatched_at is null)
         + (select count(*) from effect_intents where state in ('pending', 'in_flight', 'unknown'))
         + (select count(*) from conv_turns)
         + (select count(*) from timers where due_at <= now())";

/// How each conversation stands: its state, its appointments, whether the caller is opted out.
const STATES: &str = "
    select c.caller_phone, c.state,
           coalesce((select string_agg(a.status || ' ' || i.name || ' ' || a.price_cents, ', ' order by a.created_at)
                     from sched_appointments a
                     join catalog_service_items i on i.tenant_id = a.tenant_id and i.id = a.service_item_id
                     where a.tenant_id = c.tenant_id and a.customer_phone = c.caller_phone), 'none')
           || case when exists (select from sched_holds h where h.tenant_id = c.tenant_id and h.conversation_id = c.id)
                   then ' and a hold' else '' end,
           exists (select from comp_opt_outs o where o.tenant_id = c.tenant_id and o.phone = c.caller_phone)
    from conv_conversations c";

/// What must not be, one row for each that is.
const FAULTS: &[(&str, &str)] = &[
    (
        "appointments overlap",
        "select a.customer_phone from sched_appointments a
         join sched_appointments b on b.tenant_id = a.tenant_id and b.resource_id = a.resource_id and b.id > a.id
          and b.blocked_from < a.blocked_until and a.blocked_from < b.blocked_until
         where a.status = 'booked' and b.status = 'booked'",
    ),
    (
        "booked at another price than the catalog's",
        "select a.customer_phone from sched_appointments a
         join catalog_service_items i on i.tenant_id = a.tenant_id and i.id = a.service_item_id
         where (a.price_cents, a.currency) <> (i.price_cents, i.currency)",
    ),
    (
        "booked without having been held",
        "select a.customer_phone from sched_appointments a
         where not exists (select from sched_ended_holds h
                           where h.tenant_id = a.tenant_id and h.appointment_id = a.id and h.became = 'booked')",
    ),
    (
        "booked without having been offered",
        "select a.customer_phone from sched_appointments a
         where not exists (
           select from conv_messages m, jsonb_array_elements(m.why->'offers') offer
           where m.tenant_id = a.tenant_id and m.conversation_id = a.conversation_id and m.author = 'automation'
             and m.why ? 'offers' and offer->>'resource_id' = a.resource_id::text
             and (offer->>'start')::timestamptz = a.starts_at and m.created_at < a.created_at)",
    ),
    (
        "a turn answered twice",
        "select why->>'turn_of' from conv_messages where author = 'automation' and why ? 'turn_of'
         group by why->>'turn_of' having count(*) > 1",
    ),
    (
        // A keyword has its own answer, and what comes after a person took over is a person's.
        "a text that nothing answers",
        "select c.caller_phone from conv_messages m
         join conv_conversations c on c.tenant_id = m.tenant_id and c.id = m.conversation_id
         where m.direction = 'in'
           and not exists (select from conv_contacts k where k.tenant_id = m.tenant_id and k.id = m.id and k.outcome = 'keyword')
           and not exists (
             select from conv_messages answer
             join conv_messages newest on newest.tenant_id = m.tenant_id and newest.id::text = answer.why->>'turn_of'
             where answer.tenant_id = m.tenant_id and answer.conversation_id = m.conversation_id
               and (newest.created_at, newest.id) >= (m.created_at, m.id))",
    ),
    ("an event given up", "select event_id::text from outbox_dead_letters"),
    (
        "AppointmentBooked missing or doubled",
        "select a.customer_phone from sched_appointments a where 1 <> (select count(*) from outbox_events e
          where e.event_name = 'nmc.scheduling.AppointmentBooked' and e.payload->>'appointment_id' = a.id::text)",
    ),
    (
        "AppointmentCancelled missing or doubled",
        "select a.customer_phone from sched_appointments a
         where (a.status = 'cancelled')::int <> (select count(*) from outbox_events e
          where e.event_name = 'nmc.scheduling.AppointmentCancelled' and e.payload->>'appointment_id' = a.id::text)",
    ),
    (
        "a text that came in without its one event",
        "select m.id::text from conv_messages m where m.direction = 'in'
          and 1 <> (select count(*) from outbox_events e
                    where e.event_name = 'nmc.telephony.InboundSmsReceived' and e.payload->>'message_id' = m.id::text)",
    ),
];

async fn superuser(installation: &Installation) -> PgConnection {
    PgConnection::connect(&installation.database.superuser_url()).await.unwrap()
}

/// Everything that was begun has come to its end.
pub(crate) async fn settled(installation: &Installation, bound: Duration) {
    let mut connection = superuser(installation).await;
    let finished = eventually(bound, async || {
        installation.twilio.settled().await;
        sqlx::query_scalar::<_, i64>(UNFINISHED).fetch_one(&mut connection).await.unwrap() == 0
    })
    .await;
    assert!(finished, "something is left unfinished {} s after the last text", bound.as_secs());
}

/// Callers to whom a text may or may not have gone out, which is a person's to look up.
pub(crate) async fn in_review(installation: &Installation) -> Vec<(String, String)> {
    sqlx::query_as(
        "select c.caller_phone, coalesce(i.outcome::text, 'not looked up') from effect_intents i
         join conv_messages m on m.tenant_id = i.tenant_id and m.intent_id = i.id
         join conv_conversations c on c.tenant_id = m.tenant_id and c.id = m.conversation_id
         where i.state = 'review'",
    )
    .fetch_all(&mut superuser(installation).await)
    .await
    .unwrap()
}

/// Nothing that must not be is.
pub(crate) async fn no_faults(installation: &Installation) {
    let mut connection = superuser(installation).await;
    // Not indexes of the product's: these questions are the test's alone.
    for by in ["appointment_id", "message_id"] {
        let index = format!("create index on outbox_events (event_name, (payload->>'{by}'))");
        sqlx::raw_sql(sqlx::AssertSqlSafe(index)).execute(&mut connection).await.unwrap();
    }
    let mut found = Vec::new();
    for (fault, sql) in FAULTS {
        let wrong: Vec<String> = sqlx::query_scalar(*sql).fetch_all(&mut connection).await.unwrap();
        if !wrong.is_empty() {
            found.push(format!("{fault}: {wrong:?}"));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// Each conversation ended as its script does, whatever was killed meanwhile.
pub(crate) async fn each_ended_as_it_should(installation: &Installation, callers: &[Caller], excused: &[String]) {
    let rows: Vec<(String, String, String, bool)> =
        sqlx::query_as(STATES).fetch_all(&mut superuser(installation).await).await.unwrap();
    let mut conversations: HashMap<String, Vec<(String, String, bool)>> = HashMap::new();
    for (phone, state, appointments, is_opted_out) in rows {
        conversations.entry(phone).or_default().push((state, appointments, is_opted_out));
    }
    let mut wrong = Vec::new();
    for caller in callers.iter().filter(|caller| !excused.iter().any(|phone| phone == caller.phone.as_str())) {
        let (state, appointments, is_opted_out) = match caller.script.end {
            End::Booked(job, cents) => ("open", format!("booked {job} {cents}"), false),
            End::CalledOff => ("open", "cancelled Leak repair 15900".to_owned(), false),
            End::Person => ("human", "none".to_owned(), false),
            End::OptedOut => ("closed", "none".to_owned(), true),
        };
        let expected = vec![(state.to_owned(), appointments, is_opted_out)];
        let found = conversations.remove(caller.phone.as_str()).unwrap_or_default();
        if caller.is_stuck || found != expected {
            wrong.push((caller.phone.clone(), caller.script.name, found, caller.transcript.clone()));
        }
    }
    assert!(wrong.is_empty(), "{} conversations ended otherwise: {wrong:#?}", wrong.len());
}

/// Each text that the product wrote was sent once, each that was sent it wrote, and each that a caller wrote came in
/// once.
pub(crate) async fn each_text_once(installation: &Installation, callers: &[Caller], excused: &[String]) {
    let rows: Vec<(String, String, String)> = sqlx::query_as(
        "select c.caller_phone, m.direction, m.body from conv_messages m
         join conv_conversations c on c.tenant_id = m.tenant_id and c.id = m.conversation_id",
    )
    .fetch_all(&mut superuser(installation).await)
    .await
    .unwrap();
    let mut counts: BTreeMap<(String, String, String), (usize, usize)> = BTreeMap::new();
    for row in rows {
        counts.entry(row).or_default().0 += 1;
    }
    for message in installation.twilio.accepted() {
        counts.entry((message.to, "out".to_owned(), message.body)).or_default().1 += 1;
    }
    for caller in callers {
        let written = caller.transcript.iter().filter_map(|line| line.strip_prefix("> "));
        for body in written {
            counts.entry((caller.phone.as_str().to_owned(), "in".to_owned(), body.to_owned())).or_default().1 += 1;
        }
    }
    let wrong: Vec<_> =
        counts.iter().filter(|((phone, ..), (stored, seen))| stored != seen && !excused.contains(phone)).collect();
    assert!(wrong.is_empty(), "texts as (stored, sent): {wrong:#?}");
}
