//! The module's routes.

mod appointments;
mod bookings;
mod feed;
mod filter;
mod holds;
mod holidays;
mod problem;
mod resources;
mod slots;
mod time_off;
mod view;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Scheduling;

pub(crate) fn v1_routes(scheduling: Scheduling) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(slots::search))
        .routes(routes!(holds::list, holds::hold))
        .routes(routes!(holds::release))
        .routes(routes!(bookings::book))
        .routes(routes!(bookings::reschedule))
        .routes(routes!(bookings::cancel))
        .routes(routes!(bookings::complete))
        .routes(routes!(bookings::no_show))
        .routes(routes!(appointments::list))
        .routes(routes!(appointments::show, appointments::correct))
        .routes(routes!(resources::list, resources::create))
        .routes(routes!(resources::get, resources::change, resources::deactivate))
        .routes(routes!(time_off::list, time_off::add))
        .routes(routes!(time_off::remove))
        .routes(routes!(holidays::list, holidays::add))
        .routes(routes!(holidays::remove))
        .routes(routes!(feed::address))
        .routes(routes!(feed::rotate))
        .with_state(scheduling)
}

/// What calendar programs read, without a token.
pub(crate) fn feed_routes(scheduling: Scheduling) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(feed::read)).with_state(scheduling)
}
