//! Which rows of a list are asked for.

use nmc_kernel::E164;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::ConversationState;

/// Which conversations.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ConversationFilter {
    /// Only those in this state.
    pub(super) state: Option<ConversationState>,
    /// Only those with this caller; the `+` is written `%2B` in an address.
    #[param(value_type = Option<String>, example = "+12125550142")]
    pub(super) caller_phone: Option<E164>,
}

/// Which tasks.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TaskFilter {
    /// Those that are done, instead of those that are open.
    #[serde(default)]
    #[param(required = false, default = false)]
    pub(super) done: bool,
}
