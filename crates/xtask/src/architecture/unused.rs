//! Dependencies that nothing names.

use super::{Violation, crates::crates};
use crate::tree::Tree;

/// Dependencies that work without being named: crate, dependency, why.
const NAMELESS: &[(&str, &str, &str)] = &[];

/// Every dependency is named somewhere in its crate.
pub(super) fn unused_dependencies(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for user in crates(tree) {
        for dependency in user.dependencies() {
            let ident = dependency.name.replace('-', "_");
            let is_named = tree.below(user.folder, "rs").any(|(_, text)| names(text, &ident));
            let is_excused =
                NAMELESS.iter().any(|(name, excused, _)| *name == user.name && *excused == dependency.name);
            if !is_named && !is_excused {
                let message = format!("nothing in {} names {}: remove the dependency", user.name, dependency.name);
                violations.push(Violation::new(user.manifest_path, dependency.line, message));
            }
        }
    }
    violations
}

/// Whether the word stands in the text by itself.
fn names(text: &str, ident: &str) -> bool {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    text.match_indices(ident)
        .any(|(at, _)| !text[..at].ends_with(is_part) && !text[at + ident.len()..].starts_with(is_part))
}
