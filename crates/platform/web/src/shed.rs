//! Refusing early what could not be answered in time.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use nmc_config::HttpLimits;
use nmc_telemetry::name::HTTP_REQUESTS_SHED_TOTAL;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Problem;

/// Requests last milliseconds: a second later there is room again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Room for requests. A busy API takes nothing from webhooks (a lost call) and health checks (a needless restart).
#[derive(Clone)]
pub(crate) struct Pools {
    api: Arc<Semaphore>,
    webhooks: Arc<Semaphore>,
    health: Arc<Semaphore>,
}

impl Pools {
    pub(crate) fn new(limits: &HttpLimits) -> Self {
        let semaphore = |room| Arc::new(Semaphore::new(room));
        Self {
            api: semaphore(limits.concurrency_max),
            webhooks: semaphore(limits.concurrency_reserved),
            health: semaphore(limits.concurrency_reserved),
        }
    }

    /// The label of the request's pool, and room in it if there is any; webhooks may use the API's as well.
    fn enter(&self, path: &str) -> (&'static str, Option<OwnedSemaphorePermit>) {
        let enter = |pool: &Arc<Semaphore>| pool.clone().try_acquire_owned().ok();
        if matches!(path, "/healthz" | "/readyz") {
            ("health", enter(&self.health))
        } else if is_webhook(path) {
            ("webhooks", enter(&self.webhooks).or_else(|| enter(&self.api)))
        } else {
            ("api", enter(&self.api))
        }
    }
}

/// Whether a provider calls this path.
pub(crate) fn is_webhook(path: &str) -> bool {
    path.starts_with("/webhooks/")
}

pub(crate) async fn shed(State(pools): State<Pools>, request: Request, next: Next) -> Response {
    let (pool, room) = pools.enter(request.uri().path());
    let Some(_held_until_answered) = room else {
        metrics::counter!(HTTP_REQUESTS_SHED_TOTAL, "pool" => pool).increment(1);
        return Problem::unavailable("overloaded", RETRY_AFTER).into_response();
    };
    next.run(request).await
}
