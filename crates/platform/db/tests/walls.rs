//! The second wall: row-level security, walked through the catalog so that a new table cannot be forgotten.

#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

use nmc_db::{ConstraintKind, RouteKind};
use nmc_kernel::TenantId;
use nmc_testkit::TestDatabase;
use sqlx::{Connection as _, PgConnection, Row as _};

/// Tables without a tenant, each with its reason.
const WITHOUT_TENANT: [&str; 3] = [
    "_sqlx_migrations", // the migrations' own book-keeping
    "outbox_runs",      // which worker runs what: sequence numbers only
    "webhook_events",   // deduplicated before a tenant is known
];
/// Row security enabled but not forced: its SECURITY DEFINER look-up runs as the owner.
const NOT_FORCED: [&str; 1] = ["tenant_routes"];

/// What is wrong with the tables of this database, a line each.
async fn violations(connection: &mut PgConnection) -> Vec<String> {
    let tables = sqlx::query(
        r"
        select c.relname::text as name, c.relrowsecurity as enabled, c.relforcerowsecurity as forced,
               pg_get_userbyid(c.relowner)::text as owner,
               exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and a.attnotnull) as has_tenant,
               exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'tenant' and p.polpermissive
                         and p.polcmd = '*' and p.polroles = '{0}'
                         and pg_get_expr(p.polqual, c.oid) = $1 and pg_get_expr(p.polwithcheck, c.oid) = $1) as has_policy,
               coalesce((select string_agg(i.indexrelid::regclass::text, ', ') from pg_index i
                         join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
                         where i.indrelid = c.oid and i.indisunique and a.attname <> 'tenant_id'), '') as foreign_keys_to_uniqueness
        from pg_class c where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace order by 1",
    )
    .bind("(tenant_id = (NULLIF(current_setting('nmc.tenant_id'::text, true), ''::text))::uuid)")
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    let mut wrong = Vec::new();
    for table in &tables {
        let name: String = table.get("name");
        let is = |column: &str| table.get::<bool, _>(column);
        if table.get::<String, _>("owner") != "nmc_owner" {
            wrong.push(format!("{name} is not owned by nmc_owner"));
        }
        if WITHOUT_TENANT.contains(&name.as_str()) {
            continue;
        }
        if !is("has_tenant") {
            wrong.push(format!("{name} has no tenant_id not null"));
        }
        if !is("enabled") || (!is("forced") && !NOT_FORCED.contains(&name.as_str())) {
            wrong.push(format!("{name} does not enable and force row security"));
        }
        if !is("has_policy") {
            wrong.push(format!("{name} lacks the tenant policy"));
        }
        let unscoped: String = table.get("foreign_keys_to_uniqueness");
        if !unscoped.is_empty() && !NOT_FORCED.contains(&name.as_str()) {
            wrong.push(format!("{name} has unique keys that do not start with tenant_id: {unscoped}"));
        }
    }
    let references = sqlx::query_scalar::<_, String>(
        r"
        select format('%s: foreign key %s does not carry the tenant', k.conrelid::regclass, k.conname) from pg_constraint k
        where k.contype = 'f' and not exists (
          select from unnest(k.conkey, k.confkey) as pair(here, there)
          join pg_attribute h on h.attrelid = k.conrelid and h.attnum = pair.here and h.attname = 'tenant_id'
          join pg_attribute t on t.attrelid = k.confrelid and t.attnum = pair.there and t.attname = 'tenant_id')
        union all
        select format('%s: a view that is not security_invoker', c.oid::regclass) from pg_class c
        where c.relkind in ('v', 'm') and c.relnamespace = 'public'::regnamespace
          and not coalesce(c.reloptions::text like '%security_invoker=true%', false)",
    )
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    wrong.extend(references);
    wrong
}

#[tokio::test]
async fn every_table_is_under_row_security() {
    let database = TestDatabase::create().await.unwrap();
    let mut superuser = PgConnection::connect(&database.superuser_url()).await.unwrap();
    let wrong = violations(&mut superuser).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_table_that_forgets_a_part_is_found() {
    let database = TestDatabase::create().await.unwrap();
    let mut superuser = PgConnection::connect(&database.superuser_url()).await.unwrap();
    let mistakes = [
        ("create table tel_forgotten (id uuid primary key)", "has no tenant_id"),
        ("create table tel_forgotten (tenant_id uuid not null, id uuid, primary key (tenant_id, id))", "does not enable"),
        (
            "create table tel_forgotten (tenant_id uuid not null, id uuid primary key); select nmc_protect('tel_forgotten')",
            "do not start with tenant_id",
        ),
        (
            "create table tel_forgotten (tenant_id uuid not null, id uuid, primary key (tenant_id, id)); select nmc_protect('tel_forgotten');
             alter table tel_forgotten no force row level security",
            "does not enable and force",
        ),
        (
            "create table tel_forgotten (tenant_id uuid not null, id uuid, primary key (tenant_id, id)); select nmc_protect('tel_forgotten');
             drop policy tenant on tel_forgotten; create policy tenant on tel_forgotten using (true)",
            "lacks the tenant policy",
        ),
        (
            "create table tel_forgotten (tenant_id uuid not null, id uuid, primary key (tenant_id, id), other uuid unique)",
            "do not start with tenant_id",
        ),
        (
            "create table tel_forgotten (tenant_id uuid not null, id uuid, other_tenant uuid, primary key (tenant_id, id),
               foreign key (other_tenant, id) references outbox_events (tenant_id, id) on delete cascade)",
            "does not carry the tenant",
        ),
        ("create view tel_forgotten as select * from outbox_events", "not security_invoker"),
    ];
    for (sql, expected) in mistakes {
        let mut tx = superuser.begin().await.unwrap();
        sqlx::raw_sql("set local role nmc_owner").execute(&mut *tx).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut *tx).await.unwrap();
        let wrong = violations(&mut tx).await;
        assert!(wrong.iter().any(|w| w.contains(expected)), "{sql}\nexpected {expected:?}, found {wrong:?}");
        tx.rollback().await.unwrap();
    }
}

#[tokio::test]
async fn a_tenant_sees_its_own_rows_and_nobody_sees_any_without_one() {
    let database = TestDatabase::create().await.unwrap();
    let db = database.app();
    let (ours, theirs): (TenantId, TenantId) = (db.ids().next(), db.ids().next());
    for tenant in [ours, theirs] {
        let mut tx = db.begin(tenant).await.unwrap();
        let key = tenant.to_string();
        assert!(tx.add_route(RouteKind::TwilioNumber, &key, tenant.as_uuid()).await.unwrap());
        assert!(!tx.add_route(RouteKind::TwilioNumber, &key, tenant.as_uuid()).await.unwrap(), "twice is a value");
        tx.commit().await.unwrap();
    }
    let count = "select count(*) from tenant_routes";
    let mut tx = db.read(ours).await.unwrap();
    let seen: i64 = sqlx::query_scalar(count).fetch_one(tx.conn().await.unwrap()).await.unwrap();
    assert_eq!(seen, 1, "the where clause was forgotten and the wall held");
    tx.finish().await.unwrap();

    let mut system = db.begin_system().await.unwrap();
    let seen: i64 = sqlx::query_scalar(count).fetch_one(system.conn().unwrap()).await.unwrap();
    assert_eq!(seen, 0);
    // A key that is another's cannot be had, and cannot be given up for them.
    let tx = system.enter(ours).await.unwrap();
    assert!(!tx.add_route(RouteKind::TwilioNumber, &theirs.to_string(), ours.as_uuid()).await.unwrap());
    tx.remove_route(RouteKind::TwilioNumber, &theirs.to_string()).await.unwrap();
    // A row written for another tenant is refused by the wall itself.
    let smuggled = sqlx::query("insert into tenant_routes values ('twilio-number', 'x', $1, $1, now())")
        .bind(theirs.as_uuid())
        .execute(tx.conn().await.unwrap())
        .await;
    assert!(smuggled.unwrap_err().to_string().contains("row-level security"));
    drop(system);
    assert_eq!(db.route(RouteKind::TwilioNumber, &theirs.to_string()).await.unwrap().unwrap().tenant, theirs);
    assert_eq!(db.route(RouteKind::TwilioNumber, "nobody").await.unwrap(), None);
}

#[tokio::test]
async fn constraint_violations_are_told_apart_by_name() {
    let database = TestDatabase::create().await.unwrap();
    let db = database.app();
    let tenant: TenantId = db.ids().next();
    let mut tx = db.begin(tenant).await.unwrap();
    let refused = sqlx::query("insert into tenant_routes values ('twilio-number', '', $1, $1, now())")
        .bind(tenant.as_uuid())
        .execute(tx.conn().await.unwrap())
        .await
        .map_err(nmc_db::DbError::from)
        .unwrap_err();
    assert_eq!(refused.constraint(), Some("tenant_routes_external_key_check"));
    assert!(matches!(refused, nmc_db::DbError::Constraint { kind: ConstraintKind::Check, .. }));
}
