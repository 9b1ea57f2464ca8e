//! Names and addresses: in so many words ("my name is", "12 Oak St"), or bare where they were asked for.

use std::ops::Range;

use super::{jobs, words::Word};

/// Longer is no name, and no address.
const MAX_NAME_WORDS: usize = 5;
const MAX_NAME_CHARS: usize = 80;
const MAX_ADDRESS_CHARS: usize = 200;
/// A street's name has no more words.
const MAX_STREET_WORDS: usize = 4;
/// A town with its state and zip neither.
const MAX_TOWN_WORDS: usize = 4;
/// What begins another sentence behind an address.
const NEXT_SENTENCES: [&str; 17] = [
    "my", "i", "im", "how", "what", "when", "where", "can", "could", "is", "are", "do", "does", "will", "would", "but",
    "also",
];
const STREETS: [&str; 41] = [
    "street",
    "st",
    "avenue",
    "ave",
    "av",
    "road",
    "rd",
    "drive",
    "dr",
    "lane",
    "ln",
    "boulevard",
    "blvd",
    "court",
    "ct",
    "way",
    "place",
    "pl",
    "highway",
    "hwy",
    "parkway",
    "pkwy",
    "terrace",
    "ter",
    "circle",
    "cir",
    "trail",
    "trl",
    "square",
    "sq",
    "loop",
    "alley",
    "route",
    "rte",
    "pike",
    "row",
    "crescent",
    "cres",
    "path",
    "broadway",
    "plaza",
];
const UNITS: [&str; 9] = ["apt", "apartment", "unit", "suite", "ste", "#", "floor", "fl", "lot"];
/// Words that no street's name has: "at 3 to drive".
const NO_STREET: [&str; 38] = [
    "to", "and", "or", "i", "we", "you", "if", "pm", "am", "my", "works", "is", "for", "in", "at", "on", "by", "hours",
    "days", "oclock", "tomorrow", "today", "before", "after", "please", "would", "can", "do", "it", "that", "any",
    "this", "next", "a", "of", "weeks", "minutes", "but",
];
const NAME_OPENINGS: [&[&str]; 22] = [
    &["put", "it", "under"],
    &["its", "for"],
    &["this", "is", "for"],
    &["my", "name", "is", "spelled"],
    &["a", "nombre", "de"],
    &["its", "under"],
    &["under"],
    &["you", "can", "call", "me"],
    &["call", "me"],
    &["my", "name", "is"],
    &["my", "names"],
    &["the", "name", "is"],
    &["name", "is"],
    &["name"],
    &["this", "is"],
    &["its"],
    &["it", "is"],
    &["im"],
    &["i", "am"],
    &["me", "llamo"],
    &["mi", "nombre", "es"],
    &["soy"],
];
/// Openings that say that a name follows where it is written large.
const CAPITAL_OPENINGS: [&[&str]; 3] = [&["this", "is"], &["im"], &["i", "am"]];
/// Openings that say by themselves that a name follows.
const SURE_OPENINGS: [&[&str]; 7] = [
    &["name", "is", "spelled"],
    &["my", "name", "is"],
    &["my", "names"],
    &["the", "name", "is"],
    &["me", "llamo"],
    &["mi", "nombre", "es"],
    &["name", "is"],
];
const ADDRESS_OPENINGS: [&[&str]; 14] = [
    &["my", "address", "is"],
    &["the", "address", "is"],
    &["address", "is"],
    &["address"],
    &["its"],
    &["it", "is"],
    &["im", "at"],
    &["were", "at"],
    &["i", "live", "at"],
    &["come", "to"],
    &["at"],
    &["mi", "direccion", "es"],
    &["la", "direccion", "es"],
    &["en"],
];
/// What may follow a name and is none of it.
const NAME_TAILS: [&str; 14] =
    ["thanks", "thank", "please", "and", "here", "from", "with", "at", "gracias", "but", "my", "you", "i", "is"];
/// What a dot may stand behind within a name.
const DOTTED: [&str; 8] = ["dr", "mr", "mrs", "ms", "jr", "sr", "sra", "st"];
/// What a text begins with that is neither.
const SENTENCES: [&str; 48] = [
    "hows", "whats", "whens", "wheres", "whos", "which", "did", "does", "should", "may", "have", "has", "was", "were",
    "just", "need", "want", "please", "i", "why", "what", "when", "who", "how", "dont", "do", "can", "could", "is",
    "are", "will", "would", "ill", "id", "no", "yes", "actually", "wait", "not", "we", "you", "same", "that", "the",
    "let", "porque", "por", "lets",
];

/// Words of a text by their place.
pub(super) struct Found {
    pub(super) text: String,
    pub(super) words: Range<usize>,
}

/// Where a street and its number stand, whatever was asked.
pub(super) fn streets(source: &str, words: &[Word]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        match street(source, words, at) {
            Some(end) => {
                found.push(Found { text: slice(source, words, at..end, MAX_ADDRESS_CHARS), words: at..end });
                at = end;
            }
            None => at += 1,
        }
    }
    found
}

fn street(source: &str, words: &[Word], at: usize) -> Option<usize> {
    let text = |at: usize| words.get(at).map_or("", |word| word.text.as_str());
    let number = text(at);
    let digits = number.trim_end_matches(|c: char| c.is_ascii_lowercase());
    let is_number = (1..=6).contains(&digits.len())
        && number.len() - digits.len() < 2
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number || at.checked_sub(1).is_some_and(|before| matches!(text(before), "$" | "#" | ":")) {
        return None;
    }
    let name = (at + 1..words.len()).take(MAX_STREET_WORDS + 1);
    let mut name = name.take_while(|at| !words[*at].is_mark() && !NO_STREET.contains(&text(*at)));
    // A street has a name: "5 st" is none.
    let mut end = name.find(|place| *place > at + 1 && STREETS.contains(&text(*place)))? + 1;
    end += usize::from(text(end) == "." && words.get(end).is_some_and(|dot| dot.glued));
    let unit = end + usize::from(text(end) == ",");
    if UNITS.contains(&text(unit)) && !text(unit + 1).is_empty() {
        end = unit + 2;
    }
    // The town behind it.
    let before_town = end;
    if text(end) == ","
        && words
            .get(end + 1)
            .is_some_and(|word| !word.is_mark() && !NO_STREET.contains(&text(end + 1)) && word.number().is_none())
    {
        let town = (end + 1..words.len())
            .take(MAX_TOWN_WORDS)
            .take_while(|at| !words[*at].ends_sentence() && !NO_STREET.contains(&text(*at)) && text(*at) != ",")
            // "5th Ave, toilet clogged": towns are written large.
            .take_while(|at| is_capital(source, words, *at) || words[*at].number().is_some() || text(*at).len() <= 2);
        end = town.last().map_or(end, |last| last + 1);
        if NO_STREET.contains(&text(end)) {
            end = before_town;
        }
    }
    Some(end.min(words.len()))
}

/// The whole sentence where an address was asked for and a street is named in it.
pub(super) fn asked_street(source: &str, words: &[Word]) -> Option<Found> {
    let is_end = |word: &Word| {
        matches!(word.text.as_str(), "\n" | "?" | "!" | "thanks" | "thank" | "please" | "por" | "gracias")
    };
    let last = words.iter().rposition(|word| word.text == "corner" || STREETS.contains(&word.text.as_str()))?;
    let from = words[..last].iter().rposition(is_end).map_or(0, |end| end + 1);
    // "12 Oak Street and my name is Pat.", "12 Oak Street, can you come at 3".
    let is_next = |at: usize| {
        let next = words.get(at + 1).map_or("", |next| next.text.as_str());
        match words[at].text.as_str() {
            "but" => true,
            "and" => next == "the" || NEXT_SENTENCES.contains(&next),
            "," | "." | "-" => NEXT_SENTENCES.contains(&next),
            _ => false,
        }
    };
    let until = (last..words.len()).find(|at| is_end(&words[*at]) || is_next(*at)).unwrap_or(words.len());
    // "I'm at work, home is 12 Oak St": from its number on, but for "apartment 4b, 12 Oak St" and "1-2 Mill Lane".
    let numbered = (from..until).find(|at| street(source, words, *at).is_some());
    let is_part = |word: &Word| UNITS.contains(&word.text.as_str()) || word.number().is_some();
    let from = numbered.filter(|at| !words[*at].glued && !words[from..*at].iter().any(is_part)).unwrap_or(from);
    bare_address(source, words, from..until)
}

/// A name that is called one: "my name is Pat Example".
pub(super) fn called(source: &str, words: &[Word]) -> Option<Found> {
    (0..words.len()).rev().find_map(|at| {
        // "This is Pat" and "I'm Pat", and not "this is great".
        let is_name = |opening: &&&[&str]| {
            let begin = at + opening.len();
            is_capital(source, words, begin)
                && !words.get(begin).is_some_and(|word| is_sentence(word) || jobs::is_filler(&word.text))
        };
        let opening = SURE_OPENINGS
            .iter()
            .find(|opening| says(words, at, opening))
            .or_else(|| CAPITAL_OPENINGS.iter().filter(|opening| says(words, at, opening)).find(is_name))?;
        name(source, words, at + opening.len()).map(|found| Found { words: at..found.words.end, ..found })
    })
}

fn is_sentence(word: &Word) -> bool {
    SENTENCES.contains(&word.text.as_str())
}

/// Whether a word is written as names are.
fn is_capital(source: &str, words: &[Word], at: usize) -> bool {
    let mut letters = words.get(at).and_then(|word| source.get(word.at.clone())).unwrap_or_default().chars();
    letters.next().is_some_and(char::is_uppercase) && letters.next().is_none_or(|second| !second.is_uppercase())
}

/// The text as the name that was asked for.
pub(super) fn bare_name(source: &str, words: &[Word], sentence: Range<usize>) -> Option<Found> {
    let opening =
        NAME_OPENINGS.iter().find(|opening| says(words, sentence.start, opening)).map_or(0, |opening| opening.len());
    let begin = sentence.start + opening;
    let first = words.get(begin)?;
    // "Will Example" is no question.
    let is_full = is_capital(source, words, begin) && is_capital(source, words, begin + 1) && sentence.end == begin + 2;
    let is_doing = first.text.ends_with("ing") && !is_capital(source, words, begin);
    if is_full || !(is_sentence(first) || jobs::is_filler(&first.text) || is_doing) {
        let found = name(source, words, begin);
        if found.is_some() {
            return found.map(|found| Found { words: sentence.start..found.words.end, ..found });
        }
    }
    // "It's for my mom, Ann Example".
    let is_large = |at: &usize| is_capital(source, words, *at) && !jobs::is_filler(&words[*at].text);
    let last = sentence.rev().take_while(is_large).last()?;
    name(source, words, last)
}

/// The words from here on, as far as they may be a name.
fn name(source: &str, words: &[Word], begin: usize) -> Option<Found> {
    let begin = begin + usize::from(words.get(begin).is_some_and(|word| matches!(word.text.as_str(), "-" | ":")));
    let is_dotted = |at: usize| {
        words[at].text == "."
            && at
                .checked_sub(1)
                .is_some_and(|before| DOTTED.contains(&words[before].text.as_str()) || words[before].text.len() == 1)
    };
    let is_name = |word: &Word| {
        (!word.is_mark() || (word.glued && word.text == "-"))
            && !NAME_TAILS.contains(&word.text.as_str())
            && word.text.chars().all(|c| !c.is_ascii_digit())
    };
    let len = (begin..words.len()).take_while(|at| is_name(&words[*at]) || (*at > begin && is_dotted(*at))).count();
    let range = begin..begin + len;
    let ends_well = words
        .get(range.end)
        .is_none_or(|next| next.is_mark() || NAME_TAILS.contains(&next.text.as_str()) || next.number().is_some());
    let said = words[range.clone()].iter().filter(|word| !word.is_mark()).count();
    ((1..=MAX_NAME_WORDS).contains(&said) && ends_well)
        .then(|| Found { text: slice(source, words, range.clone(), MAX_NAME_CHARS), words: range })
}

/// The text as the address that was asked for: there is a number in it, or words that say nothing else.
pub(super) fn bare_address(source: &str, words: &[Word], sentence: Range<usize>) -> Option<Found> {
    let opening =
        ADDRESS_OPENINGS.iter().find(|opening| says(words, sentence.start, opening)).map_or(0, |opening| opening.len());
    let range = sentence.start + opening..sentence.end;
    let said = words.get(range.clone())?;
    let is_sentence =
        opening == 0 && said.first().is_none_or(|word| SENTENCES.contains(&word.text.as_str()) && word.text != "the");
    let is_long_enough = said.iter().filter(|word| !word.is_mark()).count() > 1;
    let is_question = said.iter().any(|word| word.text == "?");
    (is_long_enough && !is_sentence && !is_question).then(|| Found {
        text: slice(source, words, range.clone(), MAX_ADDRESS_CHARS),
        words: sentence.start..range.end,
    })
}

fn says(words: &[Word], at: usize, opening: &[&str]) -> bool {
    words
        .get(at..at + opening.len())
        .is_some_and(|here| here.iter().map(|word| word.text.as_str()).eq(opening.iter().copied()))
}

/// The words as they were written.
fn slice(source: &str, words: &[Word], range: Range<usize>, most: usize) -> String {
    let (Some(first), Some(last)) = (words.get(range.start), words.get(range.end.saturating_sub(1))) else {
        return String::new();
    };
    let written = source.get(first.at.start..last.at.end).unwrap_or_default();
    let written = written.trim_matches(|c: char| c.is_whitespace() || matches!(c, '.' | ',' | '!' | ';'));
    written.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(most).collect()
}
