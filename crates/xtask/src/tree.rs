use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

/// The repository's text files: path (relative, with `/`) to text. Rules read this instead of the disk, so that a
/// test can hand them a tree of its own.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, String>,
}

impl Tree {
    /// Every file git tracks or would track (what is ignored is left out). Files that are not UTF-8 are skipped:
    /// they are not text.
    pub(crate) fn of_repository(root: &Path) -> io::Result<Self> {
        let listed = Command::new("git")
            .current_dir(root)
            // The clone may belong to somebody else than who runs this, in a container for example.
            .args(["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .output()?;
        if !listed.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&listed.stderr).into_owned()));
        }
        let mut files = BTreeMap::new();
        for path in String::from_utf8_lossy(&listed.stdout).split('\0').filter(|path| !path.is_empty()) {
            match fs::read(root.join(path)).map(String::from_utf8) {
                Ok(Ok(text)) => drop(files.insert(path.to_owned(), text)),
                Ok(Err(_not_text)) => {}
                // Listed by git, deleted on disk and not yet committed as such.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self { files })
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// The files below a folder (`crates/app/src/`) whose name ends in `.extension`.
    pub(crate) fn below<'a>(&'a self, folder: &str, extension: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.files().filter(move |(path, _)| {
            path.starts_with(folder) && path.rsplit_once('.').is_some_and(|(_, found)| found == extension)
        })
    }
}

#[cfg(test)]
impl Tree {
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        Self { files: files.iter().map(|&(path, text)| (path.to_owned(), text.to_owned())).collect() }
    }
}

/// The workspace's root, two folders above this crate.
pub(crate) fn root() -> PathBuf {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.pop();
    root.pop();
    root
}
