//! Finds phrases in a text: from left to right, the longest first, and no word in two of them. So a longer phrase that
//! only sounds like another ("not an emergency") takes its words away. An emergency gives way only to what covers it
//! whole.
//!
//! The phrases are data, by topic, English and Spanish together: danger in `alarms.rs`, and by families of words in
//! `hazards.rs`; persons, calls, anger and wrong numbers in `people.rs`; moving, cancelling, answers to offers and "as
//! soon as possible" in `appointments.rs`; prices, hours and the other questions in `questions.rs`; yes, no, thanks and
//! hello in `manners.rs`. They are written in lower case, without accents and apostrophes, as `spelling.rs` spells
//! them.
//!
//! Pieces of a phrase are separated by one space. `a|b` is either word, `<name>` a word of the list of that name, `?`
//! behind a word makes it optional (not the first). `#` is a number of three digits and more. `..2` is up to two words
//! of any kind. `^` and `.` are the two ends of a part of a sentence. Phrases go over commas and hyphens and end where
//! a sentence ends.

use std::{collections::HashMap, ops::Range, sync::LazyLock};

use super::words::Word;

mod alarms;
mod appointments;
mod hazards;
mod manners;
mod people;
mod questions;

/// What a phrase means. Of phrases as long as each other the one counts whose meaning stands here first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Meaning {
    /// Sounds like something else, and belongs to the words that name a job.
    Plain,
    /// Sounds like something, and says nothing.
    Nothing,
    Emergency,
    WrongNumber,
    Person,
    CallMe,
    Angry,
    Reschedule,
    Cancel,
    /// Cancels, or is to book nothing.
    NotNeeded,
    /// None of the offers.
    Neither,
    NeitherLater,
    NeitherEarlier,
    /// Any of the offers, or any time.
    Any,
    Asap,
    /// When there is anything free.
    Openings,
    /// Takes back what was said before.
    Correction,
    Discount,
    /// What several cost.
    Several,
    Price,
    HowLong,
    Hours,
    Place,
    /// What follows is what the business may do.
    DoYouDo,
    /// What the business does at all.
    WhatDo,
    /// Who writes.
    Who,
    /// What only a person can answer.
    Other,
    /// It stays with what is booked; no, where something else was asked.
    Keep,
    /// No, and nothing else either.
    NeverMind,
    No,
    Yes,
    /// The answer is to come later.
    Later,
    Bye,
    Thanks,
    Greeting,
    /// A greeting, unless a time was asked for.
    TimeOfDay,
}

/// A phrase that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) meaning: Meaning,
    /// Its words, by their place in the text.
    pub(super) words: Range<usize>,
}

/// Phrases by what they mean.
type Table = &'static [(Meaning, &'static [&'static str])];
/// Lists of words for them.
type Lists = &'static [(&'static str, &'static str)];

const TABLES: [Table; 10] = [
    alarms::ENGLISH,
    alarms::SPANISH,
    people::ENGLISH,
    people::SPANISH,
    appointments::ENGLISH,
    appointments::SPANISH,
    questions::ENGLISH,
    questions::SPANISH,
    manners::ENGLISH,
    manners::SPANISH,
];
const LISTS: [Lists; 3] = [alarms::LISTS, people::LISTS, appointments::LISTS];

const NUMBER_DIGITS: usize = 3;
/// What takes the sense from an emergency when it stands in front.
const NEGATIONS: [&str; 12] =
    ["not", "no", "isnt", "dont", "didnt", "never", "without", "arent", "wasnt", "aint", "nor", "sin"];
/// What is over when it was "last" or "ago"; not the last night, and not a week.
const PAST: [&str; 12] = [
    "year",
    "years",
    "month",
    "months",
    "winter",
    "summer",
    "spring",
    "season",
    "christmas",
    "fall",
    "decade",
    "tenant",
];
/// What nobody waits with, whenever it began.
const NEVER_OVER: [&str; 9] = ["gas", "propane", "co", "co2", "carbon", "monoxide", "smoke", "fumes", "monoxido"];
/// What speaks of now.
const PRESENT: [&str; 17] = [
    "is", "are", "am", "im", "its", "theres", "now", "today", "again", "still", "keeps", "keep", "since", "until",
    "ahora", "hoy", "esta",
];
/// What may stand between.
const BETWEEN: [&str; 9] = ["a", "an", "any", "really", "that", "smell", "real", "exactly", "theres"];

/// The phrases of a text, in its order.
pub(super) fn find(words: &[Word]) -> Vec<Hit> {
    let mut hits = Vec::new();
    let mut at = 0;
    while at < words.len() {
        // Of phrases as long as each other the first.
        let longest = PHRASES.at(words, at).reduce(|best, next| if next.1 > best.1 { next } else { best });
        let Some((meaning, end)) = longest else {
            at += 1;
            continue;
        };
        // "Hot water is pouring": the water that pours is not to be overlooked for the hot water.
        let may_cover = matches!(meaning, Meaning::Plain | Meaning::Nothing);
        let is_emergency =
            |(meaning, reach): (Meaning, usize)| meaning == Meaning::Emergency && (reach > end || !may_cover);
        if meaning != Meaning::Emergency && (at + 1..end).any(|inner| PHRASES.at(words, inner).any(is_emergency)) {
            at += 1;
            continue;
        }
        let is_none = meaning == Meaning::Emergency && is_negated(words, at);
        hits.push(Hit { meaning: if is_none { Meaning::Nothing } else { meaning }, words: at..end });
        at = end;
    }
    hazards::add(words, &mut hits);
    for hit in hits.iter_mut().filter(|hit| hit.meaning == Meaning::Emergency && is_over(words, &hit.words)) {
        hit.meaning = Meaning::Nothing;
    }
    hits
}

/// "The pipe burst two years ago": nothing of today. Only where the date follows at once and ends the part of the
/// sentence, and nothing in the text is of now: "the outlet you replaced last year sparks" is.
fn is_over(words: &[Word], hit: &Range<usize>) -> bool {
    let text = |at: usize| words.get(at).map_or("", |word| word.text.as_str());
    // "I want to know that its ok now".
    let is_well = |at: usize| matches!(text(at), "ok" | "fine" | "good" | "fixed" | "repaired" | "dry");
    // "Now we just want it looked at".
    let is_wish = |at: usize| {
        text(at) == "now" && (at + 1..at + 4).any(|next| matches!(text(next), "want" | "need" | "like" | "looking"))
    };
    let is_now = |at: usize| {
        NEVER_OVER.contains(&text(at))
            || PRESENT.contains(&text(at))
                && !is_well(at + 1)
                && !at.checked_sub(1).is_some_and(is_well)
                && !is_wish(at)
    };
    if (0..words.len()).any(is_now) {
        return false;
    }
    let ends = |at: usize| words.get(at).is_none_or(Word::ends_sentence) || matches!(text(at), "," | "and" | "so");
    let count = |at: usize| match text(at) {
        "a" | "couple" | "few" if matches!(text(at + 1), "couple" | "few" | "of") => at + 2,
        _ => at + 1,
    };
    let ago = count(hit.end);
    let is_ago = |at: usize| PAST.contains(&text(at)) && text(at + 1) == "ago" && ends(at + 2);
    let is_last = text(hit.end) == "last" && PAST.contains(&text(hit.end + 1)) && ends(hit.end + 2);
    // The phrase may have the date in it already.
    let is_within = hit.end >= 2 && ends(hit.end) && (text(hit.end - 1) == "ago" || is_last_within(words, hit));
    is_last || is_ago(ago) || is_within
}

fn is_last_within(words: &[Word], hit: &Range<usize>) -> bool {
    let text = |at: usize| words[at].text.as_str();
    hit.len() >= 2 && text(hit.end - 2) == "last" && PAST.contains(&text(hit.end - 1))
}

/// "No gas smell"; but not "no gas smell yesterday but there is one today".
fn is_negated(words: &[Word], at: usize) -> bool {
    let text = |word: &Word| word.text.clone();
    let after = words[at..].iter().map(text).skip_while(|word| !matches!(word.as_str(), "but" | "pero" | "until"));
    let is_now = after.skip(1).any(|word| matches!(word.as_str(), "now" | "today" | "again" | "ahora" | "hoy"));
    let before = &words[..at];
    let mut before = before.iter().rev().map(|word| word.text.as_str()).skip_while(|word| BETWEEN.contains(word));
    !is_now && before.next().is_some_and(|word| NEGATIONS.contains(&word))
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
    for (meaning, phrases) in TABLES.iter().copied().flatten() {
        for phrase in *phrases {
            let phrase = Phrase::read(*meaning, phrase);
            for first in phrase.first_words() {
                by_first_word.entry(first).or_default().push(phrase.clone());
            }
        }
    }
    for phrases in by_first_word.values_mut() {
        phrases.sort_by_key(|phrase| phrase.meaning);
    }
    Phrases { by_first_word }
});

impl Phrases {
    /// The phrases that begin at a word, and where each ends.
    fn at(&self, words: &[Word], at: usize) -> impl Iterator<Item = (Meaning, usize)> {
        let of = |first: &str| self.by_first_word.get(first).map_or(&[][..], Vec::as_slice);
        let of_number = if is_long_number(&words[at]) { of("#") } else { &[] };
        of(&words[at].text)
            .iter()
            .chain(of_number)
            .filter_map(move |phrase| Some((phrase.meaning, phrase.end(words, at)?)))
    }
}

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

    fn first_words(&self) -> &[&'static str] {
        match self.pieces.first() {
            Some(Piece::Word { any_of, .. }) => any_of,
            _ => &[],
        }
    }

    /// Where it ends when it begins at a word.
    fn end(&self, words: &[Word], at: usize) -> Option<usize> {
        let is_start =
            at.checked_sub(1).is_none_or(|before| words[before].ends_sentence() || is_no_word(&words[before].text));
        if self.at_start && !is_start { None } else { end(&self.pieces, words, at) }
    }
}

/// What a sentence does not begin with, wherever it stands.
fn is_no_word(word: &str) -> bool {
    matches!(word, "," | "lol" | "haha" | "hahaha" | "lmao" | "oh" | "ah")
}

fn any_of(word: &'static str) -> Vec<&'static str> {
    let listed = |name: &str| {
        let mut lists = LISTS.iter().copied().flatten();
        lists.find(|(list, _)| *list == name).map(|(_, words)| words.split(' ').collect())
    };
    word.split('|')
        .flat_map(|word| {
            let list = word.strip_prefix('<').and_then(|name| name.strip_suffix('>')).and_then(listed);
            list.unwrap_or_else(|| vec![word])
        })
        .collect()
}

/// The furthest end of what is left of a phrase. Its steps are bounded by the phrase: only gaps and optional words
/// fork.
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
            let is_it = here.is_some_and(|word| {
                any_of.contains(&word.text.as_str()) || (any_of.contains(&"#") && is_long_number(word))
            });
            let with = if is_it { over(1) } else { None };
            let without = if *optional { end(rest, words, at) } else { None };
            with.max(without)
        }
    }
}

fn is_long_number(word: &Word) -> bool {
    word.text.len() >= NUMBER_DIGITS && word.text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{super::words::words, *};

    fn pieces() -> impl Iterator<Item = &'static str> {
        let phrases = TABLES.iter().copied().flatten().flat_map(|(_, phrases)| phrases.iter().copied());
        let signs = hazards::FAMILIES.iter().flat_map(|(_, signs)| signs.iter().copied());
        let phrases = phrases.chain(signs);
        phrases.flat_map(|phrase| phrase.split(' ')).flat_map(|piece| piece.trim_end_matches('?').split('|'))
    }

    #[test]
    fn every_name_is_a_list_and_every_list_is_used() {
        let names = |piece: &'static str| piece.strip_prefix('<').and_then(|name| name.strip_suffix('>'));
        let used: HashSet<&str> = pieces().filter_map(names).collect();
        let lists: HashSet<&str> = LISTS.iter().copied().flatten().map(|(name, _)| *name).collect();
        assert_eq!(used, lists);
    }

    /// A word that is spelt out otherwise, or is two, is never found.
    #[test]
    fn every_word_is_written_as_it_is_spelt_out() {
        let listed = LISTS.iter().copied().flatten().flat_map(|(_, words)| words.split(' '));
        let things = hazards::FAMILIES.iter().flat_map(|(things, _)| things.split(' '));
        let listed = listed.chain(things);
        let is_word = |piece: &&str| piece.starts_with(char::is_alphanumeric);
        let mut wrong: Vec<&str> = pieces().filter(is_word).chain(listed).collect();
        wrong.retain(|word| words(word).iter().map(|word| word.text.as_str()).ne([*word]));
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}
