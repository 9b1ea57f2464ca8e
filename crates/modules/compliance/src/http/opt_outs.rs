use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use nmc_kernel::E164;
use nmc_web::{ApiRefusal, Owner, Page, PageRequest, Problem, Query};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::filter::OptOutFilter;
use crate::{Compliance, OptOutAction, OptOutSource, PhoneOptOut};

/// One change of mind of one caller.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "phone": "+12125550142", "number": 1, "action": "opt-out", "keyword": "STOP", "source": "keyword",
    "recorded_at": "2026-06-10T18:00:00Z", "holds": true
}))]
pub(super) struct OptOutView {
    /// The caller.
    phone: E164,
    /// Counts the caller's changes from 1.
    number: i32,
    /// What changed.
    action: OptOutAction,
    /// The word or wording that said so.
    keyword: String,
    /// How it became known.
    source: OptOutSource,
    /// When it was recorded, UTC.
    recorded_at: DateTime<Utc>,
    /// Nothing has changed since: this is what holds for the caller.
    holds: bool,
}

/// Who wants no texts, and since when
///
/// Every change of mind there was, the newest first; nothing of it is ever changed or deleted.
#[utoipa::path(
    get,
    path = "/compliance/opt-outs",
    tag = "compliance",
    security(("clerk" = [])),
    params(OptOutFilter, PageRequest),
    responses(
        (status = 200, body = Page<OptOutView>),
        (status = 422, description = "`invalid_input`: `phone`, `limit` or `cursor`", body = Problem,
            content_type = "application/problem+json"),
        ApiRefusal
    )
)]
pub(super) async fn list(
    State(compliance): State<Compliance>,
    Owner(actor): Owner,
    Query(filter): Query<OptOutFilter>,
    page: PageRequest,
) -> Result<Json<Page<OptOutView>>, Problem> {
    let before: Option<(DateTime<Utc>, Uuid)> = page.after()?;
    let mut tx = compliance.db().read(actor.tenant()).await?;
    let rows = compliance.opt_outs(&mut tx, filter.phone.as_ref(), before, page.fetch_limit()).await?;
    tx.finish().await?;
    let rows = Page::new(rows, &page, |row| (row.entry.recorded_at, row.id));
    Ok(Json(rows.map(Into::into)))
}

impl From<PhoneOptOut> for OptOutView {
    fn from(row: PhoneOptOut) -> Self {
        Self {
            phone: row.phone,
            number: row.entry.number,
            action: row.entry.action,
            keyword: row.entry.keyword,
            source: row.entry.source,
            recorded_at: row.entry.recorded_at,
            holds: row.holds,
        }
    }
}
