//! Migrations apply to an empty database, and to one that the previous commit migrated: what was committed is not
//! changed afterwards, only followed by another.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use sqlx::{
    PgConnection,
    migrate::{MigrateError, Migrator},
};

use crate::{Result, scratch::Scratch, tree::Tree};

pub(crate) const FOLDER: &str = "migrations";

pub(crate) fn run(root: &Path, tree: &Tree, since: &str) -> Result<()> {
    let previous = unpack(root, since)?;
    let present = root.join(FOLDER);
    Scratch::with(root, async |scratch| {
        apply_all(scratch, tree, &[&present]).await?;
        println!("migrations: an empty database takes them");
        let Some(previous) = previous else {
            println!("migrations: `{since}` is not here, so nothing was tried on a database of before");
            return Ok(());
        };
        apply_all(scratch, tree, &[&previous, &present]).await?;
        println!("migrations: a database of `{since}` takes them");
        Ok(())
    })
}

/// Applies one folder after the other to a new database.
async fn apply_all(scratch: &Scratch, tree: &Tree, folders: &[&Path]) -> Result<()> {
    let mut owner = scratch.database(tree).await?;
    for folder in folders {
        migrate(&mut owner, folder).await?;
    }
    scratch.drop_database(owner).await
}

/// Applies what is missing, and says in the project's words when a migration is not what it was.
pub(crate) async fn migrate(owner: &mut PgConnection, folder: &Path) -> Result<()> {
    match Migrator::new(folder).await?.run(owner).await {
        Err(MigrateError::VersionMismatch(version)) => {
            Err(format!("migration {version:04} was changed after its commit: leave it and add another").into())
        }
        Err(MigrateError::VersionMissing(version)) => {
            Err(format!("migration {version:04} was removed after its commit: put it back").into())
        }
        other => Ok(other?),
    }
}

/// The migrations of a commit, written to a folder; none where the commit is not here (a shallow clone, the first
/// commit, a copy without history) or has no migrations.
fn unpack(root: &Path, revision: &str) -> Result<Option<PathBuf>> {
    let git = |arguments: &[&str]| {
        // The clone may belong to somebody else than who runs this, in a container for example.
        let mut command = Command::new("git");
        match command.current_dir(root).args(["-c", "safe.directory=*"]).args(arguments).output() {
            Ok(output) => Ok(output.status.success().then_some(output.stdout)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    };
    let Some(listed) = git(&["ls-tree", "-z", "--name-only", revision, &format!("{FOLDER}/")])? else {
        return Ok(None);
    };
    let folder = root.join("target").join("previous-migrations");
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => fs::create_dir_all(&folder)?,
    }
    let listed = String::from_utf8(listed)?;
    let mut is_empty = true;
    for path in listed.split('\0').filter(|path| !path.is_empty()) {
        let text = git(&["show", &format!("{revision}:{path}")])?.ok_or_else(|| format!("git cannot show {path}"))?;
        let name = Path::new(path).file_name().ok_or("a path without a name")?;
        fs::write(folder.join(name), text)?;
        is_empty = false;
    }
    Ok((!is_empty).then_some(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_that_is_not_here_is_no_error() {
        let root = crate::tree::root();
        assert!(unpack(&root, "no-such-revision").unwrap().is_none());
    }
}
