//! Which language a text is in, and Spanish times in English.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use nmc_identity::Language;

use super::{
    spanish_words::{MARKERS, TIMES},
    words::Word,
};

/// Words that stand in English texts and not in Spanish ones.
const ENGLISH: &str = "the a i my is are you your to for and of in on at it can do need have please what when how thanks hi \
    hello hey with this that tomorrow today monday tuesday wednesday thursday friday saturday sunday after before works \
    want would there any one first second last not dont im its";
static IS_ENGLISH: LazyLock<HashSet<&str>> = LazyLock::new(|| ENGLISH.split_whitespace().collect());
static IS_SPANISH: LazyLock<HashSet<&str>> = LazyLock::new(|| MARKERS.split_whitespace().collect());
/// The Spanish words of time by their first word, each with its English.
static TIMES_BY_WORD: LazyLock<HashMap<&str, Vec<Time>>> = LazyLock::new(|| {
    let mut by_word: HashMap<&str, Vec<Time>> = HashMap::new();
    for (spanish, english) in TIMES {
        let phrase: Vec<&str> = spanish.split(' ').collect();
        by_word.entry(phrase[0]).or_default().push((phrase, english));
    }
    by_word
});

/// What is said in Spanish, and what that is in English.
type Time = (Vec<&'static str>, &'static str);

/// The language that more of the words belong to; none where they tell nothing.
pub(super) fn language(words: &[Word]) -> Option<Language> {
    let count = |set: &HashSet<&str>| words.iter().filter(|word| set.contains(word.text.as_str())).count();
    let spanish = count(&IS_SPANISH);
    // "A las 10": a word of both.
    let of_both = if spanish > 0 { words.iter().filter(|word| word.text == "a").count() } else { 0 };
    let english = count(&IS_ENGLISH) - of_both;
    match (spanish, english) {
        (0, 0) => None,
        _ if spanish > english => Some(Language::Es),
        _ => Some(Language::En),
    }
}

/// The words with those of time in English. Each keeps its place in the text.
pub(super) fn in_english(words: &[Word]) -> Vec<Word> {
    let mut english = Vec::with_capacity(words.len());
    let mut at = 0;
    while at < words.len() {
        let known = TIMES_BY_WORD.get(words[at].text.as_str()).map_or(&[][..], Vec::as_slice);
        let says = |phrase: &[&str]| {
            words
                .get(at..at + phrase.len())
                .is_some_and(|here| here.iter().map(|word| word.text.as_str()).eq(phrase.iter().copied()))
        };
        let found = known.iter().filter(|(phrase, _)| says(phrase)).map(|(phrase, english)| (*english, phrase.len()));
        // Of two as long as each other the first.
        let longest = found.reduce(|best, next| if next.1 > best.1 { next } else { best });
        let Some((to, len)) = longest else {
            english.push(words[at].clone());
            at += 1;
            continue;
        };
        let place = words[at].at.start..words[at + len - 1].at.end;
        let is_half = to.starts_with(':');
        english.extend(to.split(' ').filter(|word| !word.is_empty()).map(|word| Word {
            text: word.to_owned(),
            at: place.clone(),
            glued: is_half,
        }));
        at += len;
    }
    english
}
