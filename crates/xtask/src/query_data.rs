//! `.sqlx/`: for every query that sqlx checks at compile time, what Postgres says about its parameters and columns.
//!
//! The queries are read from the sources and described on a scratch database, in the form and under the file names
//! that sqlx's macros look for. Nothing has to be compiled for it, so the command also works, and says where the
//! mistake is, while the crate that holds a new query does not compile yet.

use std::{collections::BTreeMap, path::Path};

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, Describe, Executor as _, PgConnection, Postgres, SqlSafeStr as _};

use crate::{
    Result,
    generate::{Generated, apply, finish},
    migrations,
    rust::{Source, Sql},
    scratch::Scratch,
    tree::Tree,
};

const FOLDER: &str = ".sqlx/";

/// One file of `.sqlx/`, with the fields in the order in which sqlx writes them.
#[derive(Serialize)]
struct QueryData<'a> {
    db_name: &'static str,
    query: &'a str,
    describe: Describe<Postgres>,
    hash: String,
}

/// What Postgres said of the queries.
struct Described {
    files: Vec<Generated>,
    /// Where a query stands that Postgres refuses, and why.
    mistakes: Vec<String>,
}

pub(crate) fn run(root: &Path, tree: &Tree, check: bool) -> Result<()> {
    let queries = queries(tree)?;
    let Described { files, mistakes } = Scratch::with(root, async |scratch| {
        let mut owner = scratch.database(tree).await?;
        migrations::migrate(&mut owner, &root.join(migrations::FOLDER)).await?;
        let described = describe(&mut owner, &queries).await?;
        scratch.drop_database(owner).await?;
        Ok(described)
    })?;
    let changes = apply(root, tree, &files, &[FOLDER], check)?;
    // What is right is written all the same: one wrong query does not keep the others from compiling.
    if !mistakes.is_empty() {
        return Err(mistakes.join("\n").into());
    }
    finish("query data", "cargo xtask sqlx", files.len(), &changes, check)
}

/// Every checked query of the workspace, and the first place where it stands.
fn queries(tree: &Tree) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for (path, text) in tree.below("crates/", "rs").filter(|(path, _)| !path.starts_with("crates/xtask/")) {
        let source = Source::parse(text).map_err(|error| format!("{path}: {error}"))?;
        for query in source.queries {
            let place = format!("{path}:{}", query.line);
            let sql = match query.sql {
                Sql::Inline(sql) => sql,
                Sql::File(name) => {
                    let file = format!("{}{name}", crate_folder(path));
                    tree.text(&file).ok_or_else(|| format!("{place}: there is no {file}"))?.to_owned()
                }
            };
            found.entry(sql).or_insert(place);
        }
    }
    Ok(found)
}

/// `crates/modules/telephony/` of a path below it.
fn crate_folder(path: &str) -> &str {
    let end = path.match_indices('/').nth(2).map_or(path.len(), |(at, _)| at + 1);
    &path[..end]
}

async fn describe(owner: &mut PgConnection, queries: &BTreeMap<String, String>) -> Result<Described> {
    // As sqlx's macros do: parameters have no values yet, so that only a generic plan can be explained.
    sqlx::raw_sql("set plan_cache_mode = 'force_generic_plan'").execute(&mut *owner).await?;
    let mut files = Vec::new();
    let mut mistakes = Vec::new();
    for (query, place) in queries {
        match (&mut *owner).describe(AssertSqlSafe(query.clone()).into_sql_str()).await {
            Ok(describe) => files.push(query_file(query, describe)?),
            Err(sqlx::Error::Database(error)) => mistakes.push(format!("{place}: {error}")),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Described { files, mistakes })
}

fn query_file(query: &str, describe: Describe<Postgres>) -> Result<Generated> {
    let hash = hex::encode(Sha256::digest(query.as_bytes()));
    let path = format!("{FOLDER}query-{hash}.json");
    let data = QueryData { db_name: "PostgreSQL", query, describe, hash };
    Ok(Generated { path, content: format!("{}\n", serde_json::to_string_pretty(&data)?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_collected_once_with_files_read() {
        let tree = Tree::of(&[
            ("crates/modules/a/src/x.rs", "fn f() { query!(\"one\"); query_file!(\"src/two.sql\"); }"),
            ("crates/modules/a/src/two.sql", "two"),
            ("crates/modules/b/tests/y.rs", "fn f() { query!(\"one\"); }"),
        ]);
        let found: Vec<(String, String)> = queries(&tree).unwrap().into_iter().collect();
        assert_eq!(
            found,
            [
                ("one".to_owned(), "crates/modules/a/src/x.rs:1".to_owned()),
                ("two".to_owned(), "crates/modules/a/src/x.rs:1".to_owned()),
            ]
        );
    }

    #[test]
    fn a_missing_query_file_is_named() {
        let tree = Tree::of(&[("crates/modules/a/src/x.rs", "fn f() { query_file!(\"src/none.sql\"); }")]);
        let error = queries(&tree).unwrap_err().to_string();
        assert_eq!(error, "crates/modules/a/src/x.rs:1: there is no crates/modules/a/src/none.sql");
    }
}
