use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use nmc_events::compliance::CampaignStatus;
use nmc_kernel::CampaignId;
use nmc_web::{ApiRefusal, FieldError, IdempotentJson, Owner, Problem};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::numbers::NumberView;
use crate::{
    Compliance, Missing, Registration, RegistrationChange, RegistrationSubject, SaidBy, Standing, SubmitCampaignError,
};

/// What was submitted.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"campaign_id": "0197c0de-0000-7000-8000-000000000001", "status": "pending"}))]
pub(super) struct Submitted {
    /// The campaign.
    campaign_id: CampaignId,
    /// Where it stands now.
    status: CampaignStatus,
}

/// Submit the business and what it sends to the carriers
///
/// What is pending is replaced, what was rejected is pending again. Repeatable with an `Idempotency-Key`.
#[utoipa::path(
    post,
    path = "/compliance/submit",
    tag = "compliance",
    security(("clerk" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "A repeat with the same key gets the first answer")),
    request_body = Registration,
    responses(
        (status = 202, body = Submitted),
        (status = 409, description = "`campaign_approved`: it is approved, and the carriers would not know of a change; \
            `idempotency_key_reused`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_input`: `errors` names each field the carriers would send back", body = Problem,
            content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn submit(
    State(compliance): State<Compliance>,
    Owner(actor): Owner,
    IdempotentJson { body, key }: IdempotentJson<Registration>,
) -> Result<(StatusCode, Json<Submitted>), Problem> {
    let campaign_id = compliance.register(&actor, &body, key.as_ref()).await?;
    Ok((StatusCode::ACCEPTED, Json(Submitted { campaign_id, status: CampaignStatus::Pending })))
}

impl From<SubmitCampaignError> for Problem {
    fn from(error: SubmitCampaignError) -> Self {
        match error {
            SubmitCampaignError::Forbidden => {
                Self::forbidden("owner_required", "Only an owner of the business may do this.")
            }
            SubmitCampaignError::Submission(fault) => {
                let text = fault.to_string();
                let (field, message) = text.split_once(": ").unwrap_or(("", &text));
                Self::invalid_field(field, message)
            }
            SubmitCampaignError::Registration(faults) => {
                Self::invalid(faults.iter().map(|fault| FieldError::new(fault.field, fault.message)).collect())
            }
            SubmitCampaignError::AlreadyApproved => Self::conflict(
                "campaign_approved",
                "The campaign is approved; the carriers would not know of a change.",
            ),
            SubmitCampaignError::KeyReused => Self::idempotency_key_reused(),
            SubmitCampaignError::Database(error) => error.into(),
        }
    }
}

/// Where the business stands with all that has to be in order before it may text.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "can_send": false,
    "missing": [{"code": "campaign-pending",
                 "text": "The carriers are checking what you want to send. You need not do anything."}],
    "brand": {"version": 1, "legal_name": "Example Plumbing LLC", "status": "approved", "registration": null},
    "campaign": {"id": "0197c0de-0000-7000-8000-000000000001", "status": "pending",
                 "description": "Answers to people who called the business and were not answered.",
                 "sample_message": "Example Plumbing: sorry we missed your call. Reply STOP to opt out."},
    "history": [{"number": 1, "subject": "campaign", "status": "pending", "reason": null, "said_by": "owner",
                 "changed_at": "2026-06-10T18:00:00Z"}],
    "numbers": [{"id": "0197c0de-0000-7000-8000-000000000002", "phone": "+12125550100", "status": "active",
                 "reason": null, "since": "2026-06-10T18:00:00Z"}]
}))]
pub(super) struct StandingView {
    /// Whether texts may go out, as far as the business is concerned.
    can_send: bool,
    /// What keeps it from texting, in the order in which it is to be looked at.
    missing: Vec<Missing>,
    /// The business as it is registered; null before anything was submitted.
    brand: Option<BrandView>,
    /// What it registered to send; null before.
    campaign: Option<CampaignView>,
    /// What was submitted and decided, the newest first.
    history: Vec<ChangeView>,
    /// Its numbers, the oldest first.
    numbers: Vec<NumberView>,
}

/// The business as it is registered.
#[derive(Serialize, ToSchema)]
pub(super) struct BrandView {
    /// Counts what was submitted, brand and campaign together, from 1.
    version: i32,
    /// Its legal name.
    legal_name: String,
    /// Where it stands.
    status: CampaignStatus,
    /// What was submitted (`Registration`); null where an operator filed it by other means.
    #[schema(value_type = Option<Registration>)]
    registration: Option<Value>,
}

/// What the business registered to send.
#[derive(Serialize, ToSchema)]
pub(super) struct CampaignView {
    /// Its id.
    id: CampaignId,
    /// Where it stands.
    status: CampaignStatus,
    /// What is sent, and to whom.
    description: String,
    /// A text as it will be sent.
    sample_message: String,
}

/// One change of the registration's standing.
#[derive(Serialize, ToSchema)]
pub(super) struct ChangeView {
    /// Counts the changes from 1.
    number: i32,
    /// What it is about.
    subject: RegistrationSubject,
    /// Where it stands from then on.
    status: CampaignStatus,
    /// Why, in the registry's words.
    reason: Option<String>,
    /// Who brought it about.
    said_by: SaidBy,
    /// When, UTC.
    changed_at: DateTime<Utc>,
}

/// Where the registration stands, and what is missing before texts can go out
#[utoipa::path(
    get,
    path = "/compliance/status",
    tag = "compliance",
    security(("clerk" = [])),
    responses((status = 200, body = StandingView), ApiRefusal)
)]
pub(super) async fn status(
    State(compliance): State<Compliance>,
    Owner(actor): Owner,
) -> Result<Json<StandingView>, Problem> {
    let mut tx = compliance.db().read(actor.tenant()).await?;
    let standing = compliance.standing(&mut tx).await?;
    tx.finish().await?;
    Ok(Json(standing.into()))
}

impl From<Standing> for StandingView {
    fn from(standing: Standing) -> Self {
        Self {
            can_send: standing.missing.is_empty(),
            missing: standing.missing,
            brand: standing.brand.map(|brand| BrandView {
                version: brand.version,
                legal_name: brand.legal_name,
                status: brand.status,
                registration: brand.registration,
            }),
            campaign: standing.campaign.map(|campaign| CampaignView {
                id: campaign.id,
                status: campaign.status,
                description: campaign.description,
                sample_message: campaign.sample_message,
            }),
            history: standing.history.into_iter().map(Into::into).collect(),
            numbers: standing.numbers.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<RegistrationChange> for ChangeView {
    fn from(change: RegistrationChange) -> Self {
        Self {
            number: change.number,
            subject: change.subject,
            status: change.status,
            reason: change.reason,
            said_by: change.said_by,
            changed_at: change.changed_at,
        }
    }
}
