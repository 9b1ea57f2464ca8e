use serde::{Deserialize, Serialize};

const NAME_CHARS_MAX: usize = 120;
const ADDRESS_CHARS_MAX: usize = 300;
const NOTES_CHARS_MAX: usize = 2000;

/// What is known of a customer beside the number. Nothing of it is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    name: Option<String>,
    address: Option<String>,
    notes: Option<String>,
}

/// A text is too long, or holds what no text does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have at most {chars_max} characters and no control characters but line breaks")]
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

/// What is to be different: what is none stays, what is `Some(None)` is taken away.
#[derive(Clone, Debug, Default)]
pub struct Correction {
    /// The customer's name.
    pub name: Option<Option<String>>,
    /// Where the job is.
    pub address: Option<Option<String>>,
    /// Anything else.
    pub notes: Option<Option<String>>,
}

fn checked(detail: Detail, text: Option<&str>) -> Result<Option<String>, DetailsError> {
    let text = text.unwrap_or_default().trim();
    let chars_max = detail.chars_max();
    let breaks_lines = |c| c == '\n' && detail != Detail::Name;
    let is_text = !text.chars().any(|c| c.is_control() && !breaks_lines(c));
    if !is_text || text.chars().count() > chars_max {
        return Err(DetailsError { detail, chars_max });
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_bounded_and_an_empty_one_is_none() {
        let details = Details::new(Some("  Pat Example "), Some(""), Some("Ring twice.\nDog.")).unwrap();
        assert_eq!(details.name(), Some("Pat Example"));
        assert_eq!((details.address(), details.notes()), (None, Some("Ring twice.\nDog.")));
        let which = |name, address, notes| Details::new(name, address, notes).unwrap_err().detail;
        assert_eq!(which(Some("é".repeat(121).as_str()), None, None), Detail::Name);
        assert_eq!(which(Some("two\nlines"), None, None), Detail::Name);
        assert_eq!(which(None, Some("é".repeat(301).as_str()), None), Detail::Address);
        assert_eq!(which(None, None, Some("n".repeat(2001).as_str())), Detail::Notes);
        assert_eq!(which(None, None, Some("nul\0inside")), Detail::Notes);
    }

    #[test]
    fn a_correction_changes_what_is_given() {
        let before = Details::new(Some("Pat"), Some("1 Main St"), None).unwrap();
        let correction = Correction { name: None, address: Some(None), notes: Some(Some("Blue door".to_owned())) };
        let after = before.corrected(&correction).unwrap();
        assert_eq!((after.name(), after.address(), after.notes()), (Some("Pat"), None, Some("Blue door")));
    }
}
