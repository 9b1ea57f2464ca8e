//! Webhooks out, as Svix sends them for Clerk: signed, and tried a bounded number of times.

use std::{sync::Arc, time::Duration};

use nmc_providers::clerk::webhook::{ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER};
use serde_json::{Value, json};

use super::Instance;

/// Svix tries for days; here a restart of the service is outlived and no more.
const ATTEMPTS: u32 = 8;
const FIRST_WAIT: Duration = Duration::from_millis(20);
/// Svix gives a service 15 seconds (<https://docs.svix.com/retries>).
const TIMEOUT: Duration = Duration::from_secs(15);

/// Which signature a webhook carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureKind {
    /// Svix's.
    #[default]
    Correct,
    /// Somebody else's.
    Wrong,
    /// None.
    Missing,
}

/// A webhook to send by hand: once, without retries.
#[derive(Clone, Debug)]
pub struct WebhookMessage {
    /// `svix-id`.
    pub id: String,
    /// `svix-timestamp`.
    pub timestamp: i64,
    /// The body.
    pub body: String,
    /// Which signature.
    pub signature: SignatureKind,
}

impl Instance {
    /// An event as Clerk words it: <https://clerk.com/docs/guides/development/webhooks/overview>.
    pub(super) fn message(&self, kind: &str, data: &Value) -> WebhookMessage {
        let now = self.settings.clock.now();
        let body = json!({
            "type": kind, "object": "event", "data": data, "timestamp": now.timestamp_millis(),
            "instance_id": "ins_simulated", "event_attributes": {"http_request": {"client_ip": "", "user_agent": ""}},
        });
        WebhookMessage {
            id: self.new_id("msg_"),
            timestamp: now.timestamp(),
            body: body.to_string(),
            signature: SignatureKind::Correct,
        }
    }

    /// Sends an event in the background until it is answered with success or given up.
    pub(super) fn announce(self: &Arc<Self>, kind: &str, data: &Value) {
        if self.state().service_url.is_none() {
            return;
        }
        let mut message = self.message(kind, data);
        let instance = self.clone();
        self.work.spawn(async move {
            let mut wait = FIRST_WAIT;
            for attempt in 1..=ATTEMPTS {
                let answered = instance.post(&message).await;
                if answered.is_some_and(|status| (200..300).contains(&status)) || attempt == ATTEMPTS {
                    return;
                }
                tokio::time::sleep(wait).await;
                wait *= 2;
                // Each attempt is signed for its own time; the id stays.
                message.timestamp = instance.settings.clock.now().timestamp();
            }
        });
    }

    /// One request; the answer's status, where one came.
    pub(super) async fn post(&self, message: &WebhookMessage) -> Option<u16> {
        let service_url = self.state().service_url.clone()?;
        let body = message.body.clone();
        let signed = self.settings.webhook_secret.sign(&message.id, message.timestamp, body.as_bytes());
        let mut request = self
            .http
            .post(format!("{}/webhooks/clerk", service_url.trim_end_matches('/')))
            .timeout(TIMEOUT)
            .header("content-type", "application/json")
            .header(ID_HEADER, &message.id)
            .header(TIMESTAMP_HEADER, message.timestamp);
        request = match message.signature {
            SignatureKind::Correct => request.header(SIGNATURE_HEADER, signed),
            SignatureKind::Wrong => request.header(SIGNATURE_HEADER, "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
            SignatureKind::Missing => request,
        };
        let status = request.body(body).send().await.ok().map(|answer| answer.status().as_u16());
        let mut state = self.state();
        state.webhooks_sent += 1;
        state.webhooks_failed += usize::from(!status.is_some_and(|status| (200..300).contains(&status)));
        status
    }
}
