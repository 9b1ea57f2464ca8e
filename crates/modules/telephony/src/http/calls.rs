//! The calls of the business, for its people.

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use nmc_events::telephony::MissedReason;
use nmc_kernel::{CallId, E164};
use nmc_web::{ApiRefusal, Page, PageRequest, Path, Problem, Query, User, is_storable};
use serde::{Deserialize, Serialize};

use crate::{
    Telephony,
    model::{
        call::{Outcome, Way},
        record::Call,
        text_answer::TextAnswer,
    },
    store::call_list::CallFilter,
};

const AN_EXAMPLE: &str = "0190a5c8-7a3e-7c1d-9b7f-2f4c5d6e7f80";

/// Which calls are wanted.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct CallQuery {
    /// Only calls that began at this time or later.
    from: Option<DateTime<Utc>>,
    /// Only calls that began before this time.
    to: Option<DateTime<Utc>>,
    /// Only calls of this caller, in E.164 form.
    #[param(value_type = Option<String>, example = "+12125550123")]
    caller_phone: Option<String>,
    /// Only calls that stand so.
    #[param(inline)]
    status: Option<CallStatusWord>,
    /// Only calls that were missed in this way: `no-answer`, `busy`, `failed`, `canceled`, `not-accepted`,
    /// `short-complete`, `forwarded`.
    reason: Option<String>,
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum CallStatusWord {
    /// Not decided yet.
    Open,
    /// A person took it.
    Accepted,
    /// Nobody did.
    Missed,
}

impl CallStatusWord {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Accepted => "accepted",
            Self::Missed => "missed",
        }
    }
}

impl CallQuery {
    fn filter(self) -> Result<CallFilter, Problem> {
        let phone = |text: String| {
            E164::parse(&text).map_err(|_| Problem::invalid_field("caller_phone", "must be a number in E.164 form"))
        };
        let reason = |word: String| {
            let known = MissedReason::ALL.iter().map(|reason| reason.as_str()).find(|known| *known == word);
            known.ok_or_else(|| Problem::invalid_field("reason", "must be a way in which calls are missed"))
        };
        let time = |field, time: Option<DateTime<Utc>>| match time {
            Some(time) if !is_storable(time) => Err(Problem::invalid_field(field, "must be of a year from 0 to 9999")),
            time => Ok(time),
        };
        Ok(CallFilter {
            from: time("from", self.from)?,
            to: time("to", self.to)?,
            caller: self.caller_phone.map(phone).transpose()?,
            status: self.status.map(CallStatusWord::as_str),
            reason: self.reason.map(reason).transpose()?,
        })
    }
}

/// A call that came in
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "id": AN_EXAMPLE, "caller_phone": "+12125550123", "business_phone": "+14155550100", "reached_us": "dial",
    "status": "missed", "reason": "no-answer", "began_at": "2026-03-04T17:00:00Z", "ended_at": "2026-03-04T17:00:21Z",
    "duration_seconds": 21, "told": "text",
    "text": {
        "outcome": "block", "reason": "opted-out", "in_words": "The caller has opted out of texts.",
        "decided_at": "2026-03-04T17:00:19Z", "until": null
    }
}))]
pub(super) struct CallView {
    /// The call.
    #[schema(value_type = uuid::Uuid)]
    id: CallId,
    /// Who called; null where the number was withheld or cannot be read.
    #[schema(value_type = Option<String>)]
    caller_phone: Option<E164>,
    /// The number of the business that was called.
    #[schema(value_type = String)]
    business_phone: E164,
    /// How the call reached us: `dial` (the business's phone was rung), `forwarded` (it arrived missed), `status-only`.
    reached_us: &'static str,
    /// Where it stands.
    status: CallStatusWord,
    /// How it was missed; null where it was not.
    reason: Option<&'static str>,
    /// When it came in.
    began_at: DateTime<Utc>,
    /// When it ended; null where that was never reported.
    ended_at: Option<DateTime<Utc>>,
    /// How long it lasted.
    duration_seconds: Option<u32>,
    /// What the caller was told aloud would follow: `text` or `call-back`; null where nothing was said.
    told: Option<&'static str>,
    /// Whether the caller is answered by a text, and why.
    text: TextView,
}

/// Whether a caller is answered by a text, and why
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct TextView {
    /// `allow`, `defer` (not yet), `block`, `undecided`, or `not-needed` (the call was not missed).
    outcome: &'static str,
    /// Why not, or not yet: a stable word.
    reason: Option<&'static str>,
    /// The same for people.
    in_words: &'static str,
    /// When that was decided; null where it was not, or where the number itself says it.
    decided_at: Option<DateTime<Utc>>,
    /// When it is decided anew; null unless deferred.
    until: Option<DateTime<Utc>>,
}

impl CallView {
    fn of((call, answer): (Call, TextAnswer)) -> Self {
        let (status, reason) = match call.state.outcome {
            Outcome::Open => (CallStatusWord::Open, None),
            Outcome::Accepted => (CallStatusWord::Accepted, None),
            Outcome::Missed(reason) => (CallStatusWord::Missed, Some(reason.as_str())),
        };
        let (decided_at, until) = match answer {
            TextAnswer::Decided { decision, at } => (Some(at), decision.until()),
            TextAnswer::NotNeeded | TextAnswer::Undecided | TextAnswer::Untextable(_) => (None, None),
        };
        Self {
            id: call.id,
            caller_phone: call.from.phone,
            business_phone: call.to,
            reached_us: match call.state.way {
                Way::Dial { .. } => "dial",
                Way::Forwarded => "forwarded",
                Way::StatusOnly => "status-only",
            },
            status,
            reason,
            began_at: call.created_at,
            ended_at: call.state.ended_at,
            duration_seconds: call.state.duration_seconds,
            told: call.promise.map(crate::model::answer::Promise::as_str),
            text: TextView {
                outcome: answer.outcome(),
                reason: answer.reason(),
                in_words: answer.in_words(),
                decided_at,
                until,
            },
        }
    }
}

/// The business's calls
///
/// The newest first, with why a text was or was not sent.
#[utoipa::path(
    get,
    path = "/calls",
    tag = "telephony",
    security(("clerk" = [])),
    params(PageRequest, CallQuery),
    responses(
        (status = 200, description = "A page of calls", body = Page<CallView>),
        (status = 422, description = "A filter or the cursor cannot be read (`invalid_input`)", body = Problem,
         content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn calls(
    State(telephony): State<Telephony>,
    User(actor): User,
    page: PageRequest,
    Query(query): Query<CallQuery>,
) -> Result<Json<Page<CallView>>, Problem> {
    let filter = query.filter()?;
    let rows = telephony.calls(&actor, &filter, page.after()?, page.fetch_limit()).await?;
    Ok(Json(Page::new(rows, &page, |(call, _)| (call.created_at, call.id)).map(CallView::of)))
}

/// One call
#[utoipa::path(
    get,
    path = "/calls/{id}",
    tag = "telephony",
    security(("clerk" = [])),
    params(("id" = uuid::Uuid, Path, description = "The call")),
    responses(
        (status = 200, description = "The call", body = CallView),
        (status = 404, description = "The business has no such call (`not_found`)", body = Problem,
         content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn call(
    State(telephony): State<Telephony>,
    User(actor): User,
    Path(id): Path<CallId>,
) -> Result<Json<CallView>, Problem> {
    let found = telephony.call(&actor, id).await?;
    found.map(CallView::of).map(Json).ok_or_else(Problem::not_found)
}
