//! Making a database ready: roles and extensions by a superuser once, tables by the migrator at every release.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, migrate::Migrator};

use crate::{Db, DbError};

/// The migrations, embedded; `migrations/` in the repository.
pub static MIGRATOR: Migrator = sqlx::migrate!("../../../migrations");

/// Roles and rights that only a superuser can make.
const ROLES: &str = include_str!("provision.sql");
const EXTENSIONS: &str = "create extension if not exists btree_gist; create extension if not exists pg_trgm;";

/// Why a database could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// Postgres refused or could not be reached.
    #[error("the database could not be prepared")]
    Database(#[from] sqlx::Error),
    /// A migration failed; the ones before it stand.
    #[error("a migration failed")]
    Migration(#[from] sqlx::migrate::MigrateError),
}

/// As a superuser: the five roles, the database (owned by `nmc_owner`), who may enter it, and its extensions. Can be
/// repeated, and is to be after a release that changes it or a restore that did not make the database.
///
/// `url_of` gives the superuser's URL of a database by its name. Passwords are the operator's to set.
pub async fn provision(url_of: impl Fn(&str) -> String, database: &str) -> Result<(), ProvisionError> {
    let mut server = PgConnection::connect(&url_of("postgres")).await?;
    sqlx::raw_sql(ROLES).execute(&mut server).await?;
    let exists: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(database)
        .fetch_one(&mut server)
        .await?;
    if !exists {
        let create = format!("create database {} owner nmc_owner", quoted(database));
        sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut server).await?;
    }
    restrict_database(&mut server, database).await?;
    server.close().await?;
    let mut inside = PgConnection::connect(&url_of(database)).await?;
    sqlx::raw_sql(EXTENSIONS).execute(&mut inside).await?;
    inside.close().await?;
    Ok(())
}

/// Lets the product's roles enter `database` and nobody else, and nobody but its owner make anything in it, temporary
/// tables included. A copy of a database does not copy these rights, so whoever makes one repeats this.
pub async fn restrict_database(superuser: &mut PgConnection, database: &str) -> Result<(), sqlx::Error> {
    let name = quoted(database);
    let rights = format!(
        "revoke all on database {name} from public;
         grant connect on database {name} to nmc_app, nmc_dispatcher, nmc_readonly, nmc_backup"
    );
    sqlx::raw_sql(AssertSqlSafe(rights)).execute(superuser).await?;
    Ok(())
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// As the owner: applies the migrations that are missing.
pub async fn migrate(owner_url: &str) -> Result<(), ProvisionError> {
    let mut connection = PgConnection::connect(owner_url).await?;
    MIGRATOR.run(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

/// Whether row-level security holds for the role we connect as: it does for nobody who owns the tables, is a superuser
/// or bypasses it.
pub async fn is_behind_the_wall(db: &Db) -> Result<bool, DbError> {
    let mut tx = db.begin_system().await?;
    let behind: bool = sqlx::query_scalar(
        "select not (r.rolsuper or r.rolbypassrls)
                and not exists (select from pg_class c where c.relowner = r.oid and c.relnamespace = 'public'::regnamespace)
         from pg_roles r where r.rolname = current_user",
    )
    .fetch_one(tx.conn()?)
    .await?;
    tx.roll_back().await?;
    Ok(behind)
}

/// Whether every embedded migration has been applied: a process is ready only then.
pub async fn migrations_current(db: &Db) -> Result<bool, DbError> {
    let mut tx = db.begin_system().await?;
    let applied: i64 =
        sqlx::query_scalar("select count(*) from _sqlx_migrations where success").fetch_one(tx.conn()?).await?;
    tx.roll_back().await?;
    Ok(usize::try_from(applied).is_ok_and(|applied| applied >= MIGRATOR.iter().count()))
}
