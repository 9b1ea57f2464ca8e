//! A takeover and a STOP against texts that are being planned and claimed, thousands of times.
//!
//! What is compared is the order of commits. A deferred constraint trigger runs when its transaction commits, and what
//! these write down carries a number in that order. Where both transactions hold the lock that orders them (the
//! conversation's row; the phone's lock) the numbers are exactly in the order of commits, because the later one begins
//! its work after the earlier one's commit; where one of them forgot its lock, the numbers show what it let through.
//!
//! `NMC_TEST_RACES` is the number of trials, 2,000 by default.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that meets the unexpected stops there; how many trials stood behind a zero is said"
)]

mod setup;

use std::{collections::HashMap, sync::Arc, time::Duration as StdDuration};

use nmc_conversation::{Changed, Settings};
use nmc_db::Tx;
use nmc_events::{
    Context, Envelope,
    telephony::{CallDetected, MissedReason},
};
use nmc_identity::TenantSettings;
use nmc_kernel::{Actor, CallId, ConversationId, CorrelationId, E164, Random, Role, TenantId, UserId};
use nmc_outbox::{ConsumeError, Consumer, Consumers, Dispatcher};
use nmc_testkit::eventually;
use setup::{World, business, phone, settings};
use sqlx::Row as _;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const TENANTS: usize = 20;
/// Trials that race one another at a time.
const AT_ONCE: usize = 60;
/// People who act at a time.
const HANDS: usize = 4;

const WATCH: &str = "
create table race_log (
  number bigserial primary key, what text not null, tenant_id uuid not null, phone text not null
);
create function race_conversation() returns trigger language plpgsql security definer as $$
begin
  insert into race_log (what, tenant_id, phone) values ('acted', new.tenant_id, new.caller_phone);
  return null;
end $$;
create function race_opt_out() returns trigger language plpgsql security definer as $$
begin
  insert into race_log (what, tenant_id, phone) values ('acted', new.tenant_id, new.phone);
  return null;
end $$;
create function race_intent() returns trigger language plpgsql security definer as $$
begin
  insert into race_log (what, tenant_id, phone)
  values (case when tg_op = 'INSERT' then 'planned' else 'claimed' end, new.tenant_id, new.request ->> 'to');
  return null;
end $$;
create constraint trigger race_planned after insert on effect_intents deferrable initially deferred
  for each row when (new.request ->> 'purpose' = 'greeting') execute function race_intent();
create constraint trigger race_claimed after update on effect_intents deferrable initially deferred
  for each row when (new.state = 'in_flight' and old.state <> 'in_flight' and new.request ->> 'purpose' = 'greeting')
  execute function race_intent();
";
const WATCH_TAKEOVERS: &str = "
create constraint trigger race_taken after update on conv_conversations deferrable initially deferred
  for each row when (new.state = 'human' and old.state <> 'human') execute function race_conversation();
";
const WATCH_STOPS: &str = "
create constraint trigger race_stopped after insert on comp_opt_outs deferrable initially deferred
  for each row execute function race_opt_out();
";

/// A caller with an open conversation, who has just called.
#[derive(Clone)]
struct Trial {
    tenant: TenantId,
    conversation: ConversationId,
    caller: E164,
}

/// How the trials went.
#[derive(Debug)]
struct Outcome {
    trials: i64,
    /// The action came before anything was planned.
    before_planning: i64,
    /// Between planning and the claim.
    between: i64,
    /// After the claim: the text leaves, and rightly so.
    after_claim: i64,
    /// A text was planned after the action.
    planned_after: i64,
    /// A text was claimed after the action.
    claimed_after: i64,
}

struct Arena {
    world: World,
    trials: Vec<Trial>,
    heard: Heard,
}

/// Says when a trial's call is being answered: its transaction is about to commit.
#[derive(Clone)]
struct Heard(Arc<HashMap<(TenantId, E164), Notify>>);

impl Consumer for Heard {
    type Event = CallDetected;
    const NAME: &'static str = "test.heard";

    async fn consume(&self, _: &mut Tx, event: &CallDetected, envelope: &Envelope) -> Result<(), ConsumeError> {
        let phone = event.from_phone.clone().unwrap();
        self.0[&(envelope.tenant_id, phone)].notify_one();
        Ok(())
    }
}

impl Arena {
    async fn new(watch: &'static str) -> Self {
        #[allow(clippy::disallowed_methods, reason = "how long a test runs is no configuration of the product")]
        let trials = std::env::var("NMC_TEST_RACES").ok().and_then(|number| number.parse().ok()).unwrap_or(2_000);
        let fast = Settings { segments_per_second: u16::MAX, ..settings() };
        let world = World::with(fast, TenantSettings::default()).await;
        world.approve().await;
        let mut tenants = vec![world.tenant];
        for number in 1..TENANTS {
            let tenant = TenantId::from(Uuid::from_u128(0x7000 + number as u128));
            world.copy_tenant(tenant).await;
            tenants.push(tenant);
        }
        let mut superuser = world.superuser().await;
        // Nobody hears of what brought the businesses about.
        sqlx::raw_sql("update outbox_events set dispatched_at = now()").execute(&mut superuser).await.unwrap();
        sqlx::raw_sql(WATCH).execute(&mut superuser).await.unwrap();
        sqlx::raw_sql(watch).execute(&mut superuser).await.unwrap();
        let trials: Vec<Trial> = (0..trials)
            .map(|number: usize| Trial {
                tenant: tenants[number % TENANTS],
                conversation: ConversationId::from(Uuid::from_u128(0x9000_0000 + number as u128)),
                caller: phone(&format!("+1212555{:04}", 1_000 + number / TENANTS)),
            })
            .collect();
        let column = |pick: fn(&Trial) -> Uuid| trials.iter().map(pick).collect::<Vec<_>>();
        sqlx::query(
            "insert into conv_conversations (tenant_id, id, caller_phone, business_phone, state, epoch, correlation_id,
                                             opened_at, last_activity_at, created_at)
             select t.tenant, t.id, t.caller, $4, 'open', 0, t.id, $5, $5, $5
             from unnest($1::uuid[], $2::uuid[], $3::text[]) as t(tenant, id, caller)",
        )
        .bind(column(|trial| trial.tenant.as_uuid()))
        .bind(column(|trial| trial.conversation.as_uuid()))
        .bind(trials.iter().map(|trial| trial.caller.as_str().to_owned()).collect::<Vec<_>>())
        .bind(business().as_str())
        .bind(world.now())
        .execute(&mut superuser)
        .await
        .unwrap();
        let heard = trials.iter().map(|trial| ((trial.tenant, trial.caller.clone()), Notify::new())).collect();
        Self { world, trials, heard: Heard(Arc::new(heard)) }
    }

    /// Everybody has called.
    async fn publish(&self, trials: &[Trial]) {
        for trial in trials {
            let mut tx = self.world.app.db.begin(trial.tenant).await.unwrap();
            let call_id: CallId = tx.ids().next();
            let event = CallDetected {
                call_id,
                from_phone: Some(trial.caller.clone()),
                untextable_reason: None,
                to_phone: business(),
                reason: MissedReason::NoAnswer,
                provider_ref: format!("CA{}", call_id.as_uuid().simple()),
            };
            let correlation = CorrelationId::from(call_id.as_uuid());
            tx.publish(&event, Context { correlation, causation: None }).unwrap();
            tx.commit().await.unwrap();
        }
    }

    fn dispatcher(&self, seed: u64) -> Dispatcher {
        // Small batches: a batch keeps the rows of all its conversations locked.
        let settings = nmc_outbox::Settings { batch_size: 3, ..nmc_outbox::Settings::default() };
        let side = &self.world.dispatcher;
        let consumers = side.conversation.consumers(Consumers::new()).with(self.heard.clone());
        Dispatcher::new(side.db.clone(), consumers, settings, Random::seeded(seed))
    }

    /// Every trial: the call's greeting is planned and claimed while `act` happens to its conversation.
    async fn race(&self, act: impl AsyncFn(&Trial)) -> Outcome {
        let stop = CancellationToken::new();
        let effects = self.world.effects.clone();
        let running = tokio::spawn({
            let stop = stop.clone();
            async move { effects.run(stop).await }
        });
        let random = Random::seeded(11);
        let dispatchers = [self.dispatcher(21), self.dispatcher(22)];
        for trials in self.trials.chunks(AT_ONCE) {
            self.publish(trials).await;
            let hand = async |number: usize| {
                for trial in trials.iter().skip(number).step_by(HANDS) {
                    // So that it falls now before, now after what it races with.
                    if !random.u64().is_multiple_of(4) {
                        self.heard.0[&(trial.tenant, trial.caller.clone())].notified().await;
                    }
                    for _ in 0..random.u64() % 256 {
                        tokio::task::yield_now().await;
                    }
                    act(trial).await;
                }
            };
            let (a, b, ..) =
                tokio::join!(dispatchers[0].drain(), dispatchers[1].drain(), hand(0), hand(1), hand(2), hand(3));
            assert!(a.is_ok() && b.is_ok(), "{a:?} {b:?}");
        }
        let quiet = "select count(*) from effect_intents where state in ('pending', 'in_flight', 'unknown')";
        assert!(eventually(StdDuration::from_mins(1), async || self.world.count(quiet).await == 0).await);
        stop.cancel();
        running.await.unwrap();
        self.outcome().await
    }

    async fn outcome(&self) -> Outcome {
        let row = sqlx::query(
            "with trial as (
               select tenant_id, phone, min(number) filter (where what = 'acted') as acted,
                      min(number) filter (where what = 'planned') as planned, max(number) filter (where what = 'planned') as last_planned,
                      min(number) filter (where what = 'claimed') as claimed, max(number) filter (where what = 'claimed') as last_claimed
               from race_log group by tenant_id, phone)
             select count(*) filter (where acted is not null), count(*) filter (where planned is null or planned > acted),
                    count(*) filter (where planned < acted and (claimed is null or claimed > acted)),
                    count(*) filter (where claimed < acted), count(*) filter (where last_planned > acted),
                    count(*) filter (where last_claimed > acted)
             from trial",
        )
        .fetch_one(&mut self.world.superuser().await)
        .await
        .unwrap();
        let outcome = Outcome {
            trials: row.get(0),
            before_planning: row.get(1),
            between: row.get(2),
            after_claim: row.get(3),
            planned_after: row.get(4),
            claimed_after: row.get(5),
        };
        let ends: Vec<(String, Option<serde_json::Value>, i64)> =
            sqlx::query_as("select state, outcome - 'accepted', count(*) from effect_intents group by 1, 2 order by 1")
                .fetch_all(&mut self.world.superuser().await)
                .await
                .unwrap();
        println!("{outcome:?} {ends:?}");
        outcome
    }

    /// The race was one: each order came about.
    fn check(&self, outcome: &Outcome) {
        assert_eq!(outcome.trials, i64::try_from(self.trials.len()).unwrap());
        assert_eq!((outcome.planned_after, outcome.claimed_after), (0, 0), "{outcome:?}");
        for came_about in [outcome.before_planning, outcome.between, outcome.after_claim] {
            assert!(came_about > 0, "{outcome:?}");
        }
        // What was sent is what was claimed before.
        assert_eq!(i64::try_from(self.world.twilio.accepted().len()).unwrap(), outcome.after_claim);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_automatic_is_planned_or_claimed_after_a_takeover() {
    let arena = Arena::new(WATCH_TAKEOVERS).await;
    let outcome = Box::pin(arena.race(async |trial| {
        let actor = Actor::User { tenant: trial.tenant, user: UserId::from(Uuid::from_u128(1)), role: Role::Owner };
        let taken = arena.world.app.conversation.take_over(&actor, trial.conversation).await;
        assert_eq!(taken.unwrap(), Changed::Now);
    }))
    .await;
    arena.check(&outcome);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_attempt_begins_after_a_stop() {
    let arena = Arena::new(WATCH_STOPS).await;
    let outcome = Box::pin(arena.race(async |trial| {
        // As Telephony does in the webhook's transaction.
        let side = &arena.world.app;
        let mut tx = side.db.begin(trial.tenant).await.unwrap();
        let correlation = CorrelationId::from(trial.conversation.as_uuid());
        let context = Context { correlation, causation: None };
        side.compliance.record_keyword(&mut tx, &trial.caller, "STOP", context).await.unwrap();
        tx.commit().await.unwrap();
    }))
    .await;
    arena.check(&outcome);
}
