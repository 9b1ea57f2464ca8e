use axum::{Json, extract::State, http::StatusCode};
use nmc_kernel::InvitationId;
use nmc_web::{ApiRefusal, Owner, Page, PageRequest, Path, Problem};

use super::view::InvitationView;
use crate::Identity;

/// Who was asked to join the business, the newest first
///
/// For owners.
#[utoipa::path(
    get,
    path = "/invitations",
    tag = "identity",
    security(("clerk" = [])),
    params(PageRequest),
    responses(
        (status = 200, description = "One page of them", body = Page<InvitationView>),
        (status = 422, description = "`limit` or `cursor` is not one (`invalid_input`)", body = Problem,
         content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn list_invitations(
    State(identity): State<Identity>,
    Owner(actor): Owner,
    page: PageRequest,
) -> Result<Json<Page<InvitationView>>, Problem> {
    let (invitations, now) = identity.invitations(&actor, page.after()?, page.fetch_limit()).await?;
    let page = Page::new(invitations, &page, |invitation| (invitation.created_at, invitation.id));
    Ok(Json(page.map(|invitation| InvitationView::at(invitation, now))))
}

/// Take an invitation back: its link leads nowhere any more
///
/// For owners.
#[utoipa::path(
    delete,
    path = "/invitations/{id}",
    tag = "identity",
    security(("clerk" = [])),
    params(("id" = InvitationId, Path)),
    responses(
        (status = 204, description = "It is taken back, or was over before"),
        (status = 404, description = "There is no such invitation (`not_found`)", body = Problem,
         content_type = "application/problem+json"),
        (status = 409, description = "The person has joined: deactivate them instead (`invitation_accepted`)",
         body = Problem, content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn delete_invitation(
    State(identity): State<Identity>,
    Owner(actor): Owner,
    Path(id): Path<InvitationId>,
) -> Result<StatusCode, Problem> {
    identity.revoke_invitation(&actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
