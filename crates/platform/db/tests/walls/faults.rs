//! What may be wrong with a table, a policy, a function, a view or a right; and that each mistake is found.

use nmc_testkit::TestDatabase;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};

/// Tables without a tenant, each with its reason.
const WITHOUT_TENANT: [&str; 4] = [
    "_sqlx_migrations", // the migrations' own book-keeping
    "effect_pauses",    // the installation's switch for a kind of effect (ADR 0020)
    "outbox_runs",      // which worker runs what: sequence numbers only
    "webhook_events",   // deduplicated before a tenant is known
];
/// Row security enabled but not forced: its SECURITY DEFINER look-up runs as the owner.
const NOT_FORCED: [&str; 1] = ["tenant_routes"];
/// What stands beside the tenant policy: `table policy command role`. The dispatcher looks for what is due across
/// tenants; the owner's functions list businesses and requested numbers, find who is signed in, and count what
/// all let out.
const BESIDE_THE_TENANT: [&str; 15] = [
    "comp_gate_decisions owner_read select nmc_owner",
    "comp_phone_numbers owner_read select nmc_owner",
    "conv_turns dispatcher_claim update nmc_dispatcher",
    "conv_turns dispatcher_read select nmc_dispatcher",
    "effect_intents dispatcher_claim update nmc_dispatcher",
    "effect_intents dispatcher_read select nmc_dispatcher",
    "id_tenants owner_read select nmc_owner",
    "id_users owner_read select nmc_owner",
    "outbox_consumed dispatcher_insert insert nmc_dispatcher",
    "outbox_consumed dispatcher_read select nmc_dispatcher",
    "outbox_dead_letters dispatcher_read select nmc_dispatcher",
    "outbox_events dispatcher_claim update nmc_dispatcher",
    "outbox_events dispatcher_read select nmc_dispatcher",
    "timers dispatcher_claim update nmc_dispatcher",
    "timers dispatcher_read select nmc_dispatcher",
];
/// The tenant policy, as Postgres writes it.
const TENANT: &str = "(tenant_id = (NULLIF(current_setting('nmc.tenant_id'::text, true), ''::text))::uuid)";

/// What is wrong in this database, a line each.
async fn violations(connection: &mut PgConnection) -> Vec<String> {
    let mut wrong = table_violations(connection).await;
    wrong.extend(policy_violations(connection).await);
    for question in [SHAPES, FUNCTIONS, TABLE_RIGHTS, OTHER_RIGHTS, ROLES] {
        let found: Vec<String> = sqlx::query_scalar(question).fetch_all(&mut *connection).await.unwrap();
        wrong.extend(found);
    }
    wrong
}

async fn table_violations(connection: &mut PgConnection) -> Vec<String> {
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
    .bind(TENANT)
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
    wrong
}

/// Permissive policies are joined with OR: one more opens the table, whatever the tenant policy says.
async fn policy_violations(connection: &mut PgConnection) -> Vec<String> {
    let policies: Vec<String> = sqlx::query_scalar(
        r"
        select format('%s %s %s %s', tablename, policyname, lower(cmd), array_to_string(roles, ' ')) from pg_policies
        where permissive = 'PERMISSIVE' and policyname <> 'tenant'",
    )
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    let is_strange = |found: &String| !BESIDE_THE_TENANT.contains(&found.as_str());
    policies
        .into_iter()
        .filter(is_strange)
        .map(|found| format!("a policy opens its table beside the tenant's: {found}"))
        .collect()
}

/// Foreign keys, views, and what is neither a table, a view, an index nor a sequence.
const SHAPES: &str = r"
    select format('%s: foreign key %s does not carry the tenant', k.conrelid::regclass, k.conname) from pg_constraint k
    where k.contype = 'f' and not exists (
      select from unnest(k.conkey, k.confkey) as pair(here, there)
      join pg_attribute h on h.attrelid = k.conrelid and h.attnum = pair.here and h.attname = 'tenant_id'
      join pg_attribute t on t.attrelid = k.confrelid and t.attnum = pair.there and t.attname = 'tenant_id')
    union all
    -- A materialised view is its owner's copy of rows and can have no row security at all.
    select format('%s: a view that is not security_invoker', c.oid::regclass) from pg_class c
    where c.relkind in ('v', 'm') and c.relnamespace = 'public'::regnamespace
      and not coalesce(c.reloptions @> '{security_invoker=true}', false)
    union all
    select format('%s: a foreign table', c.oid::regclass) from pg_class c
    where c.relkind = 'f' and c.relnamespace = 'public'::regnamespace
    union all
    select format('schema %s: everything of the product stands in public', nspname) from pg_namespace
    where nspname not in ('public', 'information_schema') and nspname !~ '^pg_'";

/// Functions of the product; those of extensions are Postgres' own.
const FUNCTIONS: &str = r"
    with ours as (
      select p.* from pg_proc p where p.pronamespace = 'public'::regnamespace
        and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'))
    select format('%s: a function that public may execute', oid::regprocedure) from ours
    where has_function_privilege('public', oid, 'execute')
    union all
    select format('%s: a SECURITY DEFINER function without a fixed search_path', oid::regprocedure) from ours
    where prosecdef and not exists (
      select from unnest(proconfig) as setting where setting in ('search_path=pg_catalog', 'search_path=pg_catalog, public'))
    union all
    select format('%s: a function that is not owned by nmc_owner', oid::regprocedure) from ours
    where proowner <> 'nmc_owner'::regrole";

/// Rights on tables, whole or by column, that no role but the owner may have; and rights of everybody.
const TABLE_RIGHTS: &str = r"
    with rights as (
      select c.oid, c.relnamespace, acl.* from pg_class c, aclexplode(c.relacl) acl where acl.grantee <> c.relowner
      union all
      select c.oid, c.relnamespace, acl.* from pg_class c join pg_attribute a on a.attrelid = c.oid, aclexplode(a.attacl) acl
      where acl.grantee <> c.relowner)
    select format('%s: %s of %s', oid::regclass, lower(privilege_type),
      case grantee when 0 then 'public' else grantee::regrole::text end)
    from rights
    where relnamespace = 'public'::regnamespace
      and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = oid and d.deptype = 'e')
      and (grantee = 0 or is_grantable or privilege_type not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
           or (privilege_type <> 'SELECT' and grantee in ('nmc_readonly'::regrole, 'nmc_backup'::regrole)))";

/// Rights on this database, on the two that every server has, and on the schema.
const OTHER_RIGHTS: &str = r"
    with roles(role) as (values ('nmc_app'), ('nmc_dispatcher'), ('nmc_readonly'), ('nmc_backup'), ('public'))
    select format('database: %s of %s', wanted, role) from roles, (values ('create'), ('temporary')) rights(wanted)
    where has_database_privilege(role, current_database(), wanted)
    union all
    select 'database: connect of public' where has_database_privilege('public', current_database(), 'connect')
    union all
    select format('database %s: connect of %s', datname, role) from roles, pg_database
    where datname in ('postgres', 'template1') and has_database_privilege(role, oid, 'connect')
    union all
    select format('schema public: create of %s', role) from roles where has_schema_privilege(role, 'public', 'create')
    union all
    select 'schema public: usage of public' where has_schema_privilege('public', 'public', 'usage')
    union all
    select 'functions made from now on: execute of public' where not exists (
      select from pg_default_acl where defaclrole = 'nmc_owner'::regrole and defaclnamespace = 0 and defaclobjtype = 'f'
        and not exists (select from aclexplode(defaclacl) where grantee = 0))";

/// What a role is, beside what it was granted. Backups read past row security, which is what they are for. Other roles of
/// the server are not the product's.
const ROLES: &str = r"
    with ours as (select * from pg_roles
      where rolname in ('nmc_owner', 'nmc_app', 'nmc_dispatcher', 'nmc_readonly', 'nmc_backup'))
    select format('%s may do more than its grants say', rolname) from ours
    where rolsuper or rolcreaterole or rolcreatedb or rolreplication or (rolbypassrls and rolname <> 'nmc_backup')
    union all
    select format('%s is a member of %s', member::regrole, roleid::regrole) from pg_auth_members
    where member in (select oid from ours)";

#[tokio::test]
async fn nothing_is_forgotten() {
    let database = TestDatabase::create().await.unwrap();
    let wrong = violations(&mut database.superuser().await.unwrap()).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const TABLE: &str = "create table tel_forgotten (tenant_id uuid not null, id uuid, primary key (tenant_id, id));
                     select nmc_protect('tel_forgotten');";

#[tokio::test]
async fn every_mistake_is_found() {
    let database = TestDatabase::create().await.unwrap();
    let mut superuser = database.superuser().await.unwrap();
    let mistakes = [
        ("create table tel_bare (id uuid primary key)", "has no tenant_id"),
        ("create table tel_bare (tenant_id uuid not null, id uuid, primary key (tenant_id, id))", "does not enable"),
        (
            "create table tel_bare (tenant_id uuid not null, id uuid primary key); select nmc_protect('tel_bare')",
            "do not start with tenant_id",
        ),
        ("alter table tel_forgotten no force row level security", "does not enable and force"),
        (
            "drop policy tenant on tel_forgotten; create policy tenant on tel_forgotten using (true)",
            "lacks the tenant policy",
        ),
        ("alter table tel_forgotten add other uuid unique", "do not start with tenant_id"),
        (
            "alter table tel_forgotten add other_tenant uuid,
               add foreign key (other_tenant, id) references outbox_events (tenant_id, id) on delete cascade",
            "does not carry the tenant",
        ),
        ("create view tel_seen as select * from outbox_events", "not security_invoker"),
        ("create materialized view tel_seen as select * from outbox_events", "not security_invoker"),
        ("create schema aside", "schema aside"),
        ("create policy more on tel_forgotten for select using (true)", "opens its table beside the tenant's"),
        ("create policy dispatcher_read on tel_calls for select to nmc_dispatcher using (true)", "opens its table"),
        ("alter policy dispatcher_read on timers to nmc_app", "opens its table beside the tenant's: timers"),
        (
            "create policy dispatcher_claim on tenant_routes for update to nmc_dispatcher using (true)",
            "opens its table",
        ),
        ("grant truncate on tel_forgotten to nmc_dispatcher", "tel_forgotten: truncate of nmc_dispatcher"),
        ("grant references on tel_forgotten to nmc_app", "tel_forgotten: references of nmc_app"),
        ("grant references (id) on tel_forgotten to nmc_app", "tel_forgotten: references of nmc_app"),
        ("grant trigger on tel_forgotten to nmc_app", "tel_forgotten: trigger of nmc_app"),
        ("grant all on tel_forgotten to nmc_app", "tel_forgotten: truncate of nmc_app"),
        ("grant select on tel_forgotten to public", "tel_forgotten: select of public"),
        ("grant select (id) on tel_forgotten to public", "tel_forgotten: select of public"),
        ("grant select on tel_forgotten to nmc_app with grant option", "tel_forgotten: select of nmc_app"),
        ("grant insert on tel_forgotten to nmc_readonly", "tel_forgotten: insert of nmc_readonly"),
        ("grant update (id) on tel_forgotten to nmc_backup", "tel_forgotten: update of nmc_backup"),
        ("grant create on schema public to nmc_app", "schema public: create of nmc_app"),
        ("grant usage on schema public to public", "schema public: usage of public"),
        ("alter default privileges grant execute on functions to public", "functions made from now on"),
        (
            "create function tel_called() returns int language sql as 'select 1'; grant execute on function tel_called() to public",
            "tel_called(): a function that public may execute",
        ),
        (
            "create function tel_called() returns int language sql security definer as 'select 1'",
            "tel_called(): a SECURITY DEFINER function without a fixed search_path",
        ),
        (
            "create function tel_called() returns int language sql security definer set search_path = public as 'select 1'",
            "tel_called(): a SECURITY DEFINER function without a fixed search_path",
        ),
    ];
    for (mistake, expected) in mistakes {
        found(&mut superuser, &format!("set local role nmc_owner; {TABLE} {mistake}"), expected).await;
    }
}

#[tokio::test]
async fn every_mistake_of_a_superuser_is_found() {
    let database = TestDatabase::create().await.unwrap();
    let mut superuser = database.superuser().await.unwrap();
    let name: String = sqlx::query_scalar("select current_database()::text").fetch_one(&mut superuser).await.unwrap();
    for (mistake, expected) in [
        ("create table tel_forgotten (id uuid)".to_owned(), "tel_forgotten is not owned by nmc_owner"),
        (
            "create function tel_called() returns int language sql as 'select 1'".to_owned(),
            "tel_called(): a function that is not owned by nmc_owner",
        ),
        (format!("grant temporary on database {name} to nmc_app"), "database: temporary of nmc_app"),
        (format!("grant create on database {name} to nmc_dispatcher"), "database: create of nmc_dispatcher"),
        (format!("grant connect on database {name} to public"), "database: connect of public"),
        ("alter role nmc_app bypassrls".to_owned(), "nmc_app may do more"),
        ("alter role nmc_dispatcher createrole".to_owned(), "nmc_dispatcher may do more"),
        ("grant nmc_owner to nmc_app".to_owned(), "nmc_app is a member of nmc_owner"),
        ("grant pg_read_all_data to nmc_readonly".to_owned(), "nmc_readonly is a member of pg_read_all_data"),
    ] {
        found(&mut superuser, &mistake, expected).await;
    }
}

/// Makes a mistake, looks whether it is found, and takes it back.
async fn found(superuser: &mut PgConnection, mistake: &str, expected: &str) {
    let mut tx = superuser.begin().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(mistake.to_owned())).execute(&mut *tx).await.unwrap();
    sqlx::raw_sql("reset role").execute(&mut *tx).await.unwrap();
    let wrong = violations(&mut tx).await;
    assert!(wrong.iter().any(|w| w.contains(expected)), "{mistake}\nexpected {expected:?}, found {wrong:?}");
    tx.rollback().await.unwrap();
}
