//! Resources, holidays, time off and calendar feeds, through the facade and the routes.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

mod feed;
mod holidays;
mod keeping;
mod time_off;
mod world;
