//! A text as what is compared with a catalog: its words without fillers, and every run of up to four of them.

use std::{collections::HashMap, ops::Range};

use super::{
    fillers::{is_conjunction, is_filler, is_refusal},
    normalise::words,
};

/// Words of a run that is looked up at once.
pub(crate) const NGRAM_WORDS_MAX: usize = 4;
/// Characters of a caller's text that are read: two SMS, and more than anybody needs to name a job.
const TEXT_CHARS_MAX: usize = 320;

/// Words that may stand beside the "and" between two jobs: "and a new tap".
const JOINED_WORDS_MAX: usize = 1;

/// What a caller wrote.
pub(crate) struct Text {
    /// All its words.
    words: Vec<String>,
    /// Which of them are no fillers.
    kept: Vec<usize>,
    /// Where each run of up to four kept words begins, by its letters: "dish washer" is "dishwasher".
    runs: HashMap<String, Vec<(usize, usize)>>,
}

impl Text {
    pub(crate) fn new(text: &str) -> Self {
        let words = words(cut(text));
        let kept: Vec<usize> = (0..words.len()).filter(|index| !is_filler(&words[*index])).collect();
        let mut runs: HashMap<String, Vec<(usize, usize)>> = HashMap::new();
        for start in 0..kept.len() {
            let mut letters = String::new();
            for end in start + 1..=kept.len().min(start + NGRAM_WORDS_MAX) {
                letters.push_str(&words[kept[end - 1]]);
                runs.entry(letters.clone()).or_default().push((start, end));
            }
        }
        Self { words, kept, runs }
    }

    /// All its words.
    pub(crate) fn words(&self) -> &[String] {
        &self.words
    }

    /// How many words are no fillers.
    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }

    /// The words that are no fillers.
    pub(crate) fn kept(&self) -> impl Iterator<Item = &str> {
        self.kept.iter().map(|index| self.words[*index].as_str())
    }

    /// Where the phrase, given as its kept words, stands, fillers apart.
    pub(crate) fn find<'a>(&'a self, phrase: &'a [String]) -> impl Iterator<Item = Range<usize>> + 'a {
        let (head, tail) = phrase.split_at(phrase.len().min(NGRAM_WORDS_MAX));
        let heads = self.runs.get(&head.concat()).into_iter().flatten();
        heads.filter_map(move |&(start, end)| {
            let rest = self.kept.get(end..end + tail.len())?;
            rest.iter().map(|index| &self.words[*index]).eq(tail).then_some(start..end + tail.len())
        })
    }

    /// Whether what stands at `place` is taken back: "not a drain cleaning".
    pub(crate) fn is_refused(&self, place: &Range<usize>) -> bool {
        let Some(&first) = self.kept.get(place.start) else { return false };
        let before = self.words[..first].iter().rev().find(|word| !is_filler(word));
        before.is_some_and(|word| is_refusal(word))
    }

    /// Whether the two are one job and another: "a new tap and a drain cleaning".
    pub(crate) fn are_joined(&self, a: &Range<usize>, b: &Range<usize>) -> bool {
        let (earlier, later) = if a.start < b.start { (a, b) } else { (b, a) };
        let between = later.start.checked_sub(earlier.end).is_some_and(|words| words <= JOINED_WORDS_MAX);
        if !between || later.is_empty() || earlier.is_empty() {
            return false;
        }
        let gap = self.kept[earlier.end - 1] + 1..self.kept[later.start];
        self.words[gap].iter().any(|word| is_conjunction(word))
    }
}

/// The text as far as it is read; it ends with a word.
fn cut(text: &str) -> &str {
    let Some((end, _)) = text.char_indices().nth(TEXT_CHARS_MAX) else { return text };
    let (head, next) = (&text[..end], &text[end..]);
    if next.starts_with(char::is_whitespace) {
        return head;
    }
    head.rfind(char::is_whitespace).map_or(head, |space| &head[..space])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where each begins and ends.
    fn places(text: &str, phrase: &str) -> Vec<(usize, usize)> {
        let phrase: Vec<String> = phrase.split(' ').map(str::to_owned).collect();
        Text::new(text).find(&phrase).map(|place| (place.start, place.end)).collect()
    }

    #[test]
    fn a_phrase_is_found_wherever_it_stands() {
        assert_eq!(places("Please clean the drain and then clean a drain", "clean drain"), [(0, 2), (2, 4)]);
        assert_eq!(places("my dish washer", "dishwasher"), [(0, 2)]);
        assert_eq!(places("dishwasher", "dish washer"), [(0, 1)]);
        assert_eq!(places("x one big old water heater y", "x big old water heater y"), [(0, 6)]);
        assert!(places("big old water heater x", "big old water heater y").is_empty());
        assert!(places("big old water heater", "big old water heater y").is_empty());
        assert!(places("", "drain").is_empty());
    }

    #[test]
    fn a_long_text_is_cut_at_a_word() {
        let long = format!("{} drain", "x".repeat(315));
        assert_eq!(cut(&long), &long[..315]);
        assert_eq!(cut(&long[1..]), &long[1..]);
        assert_eq!(cut(&"é".repeat(400)).chars().count(), TEXT_CHARS_MAX);
        assert_eq!(cut(&format!("{} x", "é".repeat(320))).chars().count(), TEXT_CHARS_MAX);
    }

    #[test]
    fn what_is_taken_back_and_what_is_joined() {
        assert!(Text::new("I don't need a drain cleaning").is_refused(&(1..3)));
        assert!(!Text::new("No, drain cleaning").is_refused(&(1..3)));
        assert!(!Text::new("drain cleaning").is_refused(&(0..2)));
        assert!(Text::new("a tap & some drain cleaning").are_joined(&(1..3), &(0..1)));
        assert!(!Text::new("tap in the drain").are_joined(&(0..1), &(1..2)));
        assert!(Text::new("tap and old drain").are_joined(&(0..1), &(2..3)));
        assert!(!Text::new("tap and old slow drain").are_joined(&(0..1), &(3..4)));
    }
}
