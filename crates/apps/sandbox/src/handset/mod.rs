//! The handset: a page that plays a caller's phone, and beside it what the business sees.
//!
//! The phone is Twilio's simulator: it rings the business, texts, and shows what arrived. The business's side is the
//! product's API, asked with the owner's token; the page itself never has one.

mod business;
mod guard;
mod page;
mod phone;
#[cfg(test)]
mod tests;

use std::{net::Ipv4Addr, sync::Arc};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::StatusCode,
    middleware::from_fn,
    routing::{get, post},
};
use nmc_config::HttpLimits;
use nmc_simulators::{clerk::ClerkSimulator, twilio::TwilioSimulator};
use nmc_web::Problem;
use tokio::{
    net::TcpListener,
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{ExampleTenant, Installation, SandboxError, installation::http_client};

/// A text of the longest kind in characters of four bytes, with its JSON.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// Two for each of two windows side by side; those out of sight have none. Browsers open six connections to a place at
/// most, and with all of them taken by streams no request would get through.
const STREAMS_MAX: usize = 4;

/// The page's server; it ends when this is dropped.
#[derive(Debug)]
pub struct Handset {
    base_url: String,
    _shutdown: DropGuard,
}

/// What the page's requests are answered from.
#[derive(Debug)]
struct Local {
    twilio: TwilioSimulator,
    clerk: ClerkSimulator,
    business: ExampleTenant,
    /// The server's address.
    server: String,
    http: reqwest::Client,
    streams: Arc<Semaphore>,
    shutdown: CancellationToken,
}

impl Handset {
    /// Serves the page of this installation on `port`, or on any other where that is taken.
    pub async fn start(installation: &Installation, port: u16) -> Result<Self, SandboxError> {
        let Installation { twilio, clerk, tenant, base_url, .. } = installation;
        let local = Local::new(twilio.clone(), clerk.clone(), tenant.clone(), base_url.clone())?;
        Self::serve(local, port).await
    }

    /// Where the page is: `http://127.0.0.1:<port>`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    async fn serve(local: Local, port: u16) -> Result<Self, SandboxError> {
        let failed = || SandboxError::io("the handset has no free port on 127.0.0.1");
        let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(listener) => listener,
            Err(_taken) => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed())?,
        };
        let address = listener.local_addr().map_err(failed())?;
        let limits = HttpLimits::from_lookup(&|_| None).map_err(SandboxError::tenant)?;
        let shutdown = local.shutdown.clone();
        let stop = shutdown.clone();
        tokio::spawn(async move { nmc_web::serve(listener, router(local), &limits, stop).await });
        Ok(Self { base_url: format!("http://{address}"), _shutdown: shutdown.drop_guard() })
    }
}

impl Local {
    fn new(
        twilio: TwilioSimulator,
        clerk: ClerkSimulator,
        business: ExampleTenant,
        server: String,
    ) -> Result<Self, SandboxError> {
        Ok(Self {
            twilio,
            clerk,
            business,
            server,
            http: http_client()?,
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            shutdown: CancellationToken::new(),
        })
    }

    /// A place for one more stream.
    fn seat(&self) -> Result<OwnedSemaphorePermit, Problem> {
        self.streams.clone().try_acquire_owned().map_err(|_| {
            let detail = "This page is open in two windows already: close one of them.";
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_streams", detail)
        })
    }
}

fn router(local: Local) -> Router {
    Router::new()
        .merge(page::routes())
        .nest("/phone", phone_routes())
        .nest("/business", business_routes())
        .fallback(async || Problem::not_found())
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn(guard::guard))
        .with_state(Arc::new(local))
}

fn phone_routes() -> Router<Arc<Local>> {
    Router::new()
        .route("/", get(phone::about))
        .route("/calls", post(phone::ring))
        .route("/texts", post(phone::text))
        .route("/stream", get(phone::stream))
}

/// What of the API the page may ask: each under its own path there.
fn business_routes() -> Router<Arc<Local>> {
    Router::new()
        .route("/tenant", get(business::ask))
        .route("/catalog/items", get(business::ask))
        .route("/conversations", get(business::ask))
        .route("/conversations/{id}", get(business::ask))
        .route("/conversations/{id}/messages", get(business::ask).post(business::ask))
        .route("/conversations/{id}/takeover", post(business::ask))
        .route("/conversations/{id}/release", post(business::ask))
        .route("/messages/{id}/why", get(business::ask))
        .route("/scheduling/resources", get(business::ask))
        .route("/scheduling/appointments", get(business::ask))
        .route("/scheduling/holds", get(business::ask))
        .route("/tasks", get(business::ask))
        .route("/tasks/{id}/done", post(business::ask))
        .route("/stream", get(business::stream))
}
