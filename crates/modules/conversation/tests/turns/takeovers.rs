//! A takeover against answers that are worked out, planned and claimed, hundreds of times.
//!
//! What is compared is the order of commits, as in `tests/races.rs`: a deferred trigger writes a number down when its
//! transaction commits, and all three lock the conversation's row.
//!
//! `NMC_TEST_RACES` is the number of trials, 300 by default.

use chrono::Duration;
use nmc_conversation::{Changed, Settings};
use nmc_db::Topic;
use nmc_kernel::{Actor, ConversationId, E164, Random, Role, TenantId, UserId};
use nmc_testkit::eventually;
use sqlx::Row as _;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    setup::{World, business, phone, settings},
    shop::{brief, stock},
};

const WATCH: &str = "
create table race_log (number bigserial primary key, what text not null, phone text not null);
create function race_taken() returns trigger language plpgsql security definer as $$
begin
  insert into race_log (what, phone) values ('taken', new.caller_phone);
  return null;
end $$;
create function race_intent() returns trigger language plpgsql security definer as $$
begin
  insert into race_log (what, phone) values (case when tg_op = 'INSERT' then 'planned' else 'claimed' end, new.request ->> 'to');
  return null;
end $$;
create constraint trigger race_planned after insert on effect_intents deferrable initially deferred
  for each row execute function race_intent();
create constraint trigger race_claimed after update on effect_intents deferrable initially deferred
  for each row when (new.state = 'in_flight' and old.state <> 'in_flight') execute function race_intent();
create constraint trigger race_taken after update on conv_conversations deferrable initially deferred
  for each row when (new.epoch <> old.epoch) execute function race_taken();
";

/// Trials that race one another at a time.
const AT_ONCE: usize = 20;
/// People who take over at a time.
const HANDS: usize = 4;

/// Of one business, which may not write to more callers in an hour.
const OF_A_BUSINESS: usize = 200;

/// A caller who waits.
struct Trial {
    tenant: TenantId,
    conversation: ConversationId,
    caller: E164,
}

/// The business with so many before it; the first is the world's, the others sell the same.
fn business_of(world: &World, number: usize) -> TenantId {
    match number / OF_A_BUSINESS {
        0 => world.tenant,
        other => TenantId::from(Uuid::from_u128(0x7000 + other as u128)),
    }
}

async fn copy_business(world: &World, tenant: TenantId) {
    world.copy_tenant(tenant).await;
    for table in ["catalog_service_items", "catalog_item_aliases"] {
        let sql = format!(
            "insert into {table} select (jsonb_populate_record(t, jsonb_build_object('tenant_id', $1::uuid))).*
             from {table} t where tenant_id = $2"
        );
        let copied = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(tenant.as_uuid()).bind(world.tenant.as_uuid());
        copied.execute(&mut world.superuser().await).await.unwrap();
    }
}

/// Open conversations whose callers have written this and wait, the answers due.
async fn waiting(world: &World, says: &str, numbers: std::ops::Range<usize>) -> Vec<Trial> {
    let trials: Vec<Trial> = numbers
        .map(|number| Trial {
            tenant: business_of(world, number),
            conversation: ConversationId::from(Uuid::from_u128(0x9000_0000 + number as u128)),
            caller: phone(&format!("+1{}555{:04}", 212 + number / 9_000, 1_000 + number % 9_000)),
        })
        .collect();
    let sql = "
with c as (
  insert into conv_conversations (tenant_id, id, caller_phone, business_phone, state, epoch, correlation_id, opened_at,
                                  last_activity_at, waiting_since, created_at)
  select t.tenant, t.id, t.caller, $4, 'open', 0, t.id, $5, $5, $5, $5
  from unnest($1::uuid[], $2::uuid[], $3::text[]) as t(tenant, id, caller)
  returning tenant_id, id),
m as (
  insert into conv_messages (tenant_id, id, conversation_id, direction, author, body, segments, status, why, created_at,
                             updated_at)
  select c.tenant_id, gen_random_uuid(), c.id, 'in', 'caller', $6, 1, 'received', '{}', $5, $5 from c),
greeting as (
  insert into conv_messages (tenant_id, id, conversation_id, direction, author, purpose, body, segments, status, why,
                             created_at, updated_at)
  select c.tenant_id, gen_random_uuid(), c.id, 'out', 'automation', 'greeting', 'Hi', 1, 'delivered', '{}',
         $5 - interval '1 minute', $5
  from c)
insert into conv_turns (tenant_id, conversation_id, due_at, first_text_at, created_at)
select c.tenant_id, c.id, $5, $5, $5 from c";
    sqlx::query(sql)
        .bind(trials.iter().map(|trial| trial.tenant.as_uuid()).collect::<Vec<_>>())
        .bind(trials.iter().map(|trial| trial.conversation.as_uuid()).collect::<Vec<_>>())
        .bind(trials.iter().map(|trial| trial.caller.as_str().to_owned()).collect::<Vec<_>>())
        .bind(business().as_str())
        .bind(world.now())
        .bind(says)
        .execute(&mut world.superuser().await)
        .await
        .unwrap();
    trials
}

/// Waits until it stands in the log.
async fn comes_about(world: &World, what: &str, caller: &E164) {
    let mut superuser = world.superuser().await;
    let found = eventually(std::time::Duration::from_mins(1), async || {
        let found =
            sqlx::query_scalar::<_, bool>("select exists (select from race_log where what = $1 and phone = $2)");
        found.bind(what).bind(caller.as_str()).fetch_one(&mut superuser).await.unwrap()
    });
    assert!(found.await, "{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_is_planned_or_claimed_after_a_takeover() {
    race("my sink leaks").await;
}

/// The automation gives the conversation away itself: what it says of that does not leave after somebody has taken it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_hand_over_is_planned_or_claimed_after_a_takeover() {
    race("let me talk to a real person").await;
}

async fn race(says: &str) {
    #[allow(clippy::disallowed_methods, reason = "how long a test runs is no configuration of the product")]
    let trials = std::env::var("NMC_TEST_RACES").ok().and_then(|number| number.parse().ok()).unwrap_or(300_usize);
    let world = World::with(Settings { segments_per_second: u16::MAX, ..settings() }, brief()).await;
    world.approve().await;
    stock(&world).await;
    let mut superuser = world.superuser().await;
    sqlx::raw_sql("update outbox_events set dispatched_at = now()").execute(&mut superuser).await.unwrap();
    sqlx::raw_sql(WATCH).execute(&mut superuser).await.unwrap();
    let (stop, random) = (CancellationToken::new(), Random::seeded(11));
    let running = tokio::spawn({
        let (effects, turns, stop) = (world.effects.clone(), world.turns.clone(), stop.clone());
        async move { tokio::join!(effects.run(stop.clone()), turns.run(stop)) }
    });
    for from in (0..trials).step_by(AT_ONCE) {
        if from > 0 && from.is_multiple_of(OF_A_BUSINESS) {
            copy_business(&world, business_of(&world, from)).await;
        }
        let chunk = waiting(&world, says, from..trials.min(from + AT_ONCE)).await;
        world.dispatcher.db.wakes().wake_here(Topic::Turns);
        let hand = async |number: usize| {
            for Trial { tenant, conversation, caller } in chunk.iter().skip(number).step_by(HANDS) {
                // So that it falls now into the thought, now between planning and claim, now after that.
                match random.u64() % 3 {
                    0 => {}
                    1 => comes_about(&world, "planned", caller).await,
                    _ => comes_about(&world, "claimed", caller).await,
                }
                let actor = Actor::User { tenant: *tenant, user: UserId::from(Uuid::from_u128(1)), role: Role::Owner };
                let taken = world.app.conversation.take_over(&actor, *conversation).await;
                assert_eq!(taken.unwrap(), Changed::Now);
            }
        };
        tokio::join!(hand(0), hand(1), hand(2), hand(3));
    }
    let quiet = "select (select count(*) from conv_turns) + (select count(*) from effect_intents where state in ('pending', 'in_flight', 'unknown'))";
    assert!(eventually(std::time::Duration::from_mins(1), async || world.count(quiet).await == 0).await);
    stop.cancel();
    running.await.unwrap();
    world.wait(Duration::seconds(1));
    let row = sqlx::query(
        "with trial as (
           select phone, min(number) filter (where what = 'taken') as taken, max(number) filter (where what = 'planned') as planned,
                  max(number) filter (where what = 'claimed') as claimed from race_log group by phone)
         select count(taken), count(*) filter (where planned is null), count(*) filter (where planned < taken and coalesce(claimed > taken, true)),
                count(*) filter (where claimed < taken), count(*) filter (where planned > taken), count(*) filter (where claimed > taken)
         from trial",
    )
    .fetch_one(&mut superuser)
    .await
    .unwrap();
    let counts: Vec<i64> = (0..6).map(|column| row.get(column)).collect();
    println!("trials, taken before planning, between, after the claim, planned after, claimed after: {counts:?}");
    assert_eq!(counts[0], i64::try_from(trials).unwrap());
    assert_eq!(counts[4..], [0, 0], "nothing leaves after the takeover's commit");
    assert!(counts[1..4].iter().all(|came_about| *came_about > 0), "the race was one: {counts:?}");
    assert_eq!(i64::try_from(world.twilio.accepted().len()).unwrap(), counts[3]);
}
