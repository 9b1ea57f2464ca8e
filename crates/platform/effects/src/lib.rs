//! Effects: calls to the outside world, each driven by an intent row (ADR 0013).
//!
//! ```text
//!              claim committed         answer
//!   pending -----------------> in_flight ----> accepted | failed
//!    |  ^ ^                     |    |
//!    |  | +-- surely not sent --+    | time-out, reset, 5xx, owner died
//!    |  |                            v
//!    |  +-- two empty looks ----- unknown ----> accepted | failed | review
//!    v
//!   cancelled | expired
//! ```
//!
//! The intent is written with the decision it follows from. The claim is committed before the socket opens, so after
//! a crash it is known which attempts may have gone out; those are resolved by asking the provider, never by hope.
//! Owns `effect_intents` and `effect_pauses`. Knows no provider: each kind brings the last check, the call, how to ask afterwards, and what
//! an outcome means for its module's rows.

mod breaker;
pub mod caller;
mod engine;
mod intent;
mod kind;
mod pause;
mod plan;
mod reconcile;
pub mod retention;
mod review;
mod send;
mod store;

pub use breaker::{Breaker, Gate};
pub use engine::{Effects, Settings};
pub use intent::{Accepted, CallOutcome, Change, Check, Failed, Intent, IntentState, Look};
pub use kind::EffectKind;
pub use pause::{Pause, pause, pauses, resume};
pub use plan::{NewIntent, Planned, Settled, bring_forward, cancel, cancel_pending, may_be_out, plan, settle};
pub use review::{EffectStatus, IntentRecord, Resolution, Review, status};
