use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// What is made by building, running and local use, as in `.gitignore`.
const SKIPPED: &[&str] = &[".git", "target", ".data", ".env"];

/// The repository's text files: path (relative, with `/`) to text. Rules read this instead of the disk, so that a
/// test can hand them a tree of its own.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, String>,
}

impl Tree {
    /// Every file below the root but what `SKIPPED` names. Git is not asked: a copy without its history is checked the
    /// same way. Files that are not UTF-8 are left out: they are not text.
    pub(crate) fn of_repository(root: &Path) -> io::Result<Self> {
        let mut tree = Self::default();
        tree.add_folder(root, "")?;
        Ok(tree)
    }

    fn add_folder(&mut self, folder: &Path, prefix: &str) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type()?;
            if SKIPPED.contains(&name.as_str()) {
                continue;
            }
            if kind.is_dir() {
                self.add_folder(&entry.path(), &format!("{prefix}{name}/"))?;
            } else if kind.is_file() {
                match fs::read(entry.path()).map(String::from_utf8) {
                    Ok(Ok(text)) => drop(self.files.insert(format!("{prefix}{name}"), text)),
                    Ok(Err(_not_text)) => {}
                    // An editor's temporary file, gone since the folder was listed.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
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
