//! How crates and files look.

use super::{Violation, crates::crates};
use crate::tree::Tree;

/// Binaries that are thin over the composition crate.
const THIN_MAINS: &[&str] = &["crates/apps/server/src/main.rs", "crates/apps/dispatcher/src/main.rs"];
const MAIN_MAX_LINES: usize = 40;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["util", "utils", "helper", "helpers", "common", "manager", "managers", "misc"];

/// Every crate inherits the workspace's lints and says at its top what it is.
pub(super) fn crate_heads(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for found in crates(tree) {
        let lints = found.manifest.get("lints").and_then(|lints| lints.get("workspace"));
        if lints.and_then(toml::Value::as_bool) != Some(true) {
            violations.push(Violation::new(found.manifest_path, 1, "add `[lints] workspace = true`"));
        }
        for root in ["src/lib.rs", "src/main.rs"] {
            let path = format!("{}{root}", found.folder);
            if tree.text(&path).is_some_and(|text| !text.starts_with("//!")) {
                violations.push(Violation::new(path, 1, "begin with a `//!` doc that says what the crate is"));
            }
        }
    }
    violations
}

/// The binaries' `main.rs` only parse, build and run.
pub(super) fn short_mains(tree: &Tree) -> Vec<Violation> {
    THIN_MAINS
        .iter()
        .filter_map(|path| {
            let lines = tree.text(path)?.lines().count();
            let message = format!("{lines} lines, fewer than {MAIN_MAX_LINES} are allowed: move the work into nmc-app");
            (lines >= MAIN_MAX_LINES).then(|| Violation::new(*path, MAIN_MAX_LINES, message))
        })
        .collect()
}

/// A file or folder is named after what is in it.
pub(super) fn file_names(tree: &Tree) -> Vec<Violation> {
    tree.files()
        .filter(|(path, _)| path.starts_with("crates/"))
        .filter_map(|(path, _)| {
            let empty = path.split('/').map(|part| part.split_once('.').map_or(part, |(stem, _)| stem));
            let empty = empty.into_iter().find(|stem| EMPTY_NAMES.contains(stem))?;
            Some(Violation::new(path, 1, format!("`{empty}` says nothing: name it after what it holds")))
        })
        .collect()
}
