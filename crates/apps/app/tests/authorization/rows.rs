//! The second wall alone: statements without any condition, behind row security.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::world::{World, tables};

/// A statement that a role has no right to at all reaches nobody's rows either.
const NO_RIGHT: &str = "42501";

/// How far the account's lists were read is of no business: its rows have a tenant nobody is.
const INSTALLATIONS_OWN: &str = "tel_polls";

#[tokio::test]
async fn row_security_alone_keeps_strangers_out() {
    let world = World::start().await;
    let mut superuser = world.app.look().await;
    let tables = tables(&mut superuser).await;
    assert!(tables.len() > 15, "{tables:?}");
    let rows = world.rows_of(world.theirs.tenant).await;
    let of_a_business = tables.iter().filter(|table| *table != INSTALLATIONS_OWN);
    let empty: Vec<_> = of_a_business.filter(|table| rows[*table].0 == 0).collect();
    assert!(empty.is_empty(), "tables of which the other business has no row: {empty:?}");

    for role in ["nmc_app", "nmc_owner"] {
        let mut connection = PgConnection::connect(&world.app.database.url(role)).await.unwrap();
        for table in &tables {
            // The one table whose owner row security does not bind: `nmc_route` is its owner's.
            if role == "nmc_owner" && table == "tenant_routes" {
                continue;
            }
            // Some functions of the owner's look across businesses for a number or a list of ids; he changes nothing there.
            if role != "nmc_owner" {
                let others =
                    format!("select count(*) from {table} where tenant_id <> current_setting('nmc.tenant_id')::uuid");
                let seen = within(&mut connection, world.ours.tenant.as_uuid(), &others).await;
                assert!(matches!(seen, Ok(0) | Err(_)), "{role} sees {seen:?} rows of others in {table}");
            }
            // A business without any row: whatever is touched is somebody else's.
            for change in [format!("update {table} set tenant_id = tenant_id"), format!("delete from {table}")] {
                let sql = format!("with touched as ({change} returning 1) select count(*) from touched");
                let touched = within(&mut connection, world.missing(), &sql).await;
                assert!(matches!(touched, Ok(0) | Err(_)), "{role}: {change} touches {touched:?} rows");
                assert!(role != "nmc_owner" || touched.is_ok(), "{role}: {change} was not tried");
            }
        }
    }
    assert_eq!(world.rows_of(world.theirs.tenant).await, rows);
}

/// The number a statement gives within `tenant`; an error where the role has no right to it.
async fn within(connection: &mut PgConnection, tenant: uuid::Uuid, sql: &str) -> Result<i64, String> {
    let mut transaction = connection.begin().await.unwrap();
    sqlx::query("select set_config('nmc.tenant_id', $1, true)")
        .bind(tenant.to_string())
        .execute(&mut *transaction)
        .await
        .unwrap();
    let counted = sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&mut *transaction).await;
    transaction.rollback().await.unwrap();
    counted.map_err(|error| {
        let code =
            error.as_database_error().and_then(sqlx::error::DatabaseError::code).unwrap_or_default().into_owned();
        assert_eq!(code, NO_RIGHT, "{sql}: {error}");
        code
    })
}
