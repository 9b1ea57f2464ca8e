//! The REST API: <https://www.twilio.com/docs/messaging/api/message-resource>.

mod create;
mod faulty;
mod list;
mod request;

use std::sync::Arc;

use axum::{
    Json, Router,
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use chrono::{DateTime, Utc};
use nmc_providers::twilio::segments::Segments;
use serde_json::{Value, json};

use super::{
    Account,
    ledger::{Direction, Message},
};

pub(super) fn router() -> Router<Arc<Account>> {
    Router::new()
        .route("/2010-04-01/Accounts/{account}/Messages.json", post(create::create).get(list::messages))
        .route("/2010-04-01/Accounts/{account}/Messages/{resource}", get(list::message))
        .route("/2010-04-01/Accounts/{account}/Messages/{resource}/Media.json", get(list::media))
        .route("/2010-04-01/Accounts/{account}/Calls.json", get(list::calls))
        .route("/2010-04-01/Accounts/{account}/Calls/{resource}", get(list::call))
}

/// A refusal in Twilio's form: <https://www.twilio.com/docs/usage/twilios-response#response-formats-exceptions>.
struct Refusal {
    status: StatusCode,
    code: u32,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, code: u32, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    fn bad(code: u32, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, 20_404, "The requested resource was not found")
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self { status, code, message } = self;
        let more_info = format!("https://www.twilio.com/docs/errors/{code}");
        let body = json!({ "code": code, "message": message, "more_info": more_info, "status": status.as_u16() });
        (status, Json(body)).into_response()
    }
}

/// Checks the credentials and that the path names the same account.
fn authenticate(account: &Account, headers: &HeaderMap, sid_in_path: &str) -> Result<(), Refusal> {
    let credentials = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Basic "))
        .and_then(|encoded| BASE64.decode(encoded).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let known = credentials.as_deref().and_then(|text| text.split_once(':')).is_some_and(|(user, password)| {
        user == account.settings.account_sid.as_str() && account.settings.auth_token.matches(password)
    });
    if !known {
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, 20_003, "Authenticate"));
    }
    if sid_in_path != account.settings.account_sid.as_str() {
        return Err(Refusal::not_found());
    }
    Ok(())
}

fn rfc_2822(time: DateTime<Utc>) -> String {
    time.to_rfc2822()
}

/// A message as the API shows it.
fn message_json(account: &Account, message: &Message) -> Value {
    let uri = format!("/2010-04-01/Accounts/{}/Messages/{}", account.settings.account_sid, message.sid);
    // Twilio knows the time of sending only once the carrier has the message.
    let is_sent = !matches!(message.status.as_str(), "accepted" | "queued");
    json!({
        "sid": message.sid,
        "account_sid": account.settings.account_sid,
        "messaging_service_sid": message.messaging_service_sid,
        "from": message.from,
        "to": message.to,
        "body": message.body,
        "status": message.status,
        "direction": match message.direction {
            Direction::Inbound => "inbound",
            Direction::OutboundApi => "outbound-api",
        },
        "error_code": message.error_code,
        "error_message": null,
        "num_segments": Segments::of(&message.body).parts.to_string(),
        "num_media": message.media.len().to_string(),
        "price": null,
        "price_unit": "USD",
        "api_version": "2010-04-01",
        "date_created": rfc_2822(message.received_at),
        "date_updated": rfc_2822(message.updated_at),
        "date_sent": is_sent.then(|| rfc_2822(message.updated_at)),
        "uri": format!("{uri}.json"),
        "subresource_uris": { "media": format!("{uri}/Media.json") },
    })
}
