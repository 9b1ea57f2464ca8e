//! The handset over the whole product: what a caller does there reaches the business, and what comes back is shown.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

use std::{path::Path, time::Duration};

use nmc_kernel::Role;
use nmc_sandbox::{Handset, Installation, Plan};
use nmc_testkit::eventually;
use reqwest::{Client, Response};
use serde_json::{Value, json};

const ANN: &str = "+14155550151";
/// How long an answer may take: far more than it does.
const BOUND: Duration = Duration::from_secs(30);

struct Page {
    http: Client,
    base_url: String,
}

impl Page {
    async fn get(&self, path: &str) -> Value {
        let answer = self.http.get(format!("{}{path}", self.base_url)).send().await.unwrap();
        let answer = answer.error_for_status().unwrap();
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.http.post(format!("{}{path}", self.base_url)).json(body).send().await.unwrap();
        let answer = answer.error_for_status().unwrap();
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }

    async fn stream(&self, path: &str) -> Stream {
        let answer = self.http.get(format!("{}{path}", self.base_url)).send().await.unwrap();
        Stream { answer: answer.error_for_status().unwrap(), read: String::new() }
    }
}

/// Server-Sent Events, one after the other.
struct Stream {
    answer: Response,
    read: String,
}

impl Stream {
    /// Reads on until what has come satisfies `condition`; that event's name and data.
    async fn until(&mut self, condition: impl Fn(&str, &str) -> bool) -> (String, String) {
        loop {
            while let Some((event, _)) = self.read.split_once("\n\n") {
                let line = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
                let length = event.len() + 2;
                let (name, data) = (line("event: ").to_owned(), line("data: ").to_owned());
                self.read.drain(..length);
                if condition(&name, &data) {
                    return (name, data);
                }
            }
            // In time, whole, and not the end.
            let chunk = tokio::time::timeout(BOUND, self.answer.chunk()).await;
            let chunk = chunk.unwrap().unwrap().unwrap();
            self.read += std::str::from_utf8(&chunk).unwrap();
        }
    }

    async fn screen_with(&mut self, words: &str) -> Value {
        let (_, data) = self.until(|name, data| name == "screen" && data.contains(words)).await;
        serde_json::from_str(&data).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_rings_and_texts_and_the_business_sees_it_and_takes_over() {
    let plan = Plan {
        database: "nmc_handset",
        fresh: true,
        durable: false,
        ..Plan::new(Path::new(env!("CARGO_TARGET_TMPDIR")).join("handset"), env!("CARGO_BIN_EXE_nmc-sandbox").into())
    };
    let mut installation = Installation::start(&plan).await.unwrap();
    let token = installation.token(Role::Owner).unwrap();
    let handset = Handset::start(&installation, 0).await.unwrap();
    #[expect(clippy::disallowed_methods, reason = "a client that asks as a browser does")]
    let http = Client::new();
    let page = Page { http, base_url: handset.base_url().to_owned() };

    let about = page.get("/phone").await;
    assert_eq!((&about["business"], &about["number"]), (&"Example Plumbing".into(), &"+14155550100".into()));
    assert_eq!(about["callers"][0]["phone"], ANN);

    let mut phone = page.stream("/phone/stream?caller=%2B14155550151").await;
    let mut live = page.stream("/business/stream").await;
    live.until(|name, _| name == "ready").await;
    let rung = page.post("/phone/calls", &json!({ "caller": ANN })).await;
    assert_eq!(rung["answered"], true);
    assert!(rung["heard"].to_string().contains("text message"), "{rung}");
    let screen = phone.screen_with("Reply STOP").await;
    assert_eq!((&screen[0]["kind"], &screen[1]["is_own"]), (&"call".into(), &false.into()), "{screen}");
    live.until(|name, _| name == "nmc.conversation.ConversationStarted").await;

    let texted = page.post("/phone/texts", &json!({ "caller": ANN, "body": "leaking sink, any time" })).await;
    assert_eq!(texted["answered"], true);
    let screen = phone.screen_with("$159").await;
    assert_eq!(screen.as_array().unwrap().len(), 4, "{screen}");
    let conversations = page.get("/business/conversations?limit=1&caller_phone=%2B14155550151").await;
    let conversation = &conversations["items"][0];
    assert_eq!(conversation["state"], "open");
    let id = conversation["id"].as_str().unwrap();
    let why =
        page.get(&format!("/business/messages/{}/why", conversation["last_message"]["id"].as_str().unwrap())).await;
    assert!(why["why"]["acts"].to_string().contains("state-price"), "{why}");
    assert!(!why.to_string().contains(&token[..20]));

    assert_eq!(page.post(&format!("/business/conversations/{id}/takeover"), &json!({})).await["changed"], true);
    let words = json!({ "body": "This is Olive.", "client_dedup_key": "handset-1" });
    for _ in 0..2 {
        page.post(&format!("/business/conversations/{id}/messages"), &words).await;
    }
    let screen = phone.screen_with("This is Olive.").await;
    assert_eq!(screen.as_array().unwrap().len(), 5, "sent twice, it is one text: {screen}");
    assert_eq!(page.get(&format!("/business/conversations/{id}")).await["state"], "human");
    assert_eq!(page.post(&format!("/business/conversations/{id}/release"), &json!({})).await["changed"], true);
    let (_, released) = live.until(|name, _| name == "nmc.conversation.ConversationReleased").await;
    assert!(released.contains(id));

    installation.server.kill().await.unwrap();
    let tenant = format!("{}/business/tenant", page.base_url);
    assert_eq!(page.http.get(&tenant).send().await.unwrap().status(), 502);
    let lost = page.post("/phone/texts", &json!({ "caller": ANN, "body": "Still there?" })).await;
    assert_eq!(lost["answered"], false);
    installation.server.start().unwrap();
    let is_back = eventually(BOUND, async || page.http.get(&tenant).send().await.unwrap().status() == 200).await;
    assert!(is_back, "the page does not find the server again");
    drop(handset);
    installation.stop().await.unwrap();
}
