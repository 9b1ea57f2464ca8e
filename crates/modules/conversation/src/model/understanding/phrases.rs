//! Finds the phrases of the tables (`phrases_en.rs`, `phrases_es.rs`) in a text: from left to right, the longest first, and
//! no word in two of them. So a longer phrase that only sounds like another ("not an emergency") takes its words away.
//!
//! Pieces of a phrase are separated by one space. `a|b` is either word, `<name>` a word of the list of that name, `?` behind
//! a word makes it optional (not the first). `..2` is up to two words of any kind. `^` and `.` are the two ends of a part of
//! a sentence. Phrases go over commas and hyphens and end where a sentence ends.

use std::{collections::HashMap, ops::Range, sync::LazyLock};

use super::{phrases_en, phrases_es, words::Word};

/// What a phrase means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Meaning {
    /// Sounds like something, and says nothing.
    Nothing,
    /// Sounds like something else, and belongs to the words that name a job.
    Plain,
    Emergency,
    Person,
    CallMe,
    Angry,
    WrongNumber,
    Cancel,
    Reschedule,
    /// None of the offers.
    Neither,
    NeitherLater,
    NeitherEarlier,
    /// Any of the offers, or any time.
    Any,
    Asap,
    /// When there is anything free.
    Openings,
    Price,
    Discount,
    Hours,
    Place,
    HowLong,
    /// What follows is what the business may do.
    DoYouDo,
    /// What the business does at all.
    WhatDo,
    Yes,
    No,
    Thanks,
    Greeting,
    /// A greeting, unless a time was asked for.
    TimeOfDay,
    /// Takes back what was said before.
    Correction,
}

/// A phrase that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) meaning: Meaning,
    /// Its words, by their place in the text.
    pub(super) words: Range<usize>,
}

/// Tables of phrases.
pub(super) type Table = &'static [(Meaning, &'static [&'static str])];
/// Lists of words for them.
pub(super) type Lists = &'static [(&'static str, &'static str)];

/// What takes the sense from an emergency when it stands in front.
const NEGATIONS: [&str; 13] =
    ["not", "no", "isnt", "dont", "didnt", "never", "without", "arent", "wasnt", "aint", "nor", "if", "sin"];
/// What may stand between.
const BETWEEN: [&str; 9] = ["a", "an", "any", "really", "that", "smell", "real", "exactly", "theres"];

/// The phrases of a text, in its order.
pub(super) fn find(words: &[Word]) -> Vec<Hit> {
    let mut hits = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let candidates = PHRASES.by_first_word.get(words[at].text.as_str()).map_or(&[][..], Vec::as_slice);
        let found = candidates.iter().filter_map(|phrase| Some((phrase.meaning, phrase.end(words, at)?)));
        // Of phrases as long as each other the one that stands first in the tables.
        let longest = found.reduce(|best, next| if next.1 > best.1 { next } else { best });
        let Some((meaning, end)) = longest else {
            at += 1;
            continue;
        };
        let is_none = meaning == Meaning::Emergency && is_negated(&words[..at]);
        hits.push(Hit { meaning: if is_none { Meaning::Nothing } else { meaning }, words: at..end });
        at = end;
    }
    hits
}

fn is_negated(before: &[Word]) -> bool {
    let mut before = before.iter().rev().map(|word| word.text.as_str()).skip_while(|word| BETWEEN.contains(word));
    before.next().is_some_and(|word| NEGATIONS.contains(&word))
}

struct Phrases {
    by_first_word: HashMap<&'static str, Vec<Phrase>>,
}

#[derive(Clone)]
struct Phrase {
    meaning: Meaning,
    at_start: bool,
    pieces: Vec<Piece>,
}

#[derive(Clone)]
enum Piece {
    Word {
        any_of: Vec<&'static str>,
        optional: bool,
    },
    /// Up to so many words, whatever they are.
    Gap(usize),
    Stop,
}

static PHRASES: LazyLock<Phrases> = LazyLock::new(|| {
    let mut by_first_word: HashMap<&'static str, Vec<Phrase>> = HashMap::new();
    for (meaning, phrases) in phrases_en::PHRASES.iter().chain(phrases_es::PHRASES) {
        for phrase in *phrases {
            let phrase = Phrase::read(*meaning, phrase);
            let Some(Piece::Word { any_of, .. }) = phrase.pieces.first() else { continue };
            for first in any_of {
                by_first_word.entry(first).or_default().push(phrase.clone());
            }
        }
    }
    Phrases { by_first_word }
});

impl Phrase {
    fn read(meaning: Meaning, phrase: &'static str) -> Self {
        let at_start = phrase.starts_with("^ ");
        let pieces = phrase.trim_start_matches("^ ").split(' ').map(|piece| {
            if piece == "." {
                return Piece::Stop;
            }
            if let Some(words) = piece.strip_prefix("..").and_then(|words| words.parse().ok()) {
                return Piece::Gap(words);
            }
            let word = piece.trim_end_matches('?');
            Piece::Word { any_of: any_of(word), optional: word.len() < piece.len() }
        });
        Self { meaning, at_start, pieces: pieces.collect() }
    }

    /// Where it ends when it begins at a word.
    fn end(&self, words: &[Word], at: usize) -> Option<usize> {
        let is_start =
            at.checked_sub(1).is_none_or(|before| words[before].ends_sentence() || words[before].text == ",");
        if self.at_start && !is_start { None } else { end(&self.pieces, words, at) }
    }
}

fn any_of(word: &'static str) -> Vec<&'static str> {
    let lists = phrases_en::LISTS.iter().chain(phrases_es::LISTS);
    let listed =
        |name: &str| lists.clone().find(|(list, _)| *list == name).map(|(_, words)| words.split(' ').collect());
    word.split('|')
        .flat_map(|word| {
            let list = word.strip_prefix('<').and_then(|name| name.strip_suffix('>')).and_then(listed);
            list.unwrap_or_else(|| vec![word])
        })
        .collect()
}

/// The furthest end of what is left of a phrase. Its steps are bounded by the phrase: only gaps and optional words fork.
fn end(pieces: &[Piece], words: &[Word], at: usize) -> Option<usize> {
    let Some((piece, rest)) = pieces.split_first() else { return Some(at) };
    let here = words.get(at);
    if let Piece::Stop = piece {
        let is_stop = here.is_none_or(|word| word.ends_sentence() || matches!(word.text.as_str(), "," | "-"));
        return if is_stop { end(rest, words, at) } else { None };
    }
    if here.is_some_and(|word| matches!(word.text.as_str(), "," | "-")) {
        return end(pieces, words, at + 1);
    }
    let over = |count: usize| {
        let are_words = words.get(at..at + count)?.iter().all(|word| !word.ends_sentence());
        if are_words { end(rest, words, at + count) } else { None }
    };
    match piece {
        Piece::Stop => None,
        Piece::Gap(most) => (0..=*most).filter_map(over).max(),
        Piece::Word { any_of, optional } => {
            let is_it = here.is_some_and(|word| any_of.contains(&word.text.as_str()));
            let with = if is_it { over(1) } else { None };
            let without = if *optional { end(rest, words, at) } else { None };
            with.max(without)
        }
    }
}
