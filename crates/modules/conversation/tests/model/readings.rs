//! Which reading was used, and why: the model's where it is heard, the deterministic one in every other case.

use std::time::Duration;

use chrono::Duration as Span;
use nmc_conversation::{ConversationState, deterministic_answer};
use nmc_kernel::E164;
use nmc_simulators::model::{Fault, ModelQuestion, ModelSimulator};
use nmc_testkit::eventually;
use serde_json::{Value, json};

use crate::{
    KEY, NAME,
    setup::{World, caller, greeted, phone},
    shop::{acts, brief},
    shop_with_model,
};

fn honest(question: &ModelQuestion) -> String {
    deterministic_answer(&question.data).unwrap()
}

async fn honest_shop() -> (World, ModelSimulator) {
    shop_with_model(brief(), honest).await
}

/// Who understood what the newest answer to this caller answers.
async fn understanding(world: &World, who: &E164) -> Value {
    world.answers(who).await.last().unwrap().why["understanding"].clone()
}

#[tokio::test]
async fn a_model_is_asked_and_the_answer_says_so() {
    let (world, model) = honest_shop().await;
    greeted(&world, &caller()).await;
    assert_eq!(world.says(&caller(), "my sink leaks, can you come tomorrow?").await, ["state-price", "offer"]);
    assert_eq!(world.says(&caller(), "the first one").await, ["ask-confirm"]);
    assert_eq!(world.says(&caller(), "yes").await, ["booked"]);
    let said = understanding(&world, &caller()).await;
    assert_eq!((said["by"].as_str(), said["model"].as_str()), (Some("model"), Some(NAME)));
    assert_eq!(said["prompt"], "v1");
    assert!(said["took_ms"].is_u64());
    assert_eq!(model.asked(), 3, "once for each text");
}

#[tokio::test]
async fn what_only_a_model_understands_is_used() {
    let (world, _model) = shop_with_model(brief(), |question| {
        let data: Value = serde_json::from_str(&question.data).unwrap();
        assert_eq!(data["services"], json!([{ "number": 1, "name": "Leak repair" }]));
        assert_eq!((data["asked"].as_str(), data["now"].as_str()), (Some("nothing"), Some("2026-06-10T14:00:05")));
        let when = json!({ "kind": "when", "asap": false, "windows": [{ "from": "2026-06-12T10:00", "until": "2026-06-12T12:00" }] });
        json!({ "sayings": [{ "kind": "service", "number": 1 }, when], "language": "en" }).to_string()
    })
    .await;
    greeted(&world, &caller()).await;
    let said =
        world.says(&caller(), "drip drip drip goes my bathroom. two days from now, before lunch but not early").await;
    assert_eq!(said, ["state-price", "offer"]);
    let offers = world.answers(&caller()).await[0].why["offers"].clone();
    let starts: Vec<&str> = offers.as_array().unwrap().iter().filter_map(|slot| slot["start"].as_str()).collect();
    assert!(!starts.is_empty() && starts.iter().all(|start| start.starts_with("2026-06-12T1")), "{starts:?}");
}

#[tokio::test]
async fn whatever_becomes_of_the_model_the_text_is_answered() {
    let (world, model) = honest_shop().await;
    for (fault, line) in Fault::ALL.into_iter().zip(50..) {
        let who = phone(&format!("+121255501{line}"));
        model.fail_next(fault);
        let acts = world.says(&who, "how much is a leak repair?").await;
        assert!(acts.contains(&"state-price".to_owned()), "{fault:?}: {acts:?}");
        let because = match fault {
            Fault::Compatible => None,
            Fault::Slow(_) | Fault::Drip => Some("timeout"),
            Fault::Reset => Some("unreachable"),
            Fault::Status(_) => Some("refused"),
            Fault::Garbage | Fault::Truncated | Fault::Huge | Fault::NoChoices => Some("unreadable"),
            Fault::ToolCalls | Fault::Refusal => Some("declined"),
            Fault::CutShort | Fault::OtherSchema | Fault::Prose => Some("unclear"),
        };
        let said = understanding(&world, &who).await;
        match because {
            Some(because) => {
                let expected = json!({ "by": "deterministic", "instead_of": "model", "because": because });
                assert_eq!(said, expected, "{fault:?}");
            }
            None => assert_eq!(said["by"], "model", "{fault:?}"),
        }
        // And the next is the model's again.
        assert!(world.says(&who, "tomorrow").await.contains(&"offer".to_owned()));
        assert_eq!(understanding(&world, &who).await["by"], "model");
    }
    assert_eq!(world.failed_turns().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_model_that_does_not_answer_is_not_asked_for_a_while() {
    let (world, model) = honest_shop().await;
    model.fail_always(Fault::Status(503));
    // More callers of one business than it takes.
    for line in 0..8 {
        world.text(&phone(&format!("+1212555015{line}")), "my sink leaks").await;
    }
    world.answer().await;
    // Four of a business are worked out at a time.
    assert!((5..=8).contains(&model.asked()), "{} of 8 asked", model.asked());
    let mut becauses = Vec::new();
    for line in 0..8 {
        let answers = world.answers(&phone(&format!("+1212555015{line}"))).await;
        assert!(acts(&answers[0]).contains(&"state-price".to_owned()));
        becauses.push(answers[0].why["understanding"]["because"].as_str().unwrap().to_owned());
    }
    assert!(becauses.contains(&"refused".to_owned()) && becauses.contains(&"breaker".to_owned()), "{becauses:?}");
    // Once it answers it is asked again.
    model.recover();
    let asked = model.asked();
    assert!(
        eventually(Duration::from_secs(20), async || {
            world.text(&caller(), "hi").await;
            world.answer().await;
            model.asked() > asked
        })
        .await
    );
}

#[tokio::test]
async fn danger_and_stop_wait_for_no_model() {
    let (world, model) = honest_shop().await;
    model.fail_always(Fault::Slow(60_000));
    assert!(world.says(&caller(), "it smells like gas in here").await.contains(&"emergency".to_owned()));
    assert_eq!(understanding(&world, &caller()).await, json!({ "by": "deterministic" }));
    let other = phone("+12125550151");
    greeted(&world, &other).await;
    world.text(&other, "STOP").await;
    world.answer().await;
    assert_eq!(world.state(&other).await, Some(ConversationState::Closed));
    let picture = phone("+12125550152");
    greeted(&world, &picture).await;
    world.picture(&picture, "").await;
    world.answer().await;
    assert_eq!(model.asked(), 0);
}

#[tokio::test]
async fn nothing_is_open_or_locked_while_a_model_is_waited_for() {
    let (world, model) = honest_shop().await;
    let id = greeted(&world, &caller()).await;
    model.fail_next(Fault::Slow(60_000));
    world.text(&caller(), "my sink leaks").await;
    world.deliver().await;
    world.wait(Span::milliseconds(2_500));
    let turns = world.turns.clone();
    let working = tokio::spawn(async move { turns.drain().await });
    assert!(eventually(Duration::from_secs(10), async || model.asked() == 1).await);
    let open = "select count(*) from pg_stat_activity
                where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null";
    assert_eq!(world.count(open).await, 0);
    // And so a person takes over at once; what the model says then comes too late.
    world.app.conversation.take_over(&world.owner(), id).await.unwrap();
    working.await.unwrap().unwrap();
    world.play().await;
    assert!(world.answers(&caller()).await.is_empty());
}

#[tokio::test]
async fn the_model_is_told_of_this_caller_and_this_business_alone() {
    let (seen, told) = std::sync::mpsc::channel();
    let seen = std::sync::Mutex::new(seen);
    let (world, _model) = shop_with_model(brief(), move |question| {
        seen.lock().unwrap().send((question.instructions.clone(), question.data.clone())).unwrap();
        honest(question)
    })
    .await;
    let other = phone("+12125550151");
    world.says(&other, "my sink leaks at 99 Other Street, I am Bob Other").await;
    world.says(&caller(), "my sink leaks").await;
    let all: Vec<(String, String)> = told.try_iter().collect();
    let (instructions, data) = all.last().unwrap();
    assert!(data.contains("my sink leaks") && !data.contains("Other"));
    for secret in [KEY, caller().as_str(), other.as_str(), "+1", &world.tenant.to_string()] {
        assert!(!data.contains(secret) && !instructions.contains(secret), "{secret}");
    }
    // What the caller writes is nowhere but in the data.
    assert!(all.iter().all(|(told, _)| told == instructions));
}

#[tokio::test]
async fn a_thought_that_is_thought_again_asks_the_model_once() {
    let (world, model) = honest_shop().await;
    let callers = [phone("+12125550151"), phone("+12125550152"), phone("+12125550153")];
    for who in &callers {
        world.says(who, "leak repair tomorrow at 1pm").await;
    }
    world.wait(Span::minutes(1));
    for who in &callers {
        world.text(who, "the first one").await;
    }
    world.answer().await;
    assert_eq!(world.count("select count(*) from sched_holds").await, 1, "two have lost");
    assert_eq!(model.asked(), 6);
}
