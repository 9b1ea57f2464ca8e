//! Whether words of agreement agree: a yes books, so "is that ok", "not sure that works" and "ok if it is under $100"
//! are none.

use super::{
    super::{
        AskedAbout, Pick, Saying, jobs,
        phrases::{Hit, Meaning},
        words::Word,
    },
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
/// What leaves open whether somebody agrees, wherever it stands in a text.
const DOUBTS: &str = "no not never nor neither dont cannot wont doesnt isnt arent didnt wasnt wouldnt shouldnt couldnt hardly \
    maybe perhaps possibly unless until when wait wrong incorrect but instead unsure depends if provided assuming except \
    though although once after before earlier later another somewhere else anyway skip stop question minutes what luego primero \
    otro otra caro mal nunca tampoco pero quizas quiza tal cuando hasta espere espera depende aunque mejor equivocado";
/// What "if" may be followed by without making a condition.
const NO_CONDITION: [&str; 5] = ["possible", "needed", "necessary", "anything", "not"];
/// With one of these, and with [`BESIDE`] and nothing else, somebody agrees that an appointment is called off.
const CALLS_OFF: &str = "yes ok sure y ya 1 correct course absolutely definitely certainly agreed exactly off cancel cancelled \
    canceled do go si claro dale vale correcto acuerdo adelante supuesto cancele cancela cancelen cancelar cancelarla \
    cancelela cancelelo anule anulela";
/// What may stand beside it.
const BESIDE: &str = "fine perfect great good alright cool right bueno perfecto please it that this the my our appointment booking visit for me us and i we id ill ahead so sorry \
    just sir maam man thanks thank very much again sounds all now of call then bye goodbye take care have a nice day por \
    favor gracias muchas lo la cita mi de bien senor senora que adios";
/// What stands beside a time that is no pick: "I have work at 8", "either 8 or 12".
const NO_PICK: &str = "either or who have work meeting early late check prefer ask leave off";
/// What may stand beside it only where it is said what is wanted: "I want to cancel".
const WISHES: [&str; 7] = ["want", "need", "like", "would", "to", "quiero", "deseo"];
/// Who says one of these is coming.
const COMES: [&[&str]; 9] = [
    &["be", "there"],
    &["see", "you"],
    &["coming"],
    &["still"],
    &["keep"],
    &["stay"],
    &["stays"],
    &["my", "appointment", "stands"],
    &["estare"],
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
        // "Si mi esposo quiere": if, and not yes. Who writes the accent means yes.
        let is_if = words.len() == 1
            && words[0].text == "si"
            && self.source.get(words[0].at.clone()).is_some_and(|written| !written.contains('\u{ed}'))
            && self.words.get(hit.words.end).is_some_and(|next| {
                !next.is_mark() && !self.hits.iter().any(|other| other.words.contains(&hit.words.end))
            });
        (!is_negated && !is_asked && !is_of_other && !is_conditional && !is_if).then_some(Saying::Yes)
    }

    /// Takes back an agreement that the rest of the text leaves open. What calls off, books or moves at once takes no
    /// less.
    pub(super) fn weigh_agreement(&mut self) {
        if self.asked.is_moving && self.is_move_in_doubt() {
            self.doubt_move();
        }
        match self.asked.about {
            AskedAbout::CancelConfirm => self.weigh_calling_off(),
            AskedAbout::Confirm | AskedAbout::Pick | AskedAbout::Reminder if self.is_in_doubt() => {
                self.sayings.retain(|saying| *saying != Saying::Yes);
            }
            _ => {}
        }
    }

    /// Whether a pick that moves at once is left open: by what leaves an agreement open, or because the time is that of
    /// something else, or is one of two.
    fn is_move_in_doubt(&self) -> bool {
        let says = |text: &str| self.words.iter().any(|word| word.text == text);
        // "Can we do 12?" wants it, "12?" asks.
        let is_asked = says("?") && !["can", "could", "how", "lets"].into_iter().any(says);
        is_asked || self.is_in_doubt() || self.words.iter().any(|word| is_of(NO_PICK, &word.text))
    }

    /// What moves at once is asked about where anything else was written: "who comes at 8?", "I have work at 8".
    fn doubt_move(&mut self) {
        self.sayings.retain(|saying| *saying != Saying::Yes);
        for saying in &mut self.sayings {
            if matches!(saying, Saying::Pick(_)) {
                *saying = Saying::Pick(Pick::Unsure);
            }
        }
    }

    /// Whether anything is left in the text that leaves an agreement open.
    fn is_in_doubt(&self) -> bool {
        let is_open = |at: usize| {
            !self.hits.iter().any(|hit| hit.words.contains(&at) && is_settled(hit.meaning))
                && !self.answered.iter().any(|words| words.contains(&at))
        };
        let is_doubt = |at: usize| {
            let next = self.words.get(at + 1).map_or("", |word| word.text.as_str());
            match self.words[at].text.as_str() {
                "if" => !NO_CONDITION.contains(&next),
                // "Is that all? Yes".
                "?" => self.asks_whether(at),
                // "Yes, but my name is spelled Patt".
                "but" | "pero" => !self.answered.iter().any(|words| words.start > at),
                word => is_of(DOUBTS, word),
            }
        };
        (0..self.words.len()).any(|at| is_doubt(at) && is_open(at))
    }

    /// Whether the sentence that ends here asks with the words of an agreement: "ok?".
    fn asks_whether(&self, end: usize) -> bool {
        let start = self.words[..end].iter().rposition(Word::ends_sentence).map_or(0, |end| end + 1);
        let mut hits = self.hits.iter().filter(|hit| (start..end).contains(&hit.words.start));
        let is_request = |hit: &Hit| ASKED_FOR.contains(&self.words[hit.words.start].text.as_str());
        hits.clone().any(|hit| hit.meaning == Meaning::Yes && !is_request(hit))
            && !hits.any(|hit| is_question(hit.meaning))
    }

    /// Whether to call an appointment off: only who says nothing else agrees, and who says that it stays keeps it.
    fn weigh_calling_off(&mut self) {
        let said: Vec<&str> = self.words.iter().filter(|word| !word.is_mark()).map(|word| word.text.as_str()).collect();
        let is_asked = self.words.iter().any(|word| word.text == "?")
            || said.first().is_some_and(|first| QUESTIONS.contains(first) && !matches!(*first, "do" | "will" | "can"));
        let says = |word: &str| said.contains(&word);
        let is_named = said.iter().any(|word| *word == "off" || word.starts_with("cancel") || word.starts_with("anul"));
        let is_beside = |word: &str| {
            is_of(CALLS_OFF, word)
                || is_of(BESIDE, word)
                || is_named && WISHES.contains(&word)
                || word == "you" && says("thank")
        };
        let is_bare = said.iter().all(|word| is_beside(word)) && said.iter().any(|word| is_of(CALLS_OFF, word));
        let is_stay = said.contains(&"2") && said.iter().all(|word| *word == "2" || is_beside(word));
        let is_kept = is_stay || !is_asked && (self.means(Meaning::Keep) || self.comes() && !is_named);
        let says_no = self.sayings.contains(&Saying::No);
        let calls_off = self.sayings.contains(&Saying::Cancel);
        self.sayings.retain(|saying| *saying != Saying::Yes);
        if is_kept {
            self.sayings.retain(|saying| !matches!(saying, Saying::Cancel | Saying::NeverMind | Saying::No));
            self.sayings.push(Saying::No);
        } else if is_bare && !is_asked {
            self.sayings.push(Saying::Yes);
        } else if says_no && (calls_off || is_asked) {
            self.sayings.retain(|saying| *saying != Saying::No);
        }
    }

    /// "I'll be there".
    fn comes(&self) -> bool {
        let says = |at: usize, words: &[&str]| {
            words.iter().enumerate().all(|(nth, word)| self.words.get(at + nth).is_some_and(|own| own.text == *word))
        };
        let is_negated = |at: usize| {
            let before = self.words[..at].iter().rev().take_while(|word| !is_end(word));
            before.map(|word| word.text.as_str()).any(|word| word == "no" || NEGATIONS.contains(&word))
        };
        (0..self.words.len()).any(|at| COMES.iter().any(|words| says(at, words)) && !is_negated(at))
            || self.confirms_coming()
    }

    /// "I confirm my appointment".
    fn confirms_coming(&self) -> bool {
        let names = |word: &str| self.words.iter().any(|own| own.text == word);
        names("confirm") && names("appointment") || names("confirmo") && names("cita")
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

fn is_of(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|listed| listed == word)
}

/// Whether its words leave nothing open.
const fn is_settled(meaning: Meaning) -> bool {
    use Meaning::{Bye, Greeting, Keep, Nothing, Plain, Thanks, TimeOfDay, Yes};
    matches!(meaning, Yes | Thanks | Bye | Greeting | TimeOfDay | Nothing | Plain | Keep) || is_question(meaning)
}

const fn is_question(meaning: Meaning) -> bool {
    use Meaning::{DoYouDo, Hours, HowLong, Other, Place, Price, Several, Who};
    matches!(meaning, Price | HowLong | Hours | Place | Who | Other | Several | DoYouDo)
}

fn is_end(word: &Word) -> bool {
    word.ends_sentence() || word.text == ","
}
