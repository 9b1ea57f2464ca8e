//! Many who wait: one answer each, and nobody's many keep another's one waiting.

use chrono::Duration;
use nmc_conversation::TurnSettings;
use nmc_kernel::{Random, TenantId};
use nmc_testkit::eventually;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    setup::{World, phone},
    shop::shop,
};

/// Conversations of a business that wait with a text, all due at the same time.
async fn waiting(world: &World, tenant: TenantId, conversations: i32) {
    let sql = "
with c as (
  insert into conv_conversations (tenant_id, id, caller_phone, business_phone, state, epoch, correlation_id, opened_at,
                                  last_activity_at, waiting_since, created_at)
  select $1, gen_random_uuid(), '+1212555' || lpad((1000 + n)::text, 4, '0'), '+12125550100', 'open', 0,
         gen_random_uuid(), $2, $2, $2, $2
  from generate_series(1, $3) n returning id),
m as (
  insert into conv_messages (tenant_id, id, conversation_id, direction, author, body, segments, status, why, created_at,
                             updated_at)
  select $1, gen_random_uuid(), c.id, 'in', 'caller', 'my sink leaks', 1, 'received', '{}', $2, $2 from c)
insert into conv_turns (tenant_id, conversation_id, due_at, first_text_at, created_at)
select $1, c.id, $2, $2, $2 from c";
    let inserted = sqlx::query(sql).bind(tenant.as_uuid()).bind(world.now()).bind(conversations);
    inserted.execute(&mut world.superuser().await).await.unwrap();
}

#[tokio::test]
async fn two_dispatchers_answer_each_text_once() {
    let world = shop().await;
    let callers: Vec<_> = (0..12).map(|number| phone(&format!("+1212555{:04}", 150 + number))).collect();
    for who in &callers {
        world.text(who, "my sink leaks").await;
    }
    world.deliver().await;
    world.wait(Duration::milliseconds(2_500));
    let other = world.dispatcher.conversation.turns(TurnSettings::default(), Random::seeded(77));
    let (one, two) = tokio::join!(world.turns.drain(), other.drain());
    assert_eq!(one.unwrap() + two.unwrap(), callers.len(), "no turn is claimed twice");
    for who in &callers {
        assert_eq!(world.answers(who).await.len(), 1);
    }
}

/// One business has hundreds due and slow; another's one, due later than all of them, is worked on at once.
#[tokio::test]
async fn one_business_s_many_do_not_keep_another_s_one_waiting() {
    let world = shop().await;
    let (many, one) = (world.tenant, TenantId::from(Uuid::from_u128(0x7001)));
    world.copy_tenant(one).await;
    waiting(&world, many, 300).await;
    // Each of the many waits for its conversation's row for as long as this is open.
    let mut superuser = world.superuser().await;
    sqlx::raw_sql("begin").execute(&mut superuser).await.unwrap();
    let held = "select id from conv_conversations where tenant_id = $1 for update";
    sqlx::query(held).bind(many.as_uuid()).execute(&mut superuser).await.unwrap();
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (turns, stop) = (world.turns.clone(), stop.clone());
        async move { turns.run(stop).await }
    });
    let claimed = "select count(*) from conv_turns where claim is not null";
    assert!(eventually(std::time::Duration::from_secs(10), async || world.count(claimed).await == 4).await);
    world.wait(Duration::seconds(1));
    waiting(&world, one, 1).await;
    let answered = "select count(*) from conv_turns where tenant_id = '00000000-0000-0000-0000-000000007001'";
    assert!(eventually(std::time::Duration::from_secs(10), async || world.count(answered).await == 0).await);
    let half = TurnSettings::default().concurrency / 2;
    assert_eq!(world.count(claimed).await, i64::from(half), "the many have their share and no more");
    sqlx::raw_sql("rollback").execute(&mut superuser).await.unwrap();
    let left = "select count(*) from conv_turns";
    assert!(eventually(std::time::Duration::from_mins(1), async || world.count(left).await == 0).await);
    stop.cancel();
    running.await.unwrap();
}

/// Whoever is told to stop ends what is under way.
#[tokio::test]
async fn a_stop_leaves_nothing_half_done() {
    let world = shop().await;
    waiting(&world, world.tenant, 20).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (turns, stop) = (world.turns.clone(), stop.clone());
        async move { turns.run(stop).await }
    });
    let begun = "select count(*) from conv_turns where claim is not null";
    assert!(eventually(std::time::Duration::from_secs(10), async || world.count(begun).await > 0).await);
    stop.cancel();
    running.await.unwrap();
    assert_eq!(world.count(begun).await, 0);
}
