use axum::{Json, extract::State};
use nmc_kernel::ConversationId;
use nmc_web::{ApiRefusal, Page, PageRequest, Path, Problem, Query, User};

use super::{
    filter::ConversationFilter,
    view::{ChangeAnswer, ConversationDetail, ConversationView},
};
use crate::{
    Conversation, ConversationOverview,
    use_case::{change_state, read},
};

/// Conversations
///
/// The one with the newest activity comes first.
#[utoipa::path(
    get,
    path = "/conversations",
    tag = "conversation",
    security(("clerk" = [])),
    params(ConversationFilter, PageRequest),
    responses(
        (status = 200, description = "A page of conversations", body = Page<ConversationView>, example = json!({
            "items": [{
                "id": "0190a0a0-0000-7000-8000-000000000001", "caller_phone": "+12125550142",
                "business_phone": "+12125550100", "state": "human", "epoch": 1, "opened_at": "2026-06-10T18:00:00Z",
                "last_activity_at": "2026-06-10T18:05:00Z", "waiting_since": "2026-06-10T18:05:00Z", "closed_at": null,
                "closed_reason": null, "last_message": null,
            }],
            "next_cursor": null,
        })),
        (status = 422, description = "`invalid_input`: a parameter cannot be", body = Problem,
         content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn list(
    State(conversations): State<Conversation>,
    User(actor): User,
    Query(filter): Query<ConversationFilter>,
    page: PageRequest,
) -> Result<Json<Page<ConversationView>>, Problem> {
    let slice = read::Slice { after: page.after()?, limit: page.fetch_limit() };
    let found = read::list(&conversations, &actor, filter.state, filter.caller_phone.as_ref(), slice).await?;
    let position = |overview: &ConversationOverview| (overview.conversation.last_activity_at, overview.conversation.id);
    Ok(Json(Page::new(found, &page, position).map(ConversationView::from)))
}

/// A conversation
#[utoipa::path(
    get,
    path = "/conversations/{id}",
    tag = "conversation",
    security(("clerk" = [])),
    params(("id" = ConversationId, Path, description = "The conversation")),
    responses(
        (status = 200, description = "The conversation, and who had it when", body = ConversationDetail, example = json!({
            "id": "0190a0a0-0000-7000-8000-000000000001", "caller_phone": "+12125550142",
            "business_phone": "+12125550100", "state": "human", "epoch": 1, "opened_at": "2026-06-10T18:00:00Z",
            "last_activity_at": "2026-06-10T18:05:00Z", "waiting_since": null, "closed_at": null, "closed_reason": null,
            "last_message": null,
            "human_stretches": [{
                "began_at": "2026-06-10T18:04:00Z", "began_by": "0190a0a0-0000-7000-8000-000000000002",
                "began_because": "taken-over", "ended_at": null, "ended_by": null, "ended_because": null,
            }],
        })),
        (status = 404, description = "`not_found`", body = Problem, content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn show(
    State(conversations): State<Conversation>,
    User(actor): User,
    Path(id): Path<ConversationId>,
) -> Result<Json<ConversationDetail>, Problem> {
    let found = read::conversation(&conversations, &actor, id).await?;
    let (overview, human_stretches) = found.ok_or_else(Problem::not_found)?;
    Ok(Json(ConversationDetail { conversation: overview.into(), human_stretches }))
}

/// Take a conversation over
///
/// The automation falls silent, and what it had planned never leaves. Doing it twice changes nothing.
#[utoipa::path(
    post,
    path = "/conversations/{id}/takeover",
    tag = "conversation",
    security(("clerk" = [])),
    params(("id" = ConversationId, Path, description = "The conversation")),
    responses(
        (status = 200, description = "A person has it", body = ChangeAnswer),
        (status = 404, description = "`not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`conversation_closed`, `conversation_blocked`", body = Problem,
         content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn take_over(
    State(conversations): State<Conversation>,
    User(actor): User,
    Path(id): Path<ConversationId>,
) -> Result<Json<ChangeAnswer>, Problem> {
    Ok(Json(change_state::take_over(&conversations, &actor, id).await?.into()))
}

/// Give a conversation back to the automation
///
/// Doing it twice changes nothing.
#[utoipa::path(
    post,
    path = "/conversations/{id}/release",
    tag = "conversation",
    security(("clerk" = [])),
    params(("id" = ConversationId, Path, description = "The conversation")),
    responses(
        (status = 200, description = "No person has it", body = ChangeAnswer),
        (status = 404, description = "`not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`conversation_closed`", body = Problem, content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn release(
    State(conversations): State<Conversation>,
    User(actor): User,
    Path(id): Path<ConversationId>,
) -> Result<Json<ChangeAnswer>, Problem> {
    Ok(Json(change_state::release(&conversations, &actor, id).await?.into()))
}

/// End a conversation
///
/// What the automation had planned never leaves; what a person wrote still goes out. The caller's next call or text
/// begins another conversation. Doing it twice changes nothing.
#[utoipa::path(
    post,
    path = "/conversations/{id}/close",
    tag = "conversation",
    security(("clerk" = [])),
    params(("id" = ConversationId, Path, description = "The conversation")),
    responses(
        (status = 200, description = "It has ended", body = ChangeAnswer),
        (status = 404, description = "`not_found`", body = Problem, content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn close(
    State(conversations): State<Conversation>,
    User(actor): User,
    Path(id): Path<ConversationId>,
) -> Result<Json<ChangeAnswer>, Problem> {
    Ok(Json(change_state::close(&conversations, &actor, id).await?.into()))
}
