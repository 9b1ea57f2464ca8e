//! The optional file of settings for local use.

use std::{collections::HashMap, io::ErrorKind, path::Path};

use crate::ConfigError;

/// Names the file; without it `.env` of the working directory is read where it exists.
const FILE_KEY: &str = "NMC_ENV_FILE";

/// `KEY=value` lines; `#` comments, blank lines, a leading `export` and one pair of quotes around a value are accepted.
/// Nothing is substituted, so a `$` in a password stays one.
#[derive(Default)]
pub(crate) struct EnvFile(HashMap<String, String>);

impl EnvFile {
    /// The file that applies; an empty one where there is none.
    #[allow(clippy::disallowed_methods, reason = "the configuration's own source")]
    pub(crate) fn find() -> Result<Self, ConfigError> {
        match std::env::var_os(FILE_KEY).filter(|path| !path.is_empty()) {
            Some(path) => Self::read(Path::new(&path)),
            None if Path::new(".env").is_file() => Self::read(Path::new(".env")),
            None => Ok(Self::default()),
        }
    }

    /// The value of the environment, else the file's.
    #[allow(clippy::disallowed_methods, reason = "the configuration's own source")]
    pub(crate) fn below_environment(&self, name: &str) -> Option<String> {
        match std::env::var_os(name) {
            // What is not Unicode is lossy here; the replacement character is refused in every value.
            Some(value) => Some(value.to_string_lossy().into_owned()),
            None => self.get(name),
        }
    }

    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    fn read(path: &Path) -> Result<Self, ConfigError> {
        let fail = |reason: String| ConfigError::File { path: path.display().to_string(), reason };
        let text = std::fs::read_to_string(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => fail("does not exist".to_owned()),
            _ => fail(format!("cannot be read: {error}")),
        })?;
        Self::parse(&text).map_err(|line| fail(format!("line {line} is not KEY=value")))
    }

    /// The values, or the number of the first line that is none.
    fn parse(text: &str) -> Result<Self, usize> {
        let mut values = HashMap::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let line = line.strip_prefix("export ").unwrap_or(line);
            let (key, value) = line.split_once('=').ok_or(index + 1)?;
            let key = key.trim();
            if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                return Err(index + 1);
            }
            values.insert(key.to_owned(), unquoted(value.trim()).to_owned());
        }
        Ok(Self(values))
    }
}

fn unquoted(value: &str) -> &str {
    ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote)).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lines_comments_quotes_and_exports() {
        let text = "# comment\n\nA=1\nexport B = \"two words\" \nC='p$a#ss=w'\nD=\n";
        let file = EnvFile::parse(text).unwrap_or_default();
        let read = |name| file.get(name).unwrap_or_default();
        assert_eq!(
            (read("A"), read("B"), read("C"), read("D")),
            ("1".to_owned(), "two words".to_owned(), "p$a#ss=w".to_owned(), String::new())
        );
        assert_eq!(file.get("E"), None);
    }

    #[test]
    fn names_the_line_that_is_no_setting() {
        assert_eq!(EnvFile::parse("A=1\nnonsense\n").err(), Some(2));
        assert_eq!(EnvFile::parse("A B=1\n").err(), Some(1));
    }

    #[test]
    fn a_named_file_that_is_missing_is_an_error() {
        let error = EnvFile::read(Path::new("/nonexistent/settings")).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some("the settings file /nonexistent/settings: does not exist"));
    }
}
