//! Slots, holds, appointments, through the facade and the routes.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets the unexpected stops there")]

#[path = "../resources/world.rs"]
#[allow(dead_code, reason = "shared with another test, which uses another part")]
mod world;

mod appointments;
mod constraints;
mod customers;
mod holds;
mod plans;
mod play;
mod races;
mod rules;
mod timer;
