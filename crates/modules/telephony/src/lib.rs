//! Calls and texts coming in.
//!
//! Owns: what Twilio reports about a call, folded into one state per call, and the texts that callers write (`tel_`
//! tables); what a caller hears. Never: a text going out (Conversation), nor whether one may (Compliance).
//!
//! - Hears: Twilio's webhooks, by [`Telephony::routes`]; its own timers, [`CallEnded`] and [`CallUndecided`].
//! - Publishes: `CallDetected`, at most once per call; `InboundSmsReceived`, once per text with a number to answer to.
//! - Asks: Identity for the business's settings, Compliance for what may be promised; a keyword (STOP) is recorded with
//!   Compliance on the webhook's own transaction.
//! - Asks Twilio: what became of a call nobody reports about any more ([`AskCallStatus`]), and every few minutes what
//!   came in that no webhook delivered ([`Polling`]).
//!
//! Each webhook is verified, deduplicated, and worked off in one short transaction before it is answered.

mod effect;
mod http;
mod model;
mod polling;
mod settings;
mod store;
mod telephony;
mod timer;
mod use_case;

pub use effect::{AskCallStatus, CallStatusRequest};
pub use polling::Polling;
pub use settings::TelephonySettings;
pub use telephony::Telephony;
pub use timer::{CallEnded, CallUndecided};
