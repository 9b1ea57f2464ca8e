use chrono::{DateTime, Utc};
use nmc_kernel::E164;
use uuid::Uuid;

words! {
    /// What a row of the ledger says.
    OptOutAction {
        /// No more texts.
        OptOut = "opt-out",
        /// Texts again.
        OptIn = "opt-in",
    }
}

words! {
    /// How the caller's wish became known.
    OptOutSource {
        /// A text that was a keyword and nothing else.
        Keyword = "keyword",
        /// A text that said it in plain words.
        Wording = "wording",
        /// The provider said so: it handled the keyword itself, or refused a text because of it.
        Provider = "provider",
        /// A person of the business was told.
        User = "user",
    }
}

/// One change of mind of one caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptOutEntry {
    /// Counts a caller's changes from 1.
    pub number: i32,
    /// What changed.
    pub action: OptOutAction,
    /// The word that said so; `wording` where the caller said it in words of their own.
    pub keyword: String,
    /// How it became known.
    pub source: OptOutSource,
    /// When it was recorded, UTC.
    pub recorded_at: DateTime<Utc>,
}

/// A row of the ledger, with whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhoneOptOut {
    /// The row.
    pub id: Uuid,
    /// The caller.
    pub phone: E164,
    /// What changed.
    pub entry: OptOutEntry,
    /// Nothing has changed since: this is what holds for the caller.
    pub holds: bool,
}

/// What recording an opt-out changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptOutChange {
    /// The caller is opted out from now on.
    Recorded,
    /// The caller was opted out already; nothing was written.
    AlreadyOut,
}

/// What revoking an opt-out changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptOutRevocation {
    /// The caller may be texted from now on.
    Revoked,
    /// There was no opt-out to revoke; nothing was written.
    NotOut,
}

/// More of a text than this is not kept as the wording of a wish.
const MAX_WORDING_CHARS: usize = 320;

/// The wording as the ledger keeps it: cut to its limit, and never empty.
pub(crate) fn wording(text: &str, source: OptOutSource) -> String {
    let kept: String = text.trim().chars().filter(|letter| *letter != '\0').take(MAX_WORDING_CHARS).collect();
    if kept.is_empty() { source.as_str().to_owned() } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wording_is_never_empty_nor_too_long() {
        assert_eq!(wording(" please stop ", OptOutSource::Wording), "please stop");
        assert_eq!(wording("  ", OptOutSource::Provider), "provider");
        assert_eq!(wording("a\0b", OptOutSource::Wording), "ab");
        assert_eq!(wording(&"é".repeat(1_600), OptOutSource::Wording).chars().count(), 320);
    }
}
