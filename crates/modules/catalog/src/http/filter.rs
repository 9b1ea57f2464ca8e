use serde::Deserialize;
use utoipa::IntoParams;

/// Which items are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ItemFilter {
    /// Only those that are sold, or only those that are not; all where it is left out.
    pub(super) active: Option<bool>,
}
