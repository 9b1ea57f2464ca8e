//! The table of metrics is what the programs record, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::Lit;

use super::Violation;
use crate::tree::Tree;

/// Where the table is.
const TABLE: &str = "crates/platform/telemetry/src/metric.rs";
const TABLE_MACRO: &str = "metrics_table";
/// What goes through the table itself, name by name.
const BELONGS_TO_TABLE: &[&str] = &[TABLE, "crates/platform/telemetry/src/prometheus.rs"];
/// The macros of `metrics` that record, each with the word for it in the table.
const RECORDING: &[(&str, &str)] = &[("counter", "Counter"), ("gauge", "Gauge"), ("histogram", "Histogram")];

/// A line of the table.
struct Declared {
    name: String,
    kind: String,
    labels: BTreeSet<String>,
    line: usize,
}

/// A use of a recording macro.
struct Recorded {
    /// A name, or the constant of one; nothing where it is something else.
    name: Option<String>,
    kind: &'static str,
    labels: BTreeSet<String>,
    line: usize,
}

/// What is recorded stands in the table with that kind and those labels; what stands in the table is recorded.
pub(super) fn table_is_true(tree: &Tree) -> Vec<Violation> {
    let table = tree.text(TABLE).map(declared).unwrap_or_default();
    let mut never_recorded: BTreeMap<&str, &Declared> = table.values().map(|spec| (spec.name.as_str(), spec)).collect();
    let mut violations = Vec::new();
    for (path, text) in tree.below("crates/", "rs") {
        if !path.contains("/src/") || BELONGS_TO_TABLE.contains(&path) {
            continue;
        }
        for used in recorded(text) {
            let mut report = |message: String| violations.push(Violation::new(path, used.line, message));
            let Some(name) = &used.name else {
                report("a metric is named by a literal or by its constant in `nmc_telemetry::name`".to_owned());
                continue;
            };
            let spec = table.get(name).or_else(|| table.values().find(|spec| spec.name == *name));
            let Some(spec) = spec else {
                report(format!("the metric {name} is not in {TABLE}: add it"));
                continue;
            };
            never_recorded.remove(spec.name.as_str());
            if spec.kind != used.kind {
                report(format!("{} is a {} here and a {} in {TABLE}", spec.name, used.kind, spec.kind));
            }
            if spec.labels != used.labels {
                report(format!("{} has the labels {:?} here and {:?} in {TABLE}", spec.name, used.labels, spec.labels));
            }
        }
    }
    for spec in never_recorded.values() {
        violations.push(Violation::new(TABLE, spec.line, format!("nothing records {}: remove it", spec.name)));
    }
    violations
}

/// The table's lines by their constants: `CONSTANT = "name", Kind, ["label"], "help";`.
fn declared(text: &str) -> BTreeMap<String, Declared> {
    let mut table = BTreeMap::new();
    let Ok(tokens) = text.parse::<TokenStream>() else { return table };
    for (_, lines, _) in macro_calls(tokens).into_iter().filter(|(name, ..)| name == TABLE_MACRO) {
        for line in lines.split(|token| is_punct(token, ';')) {
            let [TokenTree::Ident(constant), _, TokenTree::Literal(name), _, TokenTree::Ident(kind), _, labels, ..] =
                line
            else {
                continue;
            };
            let (Some(name), TokenTree::Group(labels)) = (string(&TokenTree::Literal(name.clone())), labels) else {
                continue;
            };
            let spec = Declared {
                name,
                kind: kind.to_string(),
                labels: labels.stream().into_iter().filter_map(|token| string(&token)).collect(),
                line: constant.span().start().line,
            };
            table.insert(constant.to_string(), spec);
        }
    }
    table
}

fn recorded(text: &str) -> Vec<Recorded> {
    // What is not Rust is the compiler's to report.
    let Ok(tokens) = text.parse::<TokenStream>() else { return Vec::new() };
    let mut found = Vec::new();
    for (macro_name, arguments, line) in macro_calls(tokens) {
        let Some((_, kind)) = RECORDING.iter().find(|(name, _)| *name == macro_name) else { continue };
        let first = arguments.split(|token| is_punct(token, ',')).next().unwrap_or_default();
        let name = match first {
            [literal @ TokenTree::Literal(_)] => string(literal),
            [.., TokenTree::Ident(constant)] => {
                Some(constant.to_string()).filter(|name| !name.contains(char::is_lowercase))
            }
            _ => None,
        };
        // A label is a literal before `=>`.
        let labels = arguments
            .windows(3)
            .filter(|window| is_punct(&window[1], '=') && is_punct(&window[2], '>'))
            .filter_map(|window| string(&window[0]))
            .collect();
        found.push(Recorded { name, kind, labels, line });
    }
    found
}

/// Every `name!(..)`, also inside of others: the name, what is between the brackets, and its line.
fn macro_calls(tokens: TokenStream) -> Vec<(String, Vec<TokenTree>, usize)> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else { continue };
        if let [.., TokenTree::Ident(name), bang] = &tokens[..at]
            && is_punct(bang, '!')
        {
            found.push((name.to_string(), group.stream().into_iter().collect(), name.span().start().line));
        }
        found.extend(macro_calls(group.stream()));
    }
    found
}

fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}

fn string(token: &TokenTree) -> Option<String> {
    let TokenTree::Literal(literal) = token else { return None };
    match Lit::new(literal.clone()) {
        Lit::Str(text) => Some(text.value()),
        _ => None,
    }
}
