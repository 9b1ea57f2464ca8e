//! From words to sayings.

use std::{borrow::Cow, ops::Range};

use chrono::NaiveDateTime;
use nmc_identity::{Language, OpeningHours};

use super::{
    Asked, AskedAbout, Question, Saying, Understood,
    answers::{self, Found},
    days, jobs,
    phrases::{self, Hit, Meaning},
    pick, shift, spanish,
    words::{Word, words},
};

mod agreement;
mod times;

/// A text that is being read.
pub(super) struct Reading<'a> {
    source: &'a str,
    asked: Cow<'a, Asked>,
    words: Vec<Word>,
    language: Option<Language>,
    hits: Vec<Hit>,
    /// Which words say something already.
    is_taken: Vec<bool>,
    /// Where names and addresses stand.
    answered: Vec<Range<usize>>,
    sayings: Vec<Saying>,
}

impl<'a> Reading<'a> {
    pub(super) fn of(source: &'a str, asked: &'a Asked) -> Self {
        let words = words(source);
        let is_taken = vec![false; words.len()];
        let language = spanish::language(&words);
        let hits = phrases::find(&words);
        let mut asked = Cow::Borrowed(asked);
        // A number in a name or an address is no pick, unless it takes back another: "wait, I meant 2".
        let is_of_caller = matches!(asked.about, AskedAbout::Name | AskedAbout::Address);
        if is_of_caller && !hits.iter().any(|hit| hit.meaning == Meaning::Correction) {
            asked.to_mut().offers.clear();
        }
        Self { source, asked, words, language, hits, is_taken, answered: Vec::new(), sayings: Vec::new() }
    }

    pub(super) fn understood(mut self, now: NaiveDateTime, hours: &OpeningHours) -> Understood {
        self.drop_what_depends();
        self.alarms();
        self.volunteered();
        self.questions();
        self.shift();
        self.phrases();
        self.times(now, hours);
        self.answer();
        self.job();
        self.in_order()
    }

    /// What sounds like something only after another question.
    fn drop_what_depends(&mut self) {
        let about = self.asked.about;
        let is_offered = pick::is_list(&self.asked)
            || matches!(about, AskedAbout::Confirm | AskedAbout::Name | AskedAbout::Address | AskedAbout::Reminder);
        let expects_time = matches!(about, AskedAbout::When | AskedAbout::Pick);
        self.hits.retain(|hit| match hit.meaning {
            Meaning::Neither | Meaning::NeitherLater | Meaning::NeitherEarlier => is_offered,
            Meaning::TimeOfDay => !expects_time,
            // "You can call me Pat."
            Meaning::CallMe => {
                about != AskedAbout::Name
                    || !self
                        .words
                        .get(hit.words.end)
                        .is_some_and(|next| self.source[next.at.start..].starts_with(char::is_uppercase))
            }
            _ => true,
        });
    }

    /// What may not be overlooked in what would else be read as an address or a name.
    fn alarms(&mut self) {
        for hit in self.hits.extract_if(.., |hit| hit.meaning == Meaning::Emergency).collect::<Vec<_>>() {
            self.sayings.push(Saying::Emergency);
            self.take(hit.words);
        }
    }

    /// Streets and names that are called so.
    fn volunteered(&mut self) {
        let is_asked = self.asked.about == AskedAbout::Address && self.sayings.is_empty();
        let asked = if is_asked { answers::asked_street(self.source, &self.words) } else { None };
        let street = asked.or_else(|| answers::streets(self.source, &self.words).pop());
        if let Some(Found { text, words }) = street {
            self.answered.push(words.clone());
            self.take(words);
            self.sayings.push(Saying::Address(text));
        }
        if let Some(Found { text, words }) = answers::called(self.source, &self.words) {
            self.answered.push(words.clone());
            self.take(words);
            self.sayings.push(Saying::Name(text));
        }
        let is_taken = &self.is_taken;
        self.hits.retain(|hit| !hit.words.clone().all(|at| is_taken[at]));
    }

    /// What follows "do you do" up to the end of its sentence.
    fn questions(&mut self) {
        let asked: Vec<Hit> = self.hits.iter().filter(|hit| hit.meaning == Meaning::DoYouDo).cloned().collect();
        for hit in asked {
            let end = self.words[hit.words.end..]
                .iter()
                .position(Word::ends_sentence)
                .map_or(self.words.len(), |end| hit.words.end + end);
            // The verb is part of the job: "install".
            let verb = hit.words.end - 1;
            let mut is_taken = vec![true; self.words.len()];
            is_taken[verb..end].copy_from_slice(&self.is_taken[verb..end]);
            let is_plain = vec![false; self.words.len()];
            // "Would you do it cheaper" is no job.
            let is_discount =
                |other: &Hit| other.meaning == Meaning::Discount && (hit.words.start..end).contains(&other.words.start);
            if self.hits.iter().any(is_discount) {
                continue;
            }
            // "Do you do thursdays" is a question for a time.
            let is_day = self.words.get(verb + 1).is_some_and(names_time);
            if let Some(job) = jobs::job(&self.words, &is_taken, &is_plain).filter(|_| !is_day) {
                self.sayings.push(Saying::Ask(Question::DoYouDo(job)));
                self.take(hit.words.start..end);
            }
        }
    }

    /// Times that are told by another one.
    fn shift(&mut self) {
        if let Some((minutes, words)) = shift::shift(&self.words) {
            self.sayings.push(Saying::Shift(minutes));
            self.take(words);
        }
        if let Some(words) = shift::same_time(&self.words) {
            self.sayings.push(Saying::SameTime);
            self.take(words);
        }
    }

    fn phrases(&mut self) {
        for hit in self.hits.clone() {
            if hit.meaning == Meaning::Plain || self.is_taken[hit.words.start] && hit.meaning != Meaning::Discount {
                continue;
            }
            if hit.meaning == Meaning::Yes {
                // "Is 3 ok".
                if self.words[hit.words.clone()].iter().any(|word| word.number().is_some()) {
                    continue;
                }
                let agreement = self.agreement(&hit);
                self.sayings.extend(agreement);
            } else if hit.meaning == Meaning::Keep && self.asked.about == AskedAbout::Reminder {
                self.sayings.push(Saying::Yes);
            } else {
                self.sayings.extend(saying(hit.meaning));
                self.sayings.extend(besides(hit.meaning));
            }
            self.take(hit.words);
        }
    }

    fn take(&mut self, words: Range<usize>) {
        for at in words {
            self.is_taken[at] = true;
        }
    }

    fn means(&self, meaning: Meaning) -> bool {
        self.hits.iter().any(|hit| hit.meaning == meaning)
    }
}

/// What is done to an appointment that is to be at another time.
const MOVES: [&str; 9] = ["move", "push", "postpone", "shift", "switch", "change", "bump", "mover", "cambiar"];

fn names_time(word: &Word) -> bool {
    let is_part = matches!(
        word.text.as_str(),
        "tomorrow"
            | "today"
            | "morning"
            | "afternoon"
            | "evening"
            | "am"
            | "pm"
            | "one"
            | "first"
            | "second"
            | "third"
            | "last"
            | "week"
            | "weekend"
            | "noon"
            | "anytime"
            | "time"
            | "whenever"
    );
    is_part || word.number().is_some() || days::weekday(&word.text).is_some()
}

/// What a phrase says by itself.
fn saying(meaning: Meaning) -> Option<Saying> {
    Some(match meaning {
        Meaning::Emergency => Saying::Emergency,
        Meaning::Person => Saying::Person,
        Meaning::CallMe => Saying::CallMe,
        Meaning::Angry => Saying::Angry,
        Meaning::WrongNumber => Saying::WrongNumber,
        Meaning::Cancel | Meaning::NotNeeded => Saying::Cancel,
        Meaning::Reschedule => Saying::Reschedule,
        Meaning::Neither => Saying::Neither { later: false, earlier: false },
        Meaning::NeitherLater => Saying::Neither { later: true, earlier: false },
        Meaning::NeitherEarlier => Saying::Neither { later: false, earlier: true },
        Meaning::Price | Meaning::Several => Saying::Ask(Question::Price),
        Meaning::Discount => Saying::Ask(Question::Discount),
        Meaning::Hours => Saying::Ask(Question::Hours),
        Meaning::Place => Saying::Ask(Question::Place),
        Meaning::HowLong => Saying::Ask(Question::HowLong),
        Meaning::WhatDo => Saying::Ask(Question::DoYouDo(String::new())),
        Meaning::Yes => Saying::Yes,
        Meaning::No | Meaning::NeverMind | Meaning::Keep => Saying::No,
        Meaning::Later => Saying::Later,
        Meaning::Who => Saying::Ask(Question::Who),
        Meaning::Other => Saying::Ask(Question::Other),
        Meaning::Thanks | Meaning::Bye => Saying::Thanks,
        Meaning::Greeting | Meaning::TimeOfDay => Saying::Greeting,
        Meaning::Nothing
        | Meaning::Plain
        | Meaning::Any
        | Meaning::Openings
        | Meaning::Asap
        | Meaning::DoYouDo
        | Meaning::Correction => return None,
    })
}

/// What it says besides.
const fn besides(meaning: Meaning) -> Option<Saying> {
    match meaning {
        Meaning::NeverMind | Meaning::NotNeeded => Some(Saying::NeverMind),
        Meaning::Several => Some(Saying::Ask(Question::Other)),
        Meaning::Bye => Some(Saying::Later),
        _ => None,
    }
}

impl Reading<'_> {
    /// The name or the address that was asked for, where the text is clearly nothing else.
    fn answer(&mut self) {
        let is_other = |saying: &Saying| {
            !matches!(
                saying,
                Saying::Greeting | Saying::Thanks | Saying::Yes | Saying::No | Saying::Address(_) | Saying::Name(_)
            )
        };
        let is_known = |saying: &Saying| match self.asked.about {
            AskedAbout::Name => matches!(saying, Saying::Name(_)),
            _ => matches!(saying, Saying::Address(_)),
        };
        if self.sayings.iter().any(|saying| is_other(saying) || is_known(saying)) {
            return;
        }
        let sentences = self.open_sentences();
        let find = match self.asked.about {
            AskedAbout::Name => answers::bare_name,
            AskedAbout::Address => answers::bare_address,
            _ => return,
        };
        let Some(Found { text, words }) =
            sentences.into_iter().find_map(|sentence| find(self.source, &self.words, sentence))
        else {
            return;
        };
        self.take(words);
        // A "yes" in front of it is none.
        self.sayings.push(if self.asked.about == AskedAbout::Name {
            Saying::Name(text)
        } else {
            Saying::Address(text)
        });
    }

    /// What is left of each sentence.
    fn open_sentences(&self) -> Vec<Range<usize>> {
        let places: Vec<usize> = (0..self.words.len()).collect();
        let is_end =
            |at: &usize| self.is_taken[*at] || (self.words[*at].ends_sentence() && self.words[*at].text != ".");
        let runs = places.split(is_end).filter_map(|run| {
            let is_word = |at: &&usize| !self.words[**at].is_mark();
            let (first, last) = (run.iter().find(is_word)?, run.iter().rfind(is_word)?);
            Some(*first..*last + 1)
        });
        runs.collect()
    }

    fn job(&mut self) {
        let is_plain: Vec<bool> = (0..self.words.len())
            .map(|at| self.hits.iter().any(|hit| hit.meaning == Meaning::Plain && hit.words.contains(&at)))
            .collect();
        self.sayings.extend(jobs::job(&self.words, &self.is_taken, &is_plain).map(Saying::Job));
    }

    /// "Move my leak repair to friday", "my leak repair on friday instead": what it is called names which appointment.
    fn moves_job(&self) -> bool {
        let is = |at: usize, known: &[&str]| self.words.get(at).is_some_and(|word| known.contains(&word.text.as_str()));
        let is_of_mine = |at: usize| is(at + 1, &["my", "our", "the", "mi"]) && !is(at + 2, &["mind"]);
        let moves = |at: usize| is(at, &MOVES) && is_of_mine(at);
        let is_instead = (0..self.words.len()).any(|at| is(at, &["my", "our"]))
            && (0..self.words.len()).any(|at| is(at, &["instead"]));
        let is_said = |of: fn(&Saying) -> bool| self.sayings.iter().any(of);
        is_said(|saying| matches!(saying, Saying::When(_)))
            && is_said(|saying| matches!(saying, Saying::Job(_)))
            && (is_instead || (0..self.words.len()).any(moves))
    }

    fn in_order(mut self) -> Understood {
        if self.moves_job() && !self.sayings.contains(&Saying::Reschedule) {
            self.sayings.push(Saying::Reschedule);
        }
        // Who cancels to come at another time moves.
        if self.sayings.contains(&Saying::Reschedule) {
            self.sayings.retain(|saying| *saying != Saying::Cancel);
        }
        // Who comes back to it at another time, or asks for something else, has not given it up.
        let goes_on = |saying: &Saying| {
            matches!(
                saying,
                Saying::When(_) | Saying::Pick(_) | Saying::Neither { .. } | Saying::Reschedule | Saying::Shift(_)
            )
        };
        if self.sayings.iter().any(goes_on) {
            self.sayings.retain(|saying| *saying != Saying::NeverMind);
        }
        let (later, earlier) = self.sayings.iter().fold((false, false), |known, saying| match saying {
            Saying::Neither { later, earlier } => (known.0 || *later, known.1 || *earlier),
            _ => known,
        });
        for saying in &mut self.sayings {
            if let Saying::Neither { .. } = saying {
                *saying = Saying::Neither { later, earlier };
            }
        }
        if self.sayings.contains(&Saying::WrongNumber) {
            self.sayings.retain(|saying| !matches!(saying, Saying::Job(_)));
        }
        // "Yes but at 3 instead" is no yes to what was asked.
        let is_changed =
            self.words.iter().any(|word| matches!(word.text.as_str(), "but" | "instead" | "pero" | "mejor"));
        let is_other = |saying: &Saying| matches!(saying, Saying::When(_) | Saying::Neither { .. });
        if is_changed && self.sayings.iter().any(is_other) {
            self.sayings.retain(|saying| *saying != Saying::Yes);
        }
        // "Ok, let me ask my wife", "ok never mind".
        let is_put_off = |hit: &Hit| matches!(hit.meaning, Meaning::Later | Meaning::NeverMind | Meaning::NotNeeded);
        if self.hits.iter().any(is_put_off) {
            self.sayings.retain(|saying| *saying != Saying::Yes);
        }
        // Nobody agrees to a price that was not named by us.
        if self.sayings.contains(&Saying::Ask(Question::Discount)) {
            self.sayings.retain(|saying| *saying != Saying::Yes);
        }
        self.weigh_agreement();
        self.confirm_by_number();
        self.sayings.sort_by_key(rank);
        self.sayings.dedup();
        if self.sayings.is_empty() {
            self.sayings.push(Saying::Unclear);
        }
        Understood { sayings: self.sayings, language: self.language }
    }

    /// "Reply 1 to book it, 2 for another time."
    fn confirm_by_number(&mut self) {
        let is_asked = self.asked.about == AskedAbout::Confirm;
        let says: Vec<&str> = self.words.iter().filter(|word| !word.is_mark()).map(|word| word.text.as_str()).collect();
        match says.as_slice() {
            ["1"] if is_asked => self.sayings = vec![Saying::Yes],
            ["2"] if is_asked => self.sayings = vec![Saying::No],
            _ => {}
        }
    }
}

/// The sayings' order.
pub(super) fn rank(saying: &Saying) -> u8 {
    match saying {
        Saying::Emergency => 0,
        Saying::Person => 1,
        Saying::CallMe => 2,
        Saying::Angry => 3,
        Saying::WrongNumber => 4,
        Saying::Cancel => 5,
        Saying::Reschedule => 6,
        Saying::Job(_) => 7,
        Saying::When(_) | Saying::Shift(_) | Saying::SameTime => 8,
        Saying::Pick(_) => 9,
        Saying::Neither { .. } => 10,
        Saying::Ask(_) => 11,
        Saying::Yes => 12,
        Saying::No => 13,
        Saying::Name(_) | Saying::NeverMind => 14,
        Saying::Address(_) => 15,
        Saying::Picture => 16,
        Saying::Thanks => 17,
        Saying::Greeting | Saying::Later => 18,
        Saying::Unclear => 19,
    }
}
