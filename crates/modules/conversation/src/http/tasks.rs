use axum::{Json, extract::State};
use nmc_kernel::TaskId;
use nmc_web::{ApiRefusal, Page, PageRequest, Path, Problem, Query, User};

use super::{
    filter::TaskFilter,
    view::{ChangeAnswer, TaskView},
};
use crate::{Conversation, Task, use_case::read};

/// What people should do
///
/// Open tasks, the oldest first; with `done=true` those that are done, the one done last first.
#[utoipa::path(
    get,
    path = "/tasks",
    tag = "conversation",
    security(("clerk" = [])),
    params(TaskFilter, PageRequest),
    responses(
        (status = 200, description = "A page of tasks", body = Page<TaskView>, example = json!({
            "items": [{
                "id": "0190a0a0-0000-7000-8000-000000000004", "kind": "call-back", "conversation_id": null,
                "call_id": "0190a0a0-0000-7000-8000-000000000005", "caller_phone": "+12125550142",
                "text": "Call back: this caller gets no text (opted-out).", "created_at": "2026-06-10T18:00:00Z",
                "done_at": null, "done_by": null,
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
    Query(filter): Query<TaskFilter>,
    page: PageRequest,
) -> Result<Json<Page<TaskView>>, Problem> {
    let slice = read::Slice { after: page.after()?, limit: page.fetch_limit() };
    let found = read::list_tasks(&conversations, &actor, filter.done, slice).await?;
    let position = |task: &Task| (task.done_at.filter(|_| filter.done).unwrap_or(task.created_at), task.id);
    Ok(Json(Page::new(found, &page, position).map(TaskView::from)))
}

/// Tick a task off
///
/// What asks for an answer to a caller is done together: the caller waits no more. Doing it twice changes nothing.
#[utoipa::path(
    post,
    path = "/tasks/{id}/done",
    tag = "conversation",
    security(("clerk" = [])),
    params(("id" = TaskId, Path, description = "The task")),
    responses(
        (status = 200, description = "It is done", body = ChangeAnswer),
        (status = 404, description = "`not_found`", body = Problem, content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn done(
    State(conversations): State<Conversation>,
    User(actor): User,
    Path(id): Path<TaskId>,
) -> Result<Json<ChangeAnswer>, Problem> {
    Ok(Json(conversations.tick_off(&actor, id).await?.into()))
}
