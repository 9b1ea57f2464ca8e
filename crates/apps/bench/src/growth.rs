//! Searches and bookings of a business that is alone, and of one among thousands: what others have costs nothing.

use std::time::Duration;

use axum::http::StatusCode;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::{
    BenchError,
    cluster::{Cluster, Medium},
    drain, events,
    report::Report,
    shop::{Caller, Shop},
    stats::{Summary, median, shown},
};

const ALONE: &str = "nmc_bench_alone";
const AMONG: &str = "nmc_bench_among";
const RESOURCES: usize = 10;
/// Appointments of half an hour in the fourteen days that are searched.
const APPOINTMENTS: i64 = 2_000;
/// The other businesses, each with the resources and the catalog of the first, and with so many appointments: a hundred
/// times as many as the first has.
const OTHERS: i64 = 5_000;
const APPOINTMENTS_OF_EACH: i64 = 40;
/// Others that book while it is measured: their rows are not in anybody's mind.
const BOOKERS: i64 = 200;
/// Before anything is measured, and measured.
const WARM_UP: usize = 40;
const SEARCHES: usize = 300;
const BOOKINGS: usize = 300;
/// Events that are delivered, and how often.
const EVENTS: i32 = 30_000;
const ROUNDS: usize = 3;
/// What is booked lies beyond what is searched: its quarters of an hour begin so late.
const BOOKED_FROM: i64 = 30 * 96;

/// The above in words, for the head of the table.
pub(crate) const SETTINGS: &str = "ten resources, open 7 to 19 o'clock; each search and booking in turn with one among \
                                   5,000 businesses that have 40 appointments each, with changes, holds, events and keys";

/// Measures on one cluster.
pub(crate) async fn measure(cluster: &Cluster, report: &mut Report) -> Result<(), BenchError> {
    let alone = Shop::open(cluster, ALONE, None, (7, 19), RESOURCES).await?;
    let among = Shop::open(cluster, AMONG, None, (7, 19), RESOURCES).await?;
    let measured = compare(&alone, &among, cluster, report).await;
    alone.installation.stop().await?;
    among.installation.stop().await?;
    measured?;
    // With nobody else to take them.
    deliver_in_turn(cluster, report).await?;
    cluster.drop_database(ALONE).await?;
    cluster.drop_database(AMONG).await
}

async fn compare(alone: &Shop, among: &Shop, cluster: &Cluster, report: &mut Report) -> Result<(), BenchError> {
    let medium = cluster.medium;
    let mut rows = [0; 2];
    for (shop, rows) in [alone, among].into_iter().zip(&mut rows) {
        let mut superuser = shop.database(cluster).superuser().await?;
        fill_calendar(&mut superuser, shop).await?;
        if std::ptr::eq(shop, among) {
            copy_to_others(&mut superuser).await?;
        }
        sqlx::raw_sql("vacuum analyze").execute(&mut superuser).await?;
        sqlx::raw_sql("checkpoint").execute(&mut superuser).await?;
        *rows = count_rows(&mut superuser).await?;
    }
    let [few, many] = rows;
    let searches = search_in_turn(alone, among).await?;
    let names = [
        "search of 10 resources, 14 days, 2,000 appointments, over HTTP, P50 / P95 / max (P11)".to_owned(),
        "the same with 200,000 appointments of 5,000 other businesses in the tables".to_owned(),
    ];
    enter(medium, report, names, "P95 <= 10 ms", searches, "search among them / alone (P11), P50 / P95");
    let mut superuser = among.database(cluster).superuser().await?;
    let others = sign_in_others(&mut superuser, among).await?;
    let bookings = book_in_turn(alone, among, &others).await?;
    let names = [
        format!("a booking (hold and book) with 1 business and {few} rows, P50 / P95 / max"),
        format!("the same of 200 of 5,000 businesses with {many} rows"),
    ];
    enter(medium, report, names, "", bookings, "a booking among them / alone (P15), P50 / P95");
    Ok(())
}

fn enter(
    medium: Medium,
    report: &mut Report,
    [alone_line, among_line]: [String; 2],
    goal: &'static str,
    times: [Vec<Duration>; 2],
    ratio_line: &str,
) {
    let [alone, among] = times.map(Summary::of);
    report.put(medium, alone_line, goal, shown(alone));
    report.put(medium, among_line, "", shown(among));
    if let (Some(alone), Some(among)) = (alone, among) {
        let ratio = |pick: fn(&Summary) -> Duration| pick(&among).as_secs_f64() / pick(&alone).as_secs_f64();
        let ratios = format!("{:.2} / {:.2}", ratio(|s| s.p50), ratio(|s| s.p95));
        report.put(medium, ratio_line, "<= 1.3", ratios);
    }
}

/// The same events for the business alone, and for one after the other of all.
async fn deliver_in_turn(cluster: &Cluster, report: &mut Report) -> Result<(), BenchError> {
    let databases = [ALONE, AMONG].map(|name| cluster.existing(name));
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (database, rates) in databases.iter().zip(&mut rates) {
            let mut superuser = database.superuser().await?;
            let tenants: Vec<String> =
                sqlx::query_scalar("select id::text from id_tenants order by id").fetch_all(&mut superuser).await?;
            events::add(&mut superuser, &tenants, EVENTS, 0).await?;
            sqlx::raw_sql("vacuum analyze outbox_events, outbox_consumed").execute(&mut superuser).await?;
            rates.push(drain::deliver(database, EVENTS).await?);
        }
    }
    let [alone, among] = rates.map(|rates| median(&rates).unwrap_or(f64::NAN));
    report.put(cluster.medium, "outbox drain with 1 business, 30,000 events, per second", "", format!("{alone:.0}"));
    report.put(cluster.medium, "the same with 5,000 businesses and their rows", "", format!("{among:.0}"));
    let line = "an event among them / alone (P15)";
    report.put(cluster.medium, line, "<= 1.3", format!("{:.2}", alone / among));
    Ok(())
}

/// One search here, one there.
async fn search_in_turn(alone: &Shop, among: &Shop) -> Result<[Vec<Duration>; 2], BenchError> {
    let mut times = [Vec::new(), Vec::new()];
    for number in 0..WARM_UP + SEARCHES {
        for (shop, times) in [alone, among].into_iter().zip(&mut times) {
            let took = search(shop).await?;
            if number >= WARM_UP {
                times.push(took);
            }
        }
    }
    Ok(times)
}

async fn search(shop: &Shop) -> Result<Duration, BenchError> {
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let body = json!({
        "duration_minutes": 60, "window_start": time(shop.first_day),
        "window_end": time(shop.first_day + TimeDelta::days(14))
    });
    let answer = shop.owner.post("/v1/scheduling/search", &body, None).await?.expect(StatusCode::OK)?;
    let slots = answer.body.get("slots").and_then(Value::as_array).map_or(0, Vec::len);
    // A full calendar has gaps, and they are found.
    if slots > 0 { Ok(answer.took) } else { Err(BenchError::Wrong(format!("a search found {}", answer.body))) }
}

/// One booking here, one of another business each time there.
async fn book_in_turn(
    alone: &Shop,
    among: &Shop,
    others: &[(Caller, String)],
) -> Result<[Vec<Duration>; 2], BenchError> {
    let mut times = [Vec::new(), Vec::new()];
    for number in 0..WARM_UP + BOOKINGS {
        let (other, resource) = &others[number % others.len()];
        // Forty-eight quarters of an hour a day, from seven o'clock on; a resource each in turn.
        let slot = |count: usize| {
            let count = i64::try_from(count).unwrap_or(0);
            BOOKED_FROM + count / 48 * 96 + 28 + count % 48
        };
        let here = alone.visit(&alone.resources[number % RESOURCES], slot(number / RESOURCES));
        let there = among.visit(resource, slot(number / others.len()));
        for ((caller, visit), times) in [(&alone.owner, &here), (other, &there)].into_iter().zip(&mut times) {
            let [held, booked] = caller.make(visit).await?;
            if number >= WARM_UP {
                times.push(held + booked);
            }
        }
    }
    Ok(times)
}

/// Somebody of each of the others who book, with one of its resources.
async fn sign_in_others(superuser: &mut PgConnection, among: &Shop) -> Result<Vec<(Caller, String)>, BenchError> {
    let others: Vec<(String, String)> = sqlx::query_as(
        "select u.clerk_user_id, (select r.id::text from sched_resources r where r.tenant_id = u.tenant_id limit 1)
         from id_users u where u.clerk_user_id ~ '^user_other' order by md5(u.clerk_user_id) limit $1",
    )
    .bind(BOOKERS)
    .fetch_all(superuser)
    .await?;
    let others = others.into_iter();
    others.map(|(user, resource)| Ok((among.owner.as_another(&among.installation, &user)?, resource))).collect()
}

/// Fills the fortnight that is searched: two hundred of a resource's half hours, spread evenly.
async fn fill_calendar(superuser: &mut PgConnection, shop: &Shop) -> Result<(), BenchError> {
    sqlx::query(
        "insert into sched_appointments (tenant_id, id, resource_id, service_item_id, price_cents, currency, customer_phone,
                                         customer_name, customer_address, correlation_id, booked_by, status, starts_at,
                                         ends_at, blocked_from, blocked_until, version, created_at)
         select r.tenant_id, gen_random_uuid(), r.id, $3::uuid, 9900, 'USD', '+12125550142', 'Pat Example', '1 Main St',
                gen_random_uuid(), 'user', 'booked', at, at + interval '30 minutes', at, at + interval '30 minutes', 1, $1
         from (select tenant_id, id, $1 + day * interval '1 day' + half_hour * interval '30 minutes' as at,
                      row_number() over (partition by id order by md5(id::text || '-' || day || '-' || half_hour)) as n
               from sched_resources, generate_series(0, 13) day, generate_series(14, 37) half_hour) r
         where n <= $2",
    )
    .bind(shop.first_day)
    .bind(APPOINTMENTS / i64::try_from(RESOURCES).unwrap_or(1))
    .bind(&shop.item)
    .execute(&mut *superuser)
    .await?;
    add_history(superuser, "true").await
}

/// What bookings leave behind beside the appointments: each its change, its ended hold, an event and a key.
async fn add_history(superuser: &mut PgConnection, of: &'static str) -> Result<(), BenchError> {
    for insert in [
        "sched_appointment_changes (tenant_id, id, appointment_id, version, what, resource_id, starts_at, ends_at, created_at)
         select tenant_id, gen_random_uuid(), id, 1, 'booked', resource_id, starts_at, ends_at, created_at",
        "sched_ended_holds (tenant_id, id, became, appointment_id, created_at)
         select tenant_id, gen_random_uuid(), 'booked', id, created_at",
        "outbox_events (tenant_id, id, event_name, schema_version, occurred_at, correlation_id, payload, available_at,
                        dispatched_at)
         select tenant_id, id, 'nmc.scheduling.AppointmentBooked', '1.0.0', created_at, correlation_id,
                jsonb_build_object('appointment_id', id, 'resource_id', resource_id, 'customer_phone', customer_phone,
                                   'start', starts_at, 'end', ends_at, 'price_cents', price_cents), created_at, created_at",
        "idempotency_keys (tenant_id, user_id, key, fingerprint, answer, created_at)
         select tenant_id, resource_id, id::text, sha256(id::text::bytea), jsonb_build_object('appointment_id', id),
                created_at",
    ] {
        let sql = format!("insert into {insert} from sched_appointments where {of}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut *superuser).await?;
    }
    Ok(())
}

/// Copies the business, its people, what it sells and who works there, and a part of what is booked.
async fn copy_to_others(superuser: &mut PgConnection) -> Result<(), BenchError> {
    let others = format!(
        "create temporary table others as
         select n, md5('business ' || n)::uuid as id, 'user_other' || n as clerk_user from generate_series(1, {OTHERS}) n;
         -- Foreign keys hold as they do in what is copied.
         set session_replication_role = replica"
    );
    let appointments = format!(
        "insert into sched_appointments (tenant_id, id, resource_id, service_item_id, price_cents, currency,
                                         customer_phone, customer_name, customer_address, correlation_id, booked_by, status,
                                         starts_at, ends_at, blocked_from, blocked_until, version, created_at)
         select o.id, gen_random_uuid(), md5(o.id::text || a.resource_id)::uuid, service_item_id, price_cents, currency,
                customer_phone, customer_name, customer_address, gen_random_uuid(), booked_by, status, starts_at, ends_at,
                blocked_from, blocked_until, version, created_at
         from (select a.*, row_number() over (order by id) as n from sched_appointments a) a, others o
         where a.n <= {APPOINTMENTS_OF_EACH} order by o.id, a.n"
    );
    // A copy of a row is the row with other values in some columns.
    let copy = |table: &str, changed: &str, which: &str| {
        format!(
            "insert into {table} select (jsonb_populate_record(of, jsonb_build_object({changed}))).*
             from {table} of, others o where {which}"
        )
    };
    let route = copy(
        "tenant_routes",
        "'tenant_id', o.id, 'external_key', o.clerk_user",
        "kind = 'clerk-user' and ref_id = (select id from id_users where role = 'OWNER')",
    );
    for sql in [
        others,
        route,
        copy("id_tenants", "'tenant_id', o.id, 'id', o.id, 'name', of.name || ' ' || o.n", "true"),
        copy("id_users", "'tenant_id', o.id, 'clerk_user_id', o.clerk_user", "role = 'OWNER'"),
        copy("catalog_service_items", "'tenant_id', o.id", "true"),
        copy("sched_resources", "'tenant_id', o.id, 'id', md5(o.id::text || of.id)::uuid", "true"),
        appointments,
    ] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut *superuser).await?;
    }
    add_history(superuser, "tenant_id in (select id from others)").await
}

async fn count_rows(superuser: &mut PgConnection) -> Result<i64, BenchError> {
    let question = "select sum(reltuples)::bigint from pg_class
                    where relkind = 'r' and relnamespace = 'public'::regnamespace and reltuples > 0";
    Ok(sqlx::query_scalar(question).fetch_one(superuser).await?)
}
