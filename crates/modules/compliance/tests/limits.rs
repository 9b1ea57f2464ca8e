//! How many texts go out to one caller, of one business, of all; and that two machines stop writing to each other.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

mod setup;

use chrono::Duration;
use nmc_compliance::{BlockReason, Compliance, Decision, DeferReason, Limit, Purpose, SendLimits, Subject};
use nmc_identity::TenantSettings;
use nmc_kernel::{Actor, E164, TenantId};
use setup::{World, caller, context, message, phone, tenant};

const WIDE: Limit = Limit { hour: 1_000, day: 10_000 };

/// The dispatcher's gate with these limits, as a process that has just started.
fn limited(world: &World, limits: SendLimits) -> Compliance {
    Compliance::new(world.dispatcher.db.clone(), world.dispatcher.identity.clone()).with_limits(limits)
}

async fn ask(
    world: &World,
    gate: &Compliance,
    tenant: TenantId,
    subject: Subject,
    to: &E164,
    purpose: Purpose,
) -> Decision {
    let mut tx = world.dispatcher.db.begin(tenant).await.unwrap();
    let decision = gate.can_send(&mut tx, subject, to, purpose).await.unwrap();
    tx.commit().await.unwrap();
    decision
}

#[tokio::test]
async fn a_caller_gets_so_many_in_an_hour_and_so_many_in_a_day() {
    let world = World::approved().await;
    let caller_limit = Limit { hour: 2, day: 3 };
    let gate = limited(&world, SendLimits { caller: caller_limit, business: WIDE, installation: WIDE });
    let ask = async |number, to: &E164, purpose| ask(&world, &gate, world.tenant, message(number), to, purpose).await;
    let refused = Decision::Block { reason: BlockReason::CallerLimit };
    assert_eq!(ask(1, &caller(), Purpose::Greeting).await, Decision::Allow);
    assert_eq!(ask(2, &caller(), Purpose::Reply).await, Decision::Allow);
    assert_eq!(ask(3, &caller(), Purpose::Reply).await, refused);
    assert_eq!(ask(4, &caller(), Purpose::Human).await, refused);
    // What was let out before does not stand in its own way, and another caller's texts do not count.
    assert_eq!(ask(2, &caller(), Purpose::Reply).await, Decision::Allow);
    assert_eq!(ask(5, &phone("+12125550143"), Purpose::Greeting).await, Decision::Allow);
    // An hour later there is room for one more, and then the day is full.
    world.clock.advance(Duration::minutes(61));
    assert_eq!(ask(3, &caller(), Purpose::Reply).await, Decision::Allow);
    assert_eq!(ask(6, &caller(), Purpose::Reply).await, refused);
    assert_eq!(world.app.would_send(world.tenant, &caller(), Purpose::Reply).await, Decision::Allow, "other limits");
    // The law's one answer goes out all the same.
    world.app.stop(world.tenant, &caller()).await;
    assert_eq!(ask(7, &caller(), Purpose::OptOutConfirmation).await, Decision::Allow);
    world.app.start(world.tenant, &caller()).await;
    world.clock.advance(Duration::hours(25));
    assert_eq!(ask(6, &caller(), Purpose::Reply).await, Decision::Allow);
    assert_eq!(world.count("select count(*) from comp_gate_decisions where reason = 'caller-limit'").await, 3);
}

#[tokio::test]
async fn a_business_that_has_sent_enough_waits() {
    let world = World::approved().await;
    let business = Limit { hour: 3, day: 100 };
    let gate = limited(&world, SendLimits { caller: WIDE, business, installation: WIDE });
    let neighbour = tenant(&world.app, "Example Electric", TenantSettings::default()).await;
    world.approve(neighbour).await;
    for number in 0..3 {
        let to = phone(&format!("+1212555015{number}"));
        let decision = ask(&world, &gate, world.tenant, message(number), &to, Purpose::Greeting).await;
        assert_eq!(decision, Decision::Allow);
    }
    let until = world.clock.now() + Duration::minutes(5);
    let waits = Decision::Defer { until, reason: DeferReason::BusinessLimit };
    assert_eq!(ask(&world, &gate, world.tenant, message(9), &caller(), Purpose::Greeting).await, waits);
    assert_eq!(ask(&world, &gate, neighbour, message(9), &caller(), Purpose::Greeting).await, Decision::Allow);
    // It asks again, and when the hour is over it goes.
    world.clock.advance(Duration::minutes(61));
    assert_eq!(ask(&world, &gate, world.tenant, message(9), &caller(), Purpose::Greeting).await, Decision::Allow);
}

#[tokio::test]
async fn all_businesses_together_are_bounded_without_seeing_one_another() {
    let world = World::approved().await;
    let installation = Limit { hour: 4, day: 100 };
    let limits = SendLimits { caller: WIDE, business: WIDE, installation };
    let neighbour = tenant(&world.app, "Example Electric", TenantSettings::default()).await;
    world.approve(neighbour).await;
    for (tenant, number) in [(world.tenant, "+12125550100"), (neighbour, "+12125550101")] {
        let operator = Actor::Operator { tenant };
        world.app.compliance.add_receiving_number(&operator, &phone(number)).await.unwrap();
    }
    let (one, another) = (limited(&world, limits), limited(&world, limits));
    // Each process counts what it lets out at once, and sees what others let out when it counts anew.
    for (number, gate) in [(1, &one), (2, &one), (3, &another)] {
        let decision = ask(&world, gate, world.tenant, message(number), &caller(), Purpose::Reply).await;
        assert_eq!(decision, Decision::Allow, "{number}");
    }
    world.clock.advance(Duration::seconds(31));
    assert_eq!(ask(&world, &one, neighbour, message(4), &caller(), Purpose::Reply).await, Decision::Allow);
    let waits = |decision: Decision| decision.reason() == Some(DeferReason::InstallationLimit.as_str());
    assert!(waits(ask(&world, &one, neighbour, message(5), &caller(), Purpose::Reply).await));
    world.clock.advance(Duration::seconds(31));
    assert!(waits(ask(&world, &another, world.tenant, message(5), &caller(), Purpose::Reply).await));
    // The services learn the number and no more.
    let mut tx = world.app.db.begin(neighbour).await.unwrap();
    let rows: i64 = sqlx::query_scalar("select count(*) from comp_gate_decisions")
        .fetch_one(tx.conn().await.unwrap())
        .await
        .unwrap();
    assert_eq!(rows, 2, "the neighbour's own, of which there were two");
    world.clock.advance(Duration::minutes(61));
    assert_eq!(ask(&world, &one, neighbour, message(5), &caller(), Purpose::Reply).await, Decision::Allow);
}

/// A text of the caller's arrives.
async fn hear(world: &World, body: &str) {
    let mut tx = world.dispatcher.db.begin(world.tenant).await.unwrap();
    world.dispatcher.compliance.record_wording(&mut tx, &caller(), body, context()).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_machine_that_says_the_same_again_and_again_is_answered_three_times() {
    let world = World::approved().await;
    let reply =
        async |number, purpose| world.dispatcher.can_send(world.tenant, message(number), &caller(), purpose).await;
    let looped = Decision::Block { reason: BlockReason::Loop };
    let mut answered = 0;
    for number in 0..8 {
        hear(&world, "I am driving and will answer later.").await;
        if reply(number, Purpose::Reply).await == Decision::Allow {
            answered += 1;
        }
        world.clock.advance(Duration::seconds(20));
    }
    assert_eq!(answered, 3);
    assert_eq!(reply(20, Purpose::Greeting).await, looped);
    // A person of the business may still write, and a caller who says something else is answered again.
    assert_eq!(reply(21, Purpose::Human).await, Decision::Allow);
    world.clock.advance(Duration::seconds(20));
    hear(&world, "Sorry, that was my phone. Can you come tomorrow?").await;
    assert_eq!(reply(22, Purpose::Reply).await, Decision::Allow);
    // Nor does it last for ever.
    for _ in 0..4 {
        hear(&world, "I am driving.").await;
        world.clock.advance(Duration::seconds(20));
    }
    assert_eq!(reply(23, Purpose::Reply).await, looped);
    world.clock.advance(Duration::hours(25));
    assert_eq!(reply(23, Purpose::Reply).await, Decision::Allow);
}

#[tokio::test]
async fn a_machine_that_answers_at_once_is_found_out_and_a_quick_person_is_not() {
    let world = World::approved().await;
    let exchange = async |number: u128, seconds| {
        let decision = world.dispatcher.can_send(world.tenant, message(number), &caller(), Purpose::Reply).await;
        world.clock.advance(Duration::seconds(seconds));
        hear(&world, &format!("Ticket {number} was opened.")).await;
        decision
    };
    for number in 0..6 {
        assert_eq!(exchange(number, 2).await, Decision::Allow, "a person who types fast, or in pieces");
    }
    // A machine answers what it gets, within a second, and nothing else.
    for number in 10..13 {
        assert_eq!(exchange(number, 1).await, Decision::Allow, "{number}");
    }
    let reply =
        async |number| world.dispatcher.can_send(world.tenant, message(number), &caller(), Purpose::Reply).await;
    assert_eq!(reply(13).await, Decision::Block { reason: BlockReason::Loop });
    // Who writes although nothing was sent is a person.
    world.clock.advance(Duration::minutes(1));
    hear(&world, "Hello? Are you there?").await;
    assert_eq!(reply(14).await, Decision::Allow);
}

#[tokio::test]
async fn a_text_of_one_business_s_caller_says_nothing_about_another_s() {
    let world = World::approved().await;
    let neighbour = tenant(&world.app, "Example Electric", TenantSettings::default()).await;
    world.approve(neighbour).await;
    for _ in 0..5 {
        hear(&world, "I am driving.").await;
    }
    let looped = Decision::Block { reason: BlockReason::Loop };
    assert_eq!(world.app.would_send(world.tenant, &caller(), Purpose::Reply).await, looped);
    assert_eq!(world.app.would_send(neighbour, &caller(), Purpose::Reply).await, Decision::Allow);
}
