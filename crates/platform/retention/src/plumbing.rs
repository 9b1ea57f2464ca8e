//! The rules about the platform's own tables.

use futures::FutureExt as _;
use nmc_effects::retention as effects;
use nmc_outbox::retention as outbox;

use crate::{
    Sweeps,
    age::{answers_before, bodies_before, events_before, metadata_before},
};

pub(crate) fn sweeps() -> Sweeps {
    Sweeps::default()
        .with("idempotency_keys", |tx, limit| {
            let before = answers_before(tx.now());
            tx.forget_answers(before, limit).boxed()
        })
        .with("outbox_events, dispatched", |tx, limit| {
            let before = events_before(tx.now());
            outbox::delete_dispatched(tx, before, limit).boxed()
        })
        .with("outbox_consumed", |tx, limit| {
            let before = events_before(tx.now());
            outbox::delete_consumed(tx, before, limit).boxed()
        })
        .with("outbox_dead_letters", |tx, limit| {
            let before = metadata_before(tx.now());
            outbox::delete_dead_letters(tx, before, limit).boxed()
        })
        .with("effect_intents", |tx, limit| {
            let before = metadata_before(tx.now());
            effects::delete_settled(tx, before, limit).boxed()
        })
        .with("timers nobody fires", |tx, limit| {
            let before = metadata_before(tx.now());
            nmc_timers::delete_unfired(tx, before, limit).boxed()
        })
        .with("outbox_events, payload of undispatched", |tx, limit| {
            let before = bodies_before(tx.now());
            outbox::empty_undispatched(tx, before, limit).boxed()
        })
        .with("outbox_dead_letters, payload", |tx, limit| {
            let before = bodies_before(tx.now());
            outbox::empty_dead_letters(tx, before, limit).boxed()
        })
        .with("effect_intents, request", |tx, limit| {
            let before = bodies_before(tx.now());
            effects::empty_requests(tx, before, limit).boxed()
        })
}
