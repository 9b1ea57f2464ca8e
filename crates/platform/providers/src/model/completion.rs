//! The words of a completion. Only what is needed is read, so that nothing else can be wrong: why it ended, what it
//! cost and what a server adds do not matter. One that ended early is no whole JSON, which whoever reads it finds.

use serde::Deserialize;
use serde_json::Value;

use super::ModelError;

#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Value,
    #[serde(default)]
    refusal: Value,
}

/// What the model wrote.
pub(super) fn words(body: &[u8]) -> Result<String, ModelError> {
    let completion: Completion = serde_json::from_slice(body).map_err(|_| ModelError::Unreadable)?;
    let Choice { message } = completion.choices.into_iter().next().ok_or(ModelError::Unreadable)?;
    if message.refusal.as_str().is_some_and(|refusal| !refusal.is_empty()) {
        return Err(ModelError::Declined);
    }
    let words = match &message.content {
        Value::String(text) => text.clone(),
        // Some servers write parts: <https://platform.openai.com/docs/api-reference/chat/object>.
        Value::Array(parts) => parts.iter().filter_map(part).collect(),
        _ => String::new(),
    };
    if words.trim().is_empty() { Err(ModelError::Declined) } else { Ok(words) }
}

fn part(part: &Value) -> Option<&str> {
    part.as_str().or_else(|| part.get("text")?.as_str())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn of(message: &Value) -> Result<String, ModelError> {
        words(json!({ "choices": [{ "message": message }] }).to_string().as_bytes())
    }

    #[test]
    fn the_words_are_found_however_a_server_writes_them() {
        let said = Ok("{\"a\":1}".to_owned());
        assert_eq!(of(&json!({ "role": "assistant", "content": "{\"a\":1}" })), said);
        assert_eq!(of(&json!({ "content": "{\"a\":1}", "refusal": null, "tool_calls": [], "reasoning": {} })), said);
        assert_eq!(
            of(&json!({ "content": [{ "type": "text", "text": "{\"a\"" }, { "type": "output_text", "text": ":1}" }] })),
            said
        );
        assert_eq!(of(&json!({ "content": ["{\"a\":", "1}", { "type": "image" }] })), said);
        let whole = json!({
            "id": 7, "object": "something", "choices": [
                { "index": 0, "finish_reason": "eos", "logprobs": [], "message": { "content": "{\"a\":1}" } },
                { "message": { "content": "another" } },
            ], "usage": "none", "system_fingerprint": null,
        });
        assert_eq!(words(whole.to_string().as_bytes()), said);
    }

    #[test]
    fn a_model_that_says_nothing_has_declined() {
        for message in [
            json!({ "content": null, "refusal": "I cannot help with that." }),
            json!({ "content": "{}", "refusal": "I cannot help with that." }),
            json!({ "content": null, "tool_calls": [{ "id": "1", "function": { "name": "book", "arguments": "{}" } }] }),
            json!({ "content": "" }),
            json!({ "content": [] }),
            json!({}),
        ] {
            assert_eq!(of(&message), Err(ModelError::Declined), "{message}");
        }
    }

    #[test]
    fn what_is_no_completion_cannot_be_read() {
        for body in
            ["", "{", "null", "[]", "{}", r#"{"choices":[]}"#, r#"{"choices":[{"text":"{}"}]}"#, "<html></html>"]
        {
            assert_eq!(words(body.as_bytes()), Err(ModelError::Unreadable), "{body}");
        }
    }

    proptest! {
        #[test]
        fn no_body_is_too_strange(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = words(&body);
        }
    }
}
