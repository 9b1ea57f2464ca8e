//! Bookings through the API, beside the same statements in pgbench.

use std::time::{Duration, Instant};

use sqlx::PgConnection;
use tokio::task::JoinSet;

use crate::{
    BenchError,
    cluster::Cluster,
    pgbench,
    proxy::{Asked, CountingProxy},
    report::Report,
    script,
    shop::{MINUTES, Shop},
    stats::{Summary, median, shown},
};

const DATABASE: &str = "nmc_bench_bookings";
const COUNTED: &str = "nmc_bench_booking_cost";
/// Who books at once, each at a resource of its own: what is measured is not how they wait for one another.
const CLIENTS: usize = 4;
/// Runs of each kind, in turn.
const ROUNDS: usize = 3;
const SECONDS: u64 = 4;
/// Bookings before anything is measured.
const WARM_UP: i64 = 100;
/// Quarters of an hour that a client of one pgbench run has to itself; more than it can book.
const VISITS_PER_RUN: i64 = 9_000;
/// Bookings that are counted, one after the other.
const COUNTED_BOOKINGS: u64 = 100;

/// The above in words, for the head of the table.
pub(crate) const SETTINGS: &str = "hold and book over HTTP, one business, 4 connections with a resource each, 4 s a run, median of 3 alternating runs";

/// Ours and the raw SQL, in turn.
pub(crate) async fn measure(cluster: &Cluster, report: &mut Report) -> Result<(), BenchError> {
    let shop = Shop::open(cluster, DATABASE, None, (0, 0), CLIENTS).await?;
    let measured = compare(&shop, cluster, report).await;
    shop.close(cluster).await?;
    measured
}

async fn compare(shop: &Shop, cluster: &Cluster, report: &mut Report) -> Result<(), BenchError> {
    let database = shop.database(cluster);
    let mut superuser = database.superuser().await?;
    let mut load = Load { shop, next: 0, made: 0 };
    let until = |count: i64| move |made: i64, _: Duration| made >= count;
    load.run(until(WARM_UP)).await?;
    sqlx::raw_sql("vacuum analyze").execute(&mut superuser).await?;
    load.run(until(WARM_UP)).await?;
    let options = raw_options(shop, &mut superuser).await?;
    let (mut ours, mut raw, mut held, mut booked, mut no_raw) = (vec![], vec![], vec![], vec![], None);
    for round in 0..ROUNDS {
        let (rate, times) = load.run(|_, elapsed| elapsed.as_secs() >= SECONDS).await?;
        ours.push(rate);
        held.extend(times.iter().map(|[held, _]| *held));
        booked.extend(times.iter().map(|[_, booked]| *booked));
        if no_raw.is_none() {
            let first = i64::try_from(round).unwrap_or(0) * VISITS_PER_RUN;
            let options = [options.clone(), vec![format!("--define=n={first}")]].concat();
            match pgbench::run(&database, "nmc_app", &script::expanded(script::BOOKING), &options).await? {
                Ok(rate) => raw.push(rate),
                Err(reason) => no_raw = Some(reason),
            }
        }
    }
    check_booked(&mut superuser, &load).await?;
    let medium = cluster.medium;
    let rate = |rates: &[f64]| median(rates).map_or_else(|| "-".to_owned(), |rate| format!("{rate:.0}"));
    report.put(medium, "bookings over HTTP, 4 connections, per second", "", rate(&ours));
    report.put(medium, "the same SQL in pgbench, bookings per second", "", no_raw.unwrap_or_else(|| rate(&raw)));
    if let (Some(ours), Some(raw)) = (median(&ours), median(&raw)) {
        report.put(medium, "bookings / raw (P6)", ">= 0.60", format!("{:.2}", ours / raw));
    }
    report.put(medium, "a hold among them, P50 / P95 / max", "", shown(Summary::of(held)));
    report.put(medium, "a booking of what is held among them, P50 / P95 / max", "", shown(Summary::of(booked)));
    Ok(())
}

/// Clients that book one visit after the other.
struct Load<'a> {
    shop: &'a Shop,
    /// The next visit of each resource.
    next: i64,
    /// Bookings that were answered.
    made: i64,
}

impl Load<'_> {
    /// Runs until `is_over` says so of the bookings a client has made and of the time: bookings a second, and how long hold
    /// and booking took of each.
    async fn run(
        &mut self,
        is_over: impl Fn(i64, Duration) -> bool + Copy + Send + 'static,
    ) -> Result<(f64, Vec<[Duration; 2]>), BenchError> {
        let (mut clients, first, began) = (JoinSet::new(), self.next, Instant::now());
        for resource in &self.shop.resources {
            let (caller, any) = (self.shop.owner.apart()?, self.shop.visit(resource, first));
            clients.spawn(async move {
                let (mut visit, mut times) = (any, Vec::new());
                for made in 1.. {
                    times.push(caller.make(&visit).await?);
                    visit.start += chrono::TimeDelta::minutes(MINUTES);
                    if is_over(made, began.elapsed()) {
                        break;
                    }
                }
                Ok::<_, BenchError>(times)
            });
        }
        let mut all = Vec::new();
        while let Some(times) = clients.join_next().await {
            let times = times??;
            let made = i64::try_from(times.len()).unwrap_or(i64::MAX);
            self.next = self.next.max(first + made);
            self.made += made;
            all.extend(times);
        }
        #[expect(clippy::cast_precision_loss, reason = "some thousands")]
        let rate = all.len() as f64 / began.elapsed().as_secs_f64();
        Ok((rate, all))
    }
}

/// What pgbench is told: the same business, user, item, and resources like ours, with what the server writes for them.
async fn raw_options(shop: &Shop, superuser: &mut PgConnection) -> Result<Vec<String>, BenchError> {
    // The script makes ids of numbers; these are the resources' of its clients.
    sqlx::query(
        "insert into sched_resources
         select (jsonb_populate_record(r, jsonb_build_object('id', lpad(numbered.n::text, 32, '0'),
                                                             'name', r.name || ' of pgbench'))).*
         from (select id, row_number() over (order by created_at, id) as n from sched_resources) numbered
         join sched_resources r using (id)",
    )
    .execute(&mut *superuser)
    .await?;
    let told: Vec<(String, String)> = sqlx::query_as(
        "with held as (select * from outbox_events where event_name ~ 'AppointmentHeld$' order by seq desc limit 1),
              booked as (select * from outbox_events where event_name ~ 'AppointmentBooked$' order by seq desc limit 1),
              answers as (select answer, fingerprint from idempotency_keys order by created_at desc limit 1),
              appointment as (select a.* from sched_appointments a order by created_at desc limit 1)
         select told.name, told.value from held, booked, answers, appointment a, id_users u,
           lateral (values
             ('clerk_user', u.clerk_user_id), ('tenant', u.tenant_id::text), ('user', u.id::text),
             ('item', a.service_item_id::text), ('cents', a.price_cents::text), ('currency', a.currency),
             ('phone', a.customer_phone), ('name', a.customer_name), ('address', a.customer_address),
             ('notes', a.notes), ('booked_by', a.booked_by),
             ('fingerprint', answers.fingerprint::text), ('hold_answer', answers.answer::text),
             ('book_answer', answers.answer::text),
             ('hold_names', array[held.event_name]::text), ('hold_payloads', array[held.payload]::text),
             ('book_names', array[booked.event_name]::text), ('book_payloads', array[booked.payload]::text),
             ('versions', array[booked.schema_version]::text), ('times', array[booked.occurred_at]::text),
             ('correlations', array[booked.correlation_id]::text), ('causations', array[booked.causation_id]::text),
             ('order_keys', array[booked.order_key]::text), ('traces', array[booked.traceparent]::text),
             ('now', booked.occurred_at::text), ('expires', (booked.occurred_at + interval '15 minutes')::text)
           ) as told(name, value)
         where u.role = 'OWNER'",
    )
    .fetch_all(superuser)
    .await?;
    if told.is_empty() {
        return Err(BenchError::Wrong("nothing was booked that pgbench could copy".to_owned()));
    }
    let fixed = [
        ("lock_class", "1229210957".to_owned()),
        ("gate", "booking".to_owned()),
        ("timer", "scheduling.hold-expiry".to_owned()),
        ("none", "none".to_owned()),
        ("off", "false".to_owned()),
        ("one", "1".to_owned()),
        ("first", shop.first_day.timestamp().to_string()),
    ];
    let told = told.into_iter().chain(fixed.map(|(name, value)| (name.to_owned(), value)));
    let defined = told.map(|(name, value)| format!("--define={name}={value}"));
    let how = [format!("--client={CLIENTS}"), format!("--jobs={CLIENTS}"), format!("--time={SECONDS}")];
    Ok(how.into_iter().chain(defined).collect())
}

/// Fails where a booking that was answered is not there.
async fn check_booked(superuser: &mut PgConnection, load: &Load<'_>) -> Result<(), BenchError> {
    let booked: i64 =
        sqlx::query_scalar("select count(*) from sched_appointments where length(ltrim(resource_id::text, '0-')) > 4")
            .fetch_one(superuser)
            .await?;
    if booked == load.made {
        return Ok(());
    }
    Err(BenchError::Wrong(format!("{} bookings were answered, and {booked} are there", load.made)))
}

/// Counts what a booking asks of Postgres, and compares it with the script; a cluster of its own, whose roles have a
/// password.
pub(crate) async fn count(cluster: &Cluster, report: &mut Report) -> Result<(), BenchError> {
    let proxy = CountingProxy::start(cluster.postgres.socket_dir().join(".s.PGSQL.5432")).await?;
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres?sslmode=disable", proxy.port);
    let shop = Shop::open(cluster, COUNTED, Some(url), (0, 0), 1).await?;
    let counted = counted(&shop, cluster, &proxy, report).await;
    shop.close(cluster).await?;
    counted
}

async fn counted(shop: &Shop, cluster: &Cluster, proxy: &CountingProxy, report: &mut Report) -> Result<(), BenchError> {
    let mut visit = shop.visit(&shop.resources[0], 0);
    let mut asked = [Asked::default(), Asked::default()];
    // The first round warms up.
    for round in &mut asked {
        let before = proxy.asked_by("nmc_app");
        for _ in 0..COUNTED_BOOKINGS {
            shop.owner.make(&visit).await?;
            visit.start += chrono::TimeDelta::minutes(MINUTES);
        }
        *round = proxy.asked_by("nmc_app").since(&before);
    }
    let [_, asked] = asked;
    let counts = [asked.round_trips, asked.statements, asked.commits].map(per_booking);
    let line = "hold and book: round trips / statements / commits";
    report.put(cluster.medium, line, "", counts.join(" / "));
    report.put(cluster.medium, "hold and book: statements prepared", "", per_booking(asked.prepared));
    script::check(&asked, COUNTED_BOOKINGS)
}

fn per_booking(count: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let mean = count as f64 / COUNTED_BOOKINGS as f64;
    format!("{mean:.1}")
}
