//! The API, as somebody's program uses it.

use reqwest::Method;
use serde_json::Value;

use super::Demo;
use crate::{Installation, SandboxError, installation::http_client};

/// An answer of the API.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Answer {
    /// What it was refused with.
    pub(super) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

/// Asks, and waits for the answer, whatever it is.
pub(super) async fn ask(
    installation: &Installation,
    method: Method,
    path: &str,
    token: Option<&str>,
    body: Option<&Value>,
) -> Result<Answer, SandboxError> {
    let failed = |error: reqwest::Error| SandboxError::Demo(format!("the API did not answer: {error}"));
    let mut request = http_client()?.request(method, format!("{}/v1{path}", installation.base_url));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if let Some(body) = body {
        request = request.json(body);
    }
    let answer = request.send().await.map_err(failed)?;
    let status = answer.status().as_u16();
    let bytes = answer.bytes().await.map_err(failed)?;
    Ok(Answer { status, body: serde_json::from_slice(&bytes).unwrap_or_default() })
}

impl Demo {
    /// See [`ask`].
    pub(super) async fn api(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Answer, SandboxError> {
        ask(&self.installation, method, path, token, body).await
    }
}
