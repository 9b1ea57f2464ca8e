use std::{borrow::Cow, fmt};

use nmc_kernel::is_invisible;
use serde::{Deserialize, Serialize};

const NAME_CHARS_MAX: usize = 120;
const ADDRESS_CHARS_MAX: usize = 300;
const NOTES_CHARS_MAX: usize = 2000;

/// What is known of a customer beside the number. Nothing of it is empty.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    name: Option<String>,
    address: Option<String>,
    notes: Option<String>,
}

/// A text is too long, or holds what no text does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must have at most {chars_max} characters, no control characters but line breaks, and in a name neither these nor invisible ones"
)]
pub struct DetailsError {
    /// Which of them.
    pub detail: Detail,
    chars_max: usize,
}

/// Which text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// The customer's name.
    Name,
    /// Where the job is.
    Address,
    /// Anything else.
    Notes,
}

impl Detail {
    const fn chars_max(self) -> usize {
        match self {
            Self::Name => NAME_CHARS_MAX,
            Self::Address => ADDRESS_CHARS_MAX,
            Self::Notes => NOTES_CHARS_MAX,
        }
    }
}

impl Details {
    /// Checks the texts; white space around them is dropped, and an empty one is none.
    pub fn new(name: Option<&str>, address: Option<&str>, notes: Option<&str>) -> Result<Self, DetailsError> {
        Ok(Self {
            name: checked(Detail::Name, name)?,
            address: checked(Detail::Address, address)?,
            notes: checked(Detail::Notes, notes)?,
        })
    }

    /// As they were stored.
    pub(crate) const fn stored(name: Option<String>, address: Option<String>, notes: Option<String>) -> Self {
        Self { name, address, notes }
    }

    /// The customer's name.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Where the job is.
    pub fn address(&self) -> Option<&str> {
        self.address.as_deref()
    }

    /// Anything else.
    pub fn notes(&self) -> Option<&str> {
        self.notes.as_deref()
    }

    /// The same with what a correction says.
    pub(crate) fn corrected(self, correction: &Correction) -> Result<Self, DetailsError> {
        let apply = |detail, before: Option<String>, given: &Option<Option<String>>| match given {
            None => Ok(before),
            Some(text) => checked(detail, text.as_deref()),
        };
        Ok(Self {
            name: apply(Detail::Name, self.name, &correction.name)?,
            address: apply(Detail::Address, self.address, &correction.address)?,
            notes: apply(Detail::Notes, self.notes, &correction.notes)?,
        })
    }
}

/// What is known of somebody, for the eyes of developers: whether it is there.
const fn veiled(text: Option<&String>) -> &'static str {
    if text.is_some() { "..." } else { "none" }
}

impl fmt::Debug for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Details")
            .field("name", &format_args!("{}", veiled(self.name.as_ref())))
            .field("address", &format_args!("{}", veiled(self.address.as_ref())))
            .field("notes", &format_args!("{}", veiled(self.notes.as_ref())))
            .finish()
    }
}

/// What is to be different: what is none stays, what is `Some(None)` is taken away.
#[derive(Clone, Default)]
pub struct Correction {
    /// The customer's name.
    pub name: Option<Option<String>>,
    /// Where the job is.
    pub address: Option<Option<String>>,
    /// Anything else.
    pub notes: Option<Option<String>>,
}

impl fmt::Debug for Correction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = [("name", &self.name), ("address", &self.address), ("notes", &self.notes)];
        let given = given.into_iter().filter(|(_, text)| text.is_some()).map(|(field, _)| field);
        write!(f, "Correction of ")?;
        f.debug_list().entries(given).finish()
    }
}

fn checked(detail: Detail, text: Option<&str>) -> Result<Option<String>, DetailsError> {
    let text = text.unwrap_or_default().trim();
    let (text, is_refused): (_, fn(char) -> bool) = match detail {
        Detail::Name => (Cow::Borrowed(text), |c| c.is_control() || is_invisible(c)),
        // A form's text area breaks lines with both characters.
        Detail::Address | Detail::Notes => (Cow::Owned(text.replace("\r\n", "\n")), |c| c.is_control() && c != '\n'),
    };
    let chars_max = detail.chars_max();
    if text.chars().any(is_refused) || text.chars().count() > chars_max {
        return Err(DetailsError { detail, chars_max });
    }
    Ok((!text.is_empty()).then(|| text.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn which(name: Option<&str>, address: Option<&str>, notes: Option<&str>) -> Detail {
        Details::new(name, address, notes).unwrap_err().detail
    }

    #[test]
    fn texts_are_bounded_and_an_empty_one_is_none() {
        let details = Details::new(Some("  Pat Example "), Some(""), Some("Ring twice.\nDog.")).unwrap();
        assert_eq!(details.name(), Some("Pat Example"));
        assert_eq!((details.address(), details.notes()), (None, Some("Ring twice.\nDog.")));
        assert_eq!(which(Some("é".repeat(121).as_str()), None, None), Detail::Name);
        assert_eq!(which(Some("two\nlines"), None, None), Detail::Name);
        assert_eq!(which(None, Some("é".repeat(301).as_str()), None), Detail::Address);
        assert_eq!(which(None, None, Some("n".repeat(2001).as_str())), Detail::Notes);
        assert_eq!(which(None, None, Some("nul\0inside")), Detail::Notes);
        // Turned around, a name reads as another; a text area breaks lines as forms do.
        assert_eq!(which(Some("Pat\u{202e}elpmaxE"), None, None), Detail::Name);
        let from_a_form = Details::new(None, None, Some("Ring twice.\r\nDog.")).unwrap();
        assert_eq!(from_a_form.notes(), Some("Ring twice.\nDog."));
        assert_eq!(which(None, None, Some("Ring\rtwice.")), Detail::Notes);
    }

    #[test]
    fn what_developers_see_names_nobody() {
        let details = Details::new(Some("Pat Example"), None, Some("Ring twice")).unwrap();
        assert_eq!(format!("{details:?}"), "Details { name: ..., address: none, notes: ... }");
        let correction = Correction { name: Some(Some("Pat Example".to_owned())), address: None, notes: Some(None) };
        assert_eq!(format!("{correction:?}"), r#"Correction of ["name", "notes"]"#);
    }

    #[test]
    fn a_correction_changes_what_is_given() {
        let before = Details::new(Some("Pat"), Some("1 Main St"), None).unwrap();
        let correction = Correction { name: None, address: Some(None), notes: Some(Some("Blue door".to_owned())) };
        let after = before.corrected(&correction).unwrap();
        assert_eq!((after.name(), after.address(), after.notes()), (Some("Pat"), None, Some("Blue door")));
    }
}
