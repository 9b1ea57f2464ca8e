//! Which language a text is in, and Spanish times in English.

use nmc_identity::Language;

use super::{
    spanish_words::{MARKERS, TIMES},
    words::Word,
};

/// Words that stand in English texts and not in Spanish ones.
const ENGLISH: &str = "the a i my is are you your to for and of in on at it can do need have please what when how thanks hi \
    hello hey with this that tomorrow today monday tuesday wednesday thursday friday saturday sunday after before works \
    want would there any one first second last not dont im its";

/// The language that more of the words belong to; none where they tell nothing.
pub(super) fn language(words: &[Word]) -> Option<Language> {
    let count =
        |list: &str| words.iter().filter(|word| list.split_whitespace().any(|listed| listed == word.text)).count();
    let (spanish, english) = (count(MARKERS), count(ENGLISH));
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
        let says = |phrase: &str| -> Option<usize> {
            let len = phrase.split(' ').count();
            let here = words.get(at..at + len)?;
            here.iter().map(|word| word.text.as_str()).eq(phrase.split(' ')).then_some(len)
        };
        let longest = TIMES.iter().filter_map(|(spanish, english)| Some((*english, says(spanish)?)));
        // Of two as long as each other the first.
        let longest = longest.reduce(|best, next| if next.1 > best.1 { next } else { best });
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
