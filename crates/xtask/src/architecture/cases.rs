//! For every rule a tree that passes and trees that must fail, with the places that must be named.

use std::collections::BTreeSet;

use super::RULES;
use crate::tree::Tree;

struct Case {
    rule: &'static str,
    /// What the case shows.
    shows: &'static str,
    files: &'static [(&'static str, &'static str)],
    /// `path:line` of every violation expected; none for a tree that passes.
    expected: &'static [&'static str],
}

const LINTS: &str = "[lints]\nworkspace = true\n";

const CASES: &[Case] = &[
    Case {
        rule: "tiers",
        shows: "down is allowed, and between modules the calls of the list",
        files: &[
            ("crates/platform/db/Cargo.toml", "[dependencies]\nnmc-kernel.workspace = true\n"),
            ("crates/platform/kernel/Cargo.toml", ""),
            ("crates/modules/identity/Cargo.toml", "[dependencies]\nnmc-db.workspace = true\n"),
            ("crates/modules/telephony/Cargo.toml", "[dependencies]\nnmc-identity = { workspace = true }\n"),
            ("crates/apps/app/Cargo.toml", "[dependencies]\nnmc-telephony.workspace = true\nnmc-db.workspace = true\n"),
        ],
        expected: &[],
    },
    Case {
        rule: "tiers",
        shows: "no crate depends on a tier above its own, not even for its tests",
        files: &[
            ("crates/platform/db/Cargo.toml", "[package]\n[dependencies]\nserde = \"1\"\nnmc-identity.workspace = true\n"),
            ("crates/modules/identity/Cargo.toml", "[dev-dependencies]\nnmc-app = { workspace = true }\n"),
            ("crates/apps/app/Cargo.toml", ""),
        ],
        expected: &["crates/modules/identity/Cargo.toml:2", "crates/platform/db/Cargo.toml:4"],
    },
    Case {
        rule: "tiers",
        shows: "a call against the direction of the list, also for one platform or the build script",
        files: &[
            ("crates/modules/identity/Cargo.toml", "[build-dependencies]\nnmc-telephony.workspace = true\n"),
            ("crates/modules/telephony/Cargo.toml", "[target.'cfg(unix)'.dependencies]\nnmc-conversation.workspace = true\n"),
            ("crates/modules/conversation/Cargo.toml", ""),
        ],
        expected: &["crates/modules/identity/Cargo.toml:2", "crates/modules/telephony/Cargo.toml:2"],
    },
    Case {
        rule: "development-only",
        shows: "tests may use the test kit, the sandbox may use the simulators",
        files: &[
            ("crates/modules/identity/Cargo.toml", "[dev-dependencies]\nnmc-testkit.workspace = true\n"),
            ("crates/apps/sandbox/Cargo.toml", "[dependencies]\nnmc-simulators.workspace = true\n"),
        ],
        expected: &[],
    },
    Case {
        rule: "development-only",
        shows: "what runs in production may not",
        files: &[
            ("crates/modules/identity/Cargo.toml", "[dependencies]\nnmc-testkit.workspace = true\n"),
            ("crates/apps/server/Cargo.toml", "[dependencies]\nnmc-postgres.workspace = true\n"),
        ],
        expected: &["crates/apps/server/Cargo.toml:2", "crates/modules/identity/Cargo.toml:2"],
    },
    Case {
        rule: "unused-dependency",
        shows: "a dependency named in the crate's sources or tests",
        files: &[
            ("crates/platform/a/Cargo.toml", "[dependencies]\ntokio-util = \"1\"\n[dev-dependencies]\ninsta = \"1\"\n"),
            ("crates/platform/a/src/lib.rs", "use tokio_util::x;"),
            ("crates/platform/a/tests/t.rs", "insta::y();"),
        ],
        expected: &[],
    },
    Case {
        rule: "unused-dependency",
        shows: "a dependency whose name is only a part of another word, or stands in another crate",
        files: &[
            ("crates/platform/a/Cargo.toml", "[dependencies]\ntokio = \"1\"\nserde = \"1\"\n"),
            ("crates/platform/a/src/lib.rs", "use tokio_util::x; struct Aserde;"),
            ("crates/platform/b/src/lib.rs", "use serde::y;"),
        ],
        expected: &["crates/platform/a/Cargo.toml:2", "crates/platform/a/Cargo.toml:3"],
    },
    Case {
        rule: "crate-head",
        shows: "inherited lints and a doc",
        files: &[("crates/platform/a/Cargo.toml", LINTS), ("crates/platform/a/src/lib.rs", "//! A.\n")],
        expected: &[],
    },
    Case {
        rule: "crate-head",
        shows: "neither",
        files: &[("crates/platform/a/Cargo.toml", "[lints]\n"), ("crates/platform/a/src/lib.rs", "mod a;\n")],
        expected: &["crates/platform/a/Cargo.toml:1", "crates/platform/a/src/lib.rs:1"],
    },
    Case {
        rule: "short-main",
        shows: "39 lines, and a long main of another binary",
        files: &[
            ("crates/apps/server/src/main.rs", "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"),
            ("crates/apps/sandbox/src/main.rs", "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"),
        ],
        expected: &[],
    },
    Case {
        rule: "short-main",
        shows: "40 lines",
        files: &[(
            "crates/apps/dispatcher/src/main.rs",
            "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n",
        )],
        expected: &["crates/apps/dispatcher/src/main.rs:40"],
    },
    Case {
        rule: "file-name",
        shows: "names that say something",
        files: &[("crates/platform/a/src/phone.rs", ""), ("crates/platform/a/src/commonplace.rs", "")],
        expected: &[],
    },
    Case {
        rule: "file-name",
        shows: "files and folders that say nothing",
        files: &[("crates/platform/a/src/utils.rs", ""), ("crates/platform/a/tests/common/mod.rs", "")],
        expected: &["crates/platform/a/src/utils.rs:1", "crates/platform/a/tests/common/mod.rs:1"],
    },
    Case {
        rule: "table-owner",
        shows: "one's own tables, in macros, functions and files; anything from the test kit",
        files: &[
            ("crates/modules/identity/Cargo.toml", ""),
            ("crates/modules/identity/src/a.rs", "fn f() { query!(\"select 1 from id_users\"); }"),
            ("crates/modules/identity/src/b.sql", "delete from id_users"),
            ("crates/modules/identity/tests/c.rs", "fn f() { query(\"select 1 from outbox_events\"); }"),
            ("crates/platform/outbox/Cargo.toml", ""),
            ("crates/platform/outbox/src/a.rs", "const A: &str = \"update outbox_events set lane = 1\";"),
            ("crates/platform/testkit/Cargo.toml", ""),
            ("crates/platform/testkit/src/a.rs", "fn f() { query(\"truncate outbox_consumed\"); }"),
        ],
        expected: &[],
    },
    Case {
        rule: "table-owner",
        shows: "a neighbour's table in a macro, a constant and a file",
        files: &[
            ("crates/modules/identity/Cargo.toml", ""),
            ("crates/modules/identity/src/a.rs", "fn f() {\n query_as!(A, \"select 1\n from id_users join tel_calls using (id)\"); }"),
            ("crates/modules/identity/src/b.rs", "const A: &str = \"insert into conv_tasks (id) values ($1)\";"),
            ("crates/modules/identity/src/c.sql", "-- c\nselect 1 from comp_brands"),
        ],
        expected: &[
            "crates/modules/identity/src/a.rs:3",
            "crates/modules/identity/src/b.rs:1",
            "crates/modules/identity/src/c.sql:2",
        ],
    },
    Case {
        rule: "table-owner",
        shows: "plumbing in a module, in another platform crate and in the composition",
        files: &[
            ("crates/modules/identity/Cargo.toml", ""),
            ("crates/modules/identity/src/a.rs", "fn f() { query!(\"delete from timers\"); }"),
            ("crates/platform/timers/Cargo.toml", ""),
            ("crates/platform/timers/src/a.rs", "fn f() { query(\"delete from effect_intents\"); }"),
            ("crates/apps/app/Cargo.toml", ""),
            ("crates/apps/app/src/a.rs", "fn f() { raw_sql(\"select 1 from outbox_events\"); }"),
        ],
        expected: &[
            "crates/apps/app/src/a.rs:1",
            "crates/modules/identity/src/a.rs:1",
            "crates/platform/timers/src/a.rs:1",
        ],
    },
    Case {
        rule: "table-owner",
        shows: "a table that migrations make, where no keyword stands before it",
        files: &[
            ("migrations/0001_telephony_calls.sql", "create table tel_calls (id uuid);"),
            ("crates/modules/identity/Cargo.toml", ""),
            ("crates/modules/identity/src/a.rs", "fn f() { query!(\"select 1 from (select 1) as a, tel_calls\"); }"),
        ],
        expected: &["crates/modules/identity/src/a.rs:1"],
    },
    Case {
        rule: "sql-time",
        shows: "time as a parameter; the crate that opens transactions reads the clock",
        files: &[
            ("crates/modules/identity/Cargo.toml", ""),
            ("crates/modules/identity/src/a.rs", "fn f() { query!(\"update id_users set a = $1\"); }\nconst A: &str = \"now()\";"),
            ("crates/platform/db/Cargo.toml", ""),
            ("crates/platform/db/src/a.rs", "fn f() { query(\"select now()\"); }"),
        ],
        expected: &[],
    },
    Case {
        rule: "sql-time",
        shows: "the database's clock in a module and in the platform",
        files: &[
            ("crates/modules/identity/Cargo.toml", ""),
            ("crates/modules/identity/src/a.rs", "fn f() { query!(\"update id_users set a = now()\"); }"),
            ("crates/platform/timers/Cargo.toml", ""),
            ("crates/platform/timers/src/a.rs", "fn f() { query!(\"select 1 from timers where due_at < current_timestamp\"); }"),
        ],
        expected: &["crates/modules/identity/src/a.rs:1", "crates/platform/timers/src/a.rs:1"],
    },
    Case {
        rule: "sql-literal",
        shows: "the platform may, a module's tests may",
        files: &[
            ("crates/platform/db/src/a.rs", "fn f() { AssertSqlSafe(a); }"),
            ("crates/modules/identity/tests/a.rs", "fn f() { AssertSqlSafe(a); }"),
            ("crates/modules/identity/src/a.rs", "// AssertSqlSafe in prose\nfn f() {}"),
        ],
        expected: &[],
    },
    Case {
        rule: "sql-literal",
        shows: "a module may not",
        files: &[("crates/modules/identity/src/a.rs", "fn f() {\n sqlx::AssertSqlSafe(a); }")],
        expected: &["crates/modules/identity/src/a.rs:2"],
    },
    Case {
        rule: "migration-name",
        shows: "number, module, change",
        files: &[("migrations/0001_platform_tables.sql", ""), ("migrations/0002_identity_users.sql", "")],
        expected: &[],
    },
    Case {
        rule: "migration-name",
        shows: "a short number, an unknown module, no change, a number taken twice",
        files: &[
            ("migrations/001_identity_users.sql", ""),
            ("migrations/0002_people_users.sql", ""),
            ("migrations/0003_identity_.sql", ""),
            ("migrations/0004_identity_a.sql", ""),
            ("migrations/0004_identity_b.sql", ""),
        ],
        expected: &[
            "migrations/0002_people_users.sql:1",
            "migrations/0003_identity_.sql:1",
            "migrations/0004_identity_b.sql:1",
            "migrations/001_identity_users.sql:1",
        ],
    },
    Case {
        rule: "migration-table",
        shows: "protected by the function or by hand, keyed by tenant; exceptions of the list",
        files: &[
            (
                "migrations/0001_platform_tables.sql",
                "create table webhook_events (provider text primary key);
                 create table tenant_routes (kind text not null, tenant_id uuid not null, primary key (kind));
                 alter table tenant_routes enable row level security;",
            ),
            (
                "migrations/0002_identity_users.sql",
                "create table if not exists id_users (
                   tenant_id uuid not null, id uuid not null, price numeric(10, 2) check (price > 0),
                   primary key (tenant_id, id), constraint one unique (tenant_id, price)
                 ) with (fillfactor = 80);
                 select nmc_protect('id_users');
                 create unique index id_users_once on id_users (tenant_id, price) where price is null;
                 create table id_gates (tenant_id uuid not null, gate text, primary key (tenant_id, gate));
                 alter table id_gates enable row level security;
                 alter table id_gates force row level security;",
            ),
        ],
        expected: &[],
    },
    Case {
        rule: "migration-table",
        shows: "another module's prefix, no tenant, a key without it, no row security, a half of it, a clock",
        files: &[
            ("migrations/0001_identity_a.sql", "create table tel_calls (tenant_id uuid not null);\nselect nmc_protect('tel_calls');"),
            ("migrations/0002_identity_b.sql", "create table id_a (id uuid);"),
            (
                "migrations/0003_identity_c.sql",
                "create table id_b (tenant_id uuid not null, id uuid,\n primary key (id));\nselect nmc_protect('id_b');\n\
                 create unique index once on id_b (id);",
            ),
            ("migrations/0004_identity_d.sql", "create table id_c (tenant_id uuid not null);"),
            ("migrations/0005_identity_e.sql", "create table id_d (tenant_id uuid not null);\nalter table id_d enable row level security;"),
            ("migrations/0006_identity_f.sql", "alter table id_c add column made_at timestamptz\n default now();"),
            ("migrations/0007_platform_g.sql", "create table id_e (tenant_id uuid not null);\nselect nmc_protect('id_e');"),
        ],
        expected: &[
            "migrations/0001_identity_a.sql:1",
            "migrations/0002_identity_b.sql:1",
            "migrations/0003_identity_c.sql:1",
            "migrations/0003_identity_c.sql:4",
            "migrations/0004_identity_d.sql:1",
            "migrations/0005_identity_e.sql:1",
            "migrations/0006_identity_f.sql:2",
            "migrations/0007_platform_g.sql:1",
        ],
    },
    Case {
        rule: "migration-key",
        shows: "a foreign key inside the module, with its tenant and a word on deletion",
        files: &[(
            "migrations/0001_identity_a.sql",
            "create table id_a (tenant_id uuid not null, b uuid,
               foreign key (tenant_id, b) references id_b (tenant_id, id) on delete cascade);
             alter table id_a add constraint x foreign key (tenant_id, c) references id_c (tenant_id, id) on delete restrict;",
        )],
        expected: &[],
    },
    Case {
        rule: "migration-key",
        shows: "a neighbour's table, no tenant, nothing on deletion, also added later",
        files: &[
            (
                "migrations/0001_identity_a.sql",
                "create table id_a (\n tenant_id uuid,\n b uuid references id_b (id) on delete cascade,\n\
                 foreign key (tenant_id, c) references tel_calls (tenant_id, id) on delete cascade,\n\
                 foreign key (tenant_id, d) references id_d (tenant_id, id));",
            ),
            (
                "migrations/0002_identity_b.sql",
                "alter table id_a add constraint x foreign key (e) references id_e (id) on delete cascade;",
            ),
        ],
        expected: &[
            "migrations/0001_identity_a.sql:3",
            "migrations/0001_identity_a.sql:4",
            "migrations/0001_identity_a.sql:5",
            "migrations/0002_identity_b.sql:1",
        ],
    },
    Case { rule: "words", shows: "plain prose", files: &[("README.md", "Run it from the root.\n")], expected: &[] },
    Case {
        rule: "metric-table",
        shows: "by name or by constant, with labels, inside another macro; what tests record does not count",
        files: &[
            (
                "crates/platform/telemetry/src/metric.rs",
                "metrics_table! {\n A_TOTAL = \"a_total\", Counter, [\"x\", \"y\"], \"A.\";\n B = \"b\", Gauge, [], \"B.\";\n}",
            ),
            (
                "crates/platform/db/src/a.rs",
                "fn f() { select! { x => metrics::counter!(name::A_TOTAL, \"y\" => 1, \"x\" => \"z\").increment(1) } }",
            ),
            ("crates/apps/app/src/b.rs", "fn f() { gauge!(\"b\").set(1.0); }"),
            ("crates/apps/app/tests/c.rs", "fn f() { gauge!(\"c\").set(1.0); }"),
        ],
        expected: &[],
    },
    Case {
        rule: "metric-table",
        shows: "no such metric, another kind, other labels, a computed name, and one that nothing records",
        files: &[
            (
                "crates/platform/telemetry/src/metric.rs",
                "metrics_table! {\n A_TOTAL = \"a_total\", Counter, [\"x\"], \"A.\";\n B = \"b\", Gauge, [], \"B.\";\n}",
            ),
            (
                "crates/platform/db/src/a.rs",
                "fn f() {\n gauge!(\"c\");\n histogram!(\"a_total\", \"x\" => 1);\n counter!(A_TOTAL);\n counter!(spec.name);\n}",
            ),
        ],
        expected: &[
            "crates/platform/db/src/a.rs:2",
            "crates/platform/db/src/a.rs:3",
            "crates/platform/db/src/a.rs:4",
            "crates/platform/db/src/a.rs:5",
            "crates/platform/telemetry/src/metric.rs:3",
        ],
    },
    Case {
        rule: "words",
        shows: "a path of one machine",
        files: &[("README.md", concat!("First\nopen /", "root/notes\n"))],
        expected: &["README.md:2"],
    },
];

#[test]
fn every_case_comes_out_as_expected() {
    for Case { rule, shows, files, expected } in CASES {
        let (_, run) = RULES.iter().find(|(name, _)| name == rule).unwrap();
        let violations = run(&Tree::of(files));
        let found: BTreeSet<String> = violations.iter().map(|found| format!("{}:{}", found.path, found.line)).collect();
        let expected: BTreeSet<String> = expected.iter().map(|&place| place.to_owned()).collect();
        assert_eq!(found, expected, "{rule}: {shows}: {violations:#?}");
    }
}

#[test]
fn every_rule_has_a_tree_that_passes_and_one_that_fails() {
    for (rule, _) in RULES {
        let of_rule = || CASES.iter().filter(|case| case.rule == *rule);
        assert!(of_rule().any(|case| case.expected.is_empty()), "{rule} has no tree that passes");
        assert!(of_rule().any(|case| !case.expected.is_empty()), "{rule} has no tree that must fail");
    }
}
