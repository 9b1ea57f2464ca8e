//! Which crate may depend on which.

use toml::Table;

use super::Violation;
use crate::tree::Tree;

/// Where a crate stands; dependencies point from the bottom of this list to its top.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tier {
    Platform,
    Module,
    App,
}

/// Which modules a module may ask directly. Everything else between modules is an event.
const MODULE_CALLS: &[(&str, &[&str])] = &[
    ("catalog", &["identity"]),
    ("compliance", &["identity"]),
    ("billing", &["identity"]),
    ("reporting", &["identity"]),
    ("telephony", &["compliance", "identity"]),
    ("scheduling", &["catalog", "identity"]),
    ("notification", &["compliance", "identity"]),
    ("conversation", &["catalog", "scheduling", "compliance", "identity"]),
];

/// Crates for tests, the sandbox and benchmarks: never in what runs in production.
const DEVELOPMENT_CRATES: &[&str] = &["testkit", "simulators", "postgres"];
/// The crates that may be built on them.
const DEVELOPMENT_USERS: &[&str] = &["testkit", "simulators", "sandbox", "bench", "xtask"];

/// A crate below `crates/<tier>/`, or `crates/xtask/`.
pub(super) struct Crate<'a> {
    /// The folder's name, which is the package's without `nmc-`.
    pub(super) name: &'a str,
    pub(super) tier: Tier,
    /// With a slash at its end.
    pub(super) folder: &'a str,
    pub(super) manifest_path: &'a str,
    pub(super) manifest_text: &'a str,
    pub(super) manifest: Table,
}

/// One entry of a manifest's dependency tables.
pub(super) struct Dependency {
    /// The package's name.
    pub(super) name: String,
    pub(super) line: usize,
    /// It is built for tests only.
    pub(super) is_dev: bool,
}

impl Crate<'_> {
    /// All dependencies, also of single platforms and of build scripts.
    pub(super) fn dependencies(&self) -> Vec<Dependency> {
        let targets = self.manifest.get("target").and_then(|target| target.as_table());
        let tables = targets.into_iter().flat_map(|targets| targets.values().filter_map(|table| table.as_table()));
        let mut found = Vec::new();
        for table in tables.chain([&self.manifest]) {
            for (key, is_dev) in [("dependencies", false), ("build-dependencies", false), ("dev-dependencies", true)] {
                for name in table.get(key).and_then(|entries| entries.as_table()).into_iter().flat_map(Table::keys) {
                    found.push(Dependency { name: name.clone(), line: self.line_of(key, name), is_dev });
                }
            }
        }
        found
    }

    /// The line of a dependency below a table's header; the first line where it is written in another form.
    fn line_of(&self, table: &str, name: &str) -> usize {
        let mut in_table = false;
        for (line, text) in self.manifest_text.lines().enumerate() {
            if text.starts_with('[') {
                let header = text.trim_end();
                in_table = header == format!("[{table}]") || header.ends_with(&format!(".{table}]"));
            } else if in_table && text.strip_prefix(name).is_some_and(|rest| rest.starts_with(['.', ' ', '='])) {
                return line + 1;
            }
        }
        1
    }
}

/// All crates. A manifest that does not parse is cargo's to report.
pub(super) fn crates(tree: &Tree) -> Vec<Crate<'_>> {
    tree.files()
        .filter_map(|(manifest_path, manifest_text)| {
            let folder = manifest_path.strip_suffix("Cargo.toml")?;
            let place = folder.strip_prefix("crates/")?.strip_suffix('/')?;
            let (tier, name) = match place.split_once('/') {
                Some(("platform", name)) => (Tier::Platform, name),
                Some(("modules", name)) => (Tier::Module, name),
                Some(("apps", name)) => (Tier::App, name),
                // The project's commands stand beside the tiers and may use them all.
                None => (Tier::App, place),
                Some(_) => return None,
            };
            let manifest = manifest_text.parse().ok()?;
            Some(Crate { name, tier, folder, manifest_path, manifest_text, manifest })
        })
        .collect()
}

/// Platform <- modules <- apps; between modules only the calls of `MODULE_CALLS`.
pub(super) fn tiers(tree: &Tree) -> Vec<Violation> {
    let crates = crates(tree);
    let mut violations = Vec::new();
    for from in &crates {
        for dependency in from.dependencies() {
            let Some(to) = crates.iter().find(|to| dependency.name.strip_prefix("nmc-") == Some(to.name)) else {
                continue;
            };
            let is_allowed = match (from.tier, to.tier) {
                (Tier::Module, Tier::Module) => {
                    MODULE_CALLS.iter().any(|(caller, called)| *caller == from.name && called.contains(&to.name))
                }
                (from, to) => to <= from,
            };
            if !is_allowed {
                let message = format!(
                    "{} must not depend on {}: hear its events instead, or move what both need to a platform crate",
                    from.name, to.name
                );
                violations.push(Violation::new(from.manifest_path, dependency.line, message));
            }
        }
    }
    violations
}

/// What stands in for the outside world stays out of production.
pub(super) fn development_only(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for user in crates(tree).iter().filter(|user| !DEVELOPMENT_USERS.contains(&user.name)) {
        for dependency in user.dependencies().iter().filter(|dependency| !dependency.is_dev) {
            if dependency.name.strip_prefix("nmc-").is_some_and(|name| DEVELOPMENT_CRATES.contains(&name)) {
                let message = format!("{} is for tests: move it to [dev-dependencies]", dependency.name);
                violations.push(Violation::new(user.manifest_path, dependency.line, message));
            }
        }
    }
    violations
}
