//! Nothing of the automation leaves before a text that says who writes, that it is automated, and how to end it.

use chrono::Duration;
use nmc_conversation::Settings;
use nmc_identity::{QuietHours, TenantSettings};
use nmc_simulators::twilio::{Api, Fault, When};

use crate::{
    setup::{World, bodies_sent, caller, phone, settings},
    shop::{brief, shop, shop_with, stock},
};

/// One that may send, has the job and the worker, and does not send for now.
async fn paused() -> World {
    let world = World::with(Settings { is_paused: true, ..settings() }, brief()).await;
    world.approve().await;
    stock(&world).await;
    world
}

/// The caller was missed, and writes while nothing is sent: the answer is planned behind the greeting.
async fn answered_in_a_pause(world: &World, after: Duration) {
    world.call(&caller()).await;
    world.play().await;
    world.wait(after);
    world.text(&caller(), "my sink leaks").await;
    world.answer().await;
    assert_eq!((world.answers(&caller()).await.len(), world.twilio.accepted().len()), (1, 0));
}

#[tokio::test]
async fn an_answer_whose_greeting_has_expired_is_left_to_a_person() {
    let world = paused().await;
    answered_in_a_pause(&world, Duration::minutes(5)).await;
    let waiting = world.messages(&caller()).await.iter().find(|one| one.body == "my sink leaks").unwrap().created_at;
    // The greeting is of use for ten minutes, the answer for longer.
    world.wait(Duration::minutes(6));
    let world = world.restarted(&settings());
    world.play().await;
    assert_eq!(world.twilio.accepted().len(), 0);
    let answer = world.answers(&caller()).await.pop().unwrap();
    assert_eq!(answer.failure.as_deref(), Some("not-introduced"));
    let why = world.app.conversation.why_message(&world.owner(), answer.id).await.unwrap().unwrap().text();
    assert_eq!(why, "Not sent: no text had told the caller who writes and how to end it.");
    // The caller waits since their text, for a person.
    assert_eq!(world.thread(&caller()).await.unwrap().waiting_since, Some(waiting));
    assert!(world.tasks().await.contains(&"reply"), "{:?}", world.tasks().await);
    world
        .app
        .conversation
        .write(&world.owner(), answer.conversation_id, &crate::setup::new_message("Hi"), None)
        .await
        .unwrap();
    assert!(!world.tasks().await.contains(&"reply"));
}

#[tokio::test]
async fn an_answer_whose_greeting_has_not_expired_follows_it() {
    let world = paused().await;
    answered_in_a_pause(&world, Duration::minutes(2)).await;
    world.wait(Duration::minutes(2));
    let world = world.restarted(&settings());
    world.play().await;
    let sent = bodies_sent(&world, &caller());
    assert!(sent.len() == 2 && sent[0].contains("STOP") && sent[1].contains("$120"), "{sent:?}");
}

#[tokio::test]
async fn an_answer_waits_for_a_greeting_that_is_to_be_tried_again_much_later() {
    let world = shop().await;
    let busy = Fault::Answer { status: 429, code: Some(20_429), retry_after_seconds: Some(300) };
    world.twilio.add_fault(Api::SendMessage, busy, When::Next { requests: 1 });
    world.call(&caller()).await;
    world.play().await;
    world.text(&caller(), "my sink leaks").await;
    world.answer().await;
    world.wait(Duration::minutes(1));
    world.play().await;
    assert_eq!((world.answers(&caller()).await.len(), world.twilio.accepted().len()), (1, 0));
    world.wait(Duration::minutes(5));
    world.play().await;
    world.wait(Duration::minutes(1));
    world.play().await;
    let sent = bodies_sent(&world, &caller());
    assert!(sent.len() == 2 && sent[0].contains("STOP") && sent[1].contains("$120"), "{sent:?}");
}

/// The greeting was taken and did not arrive: it is sent again, by an intent that was planned after the answer's.
#[tokio::test]
async fn an_answer_waits_for_a_greeting_that_is_sent_again() {
    let world = shop().await;
    world.call(&caller()).await;
    world.play().await;
    world.text(&caller(), "my sink leaks").await;
    world.deliver().await;
    world.wait(Duration::milliseconds(2_500));
    assert_eq!(world.turns.drain().await.unwrap(), 1);
    let greeting = world.twilio.accepted().remove(0);
    let url = greeting.status_callback.unwrap();
    world.callback(&url, &greeting.sid, "undelivered", Some(30_001)).await;
    for _ in 0..8 {
        world.play().await;
        world.wait(Duration::seconds(30));
    }
    let sent = bodies_sent(&world, &caller());
    assert!(sent.len() == 3 && sent[1].contains("STOP") && sent[2].contains("$120"), "{sent:?}");
}

/// The provider may have had it: nobody knows that it was not read.
#[tokio::test]
async fn an_answer_does_not_wait_for_what_became_of_a_greeting() {
    let world = shop().await;
    world.twilio.add_fault(Api::SendMessage, Fault::AcceptThenReset, When::Next { requests: 1 });
    world.call(&caller()).await;
    world.play().await;
    world.text(&caller(), "my sink leaks").await;
    world.answer().await;
    world.wait(Duration::seconds(31));
    world.play().await;
    assert_eq!(bodies_sent(&world, &caller()).len(), 2);
}

/// Calls are answered in the morning there, and whoever writes is answered at once: in a running exchange nobody waits.
#[tokio::test]
async fn who_writes_at_night_is_greeted_and_answered_at_night() {
    let quiet_hours = QuietHours { greeting: true, ..QuietHours::default() };
    let world = shop_with(TenantSettings { quiet_hours, ..brief() }).await;
    world.wait(Duration::hours(9)); // 23:00
    let emergency = phone("+12125550177");
    for who in [caller(), emergency.clone()] {
        world.call(&who).await;
    }
    world.play().await;
    assert!(world.twilio.accepted().is_empty());
    world.wait(Duration::minutes(5));
    let opens = phone("+12125550178");
    for (who, says, answer) in
        [(caller(), "my sink leaks", "$120"), (emergency, "I smell gas", "911"), (opens, "my sink leaks", "$120")]
    {
        world.text(&who, says).await;
        world.answer().await;
        let sent = bodies_sent(&world, &who);
        assert!(sent.len() == 2 && sent[0].contains("STOP") && sent[1].contains(answer), "{sent:?}");
    }
    // What left at night was said at night: the next call is answered by another, in the morning.
    world.wait(Duration::hours(2));
    let call = world.call(&caller()).await;
    world.play().await;
    assert_eq!((world.why(call).await.0, bodies_sent(&world, &caller()).len()), ("greeted", 2));
    world.wait(Duration::hours(7));
    world.play().await;
    assert_eq!(bodies_sent(&world, &caller()).len(), 3);
}
