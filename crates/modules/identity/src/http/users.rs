use axum::{Json, extract::State, http::StatusCode};
use nmc_kernel::{Role, UserId};
use nmc_web::{ApiRefusal, IdempotentJson, JsonBody, Owner, Page, PageRequest, Path, Problem};
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::{InvitationView, UserView};
use crate::{Email, Identity, Invited, UserChange};

/// Whom to invite.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "tech@example.com", "role": "TECH"}))]
pub(super) struct NewInvitation {
    /// Whom it goes to.
    #[schema(value_type = String)]
    email: Email,
    /// What they will be.
    role: Role,
}

/// The people of the business, in the order in which they joined
///
/// For owners.
#[utoipa::path(
    get,
    path = "/users",
    tag = "identity",
    security(("clerk" = [])),
    params(PageRequest),
    responses(
        (status = 200, description = "One page of them", body = Page<UserView>),
        (status = 422, description = "`limit` or `cursor` is not one (`invalid_input`)", body = Problem,
         content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn list_users(
    State(identity): State<Identity>,
    Owner(actor): Owner,
    page: PageRequest,
) -> Result<Json<Page<UserView>>, Problem> {
    let users = identity.users(&actor, page.after()?, page.fetch_limit()).await?;
    Ok(Json(Page::new(users, &page, |user| (user.created_at, user.id)).map(UserView::from)))
}

/// Ask somebody to join the business: they get an e-mail with a link
///
/// For owners. An open invitation to the same address for the same role is answered as it stands. Takes an
/// `Idempotency-Key`.
#[utoipa::path(
    post,
    path = "/users/invite",
    tag = "identity",
    security(("clerk" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters")),
    request_body = NewInvitation,
    responses(
        (status = 201, description = "They are invited", body = InvitationView),
        (status = 200, description = "They were invited before", body = InvitationView),
        (status = 409, description = "They work here (`already_member`), an open invitation is for another role \
         (`already_invited`), or the key came with another request (`idempotency_key_reused`)", body = Problem,
         content_type = "application/problem+json"),
        (status = 422, description = "A field is unknown, missing or not accepted (`invalid_input`)", body = Problem,
         content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn invite_user(
    State(identity): State<Identity>,
    Owner(actor): Owner,
    IdempotentJson { body, key }: IdempotentJson<NewInvitation>,
) -> Result<(StatusCode, Json<InvitationView>), Problem> {
    let (invited, invitation) = identity.invite(&actor, body.email, body.role, key.as_ref()).await?;
    let status = match invited {
        Invited::New(_) => StatusCode::CREATED,
        Invited::Already(_) => StatusCode::OK,
    };
    let now = invitation.created_at;
    Ok((status, Json(InvitationView::at(invitation, now))))
}

/// Change what somebody may do; only the fields that are given change
///
/// For owners. A change holds from the person's next request on.
#[utoipa::path(
    patch,
    path = "/users/{id}",
    tag = "identity",
    security(("clerk" = [])),
    params(("id" = UserId, Path)),
    request_body = UserChange,
    responses(
        (status = 200, description = "The person as they are now", body = UserView),
        (status = 404, description = "There is no such person (`not_found`)", body = Problem,
         content_type = "application/problem+json"),
        (status = 409, description = "Nobody would be left to run the business (`last_owner`)", body = Problem,
         content_type = "application/problem+json"),
        (status = 422, description = "A field is unknown or not accepted (`invalid_input`)", body = Problem,
         content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn patch_user(
    State(identity): State<Identity>,
    Owner(actor): Owner,
    Path(id): Path<UserId>,
    JsonBody(change): JsonBody<UserChange>,
) -> Result<Json<UserView>, Problem> {
    Ok(Json(identity.change_user(&actor, id, change).await?.into()))
}

/// Deactivate somebody: their next request is refused
///
/// For owners. What they did stays theirs; `PATCH` with `active` brings them back.
#[utoipa::path(
    delete,
    path = "/users/{id}",
    tag = "identity",
    security(("clerk" = [])),
    params(("id" = UserId, Path)),
    responses(
        (status = 204, description = "They are inactive, or were before"),
        (status = 404, description = "There is no such person (`not_found`)", body = Problem,
         content_type = "application/problem+json"),
        (status = 409, description = "Nobody would be left to run the business (`last_owner`)", body = Problem,
         content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn delete_user(
    State(identity): State<Identity>,
    Owner(actor): Owner,
    Path(id): Path<UserId>,
) -> Result<StatusCode, Problem> {
    identity.change_user(&actor, id, UserChange { role: None, active: Some(false) }).await?;
    Ok(StatusCode::NO_CONTENT)
}
