//! `nmc-dispatcher run`: everything that is not an answer to a request.

use nmc_config::Config;
use nmc_db::Wakes;
use nmc_kernel::Random;
use nmc_web::serve as serve_http;
use tokio_util::sync::CancellationToken;

use crate::{
    AppError, Modules,
    process::{CLOSE_TIMEOUT, FINISH_TIMEOUT, check_role, gauge_connections, listen, open_database},
};

/// Runs consumers, timers, turns, effects and retention until `stop`, then finishes what runs and gives leases back.
pub async fn dispatch(config: &Config, stop: CancellationToken) -> Result<(), AppError> {
    let telemetry = nmc_telemetry::init(&config.telemetry, "nmc-dispatcher")?;
    let wakes = Wakes::new();
    let db = open_database(&config.database, &wakes)?;
    check_role(&db, &stop).await?;
    let modules = Modules::new(&db, config)?;
    let random = Random::from_entropy();
    let outbox = modules.outbox(&db, config, random.clone());
    let timers = modules.timers(&db, random.clone());
    let turns = modules.turns(config, random.clone());
    let retention = modules.retention(&db, random.clone());
    let effects = modules.effects(&db, config, random.clone());
    let polling = modules.telephony.polling(random);
    let metrics = listen("METRICS_ADDR", config.http.metrics_addr).await?;
    let metrics_app = nmc_telemetry::metrics_router(telemetry.metrics());
    tracing::info!(metrics.addr = %config.http.metrics_addr, "dispatching");
    let work = async {
        tokio::join!(
            outbox.run(stop.clone()),
            timers.run(stop.clone()),
            turns.run(stop.clone()),
            effects.run(stop.clone()),
            polling.run(stop.clone()),
            retention.run(stop.clone()),
            wakes.run(&db, stop.clone()),
            gauge_connections(&db, stop.clone()),
            serve_http(metrics, metrics_app, &config.http_limits, stop.clone()),
        );
    };
    tokio::select! {
        () = work => {}
        () = async { stop.cancelled().await; tokio::time::sleep(FINISH_TIMEOUT).await } => {
            tracing::warn!("not everything finished in time; it is recovered later");
        }
    }
    if tokio::time::timeout(CLOSE_TIMEOUT, db.close()).await.is_err() {
        tracing::warn!("connections were still in use at the end");
    }
    tracing::info!("stopped");
    Ok(())
}
