use axum::{Json, extract::State, http::StatusCode};
use nmc_kernel::{ConversationId, MessageId};
use nmc_web::{ApiRefusal, IdempotentJson, Page, PageRequest, Path, Problem, User};
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::{DecisionView, MessageView, MessageWhyView};
use crate::{Conversation, Message, NewMessage, Written, use_case::read};

/// A conversation's messages
///
/// The newest comes first.
#[utoipa::path(
    get,
    path = "/conversations/{id}/messages",
    tag = "conversation",
    security(("clerk" = [])),
    params(("id" = ConversationId, Path, description = "The conversation"), PageRequest),
    responses(
        (status = 200, description = "A page of messages", body = Page<MessageView>, example = json!({
            "items": [{
                "id": "0190a0a0-0000-7000-8000-000000000003",
                "conversation_id": "0190a0a0-0000-7000-8000-000000000001", "direction": "out", "author": "user",
                "author_user_id": "0190a0a0-0000-7000-8000-000000000002", "purpose": "human",
                "body": "We can come at 3 today.", "media_count": 0, "segments": 1, "status": "delivered",
                "error_code": null, "failure": null, "client_dedup_key": "draft-17",
                "created_at": "2026-06-10T18:05:00Z",
            }],
            "next_cursor": null,
        })),
        (status = 404, description = "`not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_input`: a parameter cannot be", body = Problem,
         content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn list(
    State(conversations): State<Conversation>,
    User(actor): User,
    Path(id): Path<ConversationId>,
    page: PageRequest,
) -> Result<Json<Page<MessageView>>, Problem> {
    let slice = read::Slice { after: page.after()?, limit: page.fetch_limit() };
    let found = read::list_messages(&conversations, &actor, id, slice).await?.ok_or_else(Problem::not_found)?;
    let position = |message: &Message| (message.created_at, message.id);
    Ok(Json(Page::new(found, &page, position).map(MessageView::from)))
}

/// A text to the caller.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "body": "We can come at 3 today.", "client_dedup_key": "draft-17" }))]
pub(super) struct MessageRequest {
    /// 1 to 1,600 characters once quotes and dashes are written plainly.
    body: String,
    /// 1 to 128 characters, unique within the business: a repeat sends nothing and gets the first answer, as with
    /// `Idempotency-Key`.
    client_dedup_key: Option<String>,
}

/// Write to the caller
///
/// In an `open` conversation that takes it over from the automation. The text passes the same gate as any other: where
/// no text may go to the caller, nothing is queued, and the 403 has the gate's reason as its code (`opted-out`,
/// `do-not-text`, `campaign-not-approved`, `tenant-suspended`, ..).
#[utoipa::path(
    post,
    path = "/conversations/{id}/messages",
    tag = "conversation",
    security(("clerk" = [])),
    params(
        ("id" = ConversationId, Path, description = "The conversation"),
        ("Idempotency-Key" = Option<String>, Header, description = "A repeat with the same key sends nothing and gets the first answer")
    ),
    request_body = MessageRequest,
    responses(
        (status = 201, description = "The text is on its way", body = Written, example = json!({
            "message_id": "0190a0a0-0000-7000-8000-000000000003",
            "conversation_id": "0190a0a0-0000-7000-8000-000000000001", "segments": 1, "took_over": true,
        })),
        (status = 404, description = "`not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`conversation_closed`; `idempotency_key_reused`: the key belongs to another text",
         body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "`payload_too_large`", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = Problem,
         content_type = "application/problem+json"),
        (status = 422, description = "`invalid_input`: `body` or `client_dedup_key` cannot be", body = Problem,
         content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn write(
    State(conversations): State<Conversation>,
    User(actor): User,
    Path(id): Path<ConversationId>,
    request: IdempotentJson<MessageRequest>,
) -> Result<(StatusCode, Json<Written>), Problem> {
    let IdempotentJson { body: MessageRequest { body, client_dedup_key }, key } = request;
    let new = NewMessage { body, client_dedup_key };
    let written = conversations.write(&actor, id, &new, key.as_ref()).await?;
    Ok((StatusCode::CREATED, Json(written)))
}

/// Why a message was written, and what became of it
#[utoipa::path(
    get,
    path = "/messages/{id}/why",
    tag = "conversation",
    security(("clerk" = [])),
    params(("id" = MessageId, Path, description = "The message")),
    responses(
        (status = 200, description = "What it follows from, and what the gate said", body = MessageWhyView),
        (status = 404, description = "`not_found`", body = Problem, content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn why(
    State(conversations): State<Conversation>,
    User(actor): User,
    Path(id): Path<MessageId>,
) -> Result<Json<MessageWhyView>, Problem> {
    let why = conversations.why_message(&actor, id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(MessageWhyView {
        text: why.text(),
        why: why.message.why.clone(),
        message: why.message.into(),
        decisions: why.decisions.into_iter().map(DecisionView::from).collect(),
    }))
}
