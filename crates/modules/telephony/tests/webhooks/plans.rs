//! Every statement of the requests' way finds its rows by key, under row-level security: the statements themselves, as the
//! compiler has them, and not copies of them.

use std::{fs, path::Path};

use nmc_identity::CallMode;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::house::{BUSINESS, House, mode};

/// What the compiler knows of the queries; each file holds one.
const QUERIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../.sqlx");
/// The tables that grow.
const TABLES: [&str; 2] = ["tel_calls", "tel_inbound_sms"];
/// Beside these there is at least the way to the first text: by CallSid, by id, by caller.
const AT_LEAST: usize = 4;

/// Every statement that reads or changes rows of the module's tables, except where a plan for any parameters says
/// nothing: sweeps take a batch of a size that the planner does not know, and the filters of the calls' list are
/// optional, so that Postgres plans it for the parameters at hand.
fn statements() -> Vec<String> {
    let files = fs::read_dir(Path::new(QUERIES)).unwrap().map(|entry| entry.unwrap().path());
    let query = |path: std::path::PathBuf| {
        let file: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        file["query"].as_str().unwrap().trim().to_owned()
    };
    files
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .map(query)
        .filter(|sql| TABLES.iter().any(|table| sql.contains(table)) && !sql.starts_with("insert"))
        .filter(|sql| !sql.contains("skip locked") && !sql.contains("is null or"))
        .collect()
}

#[tokio::test]
async fn every_statement_has_an_index_condition() {
    let house = House::with(mode(CallMode::Forwarded)).await;
    let tenant = house.tenant;
    // As many rows as make the planner choose as it does in earnest.
    sqlx::raw_sql(AssertSqlSafe(format!(
        "insert into tel_calls (tenant_id, id, provider_ref, from_phone, to_phone, way, whisper, status, answered,
                                correlation_id, created_at)
         select '{tenant}', gen_random_uuid(), 'CA' || n, '+1212555' || lpad((n % 5000)::text, 4, '0'), '{BUSINESS}',
                'forwarded', false, 'open', false, gen_random_uuid(), timestamptz '2026-01-01' + n * interval '1 minute'
         from generate_series(1, 20000) n;
         insert into tel_inbound_sms (tenant_id, id, provider_ref, from_phone, to_phone, body, media,
                                      answered_by_provider, correlation_id, created_at)
         select tenant_id, id, provider_ref, from_phone, to_phone, '', '[]', false, correlation_id, created_at
         from tel_calls;
         analyze tel_calls; analyze tel_inbound_sms"
    )))
    .execute(&mut house.superuser().await)
    .await
    .unwrap();
    let statements = statements();
    assert!(statements.len() >= AT_LEAST, "{statements:#?}");
    for sql in statements {
        // Whoever may run it: the plan is made under that role's policies.
        let (app, dispatcher) = (house.database.app_url(), house.database.dispatcher_url());
        let plan = match plan_of(&app, &house, &sql).await {
            Err(error) if error.to_string().contains("permission denied") => plan_of(&dispatcher, &house, &sql).await,
            plan => plan,
        };
        let plan = plan.unwrap_or_else(|error| panic!("{error}: {sql}"));
        let scans = plan.iter().filter(|line| line.contains("Scan") && TABLES.iter().any(|table| line.contains(table)));
        let by_key = plan.iter().filter(|line| line.contains("Index Cond") && line.matches(" AND ").count() >= 1);
        assert!(scans.count() <= by_key.count(), "{sql}\n{plan:#?}");
    }
}

/// The plan for any parameters, as a statement that was prepared has it.
async fn plan_of(url: &str, house: &House, sql: &str) -> Result<Vec<String>, sqlx::Error> {
    let mut connection = PgConnection::connect(url).await?;
    let tenant = house.tenant;
    let prepare =
        format!("set nmc.tenant_id = '{tenant}'; set plan_cache_mode = force_generic_plan; prepare statement as {sql}");
    sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut connection).await?;
    let parameters: i32 =
        sqlx::query_scalar("select cardinality(parameter_types) from pg_prepared_statements where name = 'statement'")
            .fetch_one(&mut connection)
            .await?;
    let nulls = vec!["null"; usize::try_from(parameters).unwrap()].join(", ");
    let explain = format!("explain execute statement({nulls})");
    let rows = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut connection).await?;
    let plan = rows.iter().map(|row| sqlx::Row::get(row, 0)).collect();
    connection.close().await?;
    Ok(plan)
}
