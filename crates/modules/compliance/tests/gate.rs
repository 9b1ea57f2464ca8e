//! The gate as senders meet it: what it knows, what it stores, and that a STOP and a send are ordered.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

mod setup;

use chrono::Duration;
use nmc_compliance::{BlockReason, Decision, DeferReason, OptOutSource, Purpose, Subject};
use nmc_identity::{QuietHours, TenantSettings};
use nmc_kernel::{Actor, E164};
use nmc_testkit::eventually;
use setup::{World, at, call, caller, context, message, phone, tenant};

const fn blocked(reason: BlockReason) -> Decision {
    Decision::Block { reason }
}

async fn outcomes(world: &World, subject: Subject) -> Vec<Decision> {
    let mut tx = world.app.db.read(world.tenant).await.unwrap();
    let stored = world.app.compliance.decisions_for(&mut tx, subject).await.unwrap();
    assert!(stored.iter().zip(1..).all(|(decision, number)| decision.number == number));
    stored.into_iter().map(|decision| decision.decision).collect()
}

#[tokio::test]
async fn each_thing_compliance_knows_is_found() {
    let world = World::new().await;
    let mut number = 0;
    let mut ask = async |phone: E164| {
        number += 1;
        let told = world.app.would_send(world.tenant, &phone, Purpose::Greeting).await;
        let can = world.dispatcher.can_send(world.tenant, call(number), &phone, Purpose::Greeting).await;
        assert_eq!(can, told);
        told
    };
    let refused = blocked(BlockReason::CampaignNotApproved);
    assert_eq!(ask(caller()).await, refused);
    world.app.compliance.submit_campaign(&world.owner(), &setup::submission()).await.unwrap();
    assert_eq!(ask(caller()).await, refused);
    world.app.compliance.reject_campaign(&world.operator(), world.version().await).await.unwrap();
    assert_eq!(ask(caller()).await, refused);
    world.app.compliance.approve_campaign(&world.operator(), world.version().await).await.unwrap();
    assert_eq!(ask(caller()).await, Decision::Allow);

    let listed = world.app.compliance.add_do_not_text(&world.tech(), &caller(), "brother", None).await.unwrap();
    assert_eq!(ask(caller()).await, blocked(BlockReason::DoNotText));
    world.app.compliance.remove_do_not_text(&world.tech(), listed.id).await.unwrap();
    assert_eq!(ask(caller()).await, Decision::Allow);

    world.app.stop(world.tenant, &caller()).await;
    assert_eq!(ask(caller()).await, blocked(BlockReason::OptedOut));
    world.app.start(world.tenant, &caller()).await;
    assert_eq!(ask(caller()).await, Decision::Allow);

    assert_eq!(ask(phone("+18005551212")).await, blocked(BlockReason::NotTextable));
    assert_eq!(ask(phone("+447400123456")).await, blocked(BlockReason::CountryNotServed));
    assert_eq!(ask(phone("+18765550123")).await, blocked(BlockReason::CountryNotServed));
    assert_eq!(ask(phone("+19002345678")).await, blocked(BlockReason::PremiumRate));

    // A number of this installation is refused whichever business it belongs to.
    let neighbour = tenant(&world.app, "Example Electric", TenantSettings::default()).await;
    let ours = phone("+12125550100");
    world.app.compliance.add_receiving_number(&Actor::Operator { tenant: neighbour }, &ours).await.unwrap();
    assert_eq!(ask(ours).await, blocked(BlockReason::OwnNumber));
    // And what this business knows is nothing to the neighbour.
    world.app.compliance.add_do_not_text(&world.tech(), &caller(), "brother", None).await.unwrap();
    world.app.stop(world.tenant, &caller()).await;
    world.approve(neighbour).await;
    assert_eq!(world.app.would_send(neighbour, &caller(), Purpose::Greeting).await, Decision::Allow);
}

#[tokio::test]
async fn settings_and_suspension_count() {
    let world = World::approved().await;
    let british = phone("+447400123456");
    let settings = TenantSettings { countries: vec!["GB".into()], ..TenantSettings::default() };
    world.app.identity.update_settings(&world.owner(), settings).await.unwrap();
    assert_eq!(world.app.would_send(world.tenant, &british, Purpose::Greeting).await, Decision::Allow);
    let refused = blocked(BlockReason::CountryNotServed);
    assert_eq!(world.app.would_send(world.tenant, &caller(), Purpose::Greeting).await, refused);

    let mut superuser = world.superuser().await;
    sqlx::query("update id_tenants set status = 'suspended'").execute(&mut superuser).await.unwrap();
    let refused = blocked(BlockReason::TenantSuspended);
    assert_eq!(world.app.would_send(world.tenant, &british, Purpose::Greeting).await, refused);
}

#[tokio::test]
async fn what_we_start_waits_for_the_morning_where_the_caller_is() {
    let world = World::approved().await;
    // 23:00 in New York, 20:00 in Los Angeles.
    world.clock.advance(Duration::hours(9));
    let (east, west) = (caller(), phone("+14155550142"));
    let until = |time: &str| Decision::Defer { until: at(time), reason: DeferReason::QuietHours };
    let ask = async |phone: E164, purpose| world.app.would_send(world.tenant, &phone, purpose).await;
    assert_eq!(ask(east.clone(), Purpose::Reminder).await, until("2026-06-11T12:00:00Z"));
    assert_eq!(ask(west.clone(), Purpose::Reminder).await, Decision::Allow);
    assert_eq!(ask(east.clone(), Purpose::Greeting).await, Decision::Allow);
    let quiet_hours = QuietHours { greeting: true, ..QuietHours::default() };
    let settings = TenantSettings { quiet_hours, ..TenantSettings::default() };
    world.app.identity.update_settings(&world.owner(), settings).await.unwrap();
    assert_eq!(ask(east.clone(), Purpose::Greeting).await, until("2026-06-11T12:00:00Z"));
    assert_eq!(ask(east.clone(), Purpose::Reply).await, Decision::Allow);
    // In Florida the evening has begun an hour earlier, unless the business's own hours alone hold.
    let florida = phone("+13055550142");
    world.clock.advance(-Duration::hours(2) - Duration::minutes(30));
    assert_eq!(ask(florida.clone(), Purpose::Reminder).await, until("2026-06-11T12:00:00Z"));
    assert_eq!(ask(east.clone(), Purpose::Reminder).await, Decision::Allow);
    let own_alone = QuietHours { by_state: false, ..quiet_hours };
    let settings = TenantSettings { quiet_hours: own_alone, ..TenantSettings::default() };
    world.app.identity.update_settings(&world.owner(), settings).await.unwrap();
    assert_eq!(ask(florida, Purpose::Reminder).await, Decision::Allow);
    let settings = TenantSettings { quiet_hours, ..TenantSettings::default() };
    world.app.identity.update_settings(&world.owner(), settings).await.unwrap();
    world.clock.advance(Duration::hours(2) + Duration::minutes(30));
    // An hour later it is night in the west as well.
    world.clock.advance(Duration::hours(1));
    assert_eq!(ask(west, Purpose::Nudge).await, until("2026-06-11T15:00:00Z"));
    world.clock.advance(at("2026-06-11T12:00:00Z") - world.clock.now());
    assert_eq!(ask(east, Purpose::Greeting).await, Decision::Allow);
}

#[tokio::test]
async fn a_decision_is_stored_when_it_is_new_or_changed() {
    let world = World::new().await;
    let subject = message(1);
    let ask = async || world.dispatcher.can_send(world.tenant, subject, &caller(), Purpose::Greeting).await;
    ask().await;
    ask().await;
    world.approve(world.tenant).await;
    ask().await;
    ask().await;
    world.app.stop(world.tenant, &caller()).await;
    ask().await;
    world.app.start(world.tenant, &caller()).await;
    ask().await;
    let history =
        [blocked(BlockReason::CampaignNotApproved), Decision::Allow, blocked(BlockReason::OptedOut), Decision::Allow];
    assert_eq!(outcomes(&world, subject).await, history);
    // The same id under another kind is another subject.
    assert_eq!(outcomes(&world, call(1)).await, []);

    let mut tx = world.app.db.read(world.tenant).await.unwrap();
    let stored = world.app.compliance.decisions_for(&mut tx, subject).await.unwrap();
    assert_eq!((stored[0].purpose, &stored[0].phone), (Purpose::Greeting, &caller()));
    assert_eq!(stored[0].decided_at, world.clock.now());
    assert_eq!(stored[0].inputs["campaign"], serde_json::Value::Null);
    assert_eq!(stored[1].inputs["campaign"], "approved");
    assert!(stored.iter().all(|decision| !decision.inputs.to_string().contains("2125550142")));
}

#[tokio::test]
async fn asking_without_storing_leaves_no_trace() {
    let world = World::approved().await;
    world.app.would_send(world.tenant, &caller(), Purpose::Greeting).await;
    assert_eq!(world.count("select count(*) from comp_gate_decisions").await, 0);
}

#[tokio::test]
async fn the_sender_s_reasons_stand_beside_compliance_s() {
    let world = World::approved().await;
    let compliance = &world.dispatcher.compliance;
    let subject = message(1);
    let paused =
        |minutes| Decision::Defer { until: at(setup::NOON) + Duration::minutes(minutes), reason: DeferReason::Paused };
    let with = async |senders| {
        let mut tx = world.dispatcher.db.begin(world.tenant).await.unwrap();
        let decision = compliance.can_send_with(&mut tx, subject, &caller(), Purpose::Reply, senders).await.unwrap();
        tx.commit().await.unwrap();
        decision
    };
    assert_eq!(with(paused(1)).await, paused(1));
    assert_eq!(with(paused(2)).await, paused(2));
    assert_eq!(with(Decision::Allow).await, Decision::Allow);
    world.app.stop(world.tenant, &caller()).await;
    assert_eq!(with(paused(3)).await, blocked(BlockReason::OptedOut));
    assert_eq!(with(blocked(BlockReason::TakenOver)).await, blocked(BlockReason::TakenOver));
    let mut tx = world.dispatcher.db.begin(world.tenant).await.unwrap();
    for _ in 0..2 {
        let expired = blocked(BlockReason::Expired);
        compliance.store_decision(&mut tx, subject, &caller(), Purpose::Reply, &expired).await.unwrap();
    }
    tx.commit().await.unwrap();
    let history = [
        paused(1),
        Decision::Allow,
        blocked(BlockReason::OptedOut),
        blocked(BlockReason::TakenOver),
        blocked(BlockReason::Expired),
    ];
    assert_eq!(outcomes(&world, subject).await, history);
}

#[tokio::test]
async fn an_opt_out_is_confirmed_by_one_text_in_time() {
    let world = World::approved().await;
    let purpose = Purpose::OptOutConfirmation;
    let confirm = async |number| world.dispatcher.can_send(world.tenant, message(number), &caller(), purpose).await;
    assert_eq!(confirm(1).await, blocked(BlockReason::NoOptOut));
    world.app.stop(world.tenant, &caller()).await;
    // Composed and sent: the same text asks twice.
    assert_eq!(confirm(2).await, Decision::Allow);
    assert_eq!(confirm(2).await, Decision::Allow);
    assert_eq!(confirm(3).await, blocked(BlockReason::AlreadyConfirmed));
    world.app.stop(world.tenant, &caller()).await;
    assert_eq!(confirm(4).await, blocked(BlockReason::AlreadyConfirmed));
    let help = world.dispatcher.can_send(world.tenant, message(5), &caller(), Purpose::Help).await;
    assert_eq!(help, Decision::Allow);

    world.app.start(world.tenant, &caller()).await;
    assert_eq!(confirm(2).await, blocked(BlockReason::NoOptOut));
    world.app.stop(world.tenant, &caller()).await;
    world.clock.advance(Duration::minutes(5));
    assert_eq!(confirm(6).await, Decision::Allow);
    world.clock.advance(Duration::seconds(1));
    assert_eq!(confirm(6).await, blocked(BlockReason::ConfirmationTooLate));
}

#[tokio::test]
async fn of_many_confirmations_at_once_one_goes() {
    let world = World::approved().await;
    world.app.stop(world.tenant, &caller()).await;
    let asking: Vec<_> = (0..8)
        .map(|number| {
            let (db, compliance) = (world.dispatcher.db.clone(), world.dispatcher.compliance.clone());
            let tenant = world.tenant;
            tokio::spawn(async move {
                let mut tx = db.begin(tenant).await.unwrap();
                let purpose = Purpose::OptOutConfirmation;
                let decision = compliance.can_send(&mut tx, message(number), &caller(), purpose).await.unwrap();
                tx.commit().await.unwrap();
                decision
            })
        })
        .collect();
    let mut allowed = 0;
    for asked in asking {
        match asked.await.unwrap() {
            Decision::Allow => allowed += 1,
            other => assert_eq!(other, blocked(BlockReason::AlreadyConfirmed)),
        }
    }
    assert_eq!(allowed, 1);
}

#[tokio::test]
async fn many_who_ask_about_one_text_at_once_store_one_decision() {
    let world = World::approved().await;
    let asking: Vec<_> = (0..8)
        .map(|_| {
            let (db, compliance) = (world.dispatcher.db.clone(), world.dispatcher.compliance.clone());
            let tenant = world.tenant;
            tokio::spawn(async move {
                let mut tx = db.begin(tenant).await.unwrap();
                let decision = compliance.can_send(&mut tx, message(1), &caller(), Purpose::Reply).await.unwrap();
                tx.commit().await.unwrap();
                decision
            })
        })
        .collect();
    for asked in asking {
        assert_eq!(asked.await.unwrap(), Decision::Allow);
    }
    assert_eq!(outcomes(&world, message(1)).await, [Decision::Allow]);
}

/// How many sessions wait for an advisory lock.
const WAITING: &str = "select count(*) from pg_locks l join pg_database d on d.oid = l.database
                       where d.datname = current_database() and l.locktype = 'advisory' and not l.granted";

/// Longer than a statement takes on a busy machine.
const BOUND: std::time::Duration = std::time::Duration::from_secs(10);

async fn somebody_waits(world: &World) {
    let waits = eventually(BOUND, async || world.count(WAITING).await == 1).await;
    assert!(waits, "nobody waits for the phone's lock");
}

#[tokio::test]
async fn a_stop_waits_for_the_send_that_was_allowed_before_it() {
    let world = World::approved().await;
    let mut sending = world.dispatcher.db.begin(world.tenant).await.unwrap();
    let compliance = &world.dispatcher.compliance;
    let decision = compliance.can_send(&mut sending, message(1), &caller(), Purpose::Reply).await.unwrap();
    assert_eq!(decision, Decision::Allow);

    let (db, app, tenant) = (world.app.db.clone(), world.app.compliance.clone(), world.tenant);
    let stop = tokio::spawn(async move {
        let mut tx = db.begin(tenant).await.unwrap();
        app.record_opt_out(&mut tx, &caller(), "STOP", OptOutSource::Keyword, context()).await.unwrap();
        tx.commit().await.unwrap();
    });
    somebody_waits(&world).await;
    assert!(!stop.is_finished());
    // Another caller's STOP is not held up, nor another send to this one that came before.
    world.app.stop(world.tenant, &phone("+12125550143")).await;
    sending.commit().await.unwrap();
    stop.await.unwrap();
    let later = world.dispatcher.can_send(world.tenant, message(2), &caller(), Purpose::Reply).await;
    assert_eq!(later, blocked(BlockReason::OptedOut));
}

#[tokio::test]
async fn whom_the_business_keeps_from_texts_gets_none_from_the_answer_on() {
    let world = World::approved().await;
    let mut sending = world.dispatcher.db.begin(world.tenant).await.unwrap();
    let compliance = &world.dispatcher.compliance;
    let decision = compliance.can_send(&mut sending, message(1), &caller(), Purpose::Reply).await.unwrap();
    assert_eq!(decision, Decision::Allow);

    let (app, tech) = (world.app.compliance.clone(), world.tech());
    let listing = tokio::spawn(async move { app.add_do_not_text(&tech, &caller(), "brother", None).await.unwrap() });
    somebody_waits(&world).await;
    assert!(!listing.is_finished());
    sending.commit().await.unwrap();
    listing.await.unwrap();
    let later = world.dispatcher.can_send(world.tenant, message(2), &caller(), Purpose::Reply).await;
    assert_eq!(later, blocked(BlockReason::DoNotText));
}

#[tokio::test]
async fn a_send_waits_for_the_stop_before_it_and_sees_it() {
    let world = World::approved().await;
    let mut stopping = world.app.db.begin(world.tenant).await.unwrap();
    let source = OptOutSource::Keyword;
    world.app.compliance.record_opt_out(&mut stopping, &caller(), "STOP", source, context()).await.unwrap();

    let (db, compliance, tenant) = (world.dispatcher.db.clone(), world.dispatcher.compliance.clone(), world.tenant);
    let send = tokio::spawn(async move {
        let mut tx = db.begin(tenant).await.unwrap();
        let decision = compliance.can_send(&mut tx, message(1), &caller(), Purpose::Reply).await.unwrap();
        tx.commit().await.unwrap();
        decision
    });
    somebody_waits(&world).await;
    assert!(!send.is_finished());
    stopping.commit().await.unwrap();
    assert_eq!(send.await.unwrap(), blocked(BlockReason::OptedOut));
}

/// Whatever the order of the race: once a STOP has its lock, no send is allowed that it does not see.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_send_is_allowed_after_a_stop() {
    const ROUNDS: u128 = 40;
    const SENDERS: u128 = 4;
    const TRIES: u128 = 5;
    let world = World::approved().await;
    let (mut early, mut refused) = (0, 0);
    for round in 0..ROUNDS {
        let to = phone(&format!("+1212555{:04}", 1_000 + round));
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                let (db, compliance) = (world.dispatcher.db.clone(), world.dispatcher.compliance.clone());
                let (tenant, to) = (world.tenant, to.clone());
                tokio::spawn(async move {
                    let mut allowed = 0;
                    for number in 0..TRIES {
                        let subject = message((round * SENDERS + sender) * TRIES + number);
                        let mut tx = db.begin(tenant).await.unwrap();
                        let decision = compliance.can_send(&mut tx, subject, &to, Purpose::Reply).await.unwrap();
                        tx.commit().await.unwrap();
                        allowed += i64::from(decision == Decision::Allow);
                    }
                    allowed
                })
            })
            .collect();
        let mut tx = world.app.db.begin(world.tenant).await.unwrap();
        let source = OptOutSource::Keyword;
        world.app.compliance.record_opt_out(&mut tx, &to, "STOP", source, context()).await.unwrap();
        let seen: i64 =
            sqlx::query_scalar("select count(*) from comp_gate_decisions where phone = $1 and outcome = 'allow'")
                .bind(to.as_str())
                .fetch_one(tx.conn().await.unwrap())
                .await
                .unwrap();
        tx.commit().await.unwrap();
        let mut allowed = 0;
        for sender in senders {
            allowed += sender.await.unwrap();
        }
        assert_eq!(allowed, seen, "round {round}");
        early += allowed;
        refused += i64::try_from(SENDERS * TRIES).unwrap() - allowed;
    }
    assert!(refused > 0, "{early} sends came before their STOP, none after: no race");
}

/// Under row security only leakproof operators can be index conditions; the plan is read as the dispatcher gets it.
#[tokio::test]
async fn the_look_up_finds_everything_by_an_index() {
    let world = World::approved().await;
    let mut tx = world.dispatcher.db.begin(world.tenant).await.unwrap();
    // What the function returns, with values in the place of its parameters.
    let body: String = sqlx::query_scalar("select prosrc from pg_proc where proname = 'comp_gate_look_up'")
        .fetch_one(tx.conn().await.unwrap())
        .await
        .unwrap();
    let (_, query) = body.split_once("return query").unwrap();
    let (query, _) = query.rsplit_once(';').and_then(|(rest, _)| rest.rsplit_once(';').or(Some((rest, "")))).unwrap();
    let sql = query
        .replace("of_tenant", &format!("'{}'::uuid", world.tenant))
        .replace("to_phone", "'+12125550142'::text")
        .replace("from_phone", "'+12125550100'::text")
        .replace("of_kind", "'message'::text")
        .replace("of_subject", "'00000000-0000-0000-0000-000000000001'::uuid")
        .replace("an_hour_ago", "'2026-06-10T17:00:00Z'::timestamptz")
        .replace("a_day_ago", "'2026-06-09T18:00:00Z'::timestamptz");
    // The tables are empty, so the planner is told to look at the indexes anyway.
    let explain = format!("set local enable_seqscan = off; set local enable_bitmapscan = off; explain {sql}");
    let rows = sqlx::raw_sql(sqlx::AssertSqlSafe(explain)).fetch_all(tx.conn().await.unwrap()).await.unwrap();
    let plan: Vec<String> = rows.iter().map(|row| sqlx::Row::get(row, 0)).collect();
    let plan = plan.join("\n");
    assert!(!plan.contains("Seq Scan"), "{plan}");
    let conditions: Vec<&str> = plan.lines().filter(|line| line.contains("Index Cond")).collect();
    let by = |column: &str| conditions.iter().filter(|condition| condition.contains(&format!("({column} = "))).count();
    assert_eq!((conditions.len(), by("tenant_id")), (8, 8), "{plan}");
    assert!(conditions.iter().any(|condition| condition.contains("(decided_at > ")), "{plan}");
    assert_eq!((by("phone"), by("subject_id")), (4, 1), "{plan}");
}
