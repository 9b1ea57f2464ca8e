use nmc_web::Problem;
use serde::Deserialize;

use crate::model::answer::LegKey;
use nmc_webhooks::malformed;

/// Which call a leg to the business's phone belongs to, as our TwiML put it into the address. The signature covers it.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct LegQuery {
    /// The business.
    #[param(value_type = uuid::Uuid)]
    tenant: Option<String>,
    /// The call.
    #[param(value_type = uuid::Uuid)]
    call: Option<String>,
}

impl LegQuery {
    /// The part of the address that names the call.
    pub(super) fn of(leg: LegKey) -> String {
        format!("?tenant={}&call={}", leg.tenant, leg.call)
    }

    pub(super) fn leg(&self) -> Result<LegKey, Problem> {
        Ok(LegKey { tenant: id("tenant", self.tenant.as_deref())?, call: id("call", self.call.as_deref())? })
    }
}

fn id<T: std::str::FromStr>(field: &str, text: Option<&str>) -> Result<T, Problem> {
    let text = text.ok_or_else(|| malformed(field, "is missing"))?;
    text.parse().map_err(|_| malformed(field, "is not an id"))
}
