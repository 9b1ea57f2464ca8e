//! What people, Twilio and others who have its account do.

use axum::{
    body::Body,
    http::{Request, StatusCode, header::CONTENT_TYPE},
};
use nmc_kernel::{Actor, E164};
use nmc_providers::twilio::{
    SendOutcome, SendSms, Sender,
    signature::{SIGNATURE_HEADER, sign},
};
use tower::ServiceExt as _;

use super::{PUBLIC, World, business};

impl World {
    /// A signed-in person's request; the status and the JSON of the answer.
    pub(crate) async fn api(
        &self,
        actor: Actor,
        method: &str,
        path: &str,
        body: Option<serde_json::Value>,
    ) -> (StatusCode, serde_json::Value) {
        self.api_with_key(actor, method, path, body, None).await
    }

    pub(crate) async fn api_with_key(
        &self,
        actor: Actor,
        method: &str,
        path: &str,
        body: Option<serde_json::Value>,
        key: Option<&str>,
    ) -> (StatusCode, serde_json::Value) {
        let mut request = Request::builder().method(method).uri(path).extension(actor);
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let (router, _) = self.app.conversation.v1_routes().split_for_parts();
        let response = router.oneshot(request.body(body).unwrap()).await.unwrap();
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// A status callback at the address that went out with the text.
    pub(crate) async fn callback(&self, url: &str, sid: &str, status: &str, code: Option<u32>) -> StatusCode {
        let mut fields = vec![
            ("MessageSid", sid.to_owned()),
            ("MessageStatus", status.to_owned()),
            ("From", business().as_str().to_owned()),
        ];
        if let Some(code) = code {
            fields.push(("ErrorCode", code.to_string()));
        }
        let signature = sign(&self.token, url, &fields);
        self.post(url, &fields, Some(&signature)).await
    }

    pub(crate) async fn post(&self, url: &str, fields: &[(&str, String)], signature: Option<&str>) -> StatusCode {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let mut request =
            Request::post(url.strip_prefix(PUBLIC).unwrap()).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(signature) = signature {
            request = request.header(SIGNATURE_HEADER, signature);
        }
        let response = self.router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        response.status()
    }

    /// A text from the business's number that this service knows nothing of; its id.
    pub(crate) async fn send_past_us(&self, to: &E164, body: &str) -> String {
        let from = Sender::Number(business());
        let sms = SendSms { to: to.clone(), from, body: body.to_owned(), status_callback: None };
        let accepted = match self.client.send(&sms).await {
            SendOutcome::Accepted { sid, .. } => Some(sid.to_string()),
            _ => None,
        };
        accepted.unwrap()
    }
}
