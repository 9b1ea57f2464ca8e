//! Whether a caller is a machine that answers whatever it is sent: two automations would write to each other for ever.

use chrono::{DateTime, Duration, Utc};
use sha2::{Digest as _, Sha256};

/// After so many texts in a row that look like a machine's the automation is silent.
pub(crate) const MACHINE_AFTER: i16 = 3;
/// Nobody reads a text and answers it in less. More would take those for machines who write in pieces, between which an
/// answer to the piece before goes out.
pub(crate) const QUICKER_THAN_A_PERSON: Duration = Duration::milliseconds(1_500);
/// What was a longer time ago says nothing any more.
pub(crate) const FORGOTTEN_AFTER: Duration = Duration::hours(24);
/// More than any loop needs; the table's bound.
const MAX_COUNT: i16 = 100;

/// The text heard before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Before {
    /// How many in a row looked like a machine's, it included.
    pub(crate) like_a_machine: i16,
    /// It was the same text.
    pub(crate) is_same: bool,
    /// When it was heard.
    pub(crate) heard_at: DateTime<Utc>,
}

/// How many texts in a row look like a machine's, the one just heard included: it says the same again, or it came
/// quicker than a person answers.
pub(crate) fn like_a_machine(before: Option<Before>, is_quick: bool, now: DateTime<Utc>) -> i16 {
    let before = before.filter(|before| now - before.heard_at < FORGOTTEN_AFTER);
    let (count, is_same) = before.map_or((0, false), |before| (before.like_a_machine, before.is_same));
    if is_same || is_quick { (count + 1).min(MAX_COUNT) } else { 0 }
}

/// Two texts are the same where their letters and digits are, capitals apart.
pub(crate) fn text_hash(body: &str) -> [u8; 32] {
    let letters: String = body.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    // A picture, or marks alone, are what they are.
    let said = if letters.is_empty() { body.trim() } else { letters.as_str() };
    Sha256::digest(said.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    /// The counts over a row of texts: when each comes (seconds), whether it repeats the one before, whether it is quick.
    fn counts(texts: &[(i64, bool, bool)]) -> Vec<i16> {
        let mut before: Option<Before> = None;
        let mut counts = Vec::new();
        for (at, is_same, is_quick) in texts {
            let now = NOW + Duration::seconds(*at);
            let count = like_a_machine(before.map(|before| Before { is_same: *is_same, ..before }), *is_quick, now);
            before = Some(Before { like_a_machine: count, is_same: false, heard_at: now });
            counts.push(count);
        }
        counts
    }

    #[test]
    fn repeating_and_answering_at_once_count_and_anything_else_ends_the_row() {
        assert_eq!(counts(&[(0, false, true), (5, false, true), (10, false, true)]), [1, 2, 3]);
        assert_eq!(
            counts(&[(0, false, false), (60, true, false), (120, true, false), (180, true, false)]),
            [0, 1, 2, 3]
        );
        assert_eq!(counts(&[(0, false, true), (5, true, false), (10, false, false), (15, true, true)]), [1, 2, 0, 1]);
        // A day later it begins anew, and what it repeats is forgotten.
        assert_eq!(counts(&[(0, false, true), (5, false, true), (5 + 86_400, true, false)]), [1, 2, 0]);
        assert_eq!(counts(&[(0, false, true), (5, false, true), (4 + 86_400, true, false)]), [1, 2, 3]);
        assert_eq!(counts(&vec![(0, false, true); 150]).last(), Some(&100));
    }

    #[test]
    fn a_text_is_the_same_in_other_dress_and_two_pictures_are_two() {
        assert_eq!(text_hash("I am driving."), text_hash("  i am DRIVING!!"));
        assert_ne!(text_hash("yes"), text_hash("no"));
        assert_ne!(text_hash("👍"), text_hash("👎"));
        assert_eq!(text_hash("Sí, mañana"), text_hash("sí mañana"));
    }
}
