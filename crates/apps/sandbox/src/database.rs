//! The database below an installation: the private Postgres, or the server `DATABASE_URL` names.

use std::{
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use nmc_db::ProvisionError;
use nmc_postgres::{Binaries, PostgresError, PrivatePostgres, Settings};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, migrate::MigrateError};
use url::Url;

/// Sessions the private Postgres allows: two programs with their pools, the sandbox and a person's psql.
const MAX_CONNECTIONS: u16 = 120;

/// Why there is no database to work on.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// No Postgres could be found, installed or started.
    #[error("{0}")]
    Postgres(#[from] PostgresError),
    /// `DATABASE_URL` is not a URL of Postgres.
    #[error(
        "DATABASE_URL: expected a superuser's URL of a Postgres server, such as postgres://postgres@localhost:5432/postgres"
    )]
    Url,
    /// A statement that prepares the database failed.
    #[error("the database could not be prepared: {0}")]
    Sql(#[from] sqlx::Error),
    /// Roles failed.
    #[error("the database could not be prepared: {0}")]
    Provision(#[from] ProvisionError),
    /// The migrations failed.
    #[error("the database could not be prepared: {0}")]
    Migration(MigrateError),
    /// The database was made by another version of the product.
    #[error(
        "the data in {} is another version's ({why}): go on with that version, or remove the folder and begin anew; where \
         DATABASE_URL is set, drop its database {name}",
        data_dir.display()
    )]
    Version {
        /// Where the data is.
        data_dir: PathBuf,
        /// The database.
        name: String,
        /// What differs.
        why: MigrateError,
    },
    /// The server of `DATABASE_URL` has roles of the product that were not made here.
    #[error(
        "the server of DATABASE_URL has an nmc_app role already, and the sandbox would change its password; use a server \
         of your own, or leave DATABASE_URL unset"
    )]
    RolesTaken,
    /// Files of the sandbox.
    #[error("{0}")]
    File(#[from] std::io::Error),
    /// The task that started Postgres was torn down.
    #[error("the start of Postgres was interrupted")]
    Interrupted(#[from] tokio::task::JoinError),
}

/// A migrated database and how each role reaches it.
#[derive(Debug)]
pub struct Database {
    server: Server,
    name: String,
}

#[derive(Debug)]
enum Server {
    Private(PrivatePostgres),
    /// A superuser's URL, and the password the roles are given there.
    Given {
        superuser: Url,
        password: String,
    },
}

impl Database {
    /// Starts or joins the private Postgres below `data_dir`, or takes the server of `given` (the value of
    /// `DATABASE_URL`), and makes the database `name` current. `fresh` drops one that is there first.
    pub async fn prepare(
        data_dir: &Path,
        given: Option<String>,
        name: &str,
        durable: bool,
        fresh: bool,
    ) -> Result<Self, DatabaseError> {
        let server = match given {
            Some(url) => given_server(&url, data_dir).await?,
            None => Server::Private(start_private(data_dir.to_owned(), durable).await?),
        };
        let database = Self { server, name: name.to_owned() };
        if fresh {
            let mut superuser = PgConnection::connect(&database.superuser_url_of("postgres")).await?;
            // A name of ours: letters and underscores.
            let drop = format!("drop database if exists {name} with (force)");
            sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut superuser).await?;
            superuser.close().await?;
        }
        nmc_db::provision(|of| database.superuser_url_of(of), name).await?;
        database.set_passwords().await?;
        let migrated = nmc_db::migrate(&database.url("nmc_owner")).await;
        migrated.map_err(|error| match error {
            ProvisionError::Migration(why @ (MigrateError::VersionMissing(_) | MigrateError::VersionMismatch(_))) => {
                DatabaseError::Version { data_dir: data_dir.to_owned(), name: name.to_owned(), why }
            }
            ProvisionError::Migration(error) => DatabaseError::Migration(error),
            error @ ProvisionError::Database(_) => error.into(),
        })?;
        Ok(database)
    }

    /// How `role` reaches the database.
    pub fn url(&self, role: &str) -> String {
        match &self.server {
            Server::Private(postgres) => postgres.url(role, &self.name),
            Server::Given { superuser, password } => {
                let mut url = superuser.clone();
                url.set_path(&self.name);
                // Fails for URLs without a host only, and such a one was refused.
                let _ = url.set_username(role);
                let _ = url.set_password(Some(password));
                url.to_string()
            }
        }
    }

    /// How a superuser reaches it: for looking past row-level security.
    pub fn superuser_url(&self) -> String {
        self.superuser_url_of(&self.name)
    }

    /// The private Postgres, where this is one: for fault tests.
    pub fn private_postgres(&self) -> Option<&PrivatePostgres> {
        match &self.server {
            Server::Private(postgres) => Some(postgres),
            Server::Given { .. } => None,
        }
    }

    fn superuser_url_of(&self, database: &str) -> String {
        match &self.server {
            Server::Private(postgres) => postgres.superuser_url(database),
            Server::Given { superuser, .. } => {
                let mut url = superuser.clone();
                url.set_path(database);
                url.to_string()
            }
        }
    }

    /// A server of somebody else's may ask for passwords; the private one trusts whoever reaches its socket.
    async fn set_passwords(&self) -> Result<(), DatabaseError> {
        let Server::Given { password, .. } = &self.server else { return Ok(()) };
        let mut superuser = PgConnection::connect(&self.superuser_url()).await?;
        for role in ["nmc_owner", "nmc_app", "nmc_dispatcher"] {
            // Fixed names and hexadecimal digits.
            let sql = format!("alter role {role} password '{password}'");
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut superuser).await?;
        }
        superuser.close().await?;
        Ok(())
    }
}

/// Takes the server a superuser's URL leads to. The roles get a password that is kept beside the data; roles that are
/// there already without it are somebody else's.
async fn given_server(url: &str, data_dir: &Path) -> Result<Server, DatabaseError> {
    let superuser = Url::parse(url).map_err(|_| DatabaseError::Url)?;
    let is_postgres = matches!(superuser.scheme(), "postgres" | "postgresql");
    if !is_postgres || superuser.cannot_be_a_base() || !superuser.has_host() {
        return Err(DatabaseError::Url);
    }
    let kept = data_dir.join("role-password");
    if let Ok(password) = std::fs::read_to_string(&kept) {
        return Ok(Server::Given { superuser, password });
    }
    let mut connection = PgConnection::connect(url).await?;
    let is_taken: bool = sqlx::query_scalar("select exists (select from pg_roles where rolname = 'nmc_app')")
        .fetch_one(&mut connection)
        .await?;
    connection.close().await?;
    if is_taken {
        return Err(DatabaseError::RolesTaken);
    }
    let mut bytes = [0_u8; 16];
    nmc_kernel::Random::from_entropy().fill(&mut bytes);
    let password = hex::encode(bytes);
    std::fs::create_dir_all(data_dir)?;
    std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(&kept)?.write_all(password.as_bytes())?;
    Ok(Server::Given { superuser, password })
}

async fn start_private(data_dir: PathBuf, durable: bool) -> Result<PrivatePostgres, DatabaseError> {
    let start = move || {
        let progress = |message: &str| {
            // Nobody may be reading.
            let _ = writeln!(std::io::stderr(), "{message}");
        };
        let binaries = Binaries::find_or_install(&data_dir.join("postgres-binaries"), &progress)?;
        let settings =
            Settings { durable, max_connections: MAX_CONNECTIONS, ..Settings::new(data_dir.join("postgres")) };
        PrivatePostgres::start(&binaries, &settings, &progress)
    };
    Ok(tokio::task::spawn_blocking(start).await??)
}
