//! A run: every part on the cluster that waits for the disk and on the one that does not.

use std::io::{self, Write as _};

use sqlx::{Connection as _, PgConnection};

use crate::{
    BenchError, bookings, calls,
    cluster::{Cluster, Medium},
    cost, disk, drain, fairness, growth, pickup, race,
    report::Report,
    texts,
};

/// A part of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Disk,
    Calls,
    Texts,
    Cost,
    Fairness,
    Drain,
    Pickup,
    Snapshot,
    Bookings,
    Race,
    Growth,
}

impl Part {
    pub(crate) const ALL: [Self; 11] = [
        Self::Disk,
        Self::Calls,
        Self::Texts,
        Self::Cost,
        Self::Fairness,
        Self::Drain,
        Self::Pickup,
        Self::Snapshot,
        Self::Bookings,
        Self::Race,
        Self::Growth,
    ];
}

/// Measures `parts` and prints the table; calls come for `seconds` at each rate.
pub(crate) async fn run(parts: &[Part], seconds: usize) -> Result<(), BenchError> {
    let data_dir = std::env::current_dir()?.join(".data");
    let mut report = Report::default();
    let mut version = String::new();
    for medium in Medium::ALL {
        let cluster = Cluster::start(&data_dir, medium).await?;
        version = postgres_version(&cluster).await?;
        for part in parts {
            let _ = writeln!(io::stderr(), "measuring: {part:?} ({medium:?})");
            match part {
                Part::Disk => disk::measure(&cluster, &mut report).await?,
                Part::Calls => calls::measure(&cluster, seconds, &mut report).await?,
                Part::Texts => {
                    texts::measure(&cluster, &mut report).await?;
                    if medium == Medium::Control {
                        let apart = Cluster::start_apart(&data_dir, medium).await?;
                        texts::count(&apart, &mut report).await?;
                    }
                }
                // Counts are the same on both.
                Part::Cost if medium == Medium::Control => {
                    let apart = Cluster::start_apart(&data_dir, medium).await?;
                    cost::measure(&apart, &mut report).await?;
                }
                Part::Fairness => fairness::measure(&cluster, &mut report).await?,
                Part::Drain => drain::measure(&cluster, &mut report).await?,
                Part::Pickup => pickup::measure_idle(&cluster, &mut report).await?,
                // What a snapshot costs is not the disk's doing.
                Part::Snapshot if medium == Medium::Control => {
                    pickup::measure_under_snapshot(&cluster, &mut report).await?;
                }
                Part::Bookings => {
                    bookings::measure(&cluster, &mut report).await?;
                    if medium == Medium::Control {
                        let apart = Cluster::start_apart(&data_dir, medium).await?;
                        bookings::count(&apart, &mut report).await?;
                    }
                }
                Part::Race => race::measure(&cluster, &mut report).await?,
                Part::Growth => growth::measure(&cluster, &mut report).await?,
                Part::Cost | Part::Snapshot => {}
            }
        }
    }
    let cores = std::thread::available_parallelism()?;
    let build = if cfg!(debug_assertions) { "debug build: the figures mean nothing" } else { "release build" };
    writeln!(
        io::stdout(),
        "{cores} cores shared by the programs, Postgres {version}, the simulator and the load; {build}.\n\
         On disk: fsync on. Control: fsync off. Drain: {}. Calls: {seconds} s per rate, {}. Texts: {}. Bookings: {}. Race: {}. \
         Growth: {}.\n\n{report}",
        drain::SETTINGS,
        calls::SETTINGS,
        texts::SETTINGS,
        bookings::SETTINGS,
        race::SETTINGS,
        growth::SETTINGS,
    )?;
    Ok(())
}

async fn postgres_version(cluster: &Cluster) -> Result<String, BenchError> {
    let mut superuser = PgConnection::connect(&cluster.postgres.superuser_url("postgres")).await?;
    let version = sqlx::query_scalar("select current_setting('server_version')").fetch_one(&mut superuser).await?;
    superuser.close().await?;
    Ok(version)
}
