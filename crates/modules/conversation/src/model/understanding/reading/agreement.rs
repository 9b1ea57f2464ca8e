//! Whether words of agreement agree: a yes books, so "is that ok", "not sure that works" and "ok if it is under $100" are
//! none.

use super::{
    super::{Saying, jobs, phrases::Hit, words::Word},
    Reading, names_time,
};

/// What makes the opposite of an agreement.
const NEGATIONS: [&str; 12] =
    ["not", "dont", "cannot", "wont", "doesnt", "isnt", "arent", "never", "hardly", "nothing", "nor", "without"];
/// What questions begin with.
const QUESTIONS: [&str; 19] = [
    "is", "are", "will", "can", "could", "does", "do", "how", "what", "whats", "why", "would", "when", "where", "who",
    "should", "may", "did", "which",
];
/// What is asked for, and is agreed to by asking: "can you book it".
const ASKED_FOR: [&str; 4] = ["book", "schedule", "reserve", "sign"];

impl Reading<'_> {
    /// What the words of an agreement come to, where they are one.
    pub(super) fn agreement(&self, hit: &Hit) -> Option<Saying> {
        let words = &self.words[hit.words.clone()];
        // "That is not correct".
        if words.len() > 1 && words.iter().any(|word| NEGATIONS.contains(&word.text.as_str()) && word.text != "nothing")
        {
            return if words[0].text == "why" { Some(Saying::Yes) } else { Some(Saying::No) };
        }
        let before: Vec<&str> = self.before(hit.words.start).collect();
        let is_negated = before.iter().any(|word| NEGATIONS.contains(word));
        let is_asked = before.last().is_some_and(|first| QUESTIONS.contains(first))
            || (words[0].text != "do" && QUESTIONS.contains(&words[0].text.as_str()));
        let is_asked = is_asked && !ASKED_FOR.contains(&words[0].text.as_str()) && words[0].text != "why";
        // "Friday is good" is no yes to what was asked, nor is "the sink works fine".
        let is_of_other = hit.words.start.checked_sub(1).map(|before| &self.words[before]).is_some_and(|before| {
            names_time(before) || !(before.is_mark() || jobs::is_filler(&before.text) || before.text == "price")
        });
        let is_conditional =
            self.after(hit.words.end).skip_while(|word| *word != "if").nth(1).is_some_and(|word| word != "possible");
        (!is_negated && !is_asked && !is_of_other && !is_conditional).then_some(Saying::Yes)
    }

    /// The words in front of a place in the same part of the sentence that say nothing else, the last first.
    fn before(&self, at: usize) -> impl Iterator<Item = &str> {
        let places = (0..at).rev().take_while(|at| !is_end(&self.words[*at]));
        places.filter(|at| !self.hits.iter().any(|hit| hit.words.contains(at))).map(|at| self.words[at].text.as_str())
    }

    /// The words behind a place in the same sentence.
    fn after(&self, at: usize) -> impl Iterator<Item = &str> {
        self.words[at..].iter().take_while(|word| !word.ends_sentence()).map(|word| word.text.as_str())
    }
}

fn is_end(word: &Word) -> bool {
    word.ends_sentence() || word.text == ","
}
