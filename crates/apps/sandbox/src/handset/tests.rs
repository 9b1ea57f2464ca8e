//! The page's server with nothing behind it but the simulators: what it serves, whom it refuses, what a phone sees.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use nmc_kernel::E164;
use nmc_providers::twilio::{AccountSid, AuthToken};
use nmc_simulators::twilio::{SimulatedNumber, TextRequest, TwilioSettings};
use nmc_testkit::eventually;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;

use super::*;
use crate::{
    Plan, clerk,
    installation::{ACCOUNT_SID, AUTH_TOKEN},
};

const ANN: &str = "+14155550151";
const BEN: &str = "+14155550152";
const BUSINESS: &str = "+14155550100";
/// Nobody listens there.
const NOWHERE: &str = "http://127.0.0.1:9";
const BOUND: Duration = Duration::from_secs(20);
const WORDS: &str = include_str!("page/words.js");
const EVALUATION: &str = include_str!("../../../../../evaluation/README.md");

struct Stand {
    handset: Handset,
    twilio: TwilioSimulator,
    http: reqwest::Client,
}

impl Stand {
    async fn new() -> Self {
        let account = AccountSid::parse(ACCOUNT_SID).unwrap();
        let mut settings = TwilioSettings::new(account, AuthToken::new(AUTH_TOKEN), NOWHERE);
        let number = E164::parse(BUSINESS).unwrap();
        // A number without webhooks: texts to it are kept, and nobody is told.
        settings.numbers = vec![SimulatedNumber { sms_url: None, ..SimulatedNumber::at(number.clone(), NOWHERE) }];
        let twilio = TwilioSimulator::start(settings).await.unwrap();
        let id = "00000000-0000-7000-8000-000000000000".parse().unwrap();
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let clerk = clerk::start(&Plan::new(PathBuf::new(), PathBuf::new()), any_port, NOWHERE, id).await.unwrap();
        let business = ExampleTenant { id, name: "Example Plumbing", forward_to: number.clone(), number };
        let local = Local::new(twilio.clone(), clerk, business, NOWHERE.to_owned()).unwrap();
        let handset = Handset::serve(local, 0).await.unwrap();
        Self { handset, twilio, http: http_client().unwrap() }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.handset.base_url()))
    }

    async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    fn text(&self, body: &str) -> RequestBuilder {
        let request = serde_json::json!({ "caller": ANN, "body": body });
        self.request(Method::POST, "/phone/texts").json(&request)
    }

    fn host(&self) -> &str {
        self.handset.base_url().strip_prefix("http://").unwrap()
    }

    /// What reached the network.
    fn texts(&self) -> usize {
        self.twilio.summary().inbound
    }
}

/// The next event of a stream; comments are passed over.
async fn event(stream: &mut Response) -> Value {
    let mut read = String::new();
    loop {
        let chunk = tokio::time::timeout(BOUND, stream.chunk()).await.unwrap().unwrap().unwrap();
        read += std::str::from_utf8(&chunk).unwrap();
        if let Some(data) = read.lines().find_map(|line| line.strip_prefix("data: ")) {
            return serde_json::from_str(data).unwrap();
        }
    }
}

#[tokio::test]
async fn the_page_comes_whole_from_here_and_loads_nothing_from_elsewhere() {
    let stand = Stand::new().await;
    for (path, kind, contents) in page::FILES {
        let answer = stand.get(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        assert_eq!(answer.headers()["content-type"], kind);
        let csp = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(csp.starts_with("default-src 'none'; script-src 'self';") && !csp.contains("unsafe"), "{csp}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        assert_eq!(answer.text().await.unwrap(), contents);
        let elsewhere = contents.replace("http://www.w3.org/2000/svg", "");
        assert!(!elsewhere.contains("http://") && !elsewhere.contains("https://"), "{path} names another place");
        for line in contents.lines() {
            assert!(!line.contains(" style=") && !line.contains("onclick="), "{path}: the policy forbids {line}");
            let named = line.split_once("from \"./").or_else(|| line.split_once("=\"/"));
            let named = named.and_then(|(_, rest)| rest.split_once(['"', '?'])).map(|(file, _)| format!("/{file}"));
            let is_there = |file: &String| page::FILES.iter().any(|(path, ..)| path == file);
            assert!(named.is_none_or(|file| is_there(&file)), "{path} names what is not there: {line}");
        }
    }
    assert_eq!(stand.get("/nothing.js").await.status(), StatusCode::NOT_FOUND);
}

#[test]
fn the_page_has_words_for_every_act_and_every_streamed_event() {
    let acts = EVALUATION.split_once("## The acts").unwrap().1;
    // Of the turn's end, and not of an answer's making.
    let outcomes = ["opted-out", "help", "silent"];
    let acts = acts.lines().take_while(|line| !line.starts_with("##")).filter(|line| line.starts_with('|'));
    let acts: Vec<_> = acts.flat_map(|line| line.split('`').skip(1).step_by(2)).collect();
    assert!(acts.len() > 25, "{acts:?}");
    for act in acts.into_iter().filter(|act| !outcomes.contains(act)) {
        let is_there = [format!("\"{act}\": \""), format!(" {act}: \"")].iter().any(|entry| WORDS.contains(entry));
        assert!(is_there, "words.js has none for the act {act}");
    }
    for name in nmc_live::STREAMED {
        let entry = format!("\"{}\": (", name.strip_prefix("nmc.").unwrap());
        assert!(WORDS.contains(&entry), "words.js has none for the event {name}");
    }
}

#[tokio::test]
async fn other_pages_and_other_names_of_this_machine_are_refused() {
    let stand = Stand::new().await;
    let own = format!("http://{}", stand.host());
    let port = stand.host().rsplit_once(':').unwrap().1;
    let strangers = [
        ("host", "evil.example".to_owned()),
        ("host", format!("evil.example:{port}")),
        ("host", format!("127.0.0.1.evil.example:{port}")),
        ("host", format!("[::1]:{port}")),
        ("origin", "https://evil.example".to_owned()),
        ("origin", "http://evil.example".to_owned()),
        ("origin", "null".to_owned()),
        ("origin", String::new()),
        ("origin", format!("https://{}", stand.host())),
        ("origin", "http://127.0.0.1:3000".to_owned()),
        ("origin", format!("{own}.evil.example")),
        ("sec-fetch-site", "cross-site".to_owned()),
        ("sec-fetch-site", "same-site".to_owned()),
    ];
    for (name, value) in &strangers {
        let answer = stand.text("hello").header(*name, value).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{name}: {value}");
        assert!(answer.headers().get("access-control-allow-origin").is_none());
        for path in ["/phone", "/phone/stream?caller=%2B14155550151", "/business/tenant", "/app.js"] {
            let answer = stand.request(Method::GET, path).header(*name, value).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{name}: {value} on {path}");
        }
    }
    assert_eq!(stand.texts(), 0);
    let from_here = [
        ("origin", own),
        ("sec-fetch-site", "same-origin".to_owned()),
        ("sec-fetch-site", "none".to_owned()),
        ("host", format!("localhost:{port}")),
        // Through a tunnel.
        ("host", "localhost:9000".to_owned()),
    ];
    for (name, value) in &from_here {
        let answer = stand.text("hello").header(*name, value).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{name}: {value}");
    }
    assert_eq!(stand.texts(), from_here.len());
    let linked = stand.request(Method::GET, "/").header("sec-fetch-site", "cross-site").send().await.unwrap();
    assert_eq!(linked.status(), StatusCode::OK, "a link to the page may stand anywhere");
}

#[tokio::test]
async fn what_no_phone_can_send_is_refused_with_a_reason() {
    let stand = Stand::new().await;
    let long = "x".repeat(1_601);
    let texts = [
        "",
        "{",
        "[]",
        r#"{"caller":"+14155550151"}"#,
        r#"{"caller":"+14155550151","body":7}"#,
        r#"{"caller":"+14155550151","body":"hi","to":"+14155550199"}"#,
        r#"{"caller":"+14155550151","body":"  "}"#,
        r#"{"caller":"+14155550151","body":"hi","pictures":11}"#,
        r#"{"caller":"+14155550151","body":"hi","pictures":-1}"#,
        r#"{"caller":"+14155550100","body":"hi"}"#,
        r#"{"caller":"911","body":"hi"}"#,
        r#"{"caller":"","body":"hi"}"#,
        &format!(r#"{{"caller":"+14155550151","body":"{long}"}}"#),
    ];
    let calls = ["", r#"{"caller":"+14155550199"}"#, r#"{"caller":null}"#, r#"{"from":"+14155550151"}"#];
    let wrong = texts.map(|body| ("/phone/texts", body)).into_iter();
    for (path, body) in wrong.chain(calls.map(|body| ("/phone/calls", body))) {
        let request = stand.request(Method::POST, path).header("content-type", "application/json");
        let answer = request.body(body.to_owned()).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{path} {body}");
        let problem: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert!(problem["code"] == "invalid_input" && problem["detail"].as_str().unwrap().len() > 10, "{problem}");
    }
    let form = stand.request(Method::POST, "/phone/texts").header("content-type", "text/plain");
    let form = form.body(r#"{"caller":"+14155550151","body":"hi"}"#).send().await.unwrap();
    assert_eq!(form.status(), StatusCode::BAD_REQUEST, "what a form of another page can send");
    let huge = stand.text(&"x".repeat(BODY_BYTES_MAX)).send().await.unwrap();
    assert_eq!(huge.status(), StatusCode::PAYLOAD_TOO_LARGE);
    for stream in ["/phone/stream", "/phone/stream?caller=", "/phone/stream?caller=%2B14155550199"] {
        assert_eq!(stand.get(stream).await.status(), StatusCode::BAD_REQUEST, "{stream}");
    }
    assert_eq!(stand.texts(), 0);
    assert!(stand.twilio.calls().is_empty());
    let emoji = stand.text(&"😀".repeat(1_600)).send().await.unwrap();
    assert_eq!(emoji.status(), StatusCode::OK, "as long as a text may be");
}

#[tokio::test]
async fn only_what_the_page_needs_is_asked_of_the_api_and_an_absent_server_is_named() {
    let stand = Stand::new().await;
    let id = "00000000-0000-7000-8000-000000000001";
    let closed = [
        (Method::GET, "/business/users".to_owned()),
        (Method::POST, "/business/users/invite".to_owned()),
        (Method::PATCH, "/business/tenant".to_owned()),
        (Method::DELETE, format!("/business/scheduling/resources/{id}")),
        (Method::POST, "/business/scheduling/book".to_owned()),
        (Method::GET, "/business/conversations/%2e%2e".to_owned()),
        (Method::GET, "/business/messages/..%2f..%2fusers/why".to_owned()),
        (Method::GET, "/business/conversations/a%3Fb".to_owned()),
    ];
    for (method, path) in closed {
        let status = stand.request(method.clone(), &path).send().await.unwrap().status();
        let is_closed = matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED);
        assert!(is_closed, "{method} {path}: {status}");
    }
    for path in ["/business/tenant", "/business/stream", &format!("/business/conversations/{id}/messages")] {
        let answer = stand.get(path).await;
        assert_eq!(answer.status(), StatusCode::BAD_GATEWAY, "{path}");
        assert!(answer.text().await.unwrap().contains("server_away"));
    }
}

#[tokio::test]
async fn a_phone_shows_its_own_texts_as_they_come_and_nobody_else_s() {
    let stand = Stand::new().await;
    let mut stream = stand.get("/phone/stream?caller=%2B14155550151").await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    assert_eq!(event(&mut stream).await, serde_json::json!([]));
    stand.twilio.send_text(TextRequest::new(BEN, BUSINESS, "from Ben")).await;
    stand.twilio.send_text(TextRequest::new(ANN, "+14155550199", "to somebody else")).await;
    let request = serde_json::json!({ "caller": ANN, "body": "hello", "pictures": 2 });
    let sent = stand.request(Method::POST, "/phone/texts").json(&request).send().await.unwrap();
    assert_eq!(sent.text().await.unwrap(), r#"{"answered":false}"#, "the number has no webhook");
    let screen = event(&mut stream).await;
    assert_eq!(screen.as_array().unwrap().len(), 1, "{screen}");
    assert_eq!(screen[0]["kind"], "text");
    assert_eq!((&screen[0]["body"], &screen[0]["is_own"]), (&"hello".into(), &true.into()));
    assert_eq!(screen[0]["pictures"], 2);
}

#[tokio::test]
async fn so_many_streams_are_open_at_once_and_a_closed_one_makes_room() {
    let stand = Stand::new().await;
    let path = "/phone/stream?caller=%2B14155550151";
    let mut open = Vec::new();
    for _ in 0..STREAMS_MAX {
        open.push(stand.get(path).await);
    }
    assert!(open.iter().all(|stream| stream.status() == StatusCode::OK));
    assert_eq!(stand.get(path).await.status(), StatusCode::TOO_MANY_REQUESTS);
    open.pop();
    let has_room = eventually(BOUND, async || stand.get(path).await.status() == StatusCode::OK).await;
    assert!(has_room, "the place of a closed stream is not given back");
}

#[tokio::test]
async fn open_streams_end_with_the_handset() {
    let Stand { handset, http, .. } = Stand::new().await;
    let mut stream =
        http.get(format!("{}/phone/stream?caller=%2B14155550151", handset.base_url())).send().await.unwrap();
    assert_eq!(event(&mut stream).await, serde_json::json!([]));
    drop(handset);
    let rest = tokio::time::timeout(BOUND, stream.chunk()).await.unwrap();
    assert!(matches!(rest, Ok(None) | Err(_)), "{rest:?}");
}
