//! Requests to the API, and what every answer has to pass.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::document::Operation;

/// Headers that differ from answer to answer.
const VOLATILE: [&str; 2] = ["date", "x-correlation-id"];

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    /// JSON, or null where there is none.
    pub(crate) body: Value,
}

impl Answer {
    /// The problem's code; empty for a success.
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// The fields that are wrong.
    pub(crate) fn wrong_fields(&self) -> Vec<&str> {
        self.body["errors"].as_array().into_iter().flatten().filter_map(|error| error["field"].as_str()).collect()
    }

    /// The same without what differs from answer to answer, and with `id` as `<id>`.
    pub(crate) fn apart_from(mut self, id: &str) -> Self {
        self.headers.retain(|name, _| !VOLATILE.contains(&name.as_str()));
        if let Some(problem) = self.body.as_object_mut() {
            problem.remove("correlation_id");
        }
        self.body = serde_json::from_str(&self.body.to_string().replace(id, "<id>")).unwrap();
        self
    }
}

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) operation: &'a Operation,
    /// The path with its parameters filled in, and the query.
    pub(crate) address: String,
    pub(crate) token: Option<&'a str>,
    pub(crate) body: Option<Value>,
}

/// Sends it to the server at `base_url`, and checks what holds for every answer.
pub(crate) async fn send(base_url: &str, ask: &Ask<'_>) -> Answer {
    let method = ask.operation.method.parse().unwrap();
    #[expect(clippy::disallowed_methods, reason = "a browser")]
    let mut request = reqwest::Client::new().request(method, format!("{base_url}{}", ask.address));
    if let Some(token) = ask.token {
        request = request.bearer_auth(token);
    }
    if let Some(body) = &ask.body {
        request = request.json(body);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let headers: BTreeMap<_, _> = response
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned()))
        .collect();
    let is_json = headers.get("content-type").is_some_and(|kind| kind.ends_with("json"));
    // A stream has no end to wait for.
    let text = if is_json { response.text().await.unwrap() } else { String::new() };
    let body = if is_json { serde_json::from_str(&text).unwrap() } else { Value::Null };
    let answer = Answer { status, headers, body };
    check(ask, &answer);
    answer
}

fn check(ask: &Ask<'_>, answer: &Answer) {
    let name = format!("{} as {}", ask.operation.name(), ask.address);
    let header = |key: &str| answer.headers.get(key).map(String::as_str).unwrap_or_default();
    for (key, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        assert_eq!(header(key), value, "{name}: {key}");
    }
    assert!(header("content-security-policy").starts_with("default-src 'none'"), "{name}");
    assert_eq!(header("www-authenticate"), if answer.status == 401 { "Bearer" } else { "" }, "{name}");
    assert!(answer.status < 500 || answer.status == 503, "{name}: {answer:?}");
    assert!(ask.operation.documents(answer.status), "{name}: {} is not documented", answer.status);
    if answer.status < 400 {
        return;
    }
    assert_eq!(header("content-type"), "application/problem+json", "{name}");
    let text = |key: &str| answer.body[key].as_str().unwrap_or_default();
    assert_eq!(text("type"), "about:blank", "{name}");
    assert_eq!(answer.body["status"], answer.status, "{name}");
    assert_eq!(text("correlation_id"), header("x-correlation-id"), "{name}");
    assert!(!text("title").is_empty() && !text("detail").is_empty() && !text("code").is_empty(), "{name}: {answer:?}");
    for error in answer.body["errors"].as_array().into_iter().flatten() {
        assert!(error["field"].is_string() && error["message"].is_string(), "{name}: {answer:?}");
    }
    let is_later = matches!(answer.status, 429 | 503);
    assert_eq!(!header("retry-after").is_empty(), is_later, "{name}: {answer:?}");
}
