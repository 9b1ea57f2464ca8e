//! From a missed call to an appointment, by text alone.

use chrono::Duration;

use crate::{
    setup::{bodies_sent, caller, greeted},
    shop::{acts, shop},
};

#[tokio::test]
async fn a_missed_call_becomes_an_appointment() {
    let world = shop().await;
    world.call(&caller()).await;
    world.play().await;
    assert!(world.says(&caller(), "My sink leaks").await.contains(&"state-price".to_owned()));
    world.wait(Duration::minutes(1));
    assert!(world.says(&caller(), "tomorrow after 1").await.contains(&"offer".to_owned()));
    let offers = world.answers(&caller()).await.last().unwrap().why["offers"].as_array().unwrap().len();
    assert!((2..=3).contains(&offers));
    world.wait(Duration::minutes(1));
    let mut last = world.says(&caller(), "the second one").await;
    if last.contains(&"ask-confirm".to_owned()) {
        assert_eq!(world.count("select count(*) from sched_holds").await, 1);
        world.wait(Duration::minutes(1));
        last = world.says(&caller(), "yes").await;
    }
    assert!(last.contains(&"booked".to_owned()), "{last:?}");
    assert_eq!((world.booked().await, world.turns_left().await), (1, 0));
    let by = "select count(*) from sched_appointments where booked_by = 'automation' and conversation_id is not null";
    assert_eq!(world.count(by).await, 1);
    let sent = bodies_sent(&world, &caller());
    assert!(sent.iter().any(|text| text.contains("$120")), "{sent:?}");
    assert!(world.tasks().await.is_empty());
    assert_eq!(world.thread(&caller()).await.unwrap().waiting_since, None);
}

#[tokio::test]
async fn every_answer_says_why_it_was_given() {
    let world = shop().await;
    let text = world.text(&caller(), "My sink leaks").await;
    world.answer().await;
    let answer = world.answers(&caller()).await.remove(0);
    assert_eq!(answer.why["turn_of"], text.as_uuid().to_string());
    assert_eq!(answer.why["understanding"], serde_json::json!({ "by": "deterministic" }));
    assert!(answer.why["understood"]["sayings"].is_array());
    assert!(acts(&answer).contains(&"state-price".to_owned()));
    let why = world.app.conversation.why_message(&world.owner(), answer.id).await.unwrap().unwrap();
    assert!(!why.decisions.is_empty());
}

/// The automation cannot look at it, somebody is asked to, and the words beside it are answered; the task stays while
/// the conversation goes on.
#[tokio::test]
async fn a_picture_is_a_persons_and_the_words_with_it_are_answered() {
    let world = shop().await;
    world.picture(&caller(), "my sink leaks").await;
    world.answer().await;
    let said = acts(&world.answers(&caller()).await[0]);
    assert!(said.contains(&"no-pictures".to_owned()) && said.contains(&"state-price".to_owned()), "{said:?}");
    assert_eq!((world.tasks().await.len(), world.turns_left().await), (1, 0));
    world.wait(Duration::minutes(1));
    world.picture(&caller(), "").await;
    world.answer().await;
    assert!(acts(&world.answers(&caller()).await[1]).contains(&"no-pictures".to_owned()));
    world.wait(Duration::minutes(1));
    assert!(world.says(&caller(), "tomorrow after 1").await.contains(&"offer".to_owned()));
    assert!(!world.tasks().await.is_empty(), "nobody has looked at them yet");
}

#[tokio::test]
async fn nobody_agrees_to_what_they_cannot_have_read() {
    let world = shop().await;
    greeted(&world, &caller()).await;
    assert_eq!(world.says(&caller(), "my sink leaks, can you come tomorrow?").await, ["state-price", "offer"]);
    assert_eq!(world.says(&caller(), "1").await, ["ask-confirm"]);
    // The pick once more, sent by an impatient thumb just as the question left.
    world.text(&caller(), "1").await;
    world.answer().await;
    assert_eq!(world.booked().await, 0);
    assert_eq!(world.says(&caller(), "1").await, ["booked"]);
    assert_eq!(world.booked().await, 1);
}
