//! `POST /v1/chat/completions`.

use std::{convert::Infallible, sync::Arc, sync::atomic::Ordering, time::Duration};

use axum::{
    Extension, Json, Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    response::{IntoResponse, Response},
    routing::post,
};
use futures::StreamExt as _;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{Fault, ModelQuestion, Served};
use crate::server::Connection;

/// Between two bytes of a drip.
const DRIP_PAUSE: Duration = Duration::from_millis(200);
/// Of the answer that nobody reads.
const HUGE_BYTES: usize = 1024 * 1024;

pub(super) fn router(served: &Arc<Served>) -> Router {
    Router::new().route("/v1/chat/completions", post(complete)).with_state(Arc::clone(served))
}

async fn complete(
    State(served): State<Arc<Served>>,
    Extension(connection): Extension<Connection>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    served.asked.fetch_add(1, Ordering::SeqCst);
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let wanted = served.settings.api_key.as_ref().map(ExposeSecret::expose_secret);
    if wanted.is_some() && given != wanted {
        return refusal(StatusCode::UNAUTHORIZED, "Incorrect API key provided.", "invalid_api_key");
    }
    let fault = served.faults().take();
    let question = match question(&body) {
        Ok(question) => question,
        Err(what) => return refusal(StatusCode::BAD_REQUEST, what, "invalid_request_error"),
    };
    let said = || (served.settings.mind)(&question);
    match fault {
        None => {
            let said: String = said().chars().take(most_chars(&body)).collect();
            completion(&question, &json!({ "role": "assistant", "content": said, "refusal": null }))
        }
        Some(Fault::Status(status)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            refusal(status, "The server does not answer now.", "server_error")
        }
        Some(Fault::Slow(millis)) => {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            completion(&question, &json!({ "role": "assistant", "content": said() }))
        }
        Some(Fault::Drip) => drip(),
        Some(Fault::Reset) => match connection.reset().await {},
        Some(Fault::Garbage) => vec![0xff_u8; 512].into_response(),
        Some(Fault::Truncated) => {
            let whole = whole(&question, &json!({ "role": "assistant", "content": said() })).to_string();
            whole[..whole.len() / 2].to_owned().into_response()
        }
        Some(Fault::CutShort) => {
            let words = said();
            let cut: String = words.chars().take(words.chars().count() / 2).collect();
            completion(&question, &json!({ "role": "assistant", "content": cut }))
        }
        Some(Fault::OtherSchema) => {
            completion(&question, &json!({ "role": "assistant", "content": r#"{"answer":"It is free today!"}"# }))
        }
        Some(Fault::Prose) => completion(&question, &json!({ "role": "assistant", "content": "They want a plumber." })),
        Some(Fault::Huge) => completion(&question, &json!({ "role": "assistant", "content": "x".repeat(HUGE_BYTES) })),
        Some(Fault::ToolCalls) => {
            let call = json!({ "id": "call_1", "type": "function", "function": { "name": "book", "arguments": "{}" } });
            completion(&question, &json!({ "role": "assistant", "content": null, "tool_calls": [call] }))
        }
        Some(Fault::Refusal) => completion(
            &question,
            &json!({ "role": "assistant", "content": null, "refusal": "I cannot help with that." }),
        ),
        Some(Fault::NoChoices) => Json(json!({ "object": "chat.completion", "choices": [] })).into_response(),
        Some(Fault::Compatible) => {
            let parts = json!([{ "type": "text", "text": "```json\n" }, { "type": "text", "text": said() }, { "text": "\n```" }]);
            let choice = json!({ "finish_reason": "eos", "message": { "content": parts } });
            Json(json!({ "choices": [choice] })).into_response()
        }
    }
}

/// How much the model may write, at about four characters to a token:
/// <https://help.openai.com/en/articles/4936856-what-are-tokens-and-how-to-count-them>.
fn most_chars(body: &[u8]) -> usize {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let tokens = body["max_completion_tokens"].as_u64().and_then(|most| usize::try_from(most).ok());
    tokens.map_or(usize::MAX, |tokens| tokens.saturating_mul(4))
}

/// What is asked, where it is asked as it should be: with a schema that a strict server takes.
fn question(body: &[u8]) -> Result<ModelQuestion, &'static str> {
    let body: Value = serde_json::from_slice(body).map_err(|_| "We could not parse the JSON body of your request.")?;
    let message = |nth: usize, role: &str| {
        let message = body.get("messages")?.get(nth).filter(|message| message["role"] == role)?;
        message["content"].as_str().map(str::to_owned)
    };
    let format = &body["response_format"];
    let schema = &format["json_schema"]["schema"];
    let is_named = format["json_schema"]["name"].as_str().is_some_and(|name| !name.is_empty());
    if format["type"] != "json_schema"
        || format["json_schema"]["strict"] != true
        || !is_named
        || !schema.is_object()
        || !is_strict(schema)
    {
        return Err("Invalid schema for response_format.");
    }
    Ok(ModelQuestion {
        model: body["model"].as_str().ok_or("You must provide a model parameter.")?.to_owned(),
        instructions: message(0, "system").ok_or("Missing the system message.")?,
        data: message(1, "user").ok_or("Missing the user message.")?,
        schema: schema.clone(),
    })
}

/// Whether each object in it wants all of its properties and no others:
/// <https://platform.openai.com/docs/guides/structured-outputs#supported-schemas>.
fn is_strict(schema: &Value) -> bool {
    let own = schema.get("properties").is_none_or(|properties| {
        let names: Vec<&str> = properties.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        schema["additionalProperties"] == false
            && names.len() == required.len()
            && names.iter().all(|name| required.contains(name))
    });
    let below = match schema {
        Value::Object(fields) => fields.values().all(is_strict),
        Value::Array(items) => items.iter().all(is_strict),
        _ => true,
    };
    own && below
}

fn completion(question: &ModelQuestion, message: &Value) -> Response {
    Json(whole(question, message)).into_response()
}

fn whole(question: &ModelQuestion, message: &Value) -> Value {
    let finish_reason = if message["tool_calls"].is_array() { "tool_calls" } else { "stop" };
    json!({
        "id": "chatcmpl-simulated",
        "object": "chat.completion",
        "created": 1_767_225_600,
        "model": question.model,
        "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": finish_reason }],
        "usage": { "prompt_tokens": 900, "completion_tokens": 30, "total_tokens": 930 },
    })
}

fn refusal(status: StatusCode, message: &str, code: &str) -> Response {
    let error = json!({ "message": message, "type": code, "param": null, "code": code });
    (status, Json(json!({ "error": error }))).into_response()
}

/// Begins to answer and comes to no end.
fn drip() -> Response {
    let bytes = futures::stream::repeat(()).then(|()| async {
        tokio::time::sleep(DRIP_PAUSE).await;
        Ok::<_, Infallible>(Bytes::from_static(b" "))
    });
    Body::from_stream(bytes).into_response()
}
