//! Callers who fall silent before a booking are asked once more, and only then.

use chrono::{DateTime, Duration, Utc};
use nmc_compliance::Purpose;
use nmc_conversation::{ConversationState, Message, Settings};
use nmc_db::Topic;
use nmc_identity::TenantSettings;
use nmc_kernel::{E164, Random};
use nmc_testkit::eventually;
use nmc_timers::Timers;
use sqlx::Row as _;
use tokio_util::sync::CancellationToken;

use crate::{
    setup::{World, bodies_sent, business, caller, greeted, new_message, phone, settings},
    shop::{acts, brief, shop, shop_with, stock},
};

const SILENCE: Duration = Duration::minutes(30);

impl World {
    /// What the caller was asked once more.
    async fn nudges(&self, who: &E164) -> Vec<Message> {
        let messages = self.messages(who).await.into_iter();
        messages.filter(|message| message.purpose == Some(Purpose::Nudge)).collect()
    }

    /// The caller is silent for so long.
    pub(crate) async fn is_silent(&self, time: Duration) {
        self.play().await;
        self.wait(time);
        self.play().await;
    }

    /// Until then nothing happens.
    pub(crate) async fn waits_until(&self, time: &str) {
        self.play().await;
        self.wait(time.parse::<DateTime<Utc>>().unwrap() - self.now());
        self.play().await;
    }
}

/// A caller who was offered times of the next day.
async fn offered(world: &World, who: &E164) {
    greeted(world, who).await;
    let said = world.says(who, "leak repair tomorrow after 1").await;
    assert!(said.contains(&"offer".to_owned()), "{said:?}");
}

#[tokio::test]
async fn who_is_silent_after_an_offer_is_asked_once_more_and_no_more() {
    let world = shop().await;
    offered(&world, &caller()).await;
    world.is_silent(SILENCE - Duration::seconds(1)).await;
    assert!(world.nudges(&caller()).await.is_empty());
    world.is_silent(Duration::seconds(1)).await;
    let nudges = world.nudges(&caller()).await;
    let [nudge] = nudges.as_slice() else { panic!("{nudges:?}") };
    assert_eq!((acts(nudge), nudge.status), (vec!["nudge".to_owned()], nmc_conversation::MessageStatus::Queued));
    assert!(bodies_sent(&world, &caller())[2].contains("did you see the times I sent"), "{}", nudge.body);
    // Neither time nor price is said to be so still.
    assert!(!nudge.body.contains(|character: char| character.is_ascii_digit()), "{}", nudge.body);
    for _ in 0..4 {
        world.is_silent(Duration::hours(1)).await;
    }
    assert_eq!(world.nudges(&caller()).await.len(), 1);
    // What was offered is still there to be picked.
    assert_eq!(world.says(&caller(), "the first one").await, ["ask-confirm"]);
    world.is_silent(Duration::hours(1)).await;
    assert_eq!(world.nudges(&caller()).await.len(), 1, "once for each offer");
    // Other times are another offer.
    let said = world.says(&caller(), "rather friday after 2").await;
    assert!(said.contains(&"offer".to_owned()), "{said:?}");
    world.is_silent(SILENCE).await;
    assert_eq!(world.nudges(&caller()).await.len(), 2);
}

#[tokio::test]
async fn every_question_of_a_booking_is_asked_once_more() {
    let world = shop_with(TenantSettings::default()).await;
    let answers = ["the second one", "Ann Example", "5 Example Street", "yes"];
    let asked = ["I only need your name", "I only need the address", "is not booked yet"];
    for (number, expected) in asked.into_iter().enumerate() {
        let who = phone(&format!("+1212555{:04}", 2_000 + number));
        offered(&world, &who).await;
        for answer in &answers[..=number] {
            world.says(&who, answer).await;
        }
        world.is_silent(SILENCE).await;
        let nudges = world.nudges(&who).await;
        assert_eq!(nudges.len(), 1, "{expected}");
        assert!(nudges[0].body.contains(expected), "{}", nudges[0].body);
        if number == 2 {
            // The hold is long over, and the yes is still one.
            let said = world.says(&who, answers[3]).await;
            assert_eq!(said, ["booked"]);
            world.is_silent(Duration::hours(2)).await;
            assert_eq!(world.nudges(&who).await.len(), 1);
        }
    }
}

/// What happens after the offer, and nobody is asked again.
#[tokio::test]
async fn nobody_else_is_asked() {
    let world = shop().await;
    let cases = [
        "taken-over",
        "handed-over",
        "closed",
        "stop",
        "wrong-number",
        "failed",
        "not-sent",
        "opted-out",
        "given-back",
        "wrote",
        "called",
        "booked",
    ];
    for (number, case) in cases.into_iter().enumerate() {
        let who = phone(&format!("+1212555{:04}", 3_000 + number));
        offered(&world, &who).await;
        let id = world.thread(&who).await.unwrap().id;
        let (owner, conversations) = (world.owner(), &world.app.conversation);
        let mut silence = SILENCE;
        match case {
            "taken-over" => drop(conversations.take_over(&owner, id).await.unwrap()),
            "given-back" => {
                conversations.take_over(&owner, id).await.unwrap();
                conversations.release(&owner, id).await.unwrap();
            }
            "wrote" => {
                conversations.write(&owner, id, &new_message("I will call you"), None).await.unwrap();
                conversations.release(&owner, id).await.unwrap();
            }
            "handed-over" => assert_eq!(world.says(&who, "let me talk to a person").await, ["hand-over"]),
            "closed" => drop(conversations.close(&owner, id).await.unwrap()),
            "stop" => drop(world.text(&who, "STOP").await),
            "wrong-number" => assert_eq!(world.says(&who, "you have the wrong number").await, ["wrong-number"]),
            "opted-out" => world.opt_out(&who).await,
            "failed" | "not-sent" => {
                let status = if case == "failed" { "failed" } else { "pending" };
                let sql = "update conv_messages set status = $2 where conversation_id = $1 and purpose = 'reply'";
                let changed = sqlx::query(sql).bind(id.as_uuid()).bind(status);
                changed.execute(&mut world.superuser().await).await.unwrap();
            }
            "called" => {
                // Not 30 minutes after the offer, but not a second time either: the call is greeted anew.
                world.wait(Duration::minutes(20));
                world.call(&who).await;
                silence = Duration::minutes(10);
            }
            "booked" => {
                world.wait(Duration::minutes(1));
                world.book(&who, "2026-06-15T14:00:00Z").await;
            }
            case => panic!("{case}"),
        }
        world.is_silent(silence).await;
        world.is_silent(Duration::hours(1)).await;
        assert_eq!(world.nudges(&who).await.len(), 0, "{case}");
        // Nor does one wait for the morning.
        assert_eq!(world.count("select count(*) from timers where kind = 'conversation.nudge'").await, 0, "{case}");
    }
}

#[tokio::test]
async fn a_business_that_does_not_want_it_asks_nobody() {
    let world = shop_with(TenantSettings { nudge: false, ..brief() }).await;
    offered(&world, &caller()).await;
    world.is_silent(Duration::hours(1)).await;
    assert!(world.nudges(&caller()).await.is_empty());
    // Nor does one that has changed its mind meanwhile.
    let world = shop().await;
    offered(&world, &caller()).await;
    let sql = "update id_tenants set settings = jsonb_set(settings, '{nudge}', 'false')";
    sqlx::query(sql).execute(&mut world.superuser().await).await.unwrap();
    world.is_silent(Duration::hours(1)).await;
    assert!(world.nudges(&caller()).await.is_empty());
}

/// Offered in the evening: the question waits for the morning, in the nights in which clocks change as well.
#[tokio::test]
async fn the_night_is_quiet_and_the_morning_asks() {
    let cases = [
        ("back", "2026-10-31T23:50:00Z", "2026-11-01T13:00:00Z"),
        ("forward", "2027-03-14T00:50:00Z", "2027-03-14T12:00:00Z"),
        ("not at all", "2026-06-18T00:50:00Z", "2026-06-18T12:00:00Z"),
    ];
    for (clocks, evening, morning) in cases {
        let world = shop().await;
        world.waits_until(evening).await;
        // 19:50 or 20:50; thirty minutes later it is quiet only from 21:00 on.
        world.wait(Duration::minutes(if clocks == "back" { 60 } else { 0 }));
        greeted(&world, &caller()).await;
        let said = world.says(&caller(), "leak repair monday after 1").await;
        assert!(said.contains(&"offer".to_owned()), "{clocks} {said:?}");
        world.is_silent(Duration::hours(3)).await;
        assert!(world.nudges(&caller()).await.is_empty(), "{clocks}");
        let waits = "select count(*) from effect_intents where state = 'pending'";
        assert_eq!(world.count(waits).await, 0, "nothing is written before it can go out");
        let morning: DateTime<Utc> = morning.parse().unwrap();
        world.is_silent(morning - Duration::seconds(1) - world.now()).await;
        assert!(world.nudges(&caller()).await.is_empty(), "{clocks}");
        world.is_silent(Duration::seconds(1)).await;
        let nudges = world.nudges(&caller()).await;
        assert_eq!(nudges.len(), 1, "{clocks}");
        assert_eq!(nudges[0].created_at, morning, "{clocks}");
    }
}

#[tokio::test]
async fn in_the_morning_nobody_is_asked_about_times_that_have_come() {
    let world = shop().await;
    world.waits_until("2026-06-11T00:50:00Z").await;
    greeted(&world, &caller()).await;
    let said = world.says(&caller(), "leak repair tomorrow at 8").await;
    assert!(said.contains(&"offer".to_owned()), "{said:?}");
    let first = world.answers(&caller()).await.last().unwrap().why["offers"][0]["start"].clone();
    assert_eq!(first, "2026-06-11T12:00:00Z");
    world.waits_until("2026-06-11T12:00:00Z").await;
    world.is_silent(Duration::hours(5)).await;
    assert!(world.nudges(&caller()).await.is_empty());
}

#[tokio::test]
async fn what_waits_for_a_pause_is_not_sent_to_somebody_who_has_answered() {
    let world = shop().await;
    offered(&world, &caller()).await;
    let world = world.restarted(&Settings { is_paused: true, ..settings() });
    world.is_silent(SILENCE).await;
    assert_eq!(world.nudges(&caller()).await.len(), 1);
    world.text(&caller(), "the first one").await;
    world.answer().await;
    let world = world.restarted(&settings());
    world.wait(Duration::seconds(10));
    world.play().await;
    let nudges = world.nudges(&caller()).await;
    assert_eq!(nudges[0].failure.as_deref(), Some("superseded"));
    assert!(bodies_sent(&world, &caller()).iter().all(|body| !body.contains("Just checking in")));
    assert!(world.tasks().await.is_empty(), "a question that was answered is nobody's task");
}

#[tokio::test]
async fn what_waits_for_a_pause_is_not_sent_to_somebody_for_whom_a_person_has_booked() {
    let world = shop().await;
    offered(&world, &caller()).await;
    let world = world.restarted(&Settings { is_paused: true, ..settings() });
    world.is_silent(SILENCE).await;
    world.wait(Duration::minutes(1));
    world.book(&caller(), "2026-06-15T14:00:00Z").await;
    let world = world.restarted(&settings());
    world.is_silent(Duration::seconds(10)).await;
    assert_eq!(world.nudges(&caller()).await[0].failure.as_deref(), Some("superseded"));
}

#[tokio::test]
async fn a_call_after_a_nudge_is_greeted() {
    let world = shop().await;
    offered(&world, &caller()).await;
    world.is_silent(SILENCE).await;
    assert_eq!(world.nudges(&caller()).await.len(), 1);
    world.wait(Duration::minutes(5));
    let call = world.call(&caller()).await;
    world.play().await;
    assert_eq!(world.why(call).await.0, "greeted");
}

#[tokio::test]
async fn a_question_that_does_not_arrive_is_nobodys_task() {
    let world = shop().await;
    offered(&world, &caller()).await;
    let world = world.restarted(&Settings { is_paused: true, ..settings() });
    world.is_silent(SILENCE).await;
    world.is_silent(Duration::minutes(31)).await;
    let nudges = world.nudges(&caller()).await;
    assert_eq!((nudges.len(), nudges[0].failure.as_deref()), (1, Some("expired")), "of no use hours later");
    assert!(world.tasks().await.is_empty());
    assert_eq!(world.state(&caller()).await, Some(ConversationState::Open));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_dispatchers_ask_once() {
    let world = shop().await;
    for number in 0..6 {
        offered(&world, &phone(&format!("+1212555{:04}", 4_000 + number))).await;
    }
    world.play().await;
    world.wait(SILENCE);
    let clocks = [21, 22, 23].map(|seed| {
        let timers = Timers::new(world.dispatcher.db.clone(), nmc_timers::Settings::default(), Random::seeded(seed));
        world.dispatcher.conversation.timers(timers)
    });
    let (one, two, three) = tokio::join!(clocks[0].fire_due(), clocks[1].fire_due(), clocks[2].fire_due());
    assert_eq!(one.unwrap() + two.unwrap() + three.unwrap(), 6);
    world.play().await;
    for number in 0..6 {
        assert_eq!(world.nudges(&phone(&format!("+1212555{:04}", 4_000 + number))).await.len(), 1);
    }
}

const WATCH: &str = "
create table race_log (number bigserial primary key, what text not null, phone text not null);
create function race_text() returns trigger language plpgsql security definer as $$
begin
  insert into race_log (what, phone) select 'text', caller_phone from conv_conversations where id = new.conversation_id;
  return null;
end $$;
create function race_claim() returns trigger language plpgsql security definer as $$
begin
  insert into race_log (what, phone) values ('claimed', new.request ->> 'to');
  return null;
end $$;
create constraint trigger race_text after insert on conv_messages deferrable initially deferred
  for each row when (new.direction = 'in') execute function race_text();
create constraint trigger race_claim after update on effect_intents deferrable initially deferred
  for each row when (new.state = 'in_flight' and old.state <> 'in_flight' and new.request ->> 'purpose' = 'nudge')
  execute function race_claim();
";

/// Callers who answer in the moment in which they are asked once more. Compared is the order of commits, as in
/// `takeovers.rs`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_asked_after_their_text() {
    #[allow(clippy::disallowed_methods, reason = "how long a test runs is no configuration of the product")]
    let trials = std::env::var("NMC_TEST_RACES").ok().and_then(|number| number.parse().ok()).unwrap_or(60_usize);
    let world = World::with(Settings { segments_per_second: u16::MAX, ..settings() }, brief()).await;
    world.approve().await;
    stock(&world).await;
    let who = |number: usize| phone(&format!("+1{}555{:04}", 212 + number / 9_000, 1_000 + number % 9_000));
    offered(&world, &who(0)).await;
    // The others are in the same place as the first one.
    let copies = [
        "insert into conv_conversations
           select (jsonb_populate_record(m, jsonb_build_object('id', gen_random_uuid(), 'caller_phone', t.phone))).*
           from conv_conversations m cross join unnest($1::text[]) as t(phone)",
        "insert into conv_messages
           select (jsonb_populate_record(m, jsonb_build_object('id', gen_random_uuid(), 'conversation_id', c.id,
                                                               'intent_id', null, 'provider_message_id', null))).*
           from conv_messages m cross join conv_conversations c where c.caller_phone = any($1)",
        "insert into timers (tenant_id, kind, ref_id, due_at, created_at)
           select c.tenant_id, t.kind, c.id, t.due_at, t.created_at
           from timers t cross join conv_conversations c where t.kind = 'conversation.nudge' and c.caller_phone = any($1)",
    ];
    let others: Vec<String> = (1..trials).map(|number| who(number).as_str().to_owned()).collect();
    let mut superuser = world.superuser().await;
    for sql in copies {
        sqlx::query(sql).bind(&others).execute(&mut superuser).await.unwrap();
    }
    sqlx::raw_sql(WATCH).execute(&mut superuser).await.unwrap();
    world.wait(SILENCE);
    for number in 0..trials {
        world.text(&who(number), "the first one").await;
    }
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (effects, stop) = (world.effects.clone(), stop.clone());
        async move { effects.run(stop).await }
    });
    let timers = async || while world.timers.fire_due().await.unwrap() > 0 {};
    let outbox = world.dispatcher(31);
    let ((), delivered) = tokio::join!(timers(), outbox.drain());
    delivered.unwrap();
    world.dispatcher.db.wakes().wake_here(Topic::Effects);
    let quiet = "select count(*) from effect_intents where state in ('pending', 'in_flight', 'unknown')";
    assert!(eventually(std::time::Duration::from_mins(1), async || world.count(quiet).await == 0).await);
    stop.cancel();
    running.await.unwrap();
    let row = sqlx::query(
        "with trial as (select phone, min(number) filter (where what = 'text') as text,
                               max(number) filter (where what = 'claimed') as claimed from race_log group by phone)
         select count(text), count(*) filter (where claimed is null), count(*) filter (where claimed < text),
                count(*) filter (where claimed > text) from trial",
    )
    .fetch_one(&mut superuser)
    .await
    .unwrap();
    let counts: Vec<i64> = (0..4).map(|column| row.get(column)).collect();
    println!("trials, never asked, asked before the text, asked after it: {counts:?}");
    assert_eq!(counts[0], i64::try_from(trials).unwrap());
    assert_eq!(counts[3], 0, "nobody is asked after their text's commit");
    assert!(counts[1] > 0 && counts[2] > 0, "the race was one: {counts:?}");
    assert_eq!(business(), phone("+12125550100"));
}
