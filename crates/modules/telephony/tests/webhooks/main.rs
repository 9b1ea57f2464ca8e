//! Twilio's webhooks through the router, on a real Postgres, as the roles of the services.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets the unexpected stops there")]

mod calls;
mod constraints;
mod dialled;
mod forwarded;
mod house;
mod outage;
mod plans;
mod polling;
mod refusals;
mod repetition;
mod simulated;
mod status_only;
mod texts;
mod undecided;
