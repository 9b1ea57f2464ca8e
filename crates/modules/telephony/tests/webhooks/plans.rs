//! The statements of the way to the first text find their rows by key, under row-level security.

use nmc_identity::CallMode;
use sqlx::Connection as _;

use crate::house::{BUSINESS, CALLER, House, call_sid, mode};

#[tokio::test]
async fn hot_queries_have_an_index_condition() {
    let house = House::with(mode(CallMode::Forwarded)).await;
    let tenant = house.tenant;
    // As many rows as make the planner choose as it does in earnest.
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
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
    let mut connection = sqlx::PgConnection::connect(&house.database.app_url()).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("set nmc.tenant_id = '{tenant}'")))
        .execute(&mut connection)
        .await
        .unwrap();
    for (table, condition, key) in [
        ("tel_calls", format!("provider_ref = '{}' for no key update", call_sid(1)), "provider_ref"),
        ("tel_calls", format!("id = '{}' for no key update", uuid::Uuid::max()), "id"),
        (
            "tel_calls",
            format!("from_phone = '{CALLER}' and created_at > '2026-01-01' order by created_at desc limit 1"),
            "created_at",
        ),
        (
            "tel_inbound_sms",
            format!("from_phone = '{CALLER}' and created_at > '2026-01-01' order by created_at desc limit 1"),
            "created_at",
        ),
    ] {
        let query = format!("explain select correlation_id from {table} where tenant_id = '{tenant}' and {condition}");
        let plan: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_all(&mut connection).await.unwrap();
        let index = plan.iter().find(|line| line.contains("Index Cond")).unwrap_or_else(|| panic!("{plan:#?}"));
        assert!(index.contains(key), "{plan:#?}");
    }
}
