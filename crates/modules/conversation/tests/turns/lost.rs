//! What changes between thought and answer: the thought is void, and the answer is what holds now.

use chrono::{DateTime, Duration, Utc};
use nmc_catalog::ItemChange;
use nmc_conversation::Message;
use nmc_kernel::{AppointmentId, ConversationId, ResourceId, Timeslot};
use nmc_scheduling::{CancelledReason, NewHold};
use nmc_testkit::eventually;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    setup::{World, caller, greeted, phone},
    shop::{acts, dollars, shop},
};

/// Keeps the conversation's row, so that a turn has thought and cannot conclude.
async fn hold_row(world: &World, id: ConversationId) -> PgConnection {
    let mut superuser = world.superuser().await;
    sqlx::raw_sql("begin").execute(&mut superuser).await.unwrap();
    let sql = "select id from conv_conversations where id = $1 for update";
    sqlx::query(sql).bind(id.as_uuid()).execute(&mut superuser).await.unwrap();
    superuser
}

/// Whether somebody waits for what another holds of this table.
async fn is_waited_for(world: &World, table: &str) -> bool {
    let waiting =
        "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
                     and query like '%' || $1 || '%'";
    let mut superuser = world.superuser().await;
    eventually(std::time::Duration::from_secs(10), async || {
        let waiting = sqlx::query_scalar::<_, i64>(waiting).bind(table);
        waiting.fetch_one(&mut superuser).await.unwrap() > 0
    })
    .await
}

/// A turn is thought; before it concludes, `meanwhile` happens.
async fn answer_while(world: &World, id: ConversationId, meanwhile: impl AsyncFnOnce()) {
    world.deliver().await;
    world.wait(Duration::milliseconds(2_500));
    let mut row = hold_row(world, id).await;
    let turns = world.turns.clone();
    let working = tokio::spawn(async move { turns.drain().await });
    assert!(is_waited_for(world, "conv_conversations").await);
    meanwhile().await;
    sqlx::raw_sql("rollback").execute(&mut row).await.unwrap();
    working.await.unwrap().unwrap();
    world.play().await;
}

/// What an answer offers.
fn offers(answer: &Message) -> Vec<(ResourceId, DateTime<Utc>, DateTime<Utc>)> {
    let slots = answer.why["offers"].as_array().unwrap().iter();
    let read = |slot: &serde_json::Value, field: &str| slot[field].as_str().unwrap().parse().unwrap();
    slots
        .map(|slot| (slot["resource_id"].as_str().unwrap().parse().unwrap(), read(slot, "start"), read(slot, "end")))
        .collect()
}

/// Somebody of the business holds the time.
async fn take(world: &World, (resource_id, start, end): (ResourceId, DateTime<Utc>, DateTime<Utc>)) {
    let new = NewHold {
        resource_id,
        slot: Timeslot::new(start, end).unwrap(),
        service_item_id: None,
        conversation_id: None,
        moves_appointment_id: None,
        is_override: false,
    };
    world.app.scheduling.hold(&world.owner(), &new, None).await.unwrap();
}

#[tokio::test]
async fn a_slot_taken_between_thought_and_answer_is_not_promised() {
    let world = shop().await;
    let id = greeted(&world, &caller()).await;
    world.says(&caller(), "leak repair tomorrow after 1").await;
    let offered = offers(world.answers(&caller()).await.last().unwrap());
    world.wait(Duration::minutes(1));
    world.text(&caller(), "the first one").await;
    answer_while(&world, id, async || take(&world, offered[0]).await).await;
    let answers = world.answers(&caller()).await;
    assert_eq!(answers.len(), 2);
    let last = answers.last().unwrap();
    assert!(acts(last).contains(&"slot-lost".to_owned()), "{:?}", acts(last));
    assert!(!offers(last).contains(&offered[0]), "another is offered");
    // Nothing of the void thought is left: the only hold is the other's.
    assert_eq!(world.count("select count(*) from sched_holds").await, 1);
    assert_eq!(world.count("select count(*) from sched_holds where conversation_id is not null").await, 0);
}

#[tokio::test]
async fn a_price_that_changes_between_thought_and_answer_is_said_anew() {
    let world = shop().await;
    let id = greeted(&world, &caller()).await;
    world.says(&caller(), "leak repair tomorrow after 1").await;
    let item = world.answers(&caller()).await[0].why["item"].as_str().unwrap().parse::<Uuid>().unwrap();
    world.wait(Duration::minutes(1));
    world.text(&caller(), "the first one").await;
    answer_while(&world, id, async || {
        let dearer = ItemChange { price: Some(dollars(150)), ..ItemChange::default() };
        world.app.catalog.change_item(&world.owner(), item.into(), dearer).await.unwrap();
    })
    .await;
    let last = world.answers(&caller()).await.pop().unwrap();
    assert!(last.body.contains("$150") && !last.body.contains("$120"), "{}", last.body);
    assert_eq!(world.booked().await, 0);
}

#[tokio::test]
async fn a_hold_that_has_run_out_books_nothing_unsaid() {
    let world = shop().await;
    greeted(&world, &caller()).await;
    world.says(&caller(), "leak repair tomorrow after 1").await;
    world.wait(Duration::minutes(1));
    world.says(&caller(), "the first one").await;
    world.wait(Duration::minutes(16));
    let last = world.says(&caller(), "yes").await;
    // Still free: it is held anew; what is not said to be booked is not booked.
    assert_eq!(world.booked().await, i64::from(last.contains(&"booked".to_owned())), "{last:?}");
    assert!(!last.is_empty());
}

#[tokio::test]
async fn a_text_that_comes_in_during_thought_is_answered_with_the_others() {
    let world = shop().await;
    greeted(&world, &caller()).await;
    world.text(&caller(), "hello").await;
    world.deliver().await;
    world.wait(Duration::milliseconds(2_500));
    // The turn has read the text and waits for the catalog.
    let mut superuser = world.superuser().await;
    sqlx::raw_sql("begin; lock table catalog_service_items in access exclusive mode")
        .execute(&mut superuser)
        .await
        .unwrap();
    let turns = world.turns.clone();
    let working = tokio::spawn(async move { turns.drain().await });
    assert!(is_waited_for(&world, "catalog_service_items").await);
    world.text(&caller(), "my sink leaks").await;
    world.deliver().await;
    sqlx::raw_sql("rollback").execute(&mut superuser).await.unwrap();
    assert_eq!(working.await.unwrap().unwrap(), 1);
    assert!(world.answers(&caller()).await.is_empty(), "the thought knew one text of two");
    let attempts = "select attempts::bigint from conv_turns where claim is null and leased_until is null";
    assert_eq!(world.count(attempts).await, 0, "which is no failure");
    world.wait(Duration::milliseconds(2_500));
    world.play().await;
    let answers = world.answers(&caller()).await;
    assert_eq!(answers.len(), 1);
    assert!(acts(&answers[0]).contains(&"state-price".to_owned()));
}

#[tokio::test]
async fn two_callers_who_want_one_slot_get_one_each_or_another_offer() {
    let world = shop().await;
    let callers = [phone("+12125550151"), phone("+12125550152"), phone("+12125550153")];
    for who in &callers {
        world.says(who, "leak repair tomorrow at 1pm").await;
    }
    world.wait(Duration::minutes(1));
    for who in &callers {
        world.text(who, "the first one").await;
    }
    world.answer().await;
    let holds = "select count(*) from sched_holds";
    assert_eq!(world.count(holds).await, 1, "of those who want one time one has it");
    let mut lost = 0;
    for who in &callers {
        let answers = world.answers(who).await;
        assert_eq!(answers.len(), 2);
        lost += usize::from(acts(&answers[1]).contains(&"slot-lost".to_owned()));
    }
    assert_eq!(lost, 2);
}

/// Somebody of the business moves the appointment by so much.
async fn move_by(world: &World, id: AppointmentId, by: Duration) {
    let mut tx = world.app.db.read(world.tenant).await.unwrap();
    let appointment = world.app.scheduling.appointment(&mut tx, id).await.unwrap().unwrap();
    tx.finish().await.unwrap();
    let slot = appointment.slot;
    let new = NewHold {
        resource_id: appointment.resource_id,
        slot: Timeslot::new(slot.start() + by, slot.end() + by).unwrap(),
        service_item_id: None,
        conversation_id: None,
        moves_appointment_id: Some(id),
        is_override: true,
    };
    let held = world.app.scheduling.hold(&world.owner(), &new, None).await.unwrap();
    world.app.scheduling.reschedule(&world.owner(), id, held.hold_id).await.unwrap();
}

async fn call_off(world: &World, id: AppointmentId) {
    world.app.scheduling.cancel(&world.owner(), id, CancelledReason::User).await.unwrap();
}

/// A caller who is booked for friday, says this, and then answers.
async fn about_to_change(says: &str, answer: &str) -> (World, ConversationId, AppointmentId) {
    let world = shop().await;
    let id = greeted(&world, &caller()).await;
    let appointment = world.books(&caller(), "on friday at 1pm").await;
    world.wait(Duration::minutes(1));
    world.says(&caller(), says).await;
    world.wait(Duration::minutes(1));
    world.text(&caller(), answer).await;
    (world, id, appointment)
}

async fn last_acts(world: &World) -> Vec<String> {
    acts(world.answers(&caller()).await.last().unwrap())
}

#[tokio::test]
async fn an_appointment_moved_between_thought_and_answer_is_not_called_off_unasked() {
    let (world, id, appointment) = about_to_change("please cancel my appointment", "1").await;
    answer_while(&world, id, async || move_by(&world, appointment, Duration::hours(2)).await).await;
    assert_eq!((last_acts(&world).await, world.booked().await), (vec!["ask-confirm".to_owned()], 1));
    let asked = world.answers(&caller()).await.pop().unwrap().body;
    assert!(asked.contains("3:00 PM"), "{asked}");
    world.wait(Duration::minutes(1));
    assert_eq!(world.says(&caller(), "1").await, ["cancelled"]);
    assert_eq!(world.booked().await, 0);
}

#[tokio::test]
async fn an_appointment_called_off_between_thought_and_answer_is_called_off_once() {
    let (world, id, appointment) = about_to_change("please cancel my appointment", "1").await;
    answer_while(&world, id, async || call_off(&world, appointment).await).await;
    assert_eq!((last_acts(&world).await, world.booked().await), (vec!["cancelled".to_owned()], 0));
    assert_eq!(world.events("scheduling.AppointmentCancelled").await.len(), 1);
}

#[tokio::test]
async fn an_appointment_called_off_between_thought_and_answer_does_not_move() {
    let (world, id, appointment) = about_to_change("can we move it to monday morning?", "the first one").await;
    answer_while(&world, id, async || call_off(&world, appointment).await).await;
    assert!(!last_acts(&world).await.contains(&"moved".to_owned()), "{:?}", last_acts(&world).await);
    assert_eq!(world.booked().await, 0);
    assert_eq!(world.count("select count(*) from sched_holds").await, 0);
    assert_eq!(world.events("scheduling.AppointmentRescheduled").await.len(), 0);
}

#[tokio::test]
async fn an_appointment_moved_between_thought_and_answer_moves_to_what_was_picked() {
    let (world, id, appointment) = about_to_change("can we move it to monday morning?", "the first one").await;
    let picked = offers(world.answers(&caller()).await.last().unwrap())[0];
    answer_while(&world, id, async || move_by(&world, appointment, Duration::hours(2)).await).await;
    assert_eq!(last_acts(&world).await, ["moved"]);
    let starts = "select starts_at from sched_appointments where status = 'booked'";
    let starts: Vec<DateTime<Utc>> = sqlx::query_scalar(starts).fetch_all(&mut world.superuser().await).await.unwrap();
    assert_eq!(starts, [picked.1]);
}

#[tokio::test]
async fn a_time_taken_between_thought_and_answer_is_moved_to_by_nobody() {
    let (world, id, _) = about_to_change("can we move it to monday morning?", "the first one").await;
    let offered = offers(world.answers(&caller()).await.last().unwrap());
    answer_while(&world, id, async || take(&world, offered[0]).await).await;
    let said = last_acts(&world).await;
    assert!(said.contains(&"slot-lost".to_owned()) && !said.contains(&"moved".to_owned()), "{said:?}");
    assert_eq!((world.booked().await, world.count("select count(*) from sched_holds").await), (1, 1));
}
