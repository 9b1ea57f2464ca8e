//! What calls a provider.

mod rate;
pub(crate) mod send_sms;
