use nmc_kernel::E164;
use serde::Deserialize;
use utoipa::IntoParams;

/// Whose changes of mind are asked for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct OptOutFilter {
    /// One caller's; everybody's where it is left out.
    #[param(value_type = Option<String>, example = "+12125550142")]
    pub(super) phone: Option<E164>,
}
