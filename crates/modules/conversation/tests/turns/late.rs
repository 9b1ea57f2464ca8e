//! Appointments that are changed by text while somebody reckons with them.

use chrono::Duration;
use nmc_conversation::ConversationState;
use nmc_identity::TenantSettings;

use crate::{
    setup::{World, caller, greeted},
    shop::{brief, shop, shop_with},
};

/// A caller who is booked for tomorrow at one o'clock.
async fn booked(world: &World) {
    greeted(world, &caller()).await;
    world.books(&caller(), "tomorrow at 1pm").await;
}

/// Moves the time to so long before the appointment.
async fn before_it(world: &World, left: Duration) {
    let sql = "select starts_at from sched_appointments where status = 'booked'";
    let start: chrono::DateTime<chrono::Utc> =
        sqlx::query_scalar(sql).fetch_one(&mut world.superuser().await).await.unwrap();
    world.wait(start - left - world.now());
    world.play().await;
}

async fn texts_of_tasks(world: &World) -> Vec<String> {
    let tasks = world.app.conversation.open_tasks(&world.owner()).await.unwrap();
    tasks.into_iter().map(|task| format!("{}: {}", task.kind.as_str(), task.text)).collect()
}

#[tokio::test]
async fn what_begins_soon_is_called_off_or_moved_by_a_person() {
    for (says, what) in [
        ("please cancel my appointment", "call off"),
        ("can we move my appointment to friday?", "move"),
        ("necesito cancelar mi cita", "call off"),
    ] {
        let languages = vec![nmc_identity::Language::En, nmc_identity::Language::Es];
        let world = shop_with(TenantSettings { languages, ..brief() }).await;
        booked(&world).await;
        before_it(&world, Duration::minutes(90)).await;
        assert_eq!(world.says(&caller(), says).await, ["hand-over"]);
        assert_eq!((world.booked().await, world.state(&caller()).await), (1, Some(ConversationState::Human)));
        let said = world.answers(&caller()).await.pop().unwrap().body;
        assert!(said.contains("Leak repair") && said.contains("1:00 PM"), "{said}");
        assert_eq!(
            texts_of_tasks(&world).await,
            [format!(
                "call-back: Call the customer at once about an appointment that begins soon. They want to {what} \
                 Leak repair on Thursday, June 11 at 1:00 PM."
            )]
        );
    }
}

/// Asked in time, agreed to too late.
#[tokio::test]
async fn time_goes_on_between_question_and_answer() {
    let world = shop().await;
    booked(&world).await;
    before_it(&world, Duration::minutes(121)).await;
    assert_eq!(world.says(&caller(), "please cancel my appointment").await, ["ask-confirm"]);
    world.wait(Duration::minutes(5));
    assert_eq!(world.says(&caller(), "1").await, ["hand-over"]);
    assert_eq!(world.booked().await, 1);
}

#[tokio::test]
async fn the_notice_is_the_resources_own() {
    let world = shop().await;
    booked(&world).await;
    let longer = "update sched_resources set minimum_notice_minutes = 600";
    sqlx::query(longer).execute(&mut world.superuser().await).await.unwrap();
    before_it(&world, Duration::hours(5)).await;
    assert_eq!(world.says(&caller(), "please cancel my appointment").await, ["hand-over"]);
    // One that wants none is given some.
    let world = shop().await;
    booked(&world).await;
    let none = "update sched_resources set minimum_notice_minutes = 0";
    sqlx::query(none).execute(&mut world.superuser().await).await.unwrap();
    before_it(&world, Duration::minutes(90)).await;
    assert_eq!(world.says(&caller(), "please cancel my appointment").await, ["hand-over"]);
}

#[tokio::test]
async fn people_take_note_of_what_is_changed_a_day_before() {
    let world = shop().await;
    booked(&world).await;
    before_it(&world, Duration::hours(20)).await;
    assert_eq!(world.says(&caller(), "please cancel my appointment").await, ["ask-confirm"]);
    assert_eq!(texts_of_tasks(&world).await, Vec::<String>::new());
    assert_eq!(world.says(&caller(), "1").await, ["cancelled"]);
    let note = "check: Take note: Leak repair on Thursday, June 11 at 1:00 PM was called off by text.";
    assert_eq!(texts_of_tasks(&world).await, [note]);

    let world = shop().await;
    booked(&world).await;
    before_it(&world, Duration::hours(20)).await;
    world.says(&caller(), "can we move my appointment to friday at 2pm?").await;
    world.wait(Duration::minutes(1));
    assert_eq!(world.says(&caller(), "1").await, ["moved"]);
    let note = "check: Take note: Leak repair on Thursday, June 11 at 1:00 PM was moved by text, to Friday, June 12 at 2:00 PM.";
    assert_eq!(texts_of_tasks(&world).await, [note]);
    assert_eq!(world.booked().await, 1);
}

#[tokio::test]
async fn what_is_changed_earlier_is_read_in_the_calendar() {
    let world = shop().await;
    greeted(&world, &caller()).await;
    world.books(&caller(), "on friday at 1pm").await;
    world.wait(Duration::minutes(1));
    world.says(&caller(), "please cancel my appointment").await;
    world.wait(Duration::minutes(1));
    assert_eq!(world.says(&caller(), "1").await, ["cancelled"]);
    assert_eq!((world.booked().await, texts_of_tasks(&world).await), (0, Vec::<String>::new()));
}
