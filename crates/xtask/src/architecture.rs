//! The rules of the house as a program. Each rule is a pure function from the tree to its violations; `cases` holds,
//! for each of them, a tree that passes and one that must fail.

mod crates;
mod layout;
mod metrics;
mod migrations;
mod ownership;
mod unused;
mod words;

#[cfg(test)]
mod cases;

use std::fmt;

use crate::tree::Tree;

/// One place that breaks a rule, and how to mend it.
#[derive(Debug)]
pub(crate) struct Violation {
    path: String,
    line: usize,
    message: String,
}

impl Violation {
    fn new(path: impl Into<String>, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.into(), line, message: message.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// A rule's name, as printed, and the rule.
type Rule = (&'static str, fn(&Tree) -> Vec<Violation>);

const RULES: &[Rule] = &[
    ("tiers", crates::tiers),
    ("development-only", crates::development_only),
    ("unused-dependency", unused::unused_dependencies),
    ("crate-head", layout::crate_heads),
    ("short-main", layout::short_mains),
    ("file-name", layout::file_names),
    ("table-owner", ownership::tables_have_owners),
    ("sql-time", ownership::time_is_a_parameter),
    ("sql-literal", ownership::sql_is_literal),
    ("migration-name", migrations::names),
    ("migration-table", migrations::tables),
    ("migration-key", migrations::foreign_keys),
    ("metric-table", metrics::table_is_true),
    ("words", words::forbidden),
];

/// Every violation, as it is printed.
pub(crate) fn check(tree: &Tree) -> Vec<String> {
    RULES
        .iter()
        .flat_map(|(name, rule)| rule(tree).into_iter().map(move |violation| format!("{violation} [{name}]")))
        .collect()
}

/// How many rules there are, for the closing line.
pub(crate) fn rule_count() -> usize {
    RULES.len()
}
