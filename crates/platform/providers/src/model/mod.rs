//! A language model behind an API that is compatible with OpenAI's: one question with a JSON Schema for the answer.
//!
//! Sources: <https://platform.openai.com/docs/api-reference/chat/create> and
//! <https://platform.openai.com/docs/guides/structured-outputs>. Servers that are compatible differ in what they leave
//! out and add, so nothing is read of an answer but its words.

mod completion;

use std::{fmt, time::Duration};

use reqwest::{Method, Url, header::CONTENT_TYPE};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::http::{Bounds, Http, parse_base_url};

/// Whoever waits for a model has waited for so long at most, the connection and the whole answer included.
pub const TIMEOUT: Duration = Duration::from_millis(3_500);
/// A connection that is not there by now leaves no time for an answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Longer than [`TIMEOUT`], which ends it first.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// A model that is told to write for ever stops here: an answer is a few hundred tokens. Servers that know only the
/// older `max_tokens` ignore it, and OpenAI's takes one of the two, of its newer models this one:
/// <https://platform.openai.com/docs/api-reference/chat/create#chat_create-max_completion_tokens>.
const MAX_ANSWER_TOKENS: u32 = 1_000;
/// An answer is a few hundred bytes, with what servers add to it a few thousand; more is not read.
const MAX_ANSWER_BYTES: usize = 32 * 1024;

/// Where the model is.
#[derive(Clone, Debug)]
pub struct ModelSettings {
    /// What `/chat/completions` is appended to: `https://api.openai.com/v1`, a server of one's own, a simulator.
    pub base_url: String,
    /// What the model is called there.
    pub name: String,
    /// The key; servers of one's own need none.
    pub api_key: Option<SecretString>,
}

/// What a model is asked.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// What it is to do.
    pub instructions: &'a str,
    /// What it is to do it with: data, whatever stands in it.
    pub data: &'a str,
    /// What its answer looks like: a name for the schema and the schema, of which strict servers want every property
    /// required and no others.
    pub schema: (&'a str, &'a Value),
}

/// The client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ModelSettingsError {
    /// The URL is not an http or https URL.
    #[error("the model's URL is not an http or https URL")]
    BaseUrl,
    /// The HTTP client could not be made: a TLS problem of this machine.
    #[error("the HTTP client could not be built")]
    Build(#[source] reqwest::Error),
}

/// A question has no answer. Nothing of the question or of the answer is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// No whole answer in [`TIMEOUT`].
    #[error("the model took too long")]
    TimedOut,
    /// No connection, or it broke.
    #[error("the model could not be reached")]
    Unreachable,
    /// Another status than success.
    #[error("the model's server answered {0}")]
    Refused(u16),
    /// A success that is no completion, or longer than is reasonable.
    #[error("the model's answer could not be read")]
    Unreadable,
    /// The model would not say anything, or wanted a tool, of which there is none.
    #[error("the model declined to answer")]
    Declined,
}

impl ModelError {
    /// Whether the next question would fare no better, whatever it is about. What a single question can bring about
    /// does not count: whoever wrote it would decide for everybody else. A question can be slow to answer as well, and
    /// so can everything: of time-outs whoever counts has to see whose they are.
    pub const fn is_outage(self) -> bool {
        match self {
            Self::TimedOut | Self::Unreachable => true,
            Self::Refused(status) => matches!(status, 401 | 403 | 404 | 408 | 429) || status >= 500,
            Self::Unreadable | Self::Declined => false,
        }
    }
}

/// The client; clones share the connections. `Debug` does not show the key.
#[derive(Clone)]
pub struct ModelClient {
    http: Http,
    url: Url,
    name: String,
    api_key: Option<SecretString>,
}

impl fmt::Debug for ModelClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelClient").field("url", &self.url.as_str()).field("name", &self.name).finish_non_exhaustive()
    }
}

impl ModelClient {
    /// Builds the connection pool; opens no connection.
    pub fn new(settings: ModelSettings) -> Result<Self, ModelSettingsError> {
        let mut url = parse_base_url(&settings.base_url).map_err(|_| ModelSettingsError::BaseUrl)?;
        // A base URL was checked to have a host, so it has segments.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["chat", "completions"]);
        }
        let bounds = Bounds {
            connect_timeout: CONNECT_TIMEOUT,
            request_timeout: REQUEST_TIMEOUT,
            max_answer_bytes: MAX_ANSWER_BYTES,
        };
        let http = Http::new("model", &url, bounds).map_err(ModelSettingsError::Build)?;
        Ok(Self { http, url, name: settings.name, api_key: settings.api_key })
    }

    /// What the model is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Asks once. The answer is what the model wrote: JSON by its schema, if it did as it was told.
    pub async fn ask(&self, question: Question<'_>) -> Result<String, ModelError> {
        let (schema_name, schema) = question.schema;
        let body = json!({
            "model": self.name,
            "messages": [
                { "role": "system", "content": question.instructions },
                { "role": "user", "content": question.data },
            ],
            "temperature": 0,
            "max_completion_tokens": MAX_ANSWER_TOKENS,
            "response_format": {
                "type": "json_schema",
                "json_schema": { "name": schema_name, "strict": true, "schema": schema },
            },
        });
        let mut request = self.http.request(Method::POST, self.url.clone());
        request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        if let Some(api_key) = &self.api_key {
            request = request.bearer_auth(api_key.expose_secret());
        }
        let exchange = tokio::time::timeout(TIMEOUT, self.http.exchange("chat.completions", request));
        let answer = match exchange.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) if error.is_timeout() => return Err(ModelError::TimedOut),
            Ok(Err(_)) => return Err(ModelError::Unreachable),
            Err(_) => return Err(ModelError::TimedOut),
        };
        if !answer.status.is_success() {
            return Err(ModelError::Refused(answer.status.as_u16()));
        }
        completion::words(&answer.body.ok_or(ModelError::Unreadable)?)
    }
}
