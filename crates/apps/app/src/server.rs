//! `nmc-server serve`: HTTP in, nothing else.

use axum::Router;
use nmc_config::Config;
use nmc_db::{Db, Wakes};
use nmc_web::{Readiness, docs_routes, health_routes, serve as serve_http, standard_layers};
use secrecy::ExposeSecret as _;
use tokio_util::sync::CancellationToken;

use crate::{
    AppError, Modules,
    process::{CLOSE_TIMEOUT, check_role, gauge_connections, listen, open_database, pool_settings},
};

/// Health checks have connections of their own, so that a busy pool does not make the process look dead.
const HEALTH_CONNECTIONS: u32 = 1;

/// Serves until `stop`, then finishes the requests that run.
pub async fn serve(config: &Config, stop: CancellationToken) -> Result<(), AppError> {
    let telemetry = nmc_telemetry::init(&config.telemetry, "nmc-server")?;
    let wakes = Wakes::new();
    let db = open_database(&config.database, &wakes)?;
    let health = health_database(config)?;
    let modules = Modules::new(&db, config)?;
    let listener = listen("HTTP_ADDR", config.http.addr).await?;
    let metrics = listen("METRICS_ADDR", config.http.metrics_addr).await?;
    tracing::info!(http.addr = %config.http.addr, metrics.addr = %config.http.metrics_addr, "serving");
    let app = routes(&modules, health, config, &db);
    let metrics_app = nmc_telemetry::metrics_router(telemetry.metrics());
    let work = async {
        tokio::join!(
            serve_http(listener, app, &config.http_limits, stop.clone()),
            serve_http(metrics, metrics_app, &config.http_limits, stop.clone()),
            wakes.run(&db, stop.clone()),
            modules.live.run(stop.clone()),
            gauge_connections(&db, stop.clone()),
        );
    };
    // Beside the work: with the database down, webhooks are answered with 503 from the start.
    let wrong_role = async {
        match check_role(&db, &stop).await {
            Err(error) => error,
            Ok(()) => std::future::pending().await,
        }
    };
    tokio::select! { () = work => {}, error = wrong_role => return Err(error) }
    if tokio::time::timeout(CLOSE_TIMEOUT, db.close()).await.is_err() {
        tracing::warn!("connections were still in use at the end");
    }
    tracing::info!("stopped");
    Ok(())
}

/// Every route with the layers around it: what tests drive as well.
pub fn routes(modules: &Modules, health: Db, config: &Config, db: &Db) -> Router {
    let ready = move || {
        let health = health.clone();
        async move {
            match nmc_db::migrations_current(&health).await {
                Ok(true) => Readiness::Ready,
                Ok(false) => Readiness::NotReady("Migrations are missing."),
                Err(_) => Readiness::NotReady("The database cannot be reached."),
            }
        }
    };
    let (from_modules, document) = modules.routes().split_for_parts();
    let router = from_modules.merge(health_routes(ready)).merge(docs_routes(document));
    standard_layers(router, &config.http, &config.http_limits, db.ids().clone())
}

/// A small pool that only health checks use.
pub(crate) fn health_database(config: &Config) -> Result<Db, AppError> {
    let settings = nmc_db::PoolSettings {
        max_connections: HEALTH_CONNECTIONS,
        min_connections: 0,
        ..pool_settings(&config.database)
    };
    Ok(Db::new(config.database.url.expose_secret(), settings, Wakes::new())?)
}
