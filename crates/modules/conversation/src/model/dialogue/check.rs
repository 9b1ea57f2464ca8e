//! Whether a text says only what its acts know.

use super::{
    Act, Voice,
    facts::{Facts, plain},
    texts::texts,
    wording::{NAME_CHARS, Value, sentence},
};
use nmc_identity::Language;

/// What a text claims that is no fact of its acts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfounded {
    /// It is empty, and so are its acts' facts.
    #[error("the text says nothing")]
    Nothing,
    /// A figure or an amount.
    #[error("a figure or an amount is none of the facts")]
    Figure,
    /// A day, a month, a number in words, a promise about the price.
    #[error("the word {0:?} claims what is none of the facts")]
    Word(String),
    /// An address on the web or for mail.
    #[error("a link is none of the facts")]
    Link,
}

/// Finds what the text says beyond the facts of its acts: each amount, time, date, length, figure, day and link has to
/// be part of one of them, written as one piece.
pub(crate) fn check(text: &str, acts: &[Act], voice: &Voice) -> Result<(), Unfounded> {
    if text.trim().is_empty() {
        return Err(Unfounded::Nothing);
    }
    let mut facts: Vec<String> = acts.iter().flat_map(|act| facts_of(act, voice)).collect();
    // The longest first: a fact may be part of another.
    facts.sort_by_key(|fact| std::cmp::Reverse(fact.len()));
    facts.dedup();
    let mut rest = plain(text);
    for fact in facts.iter().filter(|fact| !fact.is_empty()) {
        rest = without(&rest, fact);
    }
    if rest.contains(|c: char| c.is_numeric() || c == '#' || is_amount_sign(c)) {
        return Err(Unfounded::Figure);
    }
    if has_link(&rest) {
        return Err(Unfounded::Link);
    }
    claim(&rest).map_or(Ok(()), |word| Err(Unfounded::Word(word)))
}

/// Whether words of the caller's can be read back to them: an address does, "5 Elm St for $50" does not.
pub(super) fn can_be_read_back(text: &str) -> bool {
    let text = plain(text);
    !text.contains(is_amount_sign) && !has_link(&text) && claim(&text).is_none()
}

fn is_amount_sign(c: char) -> bool {
    matches!(c, '$' | '€' | '£' | '¥' | '¢' | '%' | '¤')
}

fn facts_of(act: &Act, voice: &Voice) -> Vec<String> {
    let of = |name_chars| {
        sentence(&Facts::new(voice, name_chars), act).values.into_iter().flat_map(|(_, value)| match value {
            Value::One(fact) => vec![fact],
            Value::List(facts) => facts,
        })
    };
    NAME_CHARS.into_iter().flat_map(of).collect()
}

/// The text with a gap wherever the fact stands by itself, and not as a part of something longer.
fn without(text: &str, fact: &str) -> String {
    let mut left = String::with_capacity(text.len());
    let mut from = 0;
    while let Some(at) = text[from..].find(fact).map(|at| from + at) {
        let end = at + fact.len();
        if is_apart(text[..at].chars().next_back(), fact.chars().next())
            && is_apart(text[end..].chars().next(), fact.chars().next_back())
            && !goes_on(&text[end..])
        {
            left.push_str(&text[from..at]);
            left.push('\n');
            from = end;
        } else {
            let next = at + text[at..].chars().next().map_or(1, char::len_utf8);
            left.push_str(&text[from..next]);
            from = next;
        }
    }
    left.push_str(&text[from..]);
    left
}

/// Whether what stands beside a fact's end is not a part of it: "1" is no fact within "$1", "15" or "1.5".
fn is_apart(beside: Option<char>, end: Option<char>) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '$' | '_' | '@' | '-' | '/' | '%');
    beside.is_none_or(|beside| !is_word(beside) || !end.is_some_and(|end| end.is_alphanumeric() || end == '$'))
}

/// Whether a figure follows that belongs to what stands before: ".50", ",000", ":30".
fn goes_on(rest: &str) -> bool {
    let mut rest = rest.chars();
    matches!(rest.next(), Some('.' | ',' | ':' | '/')) && rest.next().is_some_and(|next| next.is_ascii_digit())
}

fn has_link(text: &str) -> bool {
    let lower = text.to_lowercase();
    let chars: Vec<char> = lower.chars().collect();
    let is_domain = chars
        .windows(3)
        .any(|around| matches!(around[1], '.' | '/') && around[0].is_alphanumeric() && around[2].is_alphanumeric());
    is_domain || lower.contains("http") || lower.contains("www") || lower.contains('@')
}

/// A word of any of the languages that claims a day, a month, a number or something about the price.
fn claim(text: &str) -> Option<String> {
    let words = text.split(|c: char| !c.is_alphabetic()).map(str::to_lowercase).filter(|word| !word.is_empty());
    let claims: Vec<String> = [Language::En, Language::Es]
        .into_iter()
        .flat_map(|language| {
            let texts = texts(language);
            [&texts.weekdays, &texts.short_weekdays, &texts.months, &texts.claims].into_iter().flatten()
        })
        .map(|claim| plain(claim).to_lowercase())
        .collect();
    words.into_iter().find(|word| claims.iter().any(|claim| claim == &plain(word)))
}
