//! Every statement of retention finds its rows by an index, as the role that runs it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use chrono::{Duration, Utc};
use nmc_db::first_id_at;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::rows::{SETTLED, Stand, run, tables};

/// Rows enough for the planner to choose as it does in earnest.
const ROWS: i64 = 20_000;

/// All files called `retention.rs` below the crates' sources.
fn sources(below: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("tests") {
            sources(&path, found);
        } else if path.file_name().is_some_and(|name| name == "retention.rs") {
            found.push(path);
        }
    }
}

/// The statements in a source, as they are written.
fn statements(source: &str) -> Vec<String> {
    source
        .split("sqlx::query")
        .skip(1)
        .filter_map(|rest| {
            let (_, rest) = rest.split_once('(')?;
            let rest = rest.trim_start();
            let (open, close) = if rest.starts_with("r#\"") { ("r#\"", "\"#") } else { ("\"", "\",") };
            let (sql, _) = rest.strip_prefix(open)?.split_once(close)?;
            Some(sql.replace("\\\"", "\""))
        })
        .collect()
}

#[tokio::test]
async fn every_sweep_has_an_index_condition_on_age() {
    let mut stand = Stand::new().await;
    let (tenant, now) = (stand.tenant, stand.now);
    for table in tables(&mut stand.superuser).await {
        if table == "_sqlx_migrations" || table == "id_tenants" {
            continue;
        }
        // Most of it young, some of it old.
        stand.plant(&table, tenant, now, ROWS, &[]).await;
        stand.plant(&table, tenant, now - Duration::days(1000), 200, &[]).await;
    }
    assert!(!SETTLED.is_empty());
    run(&mut stand.superuser, "analyze").await;

    let mut dispatcher = PgConnection::connect(&stand.database.dispatcher_url()).await.unwrap();
    run(&mut dispatcher, &format!("set nmc.tenant_id = '{tenant}'")).await;
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."), &mut files);
    let mut explained = 0;
    for file in files {
        for sql in statements(&fs::read_to_string(&file).unwrap()) {
            if sql.contains("nmc_tenants") {
                continue;
            }
            run(&mut dispatcher, &format!("prepare sweep as {sql}")).await;
            let kinds: Vec<String> = sqlx::query_scalar(
                "select unnest(parameter_types)::text from pg_prepared_statements where name = 'sweep'",
            )
            .fetch_all(&mut dispatcher)
            .await
            .unwrap();
            let before = now - Duration::days(900);
            let mut uuids = [tenant.as_uuid(), first_id_at(before)].into_iter();
            let values: Vec<String> = kinds
                .iter()
                .map(|kind| match kind.as_str() {
                    "uuid" => format!("'{}'", uuids.next().unwrap()),
                    "timestamp with time zone" => format!("'{}'", before.with_timezone(&Utc).to_rfc3339()),
                    "date" => format!("'{}'", before.date_naive()),
                    "bigint" => "500".to_owned(),
                    other => panic!("a parameter of type {other}: {sql}"),
                })
                .collect();
            let explain = format!("explain execute sweep({})", values.join(", "));
            let plan: Vec<String> =
                sqlx::query_scalar(AssertSqlSafe(explain)).fetch_all(&mut dispatcher).await.unwrap();
            let plan = plan.join("\n");
            assert!(!plan.contains("Seq Scan"), "{}\n{sql}\n{plan}", file.display());
            assert!(
                plan.lines().any(|line| line.contains("Index Cond") && line.contains(" < ")),
                "{}\n{sql}\n{plan}",
                file.display()
            );
            run(&mut dispatcher, "deallocate sweep").await;
            explained += 1;
        }
    }
    assert!(explained >= 19, "{explained} statements were found");
}
