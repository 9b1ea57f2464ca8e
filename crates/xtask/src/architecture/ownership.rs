//! A table belongs to one crate, and only that crate's SQL names it.

use super::{
    Violation,
    crates::{Crate, Tier, crates},
};
use crate::{
    rust::Source,
    sql::{self, Token},
    tree::Tree,
};

/// A module's tables carry its prefix.
pub(super) const MODULE_PREFIXES: &[(&str, &str)] = &[
    ("telephony", "tel_"),
    ("conversation", "conv_"),
    ("scheduling", "sched_"),
    ("catalog", "catalog_"),
    ("identity", "id_"),
    ("compliance", "comp_"),
    ("billing", "bill_"),
    ("reporting", "rep_"),
    ("notification", "notif_"),
];

/// The platform's tables and the one crate whose SQL names each. `db` inserts events, `outbox` delivers them, `live`
/// shows them to the people of the business.
pub(super) const PLUMBING: &[(&str, &[&str])] = &[
    ("outbox_events", &["db", "outbox", "live"]),
    ("outbox_consumed", &["outbox"]),
    ("outbox_runs", &["outbox"]),
    ("outbox_dead_letters", &["outbox"]),
    ("timers", &["timers"]),
    ("effect_intents", &["effects"]),
    ("effect_pauses", &["effects"]),
    ("webhook_events", &["db"]),
    ("tenant_routes", &["db"]),
    ("idempotency_keys", &["db"]),
    // To come with calendars: its name is taken, no migration makes it yet.
    ("provider_credentials", &["db"]),
    ("_sqlx_migrations", &["db"]),
];

/// Crates that look at everybody's tables on purpose: tests, the sandbox and benchmarks check what the others did.
const ONLOOKERS: &[&str] = &["testkit", "simulators", "sandbox", "bench", "xtask"];
/// Crates that read the database's clock: `db` does it once, at a transaction's begin.
const CLOCK_READERS: &[&str] = &["db"];

/// A piece of SQL in a crate's sources.
struct Statement<'a> {
    path: &'a str,
    first_line: usize,
    tokens: Vec<Token>,
}

/// All SQL below a crate's `src/`: literals in queries, other literals that are SQL, and `.sql` files.
fn statements<'a>(tree: &'a Tree, owner: &Crate<'_>) -> Vec<Statement<'a>> {
    let sources = format!("{}src/", owner.folder);
    let mut found = Vec::new();
    for (path, text) in tree.below(&sources, "sql") {
        found.push(Statement { path, first_line: 1, tokens: sql::tokens(text) });
    }
    for (path, text) in tree.below(&sources, "rs") {
        // What is not Rust is the compiler's to report.
        for text in Source::parse(text).unwrap_or_default().strings {
            if text.in_query || sql::looks_like_sql(&text.value) {
                found.push(Statement { path, first_line: text.line, tokens: sql::tokens(&text.value) });
            }
        }
    }
    found
}

fn may_name(crate_name: &str, tier: Tier, table: &str) -> bool {
    if let Some((_, owners)) = PLUMBING.iter().find(|(name, _)| *name == table) {
        return owners.contains(&crate_name);
    }
    match tier {
        Tier::Module => MODULE_PREFIXES.iter().any(|(name, prefix)| *name == crate_name && table.starts_with(prefix)),
        Tier::Platform => table.starts_with("pg_") || table == "information_schema",
        Tier::App => false,
    }
}

/// Whether a word can only be a table of the product's, wherever in a statement it stands.
fn is_known_table(word: &str, created: &[String]) -> bool {
    PLUMBING.iter().any(|(name, _)| *name == word) || created.iter().any(|name| name == word)
}

/// SQL names only its own crate's tables.
pub(super) fn tables_have_owners(tree: &Tree) -> Vec<Violation> {
    let created = super::migrations::created_tables(tree);
    let mut violations = Vec::new();
    for owner in crates(tree).iter().filter(|owner| !ONLOOKERS.contains(&owner.name)) {
        for statement in statements(tree, owner) {
            let mut named = sql::tables(&statement.tokens);
            for token in &statement.tokens {
                named.extend(
                    token.word().filter(|word| is_known_table(word, &created)).map(|w| (w.to_owned(), token.line)),
                );
            }
            named.sort();
            named.dedup();
            for (table, line) in named.into_iter().filter(|(table, _)| !may_name(owner.name, owner.tier, table)) {
                let message =
                    format!("{} does not own `{table}`: ask its owner's facade, or hear its events", owner.name);
                violations.push(Violation::new(statement.path, statement.first_line + line - 1, message));
            }
        }
    }
    violations
}

/// A statement is given its time (`Tx::now()`), it never asks for it.
pub(super) fn time_is_a_parameter(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for owner in crates(tree) {
        if owner.tier == Tier::App || ONLOOKERS.contains(&owner.name) || CLOCK_READERS.contains(&owner.name) {
            continue;
        }
        for statement in statements(tree, &owner) {
            for (word, line) in sql::clock_readings(&statement.tokens) {
                let message = format!("`{word}` in SQL: pass the transaction's time (`Tx::now()`) as a parameter");
                violations.push(Violation::new(statement.path, statement.first_line + line - 1, message));
            }
        }
    }
    violations
}

/// Modules write their SQL down; none is put together at run time.
pub(super) fn sql_is_literal(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in tree.below("crates/modules/", "rs").filter(|(path, _)| path.contains("/src/")) {
        for (ident, line) in Source::parse(text).unwrap_or_default().idents {
            if ident == "AssertSqlSafe" || ident == "QueryBuilder" {
                let message = format!("`{ident}` lets SQL be built at run time: write the statement as a literal");
                violations.push(Violation::new(path, line, message));
            }
        }
    }
    violations
}
