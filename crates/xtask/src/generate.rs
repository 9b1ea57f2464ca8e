//! The files that are made from code, so that they cannot disagree with it.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{Result, tree::Tree};

/// A file and what it must hold.
pub(crate) struct Generated {
    pub(crate) path: String,
    pub(crate) content: String,
}

/// Folders that hold generated files only: whatever else lies there is a leftover.
const GENERATED_FOLDERS: &[&str] = &["docs/events/"];

/// The page that holds the table of all configuration keys, between two markers.
const OPERATIONS: &str = "docs/operations.md";

/// Every generated file that this program makes itself. A new one is a line here.
fn generated(tree: &Tree) -> Result<Vec<Generated>> {
    let file = |path: &str, content: String| Generated { path: path.to_owned(), content };
    let mut files = vec![
        file("docs/events.md", nmc_events::catalog_page()),
        file(".env.example", nmc_config::env_example()),
        file(OPERATIONS, operations_page(tree.text(OPERATIONS).unwrap_or_default())?),
    ];
    for entry in nmc_events::CATALOG {
        let path = format!("docs/events/{}", nmc_events::schema_file_name(entry));
        files.push(file(&path, nmc_events::json_schema(entry)));
    }
    Ok(files)
}

/// The OpenAPI document, printed by an example of the application's crate. This program cannot depend on that crate:
/// it must be built before the queries of the modules are known to compile.
fn openapi(root: &Path) -> Result<Generated> {
    // The whole workspace's features, so that what the tests have built is not built again with others.
    let cargo = ["build", "--quiet", "--workspace", "--example", "openapi", "--message-format=json-render-diagnostics"];
    let built = Command::new(env!("CARGO")).current_dir(root).args(cargo).stderr(Stdio::inherit()).output()?;
    let program = String::from_utf8(built.stdout)?
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "openapi")
        .find_map(|message| message["executable"].as_str().map(str::to_owned))
        .ok_or("the example `openapi` of nmc-app does not build")?;
    let printed = Command::new(&program).stderr(Stdio::inherit()).output()?;
    if !printed.status.success() {
        return Err(format!("{program} failed: {}", printed.status).into());
    }
    Ok(Generated { path: "docs/openapi.json".to_owned(), content: String::from_utf8(printed.stdout)? })
}

/// The page with a fresh table; everything around the markers is written by hand and stays.
fn operations_page(page: &str) -> Result<String> {
    let (begin, end) = (nmc_config::OPERATIONS_TABLE_BEGIN, nmc_config::OPERATIONS_TABLE_END);
    let parts = page.split_once(begin).and_then(|(head, rest)| Some((head, rest.split_once(end)?.1)));
    let (head, tail) = parts.ok_or_else(|| format!("{OPERATIONS} must hold the lines `{begin}` and `{end}`"))?;
    Ok(format!("{head}{begin}\n\n{}\n{end}{tail}", nmc_config::operations_table()))
}

pub(crate) fn run(root: &Path, tree: &Tree, check: bool) -> Result<()> {
    let command = "cargo xtask generate";
    let files = generated(tree)?;
    let changes = apply(root, tree, &files, GENERATED_FOLDERS, check)?;
    finish("generated files", command, files.len(), &changes, check)?;
    // Last, because it needs everything to compile; the others do not have to wait for that.
    let changes = apply(root, tree, &[openapi(root)?], &[], check)?;
    finish("OpenAPI document", command, 1, &changes, check)
}

/// Writes what differs and removes leftovers; with `check` only names them. Returns the paths concerned.
pub(crate) fn apply(
    root: &Path,
    tree: &Tree,
    files: &[Generated],
    folders: &[&str],
    check: bool,
) -> Result<Vec<String>> {
    let wanted: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let leftovers: Vec<&str> = tree
        .files()
        .map(|(path, _)| path)
        .filter(|path| folders.iter().any(|folder| path.starts_with(folder)) && !wanted.contains(path))
        .collect();
    let changed: Vec<&Generated> = files.iter().filter(|file| tree.text(&file.path) != Some(&file.content)).collect();
    if !check {
        for path in &leftovers {
            fs::remove_file(root.join(path))?;
        }
        for file in &changed {
            let path = root.join(&file.path);
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(path, &file.content)?;
        }
    }
    Ok(leftovers.into_iter().map(str::to_owned).chain(changed.into_iter().map(|file| file.path.clone())).collect())
}

/// Says what came of it: with `check`, a difference is an error that names the command which mends it.
pub(crate) fn finish(what: &str, command: &str, count: usize, changes: &[String], check: bool) -> Result<()> {
    for path in changes {
        println!("{} {path}", if check { "differs:" } else { "updated:" });
    }
    match (changes.len(), check) {
        (0, _) => println!("{what}: all {count} are fresh"),
        (_, false) => {}
        (differing, true) => return Err(format!("{what}: {differing} differ; run `{command}` and commit").into()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, content: &str) -> Generated {
        Generated { path: path.to_owned(), content: content.to_owned() }
    }

    #[test]
    fn what_is_committed_is_what_the_code_says() {
        let root = crate::tree::root();
        let tree = Tree::of_repository(&root).unwrap();
        let changes = apply(&root, &tree, &generated(&tree).unwrap(), GENERATED_FOLDERS, true).unwrap();
        assert!(changes.is_empty(), "run `cargo xtask generate` and commit: {changes:?}");
    }

    #[test]
    fn the_table_is_put_between_the_markers_and_the_rest_stays() {
        let (begin, end) = (nmc_config::OPERATIONS_TABLE_BEGIN, nmc_config::OPERATIONS_TABLE_END);
        let page = operations_page(&format!("head\n{begin}\nstale words\n{end}\ntail\n")).unwrap();
        assert!(page.starts_with(&format!("head\n{begin}\n")) && page.ends_with(&format!("{end}\ntail\n")), "{page}");
        assert!(page.contains("`DATABASE_URL`") && !page.contains("stale words"), "{page}");
        assert_eq!(operations_page(&page).unwrap(), page);
        assert!(operations_page("no markers").is_err());
    }

    #[test]
    fn a_check_names_what_differs_is_missing_or_is_left_over() {
        let tree = Tree::of(&[("d/same", "a"), ("d/other", "a"), ("d/leftover", "a"), ("elsewhere", "a")]);
        let files = vec![file("d/same", "a"), file("d/other", "b"), file("d/new", "c")];
        let changes = apply(Path::new("nowhere"), &tree, &files, &["d/"], true).unwrap();
        assert_eq!(changes, ["d/leftover", "d/other", "d/new"]);
        assert!(finish("files", "command", 3, &changes, true).is_err());
        assert!(finish("files", "command", 3, &[], true).is_ok());
    }
}
