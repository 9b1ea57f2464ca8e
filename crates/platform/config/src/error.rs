use std::fmt;

/// Why the configuration could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file of settings is named but cannot be read, or one of its lines is not `KEY=value`.
    #[error("the settings file {path}: {reason}")]
    File {
        /// The file as it was named.
        path: String,
        /// What is wrong with it; never the content of a line, which may be a secret.
        reason: String,
    },
    /// Keys that are missing or wrong: all of them.
    #[error("{}", list(.0))]
    Wrong(Vec<WrongKey>),
}

/// A key whose value was refused. The value itself is never repeated: it may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongKey {
    /// The key's name.
    pub key: &'static str,
    /// Whether the key was not set at all.
    pub missing: bool,
    /// What the key takes.
    pub expected: String,
}

impl fmt::Display for WrongKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problem = if self.missing { "is required" } else { "has a wrong value" };
        write!(f, "{} {problem}: expected {}", self.key, self.expected)
    }
}

fn list(wrong: &[WrongKey]) -> String {
    let lines: Vec<String> = wrong.iter().map(|key| format!("\n  {key}")).collect();
    format!("{} configuration keys need attention:{}", wrong.len(), lines.concat())
}
