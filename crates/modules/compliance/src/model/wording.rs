//! Whether a text takes consent back in plain words (47 CFR 64.1200(a)(10): by any reasonable means,
//! <https://www.ecfr.gov/current/title-47/section-64.1200#p-64.1200(a)(10)>).
//!
//! A text becomes words; phrases that only sound like a refusal are blotted out of them; what is left is searched for
//! phrases that are one. Both lists are data (`wording_phrases.rs`), and `tests/data/opt_out_phrases.tsv` says what must
//! come out. In doubt it is a refusal: a person can still call, and the caller can write START.

use std::{iter, sync::LazyLock};

use super::wording_phrases::{ONLY_SOUNDS_LIKE_IT, REVOKES, WORDS};

/// No text has more: Twilio's limit is 1,600 characters, whole
/// (<https://www.twilio.com/docs/messaging/api/message-resource>).
const MAX_CHARS: usize = 4_000;
/// Words as long as this are known with one letter wrong: shorter ones become other words.
const MIN_LETTERS_MISSPELT: usize = 9;
/// A letter said more often than this in a row is a voice raised, not a spelling.
const MAX_REPEATED: usize = 2;

/// Whether the text says that no more texts are wanted.
pub fn revokes_consent(body: &str) -> bool {
    let mut tokens = tokens(body);
    for phrase in &PHRASES.only_sound_like_it {
        blot_out(&mut tokens, phrase);
    }
    (0..tokens.len()).any(|at| PHRASES.revoke.iter().any(|phrase| phrase.matches(&tokens, at).is_some()))
}

/// A text, cut up.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    /// Between two parts of a sentence; phrases go over it.
    Pause,
    /// Between two sentences, and where a phrase was blotted out; phrases end at it.
    End,
}

struct Phrases {
    revoke: Vec<Phrase>,
    only_sound_like_it: Vec<Phrase>,
}

static PHRASES: LazyLock<Phrases> = LazyLock::new(|| Phrases {
    revoke: REVOKES.iter().map(|phrase| Phrase::read(phrase)).collect(),
    only_sound_like_it: ONLY_SOUNDS_LIKE_IT.iter().map(|phrase| Phrase::read(phrase)).collect(),
});

/// A phrase of the lists, whose notation `wording_phrases.rs` explains.
struct Phrase(Vec<Piece>);

enum Piece {
    /// One of these words.
    Word { any_of: Vec<&'static str>, times: Times },
    /// Up to so many words, whatever they are.
    Gap(usize),
    /// Nothing of the same sentence comes before.
    Start,
    /// Nothing of the same sentence comes after.
    Stop,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Times {
    Once,
    Optional,
    /// Any number of them, and as many as there are.
    Many,
}

impl Phrase {
    fn read(phrase: &'static str) -> Self {
        let piece = |piece: &'static str| match piece {
            "^" => Piece::Start,
            "$" => Piece::Stop,
            _ => {
                if let Some(words) = piece.strip_prefix("..").and_then(|words| words.parse().ok()) {
                    return Piece::Gap(words);
                }
                let word = piece.trim_end_matches(['?', '*']);
                let times = match piece.chars().last() {
                    Some('?') => Times::Optional,
                    Some('*') => Times::Many,
                    _ => Times::Once,
                };
                Piece::Word { any_of: word.split('|').flat_map(words_of).collect(), times }
            }
        };
        Self(phrase.split(' ').map(piece).collect())
    }

    /// Where the phrase ends that begins at `at`.
    fn matches(&self, tokens: &[Token], at: usize) -> Option<usize> {
        matches!(tokens[at], Token::Word(_)).then(|| end_of(&self.0, tokens, at)).flatten()
    }
}

/// `<name>` stands for a list of words.
fn words_of(word: &'static str) -> Vec<&'static str> {
    match word.strip_prefix('<').and_then(|name| name.strip_suffix('>')) {
        None => vec![word],
        Some(name) => {
            WORDS.iter().filter(|(known, _)| *known == name).flat_map(|(_, words)| words.split(' ')).collect()
        }
    }
}

fn end_of(pieces: &[Piece], tokens: &[Token], at: usize) -> Option<usize> {
    let Some((piece, rest)) = pieces.split_first() else { return Some(at) };
    match piece {
        Piece::Start => is_start(tokens, at).then(|| end_of(rest, tokens, at)).flatten(),
        Piece::Stop => is_end(tokens, at).then(|| end_of(rest, tokens, at)).flatten(),
        Piece::Gap(most) => {
            let mut after = at;
            for _ in 0..*most {
                if let Some(end) = end_of(rest, tokens, after) {
                    return Some(end);
                }
                (_, after) = next_word(tokens, after)?;
            }
            end_of(rest, tokens, after)
        }
        Piece::Word { any_of, times } => {
            let next = |at| word_of(any_of, tokens, at);
            match times {
                Times::Once => end_of(rest, tokens, next(at)?),
                Times::Optional => {
                    next(at).and_then(|after| end_of(rest, tokens, after)).or_else(|| end_of(rest, tokens, at))
                }
                Times::Many => end_of(rest, tokens, iter::successors(Some(at), |at| next(*at)).last()?),
            }
        }
    }
}

/// The place behind the next word, where it is one of these.
fn word_of(any_of: &[&str], tokens: &[Token], at: usize) -> Option<usize> {
    next_word(tokens, at).filter(|(word, _)| any_of.iter().any(|known| is_like(word, known))).map(|(_, after)| after)
}

/// The word at or after `at` in the same sentence, and the place behind it.
fn next_word(tokens: &[Token], at: usize) -> Option<(&str, usize)> {
    let mut rest = tokens.iter().enumerate().skip(at);
    loop {
        match rest.next()? {
            (found, Token::Word(word)) => return Some((word, found + 1)),
            (_, Token::Pause) => {}
            (_, Token::End) => return None,
        }
    }
}

fn is_start(tokens: &[Token], at: usize) -> bool {
    !matches!(at.checked_sub(1).and_then(|before| tokens.get(before)), Some(Token::Word(_)))
}

fn is_end(tokens: &[Token], at: usize) -> bool {
    !matches!(tokens.get(at), Some(Token::Word(_)))
}

/// Puts an end in the place of each of the phrase's appearances.
fn blot_out(tokens: &mut [Token], phrase: &Phrase) {
    for at in 0..tokens.len() {
        if let Some(end) = phrase.matches(tokens, at) {
            tokens[at..end].fill(Token::End);
        }
    }
}

fn tokens(body: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut word = String::new();
    let end_word = |word: &mut String, tokens: &mut Vec<Token>| {
        if !word.is_empty() {
            tokens.push(Token::Word(plain(word)));
            word.clear();
        }
    };
    for letter in body.chars().take(MAX_CHARS).flat_map(char::to_lowercase) {
        match letter {
            // What stands within a word and is no part of it: don't, DON’T, a zero-width space, an accent on its own.
            '\'' | '’' | '‘' | '`' | '´' | '\u{200b}'..='\u{200f}' | '\u{feff}' | '\u{300}'..='\u{36f}' => {}
            _ if letter.is_alphanumeric() => word.push(unaccented(letter)),
            '.' | '!' | '?' | '\n' | '\r' | ';' | '¡' | '¿' | '…' => {
                end_word(&mut word, &mut tokens);
                tokens.push(Token::End);
            }
            ',' | ':' | '-' | '–' | '—' | '(' | ')' | '"' | '“' | '”' => {
                end_word(&mut word, &mut tokens);
                tokens.push(Token::Pause);
            }
            '#' => {
                end_word(&mut word, &mut tokens);
                tokens.push(Token::Word("number".to_owned()));
            }
            _ => end_word(&mut word, &mut tokens),
        }
    }
    end_word(&mut word, &mut tokens);
    tokens
}

/// The letter without its accent; full-width letters as plain ones.
fn unaccented(letter: char) -> char {
    match letter {
        'á' | 'à' | 'â' | 'ä' | 'ã' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'ö' | 'õ' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ñ' => 'n',
        'ç' => 'c',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(letter as u32 - 0xFEE0).unwrap_or(letter),
        _ => letter,
    }
}

/// The word with a raised voice lowered ("stoppp") and a nought for an o in its place ("st0p").
fn plain(word: &str) -> String {
    let has_letters = word.chars().any(char::is_alphabetic);
    let mut plain = String::with_capacity(word.len());
    let (mut last, mut times) = (None, 0);
    for letter in word.chars().map(|letter| if has_letters && letter == '0' { 'o' } else { letter }) {
        times = if last == Some(letter) { times + 1 } else { 1 };
        last = Some(letter);
        plain.push(letter);
        if times > MAX_REPEATED && letter.is_alphabetic() {
            plain.pop();
            if times == MAX_REPEATED + 1 {
                plain.pop();
            }
        }
    }
    plain
}

/// The same word, or a long one with one letter missing, added, changed, or swapped with its neighbour.
fn is_like(word: &str, known: &str) -> bool {
    if word == known {
        return true;
    }
    if known.len() < MIN_LETTERS_MISSPELT || word.len().abs_diff(known.len()) > 1 {
        return false;
    }
    let (word, known): (Vec<char>, Vec<char>) = (word.chars().collect(), known.chars().collect());
    let same = word.iter().zip(&known).take_while(|(a, b)| a == b).count();
    let (word, known) = (&word[same..], &known[same..]);
    match (word, known) {
        ([_, rest @ ..], all) if rest == all => true,
        (all, [_, rest @ ..]) if rest == all => true,
        ([_, rest @ ..], [_, expected @ ..]) if rest == expected => true,
        ([a, b, rest @ ..], [c, d, expected @ ..]) => a == d && b == c && rest == expected,
        _ => false,
    }
}
