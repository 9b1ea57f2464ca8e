//! Every right of every role, written down: a new table or grant changes `privileges.txt` and is reviewed with it.

use std::{fmt::Write as _, fs, path::Path};

use nmc_testkit::TestDatabase;
use sqlx::{PgConnection, Row as _};

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/walls/privileges.txt");
/// Set to anything, the test writes the file instead of comparing it.
const WRITE: &str = "NMC_WRITE_PRIVILEGES";

/// `heading`, `role`, `right`, sorted; rights by column have their columns in parentheses. The owner's own are left out.
const RIGHTS: &str = r"
    select heading, role, string_agg(right_held, ', ' order by right_held) as rights from (
      select 'table ' || c.relname as heading, acl.grantee, lower(acl.privilege_type) as right_held
      from pg_class c, aclexplode(c.relacl) acl
      where c.relnamespace = 'public'::regnamespace and acl.grantee <> c.relowner
        and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
      union all
      select 'table ' || c.relname, acl.grantee,
             format('%s (%s)', lower(acl.privilege_type), string_agg(a.attname, ', ' order by a.attnum))
      from pg_class c join pg_attribute a on a.attrelid = c.oid, aclexplode(a.attacl) acl
      where c.relnamespace = 'public'::regnamespace and acl.grantee <> c.relowner
      group by c.relname, acl.grantee, acl.privilege_type
      union all
      select format('function %s%s', p.oid::regprocedure, case when p.prosecdef then ', as its owner' else '' end),
             acl.grantee, lower(acl.privilege_type)
      from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) acl
      where p.pronamespace = 'public'::regnamespace
        and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
      union all
      select 'schema ' || n.nspname, acl.grantee, lower(acl.privilege_type)
      from pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) acl
      where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and acl.grantee <> n.nspowner
      union all
      select 'database', acl.grantee, lower(acl.privilege_type)
      from pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) acl
      where d.datname = current_database()
    ) held
    cross join lateral (select case grantee when 0 then 'public' else grantee::regrole::text end as role) named
    group by heading, role order by heading, role";

/// Policies beside the tenant's, with whom they are for.
const POLICIES: &str = r"
    select 'table ' || tablename as heading, array_to_string(roles, ', ') as role,
           format('by policy %s: %s every row', policyname, lower(cmd)) as rights
    from pg_policies where policyname <> 'tenant' order by 1, 2, 3";

async fn described(connection: &mut PgConnection) -> String {
    let mut lines = Vec::new();
    for question in [RIGHTS, POLICIES] {
        for row in sqlx::query(question).fetch_all(&mut *connection).await.unwrap() {
            let of = |column: &str| row.get::<String, _>(column);
            lines.push((of("heading"), of("role"), of("rights")));
        }
    }
    lines.sort();
    let mut text = String::new();
    let mut heading = String::new();
    for (of, role, rights) in lines {
        if of != heading {
            writeln!(text, "{}{of}", if heading.is_empty() { "" } else { "\n" }).unwrap();
            heading = of;
        }
        writeln!(text, "  {role}: {rights}").unwrap();
    }
    text
}

#[tokio::test]
async fn every_right_is_the_one_that_was_reviewed() {
    let database = TestDatabase::create().await.unwrap();
    let found = described(&mut database.superuser().await.unwrap()).await;
    #[allow(clippy::disallowed_methods, reason = "a switch of this test, no configuration of the product")]
    if std::env::var_os(WRITE).is_some() {
        fs::write(COMMITTED, &found).unwrap();
        return;
    }
    let reviewed = fs::read_to_string(COMMITTED).unwrap_or_default();
    let differing: Vec<String> = difference(&reviewed, &found);
    assert!(
        differing.is_empty(),
        "rights differ from {}:\n{}\nwhere that is meant: {WRITE}=1 cargo test --package nmc-db --test walls, and review the file",
        Path::new(COMMITTED).display(),
        differing.join("\n")
    );
}

/// Lines of one text that the other lacks, each with its heading.
fn difference(reviewed: &str, found: &str) -> Vec<String> {
    let whole = |text: &str| {
        let mut heading = "";
        let lines = text.lines().filter(|line| !line.is_empty());
        let mut whole = Vec::new();
        for line in lines {
            match line.strip_prefix("  ") {
                Some(right) => whole.push(format!("{heading}: {right}")),
                None => heading = line,
            }
        }
        whole
    };
    let (before, now) = (whole(reviewed), whole(found));
    let lost = before.iter().filter(|line| !now.contains(line)).map(|line| format!("- {line}"));
    let gained = now.iter().filter(|line| !before.contains(line)).map(|line| format!("+ {line}"));
    lost.chain(gained).collect()
}

#[tokio::test]
async fn a_new_grant_is_a_difference() {
    let database = TestDatabase::create().await.unwrap();
    let mut superuser = database.superuser().await.unwrap();
    let before = described(&mut superuser).await;
    for (grant, expected) in [
        ("grant delete on tel_calls to nmc_app", "+ table tel_calls: nmc_app: delete, insert"),
        ("grant update (body) on tel_inbound_sms to nmc_app", "update (body)"),
        ("revoke select on tel_calls from nmc_readonly", "- table tel_calls: nmc_readonly: select"),
        (
            "grant execute on function nmc_protect(regclass) to nmc_app",
            "+ function nmc_protect(regclass): nmc_app: execute",
        ),
        ("create table tel_new (id uuid); grant select on tel_new to nmc_app", "+ table tel_new: nmc_app: select"),
        ("create policy more on tel_calls for delete to nmc_app using (true)", "by policy more: delete every row"),
    ] {
        sqlx::raw_sql(grant).execute(&mut superuser).await.unwrap();
        let differing = difference(&before, &described(&mut superuser).await);
        assert!(differing.iter().any(|line| line.contains(expected)), "{grant}: {differing:?}");
    }
}
