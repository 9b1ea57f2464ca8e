use axum::{Json, extract::State};
use nmc_kernel::CallId;
use nmc_web::{ApiRefusal, Path, Problem, User};

use super::view::{CallWhyView, DecisionView, MessageView};
use crate::Conversation;

/// Why a missed call was answered by a text, or not
#[utoipa::path(
    get,
    path = "/calls/{id}/why",
    tag = "conversation",
    security(("clerk" = [])),
    params(("id" = CallId, Path, description = "The call")),
    responses(
        (status = 200, description = "What became of the call, and what the gate said", body = CallWhyView),
        (status = 404, description = "`not_found`: there is no such call, or it was not missed (yet)", body = Problem,
         content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn why(
    State(conversations): State<Conversation>,
    User(actor): User,
    Path(id): Path<CallId>,
) -> Result<Json<CallWhyView>, Problem> {
    let why = conversations.why_call(&actor, id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(CallWhyView {
        call_id: id,
        outcome: why.contact.outcome,
        text: why.text(),
        conversation_id: why.contact.conversation_id,
        answer: why.answer.map(MessageView::from),
        decisions: why.decisions.into_iter().map(DecisionView::from).collect(),
    }))
}
