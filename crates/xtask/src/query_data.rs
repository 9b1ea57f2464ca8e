//! `.sqlx/`: for every query that sqlx checks at compile time, what Postgres says about its parameters and columns.
//!
//! The queries are read from the sources and described on a scratch database, in the form and under the file names
//! that sqlx's macros look for. Nothing has to be compiled for it, so the command also works, and says where the
//! mistake is, while the crate that holds a new query does not compile yet.

use std::{collections::BTreeMap, path::Path, str::FromStr as _};

use nmc_postgres::{Binaries, PrivatePostgres, Settings};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Describe, Executor as _, PgConnection, Postgres,
    SqlSafeStr as _, migrate::Migrator, postgres::PgConnectOptions,
};

use crate::{
    Result,
    generate::{Generated, apply, finish},
    rust::{Source, Sql},
    tree::Tree,
};

const FOLDER: &str = ".sqlx/";
/// Where the private server lives, and Postgres's programs if they have to be fetched.
const CLUSTER: &str = "target/query-data-postgres";
const PROGRAMS: &str = ".data/postgres-programs";
/// The roles that migrations grant to.
const ROLES: &str = "crates/platform/db/src/provision.sql";
const OWNER: &str = "nmc_owner";

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

pub(crate) fn run(root: &Path, tree: &Tree, check: bool, server: Option<&str>) -> Result<()> {
    let queries = queries(tree)?;
    let private = server.is_none().then(|| private_server(root)).transpose()?;
    let url = private.as_ref().map(|server| server.superuser_url("postgres"));
    let url = url.as_deref().or(server).unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let Described { files, mistakes } = runtime.block_on(describe_all(root, tree, &queries, url))?;
    if let Some(server) = private {
        server.stop()?;
    }
    let changes = apply(root, tree, &files, &[FOLDER], check)?;
    // What is right is written all the same: one wrong query does not keep the others from compiling.
    if !mistakes.is_empty() {
        return Err(mistakes.join("\n").into());
    }
    finish("query data", "cargo xtask sqlx", files.len(), &changes, check)
}

/// A server for this command alone; nothing in it is worth keeping, so nothing is written through to the disk.
fn private_server(root: &Path) -> Result<PrivatePostgres> {
    let progress = |words: &str| eprintln!("{words}");
    let binaries = Binaries::find_or_install(&root.join(PROGRAMS), &progress)?;
    let settings = Settings { durable: false, max_connections: 10, ..Settings::new(root.join(CLUSTER)) };
    Ok(PrivatePostgres::start(&binaries, &settings, &progress)?)
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

async fn describe_all(root: &Path, tree: &Tree, queries: &BTreeMap<String, String>, server: &str) -> Result<Described> {
    let server = PgConnectOptions::from_str(server)?;
    let scratch = format!("nmc_query_data_{}", std::process::id());
    let mut admin = server.clone().connect().await?;
    let drop_scratch = format!("drop database if exists {scratch} with (force)");
    if let Some(roles) = tree.text(ROLES) {
        raw(&mut admin, roles).await?;
    }
    raw(&mut admin, &drop_scratch).await?;
    raw(&mut admin, &format!("create database {scratch} owner {OWNER}")).await?;
    let described = describe_in(root, &server.database(&scratch), queries).await;
    raw(&mut admin, &drop_scratch).await?;
    described
}

async fn raw(connection: &mut PgConnection, sql: &str) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

async fn describe_in(root: &Path, scratch: &PgConnectOptions, queries: &BTreeMap<String, String>) -> Result<Described> {
    let mut superuser = scratch.clone().connect().await?;
    raw(&mut superuser, "create extension btree_gist; create extension pg_trgm").await?;
    superuser.close().await?;

    let mut owner = scratch.clone().username(OWNER).connect().await?;
    Migrator::new(root.join("migrations")).await?.run(&mut owner).await?;
    // As sqlx's macros do: parameters have no values yet, so that only a generic plan can be explained.
    raw(&mut owner, "set plan_cache_mode = 'force_generic_plan'").await?;

    let mut files = Vec::new();
    let mut mistakes = Vec::new();
    for (query, place) in queries {
        match owner.describe(AssertSqlSafe(query.clone()).into_sql_str()).await {
            Ok(describe) => files.push(query_file(query, describe)?),
            Err(sqlx::Error::Database(error)) => mistakes.push(format!("{place}: {error}")),
            Err(error) => return Err(error.into()),
        }
    }
    owner.close().await?;
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
