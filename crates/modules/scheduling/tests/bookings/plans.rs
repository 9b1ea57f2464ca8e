//! Every hot statement finds its rows by an index on its time or key, as the role that runs it and behind row security.

use std::{fs, path::Path};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::world::World;

/// Where the statements stand.
const FILES: [&str; 4] = ["calendar", "hold", "appointment", "appointments"];
/// Live holds of a business are a few at a time.
const MAY_SCAN: &str = "expires_at > $2 and (starts_at, id) > ($3, $4)";

const ROWS: &str = "
insert into sched_resources (tenant_id, id, name, weekly_hours, buffer_before_minutes, buffer_after_minutes,
                             minimum_notice_minutes, horizon_days, active, feed_version, created_at)
select tenant_id, gen_random_uuid(), 'Helper ' || n, weekly_hours, 0, 0, 0, 60, true, 1, created_at
from sched_resources, generate_series(1, 40) n;
insert into sched_appointments (tenant_id, id, resource_id, service_item_id, price_cents, currency, customer_phone,
                                correlation_id, booked_by, status, starts_at, ends_at, blocked_from, blocked_until, version,
                                created_at)
select t, gen_random_uuid(), r, gen_random_uuid(), 1, 'USD', '+1212555' || lpad((n % 10000)::text, 4, '0'),
       gen_random_uuid(), 'user', 'booked', s, s + interval '1 hour', s, s + interval '1 hour', 1, s
from (select $T$::uuid as t, r.ids[1 + n % 40] as r, n, timestamptz '2020-01-01 00:00Z' + n * interval '3 hours' as s
      from generate_series(1, 20000) n,
           (select array_agg(id) as ids from sched_resources where tenant_id = $T$::uuid) r) x;
insert into sched_appointment_changes (tenant_id, id, appointment_id, version, what, resource_id, starts_at, ends_at, created_at)
select tenant_id, gen_random_uuid(), id, 1, 'booked', resource_id, starts_at, ends_at, created_at from sched_appointments;
insert into sched_holds (tenant_id, id, resource_id, expires_at, correlation_id, is_override, starts_at, ends_at,
                         blocked_from, blocked_until, created_at)
select tenant_id, gen_random_uuid(), resource_id, created_at + interval '1 minute', correlation_id, false, starts_at, ends_at,
       blocked_from, blocked_until, created_at from sched_appointments;
insert into sched_ended_holds (tenant_id, id, became, created_at)
select tenant_id, gen_random_uuid(), 'released', created_at from sched_appointments;
insert into sched_time_off (tenant_id, id, absence_id, resource_id, starts_at, ends_at, created_at)
select tenant_id, gen_random_uuid(), gen_random_uuid(), resource_id, starts_at, ends_at, created_at from sched_appointments;
insert into sched_ext_busy (tenant_id, id, resource_id, calendar_id, source_ref, starts_at, ends_at, created_at)
select tenant_id, gen_random_uuid(), resource_id, gen_random_uuid(), 'x', starts_at, ends_at, created_at
from sched_appointments;
insert into sched_holidays (tenant_id, id, date, name, created_at)
select $T$::uuid, gen_random_uuid(), date '2000-01-01' + n, 'x', now() from generate_series(1, 5000) n;
-- Neighbours, by whose size a statement is planned that does not know its business.
set session_replication_role = replica;
insert into sched_appointments (tenant_id, id, resource_id, service_item_id, price_cents, currency, customer_phone,
                                correlation_id, booked_by, status, starts_at, ends_at, blocked_from, blocked_until, version,
                                created_at)
select md5('business ' || n % 1000)::uuid, gen_random_uuid(), md5('resource ' || n % 1000)::uuid, gen_random_uuid(), 1, 'USD',
       '+12125550100', gen_random_uuid(), 'user', 'booked', s, s + interval '1 hour', s, s + interval '1 hour', 1, s
from (select n, timestamptz '2020-01-01 00:00Z' + n * interval '3 hours' as s from generate_series(1, 5000) n) x;
reset session_replication_role;
analyze";

/// The statements in a source, as they are written.
fn statements(source: &str) -> Vec<String> {
    source
        .split("sqlx::query")
        .skip(1)
        .filter_map(|rest| {
            let (_, rest) = rest.split_once('(')?;
            let at = rest.find('"')?;
            let (open, close) = if rest[..at].ends_with("r#") { (at + 1, "\"#") } else { (at + 1, "\",") };
            let (sql, _) = rest[open..].split_once(close)?;
            Some(sql.to_owned())
        })
        .collect()
}

#[tokio::test]
async fn every_hot_statement_has_an_index_condition_on_its_time_or_key() {
    let world = World::new().await;
    let resource = world.resource("Alex").await.id;
    let rows = ROWS.replace("$T$", &format!("'{}'", world.tenant));
    sqlx::raw_sql(AssertSqlSafe(rows)).execute(&mut world.superuser().await).await.unwrap();
    let mut app = PgConnection::connect(&world.database.app_url()).await.unwrap();
    let setting = format!("set nmc.tenant_id = '{}'; set plan_cache_mode = force_generic_plan", world.tenant);
    sqlx::raw_sql(AssertSqlSafe(setting)).execute(&mut app).await.unwrap();
    let mut explained = 0;
    for file in FILES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/store/{file}.rs"));
        for sql in statements(&fs::read_to_string(path).unwrap()) {
            let is_plain_insert = sql.trim_start().starts_with("insert into");
            if is_plain_insert || sql.contains(MAY_SCAN) {
                continue;
            }
            sqlx::raw_sql(AssertSqlSafe(format!("prepare hot as {sql}"))).execute(&mut app).await.unwrap();
            let kinds: Vec<String> = sqlx::query_scalar(
                "select unnest(parameter_types)::text from pg_prepared_statements where name = 'hot'",
            )
            .fetch_all(&mut app)
            .await
            .unwrap();
            let values: Vec<String> = kinds
                .iter()
                .enumerate()
                .map(|(at, kind)| match (at, kind.as_str()) {
                    (0, "uuid") => format!("'{}'", world.tenant),
                    (_, "uuid") => format!("'{resource}'"),
                    (_, "uuid[]") => format!("array['{resource}']::uuid[]"),
                    (_, "timestamp with time zone") => "'2026-06-11 14:00Z'".to_owned(),
                    (_, "date") => "'2026-06-11'".to_owned(),
                    (_, "bigint" | "integer") => "50".to_owned(),
                    (_, "boolean") => "true".to_owned(),
                    (_, "text") => "'released'".to_owned(),
                    (_, other) => panic!("a parameter of type {other}: {sql}"),
                })
                .collect();
            let explain = format!("explain execute hot({})", values.join(", "));
            let plan: Vec<String> = sqlx::query_scalar(AssertSqlSafe(explain)).fetch_all(&mut app).await.unwrap();
            let scans: Vec<&String> = plan.iter().filter(|line| line.contains("Seq Scan on sched_")).collect();
            // A business has a handful of resources: a table of them is one page.
            let scans: Vec<_> = scans.into_iter().filter(|line| !line.contains("sched_resources")).collect();
            assert!(scans.is_empty(), "{file}\n{sql}\n{}", plan.join("\n"));
            // Its index knows a resource and no time that row security would let a search ask it for.
            let is_for_the_proof = plan.iter().any(|line| line.contains("sched_appointments_no_overlap"));
            assert!(!is_for_the_proof, "{file}\n{sql}\n{}", plan.join("\n"));
            for (number, line) in plan.iter().enumerate() {
                if !line.contains("Index") || !line.contains(" on sched_") || line.contains("sched_resources") {
                    continue;
                }
                let condition = plan[number + 1..].iter().find(|line| line.contains("Index Cond")).unwrap();
                // Beside the tenant, which all rows of a business share.
                let columns =
                    ["blocked_from", "starts_at", "ends_at", "date", "customer_phone", "appointment_id", "id ="];
                let columns = columns.iter().chain(&["resource_id", "conversation_id", "ROW("]);
                assert!(columns.into_iter().any(|column| condition.contains(column)), "{sql}\n{}", plan.join("\n"));
            }
            sqlx::raw_sql("deallocate hot").execute(&mut app).await.unwrap();
            explained += 1;
        }
    }
    assert!(explained >= 15, "{explained} statements were found");
}
