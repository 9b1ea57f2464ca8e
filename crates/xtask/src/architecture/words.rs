//! Words that have no place in the repository.

use super::Violation;
use crate::tree::Tree;

/// What is searched for, and what it is. Written in two pieces, so that this file does not hold the words itself.
const FORBIDDEN: &[(&str, &str)] = &[
    (concat!("/", "root/"), "a path of one machine"),
    (concat!("/", "Users/"), "a path of one machine"),
    (concat!("/", "work/main"), "a path of one machine"),
    (concat!("index.", "crates.io"), "a registry's address: cargo knows it"),
    (concat!("static.", "crates.io"), "a registry's address: cargo knows it"),
    (concat!("arti", "factory"), "a registry's address"),
    (concat!("j", "frog"), "a registry's address"),
];

/// No text file names a path of somebody's machine or a registry's address.
pub(super) fn forbidden(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in tree.files() {
        for (line, content) in text.lines().enumerate() {
            for (word, what) in FORBIDDEN.iter().filter(|(word, _)| content.contains(word)) {
                violations.push(Violation::new(path, line + 1, format!("`{word}` is {what}: remove it")));
            }
        }
    }
    violations
}
