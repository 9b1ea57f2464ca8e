//! The client against the simulated model: every fault is an error of its kind, in time, and nothing of the question is in it.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::{Duration, Instant};

use nmc_providers::model::{ModelClient, ModelError, ModelSettings, Question, TIMEOUT};
use nmc_simulators::model::{Fault, ModelQuestion, ModelSimulator, ModelSimulatorSettings};
use secrecy::SecretString;
use serde_json::{Value, json};

const KEY: &str = "sk-canary-8c1f";
const ANSWER: &str = r#"{"a":1}"#;

fn schema() -> Value {
    json!({ "type": "object", "properties": { "a": { "type": "integer" } }, "required": ["a"], "additionalProperties": false })
}

async fn simulator() -> ModelSimulator {
    let settings = ModelSimulatorSettings::new(|question| {
        assert_eq!((question.model.as_str(), question.instructions.as_str()), ("a-model:latest", "Read."));
        assert_eq!((question.data.as_str(), &question.schema), ("a canary wrote this", &schema()));
        ANSWER.to_owned()
    });
    ModelSimulator::start(ModelSimulatorSettings { api_key: Some(KEY.into()), ..settings }).await.unwrap()
}

fn client(simulator: &ModelSimulator, api_key: Option<SecretString>) -> ModelClient {
    let settings = ModelSettings { base_url: simulator.base_url(), name: "a-model:latest".to_owned(), api_key };
    ModelClient::new(settings).unwrap()
}

async fn ask(client: &ModelClient) -> Result<String, ModelError> {
    let schema = schema();
    client.ask(Question { instructions: "Read.", data: "a canary wrote this", schema: ("answer", &schema) }).await
}

#[tokio::test]
async fn a_question_is_answered_with_what_the_model_wrote() {
    let simulator = simulator().await;
    assert_eq!(ask(&client(&simulator, Some(KEY.into()))).await, Ok(ANSWER.to_owned()));
    assert_eq!(simulator.asked(), 1);
}

#[tokio::test]
async fn another_key_or_none_is_refused_and_none_is_ever_shown() {
    let simulator = simulator().await;
    for key in [None, Some("sk-another-one".into())] {
        assert_eq!(ask(&client(&simulator, key)).await, Err(ModelError::Refused(401)));
    }
    let client = client(&simulator, Some(KEY.into()));
    assert!(!format!("{client:?} {client:#?}").contains("canary"));
    let settings = ModelSettings { base_url: "ftp://example.com".into(), name: "m".into(), api_key: Some(KEY.into()) };
    let shown = format!("{settings:?} {:?}", ModelClient::new(settings.clone()));
    assert!(!shown.contains("canary"), "{shown}");
}

#[tokio::test]
async fn every_fault_is_an_error_of_its_kind_in_time() {
    let simulator = simulator().await;
    let client = client(&simulator, Some(KEY.into()));
    for fault in Fault::ALL {
        simulator.fail_next(fault);
        let begun = Instant::now();
        let answer = ask(&client).await;
        assert!(begun.elapsed() < TIMEOUT + Duration::from_secs(2), "{fault:?}");
        let expected = match fault {
            Fault::Status(status) => Err(ModelError::Refused(status)),
            Fault::Slow(_) | Fault::Drip => Err(ModelError::TimedOut),
            Fault::Reset => Err(ModelError::Unreachable),
            Fault::Garbage | Fault::Truncated | Fault::Huge | Fault::NoChoices => Err(ModelError::Unreadable),
            Fault::ToolCalls | Fault::Refusal => Err(ModelError::Declined),
            // The words are there; whether they can be used, whoever asked finds.
            Fault::CutShort | Fault::OtherSchema | Fault::Prose | Fault::Compatible => {
                let words = answer.clone().unwrap();
                assert_eq!(words.contains(ANSWER), fault == Fault::Compatible, "{words}");
                Ok(words)
            }
        };
        assert_eq!(answer, expected, "{fault:?}");
        if let Err(error) = answer {
            assert!(!format!("{error} {error:?}").contains("canary"));
        }
    }
    assert_eq!(ask(&client).await, Ok(ANSWER.to_owned()), "and then it answers again");
}

#[tokio::test]
async fn a_model_that_would_write_for_ever_is_stopped() {
    let mind = |_: &ModelQuestion| "word ".repeat(1_000_000);
    let simulator = ModelSimulator::start(ModelSimulatorSettings::new(mind)).await.unwrap();
    assert!(ask(&client(&simulator, None)).await.unwrap().len() < 10_000);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let simulator = simulator().await;
    let client = client(&simulator, None);
    simulator.stop();
    // What was stopped may take a last connection.
    let _ = ask(&client).await;
    assert_eq!(ask(&client).await, Err(ModelError::Unreachable));
}

#[test]
fn what_one_question_can_bring_about_is_no_outage() {
    for error in [ModelError::TimedOut, ModelError::Unreachable] {
        assert!(error.is_outage());
    }
    for status in 100..=599 {
        let expected = matches!(status, 401 | 403 | 404 | 408 | 429) || status >= 500;
        assert_eq!(ModelError::Refused(status).is_outage(), expected, "{status}");
    }
    assert!(!ModelError::Unreadable.is_outage() && !ModelError::Declined.is_outage());
}
