//! The caller's side: a phone whose network is Twilio's simulator.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Json,
    body::Bytes,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::sse::{Event, KeepAlive, Sse},
};
use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt as _, stream};
use nmc_simulators::twilio::{CallRequest, CallScenario, Direction, Heard, TextRequest, TwilioSimulator};
use nmc_web::Problem;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::Local;

/// Example callers, several so that two of them can want the same time; 555-0151 to 0154 belong to nobody.
const CALLERS: [Caller; 4] = [
    Caller { name: "Ann", phone: "+14155550151" },
    Caller { name: "Ben", phone: "+14155550152" },
    Caller { name: "Cleo", phone: "+14155550153" },
    Caller { name: "Diego", phone: "+14155550154" },
];
/// As long as a text may be at Twilio:
/// <https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource>.
const CHARACTERS_MAX: usize = 1_600;
/// As many pictures as Twilio takes in one message, the same page.
const PICTURES_MAX: usize = 10;
/// What a phone shows of the past: more than anybody scrolls through.
const ENTRIES_MAX: usize = 200;

#[derive(Clone, Copy, Debug, Serialize)]
struct Caller {
    name: &'static str,
    phone: &'static str,
}

/// Whom the phone can call, and who it can be.
#[derive(Serialize)]
pub(super) struct About {
    business: &'static str,
    number: String,
    callers: [Caller; CALLERS.len()],
}

pub(super) async fn about(State(local): State<Arc<Local>>) -> Json<About> {
    let (business, number) = (local.business.name, local.business.number.as_str().to_owned());
    Json(About { business, number, callers: CALLERS })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ring {
    caller: String,
}

/// What came of a call that nobody took.
#[derive(Serialize)]
pub(super) struct Rung {
    /// What the caller heard, sentence by sentence.
    heard: Vec<String>,
    /// Whether the product answered all that it was asked.
    answered: bool,
}

pub(super) async fn ring(
    State(local): State<Arc<Local>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Rung>, Problem> {
    let Ring { caller } = parse(&headers, &body)?;
    let request = CallRequest::new(known(&caller)?.phone, local.business.number.clone(), CallScenario::NoAnswer);
    let transcript = to_its_end(async move { local.twilio.place_call(request).await }).await?;
    let heard = transcript.heard_by(Heard::Caller).into_iter().map(str::to_owned).collect();
    Ok(Json(Rung { heard, answered: transcript.all_answered() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    caller: String,
    body: String,
    #[serde(default)]
    pictures: usize,
}

#[derive(Serialize)]
pub(super) struct Texted {
    /// Whether the product has taken it; where it has not, it finds it in Twilio's list later.
    answered: bool,
}

pub(super) async fn text(
    State(local): State<Arc<Local>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Texted>, Problem> {
    let Text { caller, body, pictures } = parse(&headers, &body)?;
    let caller = known(&caller)?;
    if body.trim().is_empty() && pictures == 0 {
        return Err(wrong("`body` is empty, and no picture comes with it."));
    }
    if body.chars().count() > CHARACTERS_MAX {
        return Err(wrong(format!("`body` has more than {CHARACTERS_MAX} characters.")));
    }
    if pictures > PICTURES_MAX {
        return Err(wrong(format!("`pictures` is more than {PICTURES_MAX}.")));
    }
    let picture = |number| (format!("https://example.com/picture-{number}.jpg"), "image/jpeg".to_owned());
    let request = TextRequest {
        media: (1..=pictures).map(picture).collect(),
        ..TextRequest::new(caller.phone, local.business.number.as_str(), body)
    };
    let result = to_its_end(async move { local.twilio.send_text(request).await }).await?;
    Ok(Json(Texted { answered: result.answer.is_some_and(|answer| answer.is_success()) }))
}

#[derive(Deserialize)]
pub(super) struct Whose {
    caller: String,
}

/// Something on the phone's screen.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Entry {
    /// The phone called, and nobody took it.
    Call { id: String, at: DateTime<Utc> },
    /// The phone wrote, or got, a text.
    Text { id: String, at: DateTime<Utc>, is_own: bool, body: String, pictures: usize },
}

impl Entry {
    const fn at(&self) -> DateTime<Utc> {
        match self {
            Self::Call { at, .. } | Self::Text { at, .. } => *at,
        }
    }
}

/// The phone's screen, whole, at once and whenever something on it is different.
pub(super) async fn stream(
    State(local): State<Arc<Local>>,
    query: Result<Query<Whose>, axum::extract::rejection::QueryRejection>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let Query(Whose { caller }) = query.map_err(|_| wrong("`caller` is missing."))?;
    let caller = known(&caller)?;
    let seat = local.seat()?;
    let stop = local.shutdown.clone().cancelled_owned();
    let mut changes = local.twilio.changes();
    changes.mark_changed();
    let screens = stream::unfold((local, changes, None), move |(local, mut changes, shown)| async move {
        loop {
            changes.changed().await.ok()?;
            let screen = screen(&local.twilio, caller.phone, local.business.number.as_str());
            // Something is different on another phone.
            if shown.as_ref() != Some(&screen) {
                let event = Event::default().event("screen").json_data(&screen).unwrap_or_default();
                return Some((Ok(event), (local, changes, Some(screen))));
            }
        }
    });
    let screens = screens.take_until(stop).map(move |event| {
        let _open = &seat;
        event
    });
    Ok(Sse::new(screens).keep_alive(KeepAlive::default()))
}

fn screen(twilio: &TwilioSimulator, phone: &str, business: &str) -> Vec<Entry> {
    let texts = twilio.messages_with(phone).into_iter().filter_map(|message| {
        let is_own = message.direction == Direction::Inbound;
        let is_here = is_own || message.status == "delivered";
        (is_here && (message.from == business || message.to == business)).then_some(Entry::Text {
            id: message.sid,
            at: message.received_at,
            is_own,
            body: message.body,
            pictures: message.media.len(),
        })
    });
    let calls = twilio.calls().into_iter().filter(|call| call.from == phone && call.parent_call_sid.is_none());
    let calls = calls.map(|call| Entry::Call { id: call.sid, at: call.started_at });
    let mut entries: Vec<Entry> = texts.chain(calls).collect();
    entries.sort_by_key(Entry::at);
    entries.split_off(entries.len().saturating_sub(ENTRIES_MAX))
}

/// In a task of its own: a page that is closed half way tears no call off.
async fn to_its_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<T, Problem> {
    tokio::spawn(work).await.map_err(|error| Problem::internal(&error))
}

fn known(phone: &str) -> Result<Caller, Problem> {
    let caller = CALLERS.into_iter().find(|caller| caller.phone == phone);
    caller.ok_or_else(|| wrong("`caller` is none of the example callers."))
}

fn parse<T: DeserializeOwned>(headers: &HeaderMap, body: &Bytes) -> Result<T, Problem> {
    // A page elsewhere cannot send this type without asking first, which is never answered.
    if headers.get(CONTENT_TYPE).is_none_or(|kind| kind.as_bytes() != b"application/json") {
        return Err(wrong("The content type must be application/json."));
    }
    serde_json::from_slice(body).map_err(|error| wrong(format!("The body cannot be read: {error}.")))
}

fn wrong(detail: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid_input", detail)
}
