//! Many who want the same time: one gets it, and nobody waits long to be told.

use std::time::Duration;

use axum::http::StatusCode;
use sqlx::PgConnection;
use tokio::task::JoinSet;

use crate::{
    BenchError,
    cluster::Cluster,
    report::Report,
    shop::{Caller, Shop},
    stats::{Summary, shown},
};

const DATABASE: &str = "nmc_bench_race";
/// Clients at once, slots, and the longest that anybody may wait.
const RACES: [(usize, i64, &str); 2] = [(8, 200, "max <= 100 ms"), (64, 60, "max <= 250 ms")];
/// Slots before anything is measured.
const WARM_UP: i64 = 20;
/// Other resources of the business: losers are offered their times.
const RESOURCES: usize = 5;
/// Statistics are written down by the server's processes within a second.
const STATISTICS_DELAY: Duration = Duration::from_millis(1_500);

/// The above in words, for the head of the table.
pub(crate) const SETTINGS: &str = "all want one slot at once, the winner books, the others are offered other times";

/// Races on one cluster.
pub(crate) async fn measure(cluster: &Cluster, report: &mut Report) -> Result<(), BenchError> {
    let shop = Shop::open(cluster, DATABASE, None, (8, 18), RESOURCES).await?;
    let measured = race(&shop, cluster, report).await;
    shop.close(cluster).await?;
    measured
}

async fn race(shop: &Shop, cluster: &Cluster, report: &mut Report) -> Result<(), BenchError> {
    let mut superuser = shop.database(cluster).superuser().await?;
    let mut slot = 0;
    for (clients, slots, goal) in RACES {
        let callers = (0..clients).map(|_| shop.owner.apart()).collect::<Result<Vec<_>, _>>()?;
        for _ in 0..WARM_UP {
            slot += 1;
            one_slot(shop, &callers, slot).await?;
        }
        sqlx::raw_sql("analyze").execute(&mut superuser).await?;
        let before = deadlocks(&mut superuser).await?;
        let (mut took, mut won, mut booked, mut turned_away) = (Vec::new(), 0, Vec::new(), 0);
        for _ in 0..slots {
            slot += 1;
            let raced = one_slot(shop, &callers, slot).await?;
            took.extend(raced.took);
            booked.extend(raced.booked);
            won += i64::from(raced.booked.is_some());
            turned_away += raced.turned_away;
        }
        let deadlocks = deadlocks(&mut superuser).await? - before;
        let line = |what: &str| format!("{clients} clients race for {slots} slots, one at a time: {what}");
        let medium = cluster.medium;
        report.put(medium, line("answer, P50 / P95 / max (P7)"), goal, shown(Summary::of(took)));
        report.put(medium, line("the winner's booking, P50 / P95 / max"), "", shown(Summary::of(booked)));
        #[expect(clippy::cast_precision_loss, reason = "some hundreds")]
        let share = won as f64 * 100.0 / slots as f64;
        let value = format!("{share:.1} % / {deadlocks} / {turned_away}");
        report.put(medium, line("slots won / deadlocks (P7) / turned away with 503"), ">= 99 % / 0", value);
    }
    Ok(())
}

struct Raced {
    took: Vec<Duration>,
    /// Who was told to come again, because no connection was free in time.
    turned_away: usize,
    booked: Option<Duration>,
}

/// Everybody wants the `number`th slot of the first resource; who gets it books it.
async fn one_slot(shop: &Shop, callers: &[Caller], number: i64) -> Result<Raced, BenchError> {
    // Forty quarters of an hour a day, from eight o'clock on.
    let visit = shop.visit(&shop.resources[0], number / 40 * 96 + 32 + number % 40);
    let mut holds = JoinSet::new();
    for caller in callers {
        let (caller, visit) = (caller.clone(), visit.clone());
        holds.spawn(async move { caller.hold(&visit).await });
    }
    let (mut raced, mut winner) = (Raced { took: Vec::new(), turned_away: 0, booked: None }, None);
    while let Some(answer) = holds.join_next().await {
        let answer = answer??;
        raced.took.push(answer.took);
        match answer.status {
            StatusCode::CREATED if winner.is_none() => winner = Some(answer),
            StatusCode::CONFLICT => {}
            StatusCode::SERVICE_UNAVAILABLE => raced.turned_away += 1,
            _ => return Err(BenchError::Wrong(format!("a racer was answered {}: {}", answer.status, answer.body))),
        }
    }
    if let Some(winner) = winner {
        let booked = shop.owner.book(&visit, &winner.text("hold_id")?).await?.expect(StatusCode::CREATED)?;
        raced.booked = Some(booked.took);
    }
    Ok(raced)
}

/// Deadlocks Postgres has ended in this database.
async fn deadlocks(superuser: &mut PgConnection) -> Result<i64, BenchError> {
    tokio::time::sleep(STATISTICS_DELAY).await;
    let question = "select deadlocks from pg_stat_database where datname = current_database()";
    Ok(sqlx::query_scalar(question).fetch_one(superuser).await?)
}
