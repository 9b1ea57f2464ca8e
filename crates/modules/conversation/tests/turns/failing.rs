//! Answers that cannot be worked out: tried again with a growing wait, then a person's; nobody else waits for them.

use chrono::Duration;
use nmc_conversation::ConversationState;
use nmc_kernel::E164;

use crate::{
    setup::{World, caller, greeted, phone},
    shop::shop,
};

/// Every answer to this caller fails in its last statement.
async fn poison(world: &World, who: &E164) {
    let sql = "
create table poisoned (phone text);
create function poison() returns trigger language plpgsql security definer as $$
begin
  if new.request ->> 'purpose' <> 'greeting' and exists (select from poisoned where phone = new.request ->> 'to') then
    raise exception 'poison' using errcode = 'check_violation', constraint = 'poison';
  end if;
  return new;
end $$;
create trigger poison before insert on effect_intents for each row execute function poison();";
    let mut superuser = world.superuser().await;
    sqlx::raw_sql(sql).execute(&mut superuser).await.unwrap();
    sqlx::query("insert into poisoned values ($1)").bind(who.as_str()).execute(&mut superuser).await.unwrap();
}

/// One in which the answer to a text is due, and fails.
async fn failing() -> World {
    let world = shop().await;
    greeted(&world, &caller()).await;
    poison(&world, &caller()).await;
    world.text(&caller(), "my sink leaks").await;
    world.deliver().await;
    world.wait(Duration::milliseconds(2_500));
    world
}

#[tokio::test]
async fn what_fails_six_times_is_a_persons() {
    let world = Box::pin(failing()).await;
    for attempt in 1..=6 {
        assert_eq!(world.turns.drain().await.unwrap(), 1, "{attempt}");
        if attempt == 6 {
            break;
        }
        assert_eq!(world.failed_turns().await, ["database: poison"]);
        // Not at once again, and no later than half a minute.
        assert_eq!(world.turns.drain().await.unwrap(), 0);
        assert_eq!(world.state(&caller()).await, Some(ConversationState::Open));
        world.wait(Duration::seconds(30));
    }
    assert_eq!((world.turns_left().await, world.state(&caller()).await), (0, Some(ConversationState::Human)));
    assert_eq!(world.tasks().await, ["reply"]);
    assert!(world.answers(&caller()).await.is_empty());
    let shown = world.events("conversation.HumanTakeoverRequested").await;
    assert_eq!((shown.len(), &shown[0]["reason"]), (1, &serde_json::json!("handed-over")));
    // The automation stays silent until a person gives the conversation back.
    world.text(&caller(), "hello?").await;
    world.answer().await;
    assert!(world.answers(&caller()).await.is_empty());
}

#[tokio::test]
async fn what_mends_itself_is_answered() {
    let world = Box::pin(failing()).await;
    assert_eq!(world.turns.drain().await.unwrap(), 1);
    assert_eq!(world.count("select count(*) from sched_holds").await, 0);
    sqlx::query("delete from poisoned").execute(&mut world.superuser().await).await.unwrap();
    world.wait(Duration::seconds(30));
    assert_eq!(world.turns.drain().await.unwrap(), 1);
    assert_eq!((world.answers(&caller()).await.len(), world.turns_left().await), (1, 0));
}

#[tokio::test]
async fn a_turn_that_fails_holds_up_nobody() {
    let world = shop().await;
    poison(&world, &caller()).await;
    let others: Vec<E164> = (0..5).map(|number| phone(&format!("+1212555{:04}", 150 + number))).collect();
    world.text(&caller(), "my sink leaks").await;
    for who in &others {
        world.text(who, "my sink leaks").await;
    }
    world.deliver().await;
    world.wait(Duration::milliseconds(2_500));
    world.turns.drain().await.unwrap();
    for who in &others {
        assert_eq!(world.answers(who).await.len(), 1);
    }
    assert_eq!(world.turns_left().await, 1);
}

/// A turn that kills whoever works on it never gets to fail: its attempts count from the claim.
#[tokio::test]
async fn what_kills_each_dispatcher_is_a_persons_in_the_end() {
    let world = shop().await;
    greeted(&world, &caller()).await;
    world.text(&caller(), "my sink leaks").await;
    world.deliver().await;
    // As six dead dispatchers leave it.
    sqlx::query("update conv_turns set attempts = 6").execute(&mut world.superuser().await).await.unwrap();
    world.wait(Duration::milliseconds(2_500));
    world.play().await;
    assert_eq!((world.turns_left().await, world.state(&caller()).await), (0, Some(ConversationState::Human)));
    assert_eq!(world.tasks().await, ["reply"]);
    assert!(world.answers(&caller()).await.is_empty());
}
