//! A text as words that can be compared: lower case, no accents, no apostrophes, the usual misspellings put right.

use std::ops::Range;

use super::spelling::spelt_out;

/// A voice raised ("yesss"), not a spelling.
const RAISED: usize = 3;
/// Longer runs of digits are telephone numbers and the like.
const NUMBER_DIGITS: usize = 4;
/// What may be written right behind a number.
const UNITS: [&str; 24] = [
    "am", "pm", "a", "p", "ish", "pmish", "amish", "oclock", "h", "hs", "hr", "hrs", "hour", "hours", "min", "mins",
    "minute", "minutes", "day", "days", "week", "weeks", "wk", "wks",
];

/// A word, a number, or a mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// How it is compared.
    pub(super) text: String,
    /// Where it stands in the text, in bytes.
    pub(super) at: Range<usize>,
    /// Nothing stands between it and the word before.
    pub(super) glued: bool,
}

impl Word {
    /// The number it is, where it is a short one.
    pub(super) fn number(&self) -> Option<u32> {
        let is_number = self.text.len() <= NUMBER_DIGITS && self.text.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { self.text.parse().ok() } else { None }
    }

    /// Whether phrases end at it.
    pub(super) fn ends_sentence(&self) -> bool {
        matches!(self.text.as_str(), "." | "?" | "!" | ";" | "\n")
    }

    /// Whether it is a mark, which names nothing.
    pub(super) fn is_mark(&self) -> bool {
        !self.text.starts_with(char::is_alphanumeric)
    }
}

/// The words of a text.
pub(super) fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut chunk = String::new();
    let mut begins = 0;
    let mut ends = 0;
    let mut glued = false;
    let mut characters = text.char_indices().peekable();
    let mut last = ' ';
    while let Some((at, character)) = characters.next() {
        let next = characters.peek().map_or(' ', |(_, next)| *next);
        let after = at + character.len_utf8();
        if is_apostrophe(character) {
            ends = after;
            last = character;
            continue;
        }
        // "a/c" and "p.m." are one word.
        let is_initials = matches!(character, '/' | '.')
            && matches!((chunk.as_str(), next), ("a", 'c' | 'C' | 'm' | 'M') | ("p", 'm' | 'M'));
        if character.is_alphanumeric() || is_initials {
            if chunk.is_empty() {
                begins = at;
            }
            if !is_initials {
                fold(character, &mut chunk);
            }
            ends = after;
            last = character;
            continue;
        }
        if !chunk.is_empty() {
            push(&chunk, begins..ends, glued, &mut words);
            chunk.clear();
            glued = true;
        }
        match mark(last, character, next) {
            // "!!!" says no more than "!".
            Some(mark) if words.last().is_some_and(|before| before.text == mark) => glued = true,
            Some(mark) => {
                words.push(Word { text: mark.to_owned(), at: at..after, glued });
                glued = true;
            }
            None => glued = false,
        }
        last = character;
    }
    if !chunk.is_empty() {
        push(&chunk, begins..ends, glued, &mut words);
    }
    words
}

fn is_apostrophe(character: char) -> bool {
    matches!(character, '\'' | '’' | '‘' | '´' | '`' | 'ʼ' | '\u{300}'..='\u{36f}' | '\u{200d}' | '\u{fe0f}')
}

/// What a character that is no letter or digit says.
fn mark(last: char, character: char, next: char) -> Option<&'static str> {
    Some(match character {
        // "10.30" is a time as "10:30" is.
        '.' | ':' if last.is_ascii_digit() && next.is_ascii_digit() => ":",
        ',' if last.is_ascii_digit() && next.is_ascii_digit() => return None,
        '.' | '…' => ".",
        '?' | '¿' => "?",
        '!' | '¡' => "!",
        ';' => ";",
        '\n' | '\r' => "\n",
        ',' => ",",
        '-' | '–' | '—' | '−' => "-",
        '/' => "/",
        '#' => "#",
        '$' => "$",
        '%' => "%",
        '&' | '+' => "and",
        '@' => "at",
        '👍' | '👌' | '✅' => "yes",
        '👎' => "no",
        '👋' => "hello",
        '🙏' | '❤' | '🧡' | '💙' | '💚' | '💜' | '😊' | '🙂' | '😀' | '😃' | '😄' | '😁' | '🥰' | '😍' | '🤝' => {
            "thanks"
        }
        '😂' | '🤣' | '😅' => "lol",
        _ => return None,
    })
}

/// Writes a letter in lower case and without its accent.
fn fold(character: char, to: &mut String) {
    for character in character.to_lowercase() {
        to.push(match character {
            'à'..='å' => 'a',
            'ç' => 'c',
            'è'..='ë' => 'e',
            'ì'..='ï' => 'i',
            'ñ' => 'n',
            'ò'..='ö' | 'ø' => 'o',
            'ù'..='ü' => 'u',
            'ý' | 'ÿ' => 'y',
            character if is_apostrophe(character) => continue,
            character => character,
        });
    }
}

/// Adds what was written without a space: one word, or a number with its unit.
fn push(chunk: &str, at: Range<usize>, glued: bool, to: &mut Vec<Word>) {
    let chunk = calm(chunk);
    let mut add = |text: &str, at: Range<usize>, glued: bool| {
        for (nth, part) in text.split(' ').enumerate() {
            to.push(Word { text: part.to_owned(), at: at.clone(), glued: glued && nth == 0 });
        }
    };
    if let Some(spelt_out) = spelt_out(&chunk) {
        return add(spelt_out, at, glued);
    }
    let digits = chunk.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = chunk.split_at(digits);
    if !number.is_empty() && UNITS.contains(&unit) {
        add(number, at.clone(), glued);
        return add(spelt_out(unit).unwrap_or(unit), at, true);
    }
    add(&chunk, at, glued);
}

/// Letters said three times and more are said once.
fn calm(chunk: &str) -> String {
    let characters: Vec<char> = chunk.chars().collect();
    let runs = characters.chunk_by(|one, other| one == other);
    runs.flat_map(|run| {
        let is_raised = run.len() >= RAISED && run[0].is_alphabetic();
        if is_raised { &run[..1] } else { run }
    })
    .collect()
}
