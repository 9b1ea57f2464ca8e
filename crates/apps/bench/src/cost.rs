//! What a missed call asks of Postgres, end to end: counts, which no neighbour and no disk can disturb.

use std::time::Duration;

use crate::{
    BenchError,
    calls::{Bench, Load},
    cluster::{Cluster, Medium},
    proxy::{Asked, CountingProxy},
    report::Report,
};

/// The programs' roles, by which the proxy tells them apart.
pub(crate) const ROLES: [(&str, &str); 2] = [("nmc_app", "server"), ("nmc_dispatcher", "dispatcher")];
/// Few enough a second that no call shares a batch, a claim or a wake-up with another: the dearest way.
const ALONE: Load = Load { calls: 50, per_second: 5 };
/// As the goals have it.
const TOGETHER: Load = Load { calls: 500, per_second: 100 };
/// So long after the last call the engines look less often.
const UNTIL_REST: Duration = Duration::from_secs(12);
/// How long an installation at rest is listened to.
const IDLE: Duration = Duration::from_secs(20);
/// Statements that are shown, the most frequent first.
const SHOWN: usize = 80;

/// Counts on one cluster; a cluster of its own, whose roles have a password.
pub(crate) async fn measure(cluster: &Cluster, report: &mut Report) -> Result<(), BenchError> {
    let socket = cluster.postgres.socket_dir().join(".s.PGSQL.5432");
    let proxy = CountingProxy::start(socket).await?;
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres?sslmode=disable", proxy.port);
    let mut bench = Bench::start(cluster, Some(url)).await?;
    let counted = count(&mut bench, cluster, &proxy, report).await;
    bench.stop(cluster).await?;
    counted
}

async fn count(
    bench: &mut Bench,
    cluster: &Cluster,
    proxy: &CountingProxy,
    report: &mut Report,
) -> Result<(), BenchError> {
    bench.warm_up(cluster).await?;
    tokio::time::sleep(UNTIL_REST).await;
    let before = ROLES.map(|(role, _)| proxy.asked_by(role));
    tokio::time::sleep(IDLE).await;
    let idle = ROLES.map(|(role, _)| proxy.asked_by(role));
    for (((_, name), before), after) in ROLES.iter().zip(&before).zip(&idle) {
        let per_second = per(after.since(before).round_trips, IDLE.as_secs());
        report.put(cluster.medium, format!("{name} at rest: round trips a second (P14)"), "", per_second);
    }
    let mut previous = idle;
    for (load, how) in [(ALONE, "alone"), (TOGETHER, "100 a second")] {
        bench.load(cluster, load).await?;
        let calls = u64::try_from(load.calls).unwrap_or(u64::MAX);
        for ((role, name), before) in ROLES.iter().zip(&mut previous) {
            let after = proxy.asked_by(role);
            enter(report, cluster.medium, &format!("a missed call, {how}, {name}"), &after.since(before), calls);
            *before = after;
        }
    }
    Ok(())
}

/// What so many of `what` asked for, by each of them; the statements on standard error.
pub(crate) fn enter(report: &mut Report, medium: Medium, what: &str, asked: &Asked, of: u64) {
    let counts = [asked.round_trips, asked.statements, asked.commits].map(|count| per(count, of));
    report.put(medium, format!("{what}: round trips / statements / commits"), "", counts.join(" / "));
    report.put(medium, format!("{what}: statements prepared"), "", per(asked.prepared, of));
    list(what, asked, of);
}

fn per(count: u64, of: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "counts of a minute's work")]
    let mean = count as f64 / of as f64;
    format!("{mean:.1}")
}

/// The texts behind the counts, on standard error: the table has no room for them.
fn list(what: &str, asked: &Asked, of: u64) {
    use std::io::Write as _;
    let mut texts: Vec<_> = asked.texts.iter().collect();
    texts.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
    for (text, &times) in texts.into_iter().take(SHOWN) {
        let short: String = text.chars().take(110).collect();
        let _ = writeln!(std::io::stderr(), "{what}: {:>6} {short}", per(times, of));
    }
}
