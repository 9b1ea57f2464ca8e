//! From words to sayings.

use std::ops::Range;

use chrono::NaiveDateTime;
use nmc_identity::{Language, OpeningHours};

use super::{
    Asked, AskedAbout, Pick, Question, Saying, Understood, When,
    answers::{self, Found},
    clock::{self, Clock, SaidClock},
    days::{self, SaidDay},
    jobs, months,
    phrases::{self, Hit, Meaning},
    pick::{self, Said},
    spanish, when,
    words::{Word, words},
};

/// A text that is being read.
pub(super) struct Reading<'a> {
    source: &'a str,
    asked: &'a Asked,
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
        Self { source, asked, words, language, hits, is_taken, answered: Vec::new(), sayings: Vec::new() }
    }

    pub(super) fn understood(mut self, now: NaiveDateTime, hours: &OpeningHours) -> Understood {
        self.drop_what_depends();
        self.alarms();
        self.volunteered();
        self.questions();
        self.phrases();
        self.times(now, hours);
        self.answer();
        self.job();
        self.in_order()
    }

    /// What sounds like something only after another question.
    fn drop_what_depends(&mut self) {
        let about = self.asked.about;
        let is_offered =
            pick::is_list(self.asked) || matches!(about, AskedAbout::Confirm | AskedAbout::Name | AskedAbout::Address);
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

    fn phrases(&mut self) {
        for hit in self.hits.clone() {
            if hit.meaning == Meaning::Plain || self.is_taken[hit.words.start] && hit.meaning != Meaning::Discount {
                continue;
            }
            let is_yes = hit.meaning == Meaning::Yes;
            // "Is 3 ok".
            if is_yes && self.words[hit.words.clone()].iter().any(|word| word.number().is_some()) {
                continue;
            }
            // "Friday is good" is no yes to what was asked.
            let is_of_time =
                is_yes && hit.words.start.checked_sub(1).is_some_and(|before| names_time(&self.words[before]));
            if !is_of_time {
                self.sayings.extend(saying(hit.meaning));
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
        Meaning::Cancel => Saying::Cancel,
        Meaning::Reschedule => Saying::Reschedule,
        Meaning::Neither => Saying::Neither { later: false, earlier: false },
        Meaning::NeitherLater => Saying::Neither { later: true, earlier: false },
        Meaning::NeitherEarlier => Saying::Neither { later: false, earlier: true },
        Meaning::Price => Saying::Ask(Question::Price),
        Meaning::Discount => Saying::Ask(Question::Discount),
        Meaning::Hours => Saying::Ask(Question::Hours),
        Meaning::Place => Saying::Ask(Question::Place),
        Meaning::HowLong => Saying::Ask(Question::HowLong),
        Meaning::WhatDo => Saying::Ask(Question::DoYouDo(String::new())),
        Meaning::Yes => Saying::Yes,
        Meaning::No => Saying::No,
        Meaning::Thanks => Saying::Thanks,
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

impl Reading<'_> {
    /// Wishes for a time, and picks.
    fn times(&mut self, now: NaiveDateTime, hours: &OpeningHours) {
        // Times in Spanish are read in English; each word keeps its place in the text.
        let words =
            if self.language == Some(Language::En) { self.words.clone() } else { spanish::in_english(&self.words) };
        let is_open: Vec<bool> = words.iter().map(|word| !self.is_taken_at(word.at.start)).collect();
        let open: Vec<Word> = words
            .iter()
            .zip(&is_open)
            .map(|(word, is_open)| if *is_open { word.clone() } else { Word { text: ";".to_owned(), ..word.clone() } })
            .collect();
        let mut clocks = clock::find(&open);
        let is_clock: Vec<bool> = (0..open.len())
            .map(|at| clocks.iter().any(|clock| !is_loose(clock) && clock.words.contains(&at)))
            .collect();
        let mut days = days::find(&open, &is_clock, now);
        // People are called April and June.
        days.retain(|day| self.asked.about != AskedAbout::Name || !months::is_bare(&words, &day.words));
        clocks.retain(|clock| !days.iter().any(|day| overlap(&day.words, &clock.words)));
        if self.means(Meaning::Reschedule) {
            self.leave_out_the_old(&words, &mut clocks, &mut days);
        }
        for range in self.correct(&words, &mut clocks, &mut days) {
            self.take_at(&words, &range);
        }

        // "2 and my name is Pat, how much is it": that is nothing that is said around a pick.
        let around: Vec<Word> = words
            .iter()
            .map(|word| {
                if self.is_answered(word.at.start) || self.is_asked(word.at.start) {
                    Word { text: ";".to_owned(), ..word.clone() }
                } else {
                    word.clone()
                }
            })
            .collect();
        let picked = pick::nth(&Said { words: &around, asked: self.asked, clocks: &clocks, days: &days });
        if let Some(picked) = &picked {
            // "2. wait, 3".
            let is_number = |clock: &SaidClock| {
                is_loose(clock) && !days.iter().any(|day| is_near(&words, day.words.end..clock.words.start))
            };
            clocks.retain(|clock| !(is_number(clock) || clock.is_bare && overlap(&clock.words, &picked.words)));
            days.retain(|day| !overlap(&day.words, &picked.words));
        }
        let said = Said { words: &words, asked: self.asked, clocks: &clocks, days: &days };
        let mut times: Vec<SaidClock> = Vec::new();
        for clock in said.clocks {
            let is_one_more = times.last().is_some_and(|last| is_near(&words, last.words.end..clock.words.start));
            let is_one_of =
                said.clocks.iter().any(|next| !is_loose(next) && is_near(&words, clock.words.end..next.words.start));
            if !is_loose(clock) || is_likely(clock, &said) || is_one_more || is_one_of {
                times.push(clock.clone());
            }
        }
        let clocks = times;

        let asap = self.means(Meaning::Asap);
        let mut when = when::combine(&words, &clocks, &days, asap, now, hours);
        let said = Said { words: &words, asked: self.asked, clocks: &clocks, days: &days };
        let is_wish = !clocks.is_empty() || !days.is_empty();
        let pick = match (&picked, &when) {
            (Some(picked), Some(when))
                if is_wish && !self.asked.offers.is_empty() && !pick::agrees(picked.pick, self.asked, when) =>
            {
                None
            }
            (Some(picked), _) => Some(picked.pick),
            (None, Some(when)) if pick::is_list(self.asked) => pick::by_time(&said, when),
            (None, None) if self.means(Meaning::Any) && pick::is_list(self.asked) => Some(Pick::Any),
            _ => None,
        };
        let is_any =
            self.means(Meaning::Openings) || (self.means(Meaning::Any) && self.asked.about == AskedAbout::When);
        if when.is_none() && pick.is_none() && is_any {
            when = Some(When { windows: vec![when::soon(now)], asap: false });
        }
        for range in clocks
            .iter()
            .map(|clock| &clock.words)
            .chain(days.iter().map(|day| &day.words))
            .chain(picked.iter().flat_map(|picked| [&picked.words, &picked.around]))
        {
            self.take_at(&words, range);
        }
        let place =
            picked.as_ref().map(|picked| words[picked.words.start].at.start..words[picked.words.end - 1].at.end);
        let pick = pick.filter(|pick| !self.is_other_wanted(*pick, place.as_ref()));
        if let Some(pick) = pick {
            // "The later one" is one of the offers, "something later" is none.
            self.sayings.retain(|saying| !matches!(saying, Saying::Neither { .. } | Saying::No));
            self.sayings.push(Saying::Pick(pick));
            if !self.asked.offers.is_empty() {
                when = None;
            }
        }
        self.sayings.extend(when.map(Saying::When));
    }

    /// "Move it from thursday to friday": thursday is what is moved.
    fn leave_out_the_old(&mut self, words: &[Word], clocks: &mut Vec<SaidClock>, days: &mut Vec<SaidDay>) {
        let new = days.iter().map(|day| day.words.start).chain(clocks.iter().map(|clock| clock.words.start));
        let is_to = |at: usize| {
            at.checked_sub(1).is_some_and(|before| matches!(words[before].text.as_str(), "to" | "for" | "until"))
        };
        let Some(from) = new.filter(|at| is_to(*at)).max() else { return };
        let old_days = days.extract_if(.., |day| day.words.end <= from).map(|day| day.words);
        let old: Vec<Range<usize>> =
            old_days.chain(clocks.extract_if(.., |clock| clock.words.end <= from).map(|clock| clock.words)).collect();
        for range in old {
            self.take_at(words, &range);
        }
    }

    /// "Thursday, but later": a pick that is none.
    fn is_other_wanted(&self, pick: Pick, place: Option<&Range<usize>>) -> bool {
        let is_of_pick = |hit: &Hit| {
            place.is_some_and(|place| self.words[hit.words.clone()].iter().any(|word| overlap(&word.at, place)))
        };
        let is_other = |hit: &Hit| matches!(hit.meaning, Meaning::NeitherLater | Meaning::NeitherEarlier);
        !matches!(pick, Pick::Any | Pick::Earliest | Pick::Latest)
            && self.hits.iter().any(|hit| is_other(hit) && !is_of_pick(hit))
    }

    /// "No wait, thursday": what was said before counts no more.
    fn correct(&self, words: &[Word], clocks: &mut Vec<SaidClock>, days: &mut Vec<SaidDay>) -> Vec<Range<usize>> {
        let corrections = self.hits.iter().filter(|hit| hit.meaning == Meaning::Correction);
        let from = corrections.map(|hit| self.words[hit.words.start].at.start).max().unwrap_or(0);
        let is_after = |range: &Range<usize>| words[range.start].at.start >= from;
        let mut corrected = Vec::new();
        if days.iter().any(|day| is_after(&day.words)) {
            corrected.extend(days.extract_if(.., |day| !is_after(&day.words)).map(|day| day.words));
        }
        if clocks.iter().any(|clock| is_after(&clock.words)) {
            corrected.extend(clocks.extract_if(.., |clock| !is_after(&clock.words)).map(|clock| clock.words));
        }
        corrected
    }

    fn is_taken_at(&self, byte: usize) -> bool {
        self.words.iter().zip(&self.is_taken).any(|(word, is_taken)| *is_taken && word.at.contains(&byte))
    }

    fn is_answered(&self, byte: usize) -> bool {
        self.answered.iter().any(|words| self.words[words.clone()].iter().any(|word| word.at.contains(&byte)))
    }

    fn is_asked(&self, byte: usize) -> bool {
        let is_question = |hit: &Hit| {
            use Meaning::{Greeting, Hours, Place, Price, Thanks};
            matches!(hit.meaning, Price | Hours | Place | Thanks | Greeting)
        };
        let mut words = self.hits.iter().filter(|hit| is_question(hit)).flat_map(|hit| &self.words[hit.words.clone()]);
        words.any(|word| word.at.contains(&byte))
    }

    fn take_at(&mut self, words: &[Word], range: &Range<usize>) {
        for word in &words[range.clone()] {
            for (own, is_taken) in self.words.iter().zip(&mut self.is_taken) {
                *is_taken |= overlap(&own.at, &word.at);
            }
        }
    }

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

    fn in_order(mut self) -> Understood {
        // Who cancels to come at another time moves.
        if self.sayings.contains(&Saying::Reschedule) {
            self.sayings.retain(|saying| *saying != Saying::Cancel);
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
        // Nobody agrees to a price that was not named by us.
        if self.sayings.contains(&Saying::Ask(Question::Discount)) {
            self.sayings.retain(|saying| *saying != Saying::Yes);
        }
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
        let is_asked = matches!(self.asked.about, AskedAbout::Confirm | AskedAbout::CancelConfirm);
        let says: Vec<&str> = self.words.iter().filter(|word| !word.is_mark()).map(|word| word.text.as_str()).collect();
        match says.as_slice() {
            ["1"] if is_asked => self.sayings = vec![Saying::Yes],
            ["2"] if is_asked => self.sayings = vec![Saying::No],
            _ => {}
        }
    }
}

/// A time only by its looks: a number.
fn is_loose(clock: &SaidClock) -> bool {
    clock.is_bare && matches!(clock.clock, Clock::At(_))
}

/// A number is a time beside a day, and where a time was asked for and nothing else is said.
fn is_likely(clock: &SaidClock, said: &Said<'_>) -> bool {
    let near = |gap: Range<usize>| is_near(said.words, gap);
    let is_by_day =
        said.days.iter().any(|day| near(day.words.end..clock.words.start) || near(clock.words.end..day.words.start));
    let is_asked = matches!(said.asked.about, AskedAbout::When | AskedAbout::Pick) || !said.asked.offers.is_empty();
    let is_excluded = clock
        .words
        .start
        .checked_sub(1)
        .is_some_and(|before| matches!(said.words[before].text.as_str(), "but" | "not" | "except"));
    is_by_day || (is_asked && !is_excluded && pick::is_alone_at(said, clock.words.start))
}

fn is_near(words: &[Word], gap: Range<usize>) -> bool {
    let is_nothing = |word: &Word| {
        matches!(
            word.text.as_str(),
            "," | "at"
                | "around"
                | "or"
                | "on"
                | "-"
                | "of"
                | "like"
                | "ok"
                | "good"
                | "fine"
                | "available"
                | "possible"
        )
    };
    words.get(gap).is_some_and(|gap| gap.iter().all(is_nothing))
}

fn overlap(one: &Range<usize>, other: &Range<usize>) -> bool {
    one.start < other.end && other.start < one.end
}

/// The sayings' order.
fn rank(saying: &Saying) -> u8 {
    match saying {
        Saying::Emergency => 0,
        Saying::Person => 1,
        Saying::CallMe => 2,
        Saying::Angry => 3,
        Saying::WrongNumber => 4,
        Saying::Cancel => 5,
        Saying::Reschedule => 6,
        Saying::Job(_) => 7,
        Saying::When(_) => 8,
        Saying::Pick(_) => 9,
        Saying::Neither { .. } => 10,
        Saying::Ask(_) => 11,
        Saying::Yes => 12,
        Saying::No => 13,
        Saying::Name(_) => 14,
        Saying::Address(_) => 15,
        Saying::Picture => 16,
        Saying::Thanks => 17,
        Saying::Greeting => 18,
        Saying::Unclear => 19,
    }
}
