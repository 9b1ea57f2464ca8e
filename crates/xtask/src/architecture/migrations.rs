//! What a migration may do.

use std::collections::HashMap;

use super::{
    Violation,
    ownership::{MODULE_PREFIXES, PLUMBING},
};
use crate::{
    sql::{self, Token},
    tree::Tree,
};

/// The module's name in the files that make the platform's tables.
const PLATFORM: &str = "platform";

/// Tables without a tenant, all of them, each with its reason.
const WITHOUT_TENANT: &[(&str, &str)] = &[
    ("webhook_events", "a webhook is deduplicated before its tenant is known"),
    ("outbox_runs", "a worker's batch holds events of many tenants"),
    ("effect_pauses", "a pause is the installation's"),
];
/// Tables whose row security is enabled but not forced, each with its reason.
const NOT_FORCED: &[(&str, &str)] = &[("tenant_routes", "its owner's function looks up the tenant")];
/// Tables whose primary key does not begin with the tenant, each with its reason.
const KEYED_OTHERWISE: &[(&str, &str)] = &[("tenant_routes", "unique across tenants: it tells the tenant")];

/// The migrations' function that puts a table under the tenants' row security.
const PROTECT: &str = "nmc_protect";

struct Migration<'a> {
    path: &'a str,
    /// `0001` of `0001_platform_tables.sql`, and `platform`; none when the name has another form.
    number_and_module: Option<(&'a str, &'a str)>,
    statements: Vec<Vec<Token>>,
}

fn migrations(tree: &Tree) -> Vec<Migration<'_>> {
    tree.files()
        .filter_map(|(path, text)| {
            let name = path.strip_prefix("migrations/")?;
            let statements = sql::tokens(text).split(|token| token.is_punct(';')).map(<[Token]>::to_vec).collect();
            Some(Migration { path, number_and_module: parse_name(name), statements })
        })
        .collect()
}

/// `NNNN_<module>_<change>.sql`.
fn parse_name(name: &str) -> Option<(&str, &str)> {
    let (number, rest) = name.strip_suffix(".sql")?.split_once('_')?;
    let (module, change) = rest.split_once('_')?;
    let is_number = number.len() == 4 && number.bytes().all(|digit| digit.is_ascii_digit());
    let is_module = module == PLATFORM || MODULE_PREFIXES.iter().any(|(name, _)| *name == module);
    let is_change =
        change.bytes().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'_');
    (is_number && is_module && is_change && !change.is_empty()).then_some((number, module))
}

/// Migrations are named after their number, module and change, and no number is taken twice.
pub(super) fn names(tree: &Tree) -> Vec<Violation> {
    let mut taken = HashMap::new();
    let mut violations = Vec::new();
    for migration in migrations(tree) {
        match migration.number_and_module {
            None => violations.push(Violation::new(
                migration.path,
                1,
                "name it NNNN_<module>_<change>.sql, with a module's full name or `platform`",
            )),
            Some((number, _)) => {
                if let Some(other) = taken.insert(number, migration.path) {
                    let message = format!("number {number} is {other}'s: take the next free one");
                    violations.push(Violation::new(migration.path, 1, message));
                }
            }
        }
    }
    violations
}

/// Words at the start of a statement, `if not exists` and the like left out.
fn object<'a>(statement: &'a [Token], verb: &str, kind: &str) -> Option<(&'a str, usize, &'a [Token])> {
    if !(statement.first()?.is(verb) && statement.get(1)?.is(kind)) {
        return None;
    }
    let skipped = statement[2..].iter().take_while(|t| ["if", "not", "exists", "only"].iter().any(|w| t.is(w))).count();
    let name = statement.get(2 + skipped)?;
    Some((name.word()?, name.line, &statement[3 + skipped..]))
}

/// A created table's parts: what stands between its outer commas.
fn parts(definition: &[Token]) -> Vec<&[Token]> {
    let mut depth = 0_i32;
    let inside = definition.iter().skip(1).position(|token| {
        depth += i32::from(token.is_punct('(')) - i32::from(token.is_punct(')'));
        depth < 0
    });
    let inside = &definition[1.min(definition.len())..=inside.unwrap_or(definition.len().saturating_sub(1))];
    split_outside(inside)
}

/// Splits at the commas that stand in no parentheses.
fn split_outside(tokens: &[Token]) -> Vec<&[Token]> {
    let mut depth = 0_i32;
    tokens
        .split(|token| {
            depth += i32::from(token.is_punct('(')) - i32::from(token.is_punct(')'));
            depth == 0 && token.is_punct(',')
        })
        .collect()
}

/// The names of all tables that migrations create.
pub(super) fn created_tables(tree: &Tree) -> Vec<String> {
    let migrations = migrations(tree);
    let statements = migrations.iter().flat_map(|migration| &migration.statements);
    statements.filter_map(|statement| object(statement, "create", "table")).map(|(name, ..)| name.to_owned()).collect()
}

/// The prefix a module's tables carry.
fn prefix_of(module: &str) -> Option<&'static str> {
    MODULE_PREFIXES.iter().find(|(name, _)| *name == module).map(|(_, prefix)| *prefix)
}

fn belongs(module: &str, table: &str) -> bool {
    match prefix_of(module) {
        Some(prefix) => table.starts_with(prefix),
        None => PLUMBING.iter().any(|(name, _)| *name == table),
    }
}

/// A created table carries its module's prefix and its tenant, and is behind the tenants' row security.
pub(super) fn tables(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for migration in migrations(tree) {
        let Some((_, module)) = migration.number_and_module else { continue };
        for statement in &migration.statements {
            let mut fault = |line, message: String| violations.push(Violation::new(migration.path, line, message));
            for (word, line) in sql::clock_readings(statement) {
                fault(line, format!("`{word}` in a migration: rows are given their time by who writes them"));
            }
            if let Some((index, line, rest)) = unique_index(statement)
                && !starts_with_tenant(rest)
            {
                fault(line, format!("unique index `{index}`: begin its columns with `tenant_id`"));
            }
            let Some((table, line, definition)) = object(statement, "create", "table") else { continue };
            if !belongs(module, table) {
                let wanted = prefix_of(module).unwrap_or("a name of the architecture check's list of plumbing tables");
                fault(line, format!("`{table}` is made in a file of {module}: it must carry {wanted}"));
            }
            if definition.first().is_some_and(|token| token.is("partition")) || is_listed(WITHOUT_TENANT, table) {
                continue;
            }
            let parts = parts(definition);
            if !parts
                .iter()
                .any(|part| part.first().is_some_and(|token| token.is("tenant_id")) && has(part, &["not", "null"]))
            {
                fault(line, format!("`{table}` has no `tenant_id uuid not null`"));
                continue;
            }
            for (words, name) in [(&["primary", "key"][..], "primary key"), (&["unique"][..], "unique key")] {
                let keys = parts.iter().filter_map(|part| after(part, words));
                if !is_listed(KEYED_OTHERWISE, table) && keys.into_iter().any(|rest| !starts_with_tenant(rest)) {
                    fault(line, format!("`{table}`: begin the columns of its {name} with `tenant_id`"));
                }
            }
            if !is_protected(&migration, table) {
                let message =
                    format!("`{table}` has a tenant and no forced row security: add `select {PROTECT}('{table}');`");
                fault(line, message);
            }
        }
    }
    violations
}

fn is_listed(list: &[(&str, &str)], table: &str) -> bool {
    list.iter().any(|(name, _)| *name == table)
}

/// `create unique index name on table`: the name and what follows the table.
fn unique_index(statement: &[Token]) -> Option<(&str, usize, &[Token])> {
    if !(statement.first()?.is("create") && statement.get(1)?.is("unique")) {
        return None;
    }
    let on = statement.iter().position(|token| token.is("on"))?;
    let name = &statement[on - 1];
    let columns = statement.iter().position(|token| token.is_punct('('))?;
    Some((name.word()?, name.line, &statement[columns..]))
}

fn starts_with_tenant(columns: &[Token]) -> bool {
    matches!(columns, [open, tenant, ..] if open.is_punct('(') && tenant.is("tenant_id"))
}

/// What follows a run of words in a part.
fn after<'a>(part: &'a [Token], words: &[&str]) -> Option<&'a [Token]> {
    let at =
        part.windows(words.len()).position(|window| window.iter().zip(words).all(|(token, word)| token.is(word)))?;
    Some(&part[at + words.len()..])
}

fn has(part: &[Token], words: &[&str]) -> bool {
    after(part, words).is_some()
}

/// The same file calls the protecting function for the table, or enables and forces row security by itself.
fn is_protected(migration: &Migration<'_>, table: &str) -> bool {
    let says = |words: &[&str]| {
        migration.statements.iter().any(|statement| {
            object(statement, "alter", "table").is_some_and(|(name, _, rest)| name == table && has(rest, words))
        })
    };
    let calls = migration.statements.iter().any(|statement| {
        has(statement, &[PROTECT]) && statement.iter().any(|token| token.kind == sql::Kind::Text(table.to_owned()))
    });
    let is_forced = is_listed(NOT_FORCED, table) || says(&["force", "row", "level", "security"]);
    calls || (says(&["enable", "row", "level", "security"]) && is_forced)
}

/// A foreign key stays inside its module, carries the tenant and says what a deletion does.
pub(super) fn foreign_keys(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for migration in migrations(tree) {
        let Some((_, module)) = migration.number_and_module else { continue };
        for part in migration.statements.iter().flat_map(|statement| foreign_key_parts(statement)) {
            let Some(at) = part.iter().position(|token| token.is("references")) else { continue };
            let Some(target) = part.get(at + 1) else { continue };
            let mut fault = |message: String| violations.push(Violation::new(migration.path, target.line, message));
            let table = target.word().unwrap_or_default();
            if !belongs(module, table) {
                fault(format!(
                    "a foreign key of {module} to `{table}`: keep the id alone, tables of others are not joined"
                ));
            }
            let columns = after(part, &["foreign", "key"]);
            if !columns.is_some_and(starts_with_tenant) || !starts_with_tenant(&part[at + 2..]) {
                fault(format!("carry the tenant: `foreign key (tenant_id, ..) references {table} (tenant_id, ..)`"));
            }
            if !has(part, &["on", "delete"]) {
                fault(format!("the foreign key to `{table}` does not state `on delete`"));
            }
        }
    }
    violations
}

/// The pieces of a statement that can each hold one foreign key.
fn foreign_key_parts(statement: &[Token]) -> Vec<&[Token]> {
    match object(statement, "create", "table") {
        Some((_, _, definition)) => parts(definition),
        None if object(statement, "alter", "table").is_some() => split_outside(statement),
        None => Vec::new(),
    }
}
