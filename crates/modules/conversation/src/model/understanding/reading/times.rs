//! Wishes for a time, and picks.

use std::ops::Range;

use chrono::{Duration, NaiveDateTime, NaiveTime};
use nmc_identity::{Language, OpeningHours};

use super::{
    super::{
        AskedAbout, LocalWindow, Pick, Saying, When,
        clock::{self, Clock, SaidClock},
        days::{self, SaidDay},
        months,
        phrases::{Hit, Meaning},
        pick::{self, Picked, Said},
        spanish, when,
        words::Word,
    },
    Reading,
};

impl Reading<'_> {
    /// Reads the times of day, the days and the picks of the text.
    pub(super) fn times(&mut self, now: NaiveDateTime, hours: &OpeningHours) {
        // Times in Spanish are read in English; each word keeps its place in the text.
        let words =
            if self.language == Some(Language::En) { self.words.clone() } else { spanish::in_english(&self.words) };
        let (mut clocks, mut days) = self.said(&words, now);
        if self.means(Meaning::Reschedule) {
            self.leave_out_the_old(&words, &mut clocks, &mut days);
        }
        for range in self.correct(&words, &mut clocks, &mut days) {
            self.take_at(&words, &range);
        }
        let picked = self.picked(&words, &mut clocks, &mut days);
        let clocks = likely(&Said { words: &words, asked: &self.asked, clocks: &clocks, days: &days });
        let when = when::combine(&words, &clocks, &days, self.means(Meaning::Asap), now, hours);
        let said = Said { words: &words, asked: &self.asked, clocks: &clocks, days: &days };
        let pick = self.pick(&said, picked.as_ref(), when.as_ref());

        let of_times = clocks.iter().map(|clock| &clock.words).chain(days.iter().map(|day| &day.words));
        for range in of_times.chain(picked.iter().flat_map(|picked| [&picked.words, &picked.around])) {
            self.take_at(&words, range);
        }
        if let Some(pick) = pick {
            // "The later one" is one of the offers, "something later" is none.
            self.sayings.retain(|saying| !matches!(saying, Saying::Neither { .. } | Saying::No));
            self.sayings.push(Saying::Pick(pick));
            if !self.asked.offers.is_empty() {
                return;
            }
        }
        let when = when.or_else(|| self.on_that_day(now));
        let is_any =
            self.means(Meaning::Openings) || (self.means(Meaning::Any) && self.asked.about == AskedAbout::When);
        let any = (is_any && pick.is_none()).then(|| When { windows: vec![when::soon(now)], asap: false });
        self.sayings.extend(when.or(any).map(Saying::When));
    }

    /// "Anything earlier that day": before the offers or after them, and on no other day.
    fn on_that_day(&mut self, now: NaiveDateTime) -> Option<When> {
        let is_that =
            |pair: &[Word]| matches!((pair[0].text.as_str(), pair[1].text.as_str()), ("that" | "same", "day"));
        let (first, last) = (self.asked.offers.iter().min()?, self.asked.offers.iter().max()?);
        let midnight = first.date().succ_opt()?.and_time(NaiveTime::MIN);
        if first.date() != last.date() || !self.words.windows(2).any(is_that) {
            return None;
        }
        let (from, until) = if self.means(Meaning::NeitherEarlier) {
            (now.max(first.date().and_time(NaiveTime::MIN)), *first)
        } else if self.means(Meaning::NeitherLater) {
            (*last + Duration::minutes(1), midnight)
        } else {
            return None;
        };
        if from >= until {
            return None;
        }
        self.sayings.retain(|saying| !matches!(saying, Saying::Neither { .. }));
        Some(When { windows: vec![LocalWindow { from, until }], asap: false })
    }

    /// The times of day and the days among the words that say nothing else yet.
    fn said(&self, words: &[Word], now: NaiveDateTime) -> (Vec<SaidClock>, Vec<SaidDay>) {
        let open = without(words, |byte| self.is_taken_at(byte));
        let mut clocks = clock::find(&open);
        let mut is_clock = vec![false; open.len()];
        for clock in clocks.iter().filter(|clock| !is_loose(clock)) {
            is_clock[clock.words.clone()].fill(true);
        }
        let mut days = days::find(&open, &is_clock, now);
        // People are called April and June.
        days.retain(|day| self.asked.about != AskedAbout::Name || !months::is_bare(words, &day.words));
        clocks.retain(|clock| !days.iter().any(|day| overlap(&day.words, &clock.words)));
        (clocks, days)
    }

    /// A place in the list that is named; the figures that name it are no times any more.
    fn picked(&self, words: &[Word], clocks: &mut Vec<SaidClock>, days: &mut Vec<SaidDay>) -> Option<Picked> {
        // "2 and my name is Pat, how much is it": that is nothing that is said around a pick.
        let around = without(words, |byte| self.is_answered(byte) || self.is_asked(byte));
        let picked = pick::nth(&Said { words: &around, asked: &self.asked, clocks, days })?;
        // "2. wait, 3".
        let is_number = |clock: &SaidClock| {
            is_loose(clock) && !days.iter().any(|day| is_near(words, day.words.end..clock.words.start))
        };
        clocks.retain(|clock| !(is_number(clock) || clock.is_bare && overlap(&clock.words, &picked.words)));
        days.retain(|day| !overlap(&day.words, &picked.words));
        Some(picked)
    }

    /// The offer that is meant, by its place in the list or by its time.
    fn pick(&self, said: &Said<'_>, picked: Option<&Picked>, when: Option<&When>) -> Option<Pick> {
        let is_wish = !said.clocks.is_empty() || !said.days.is_empty();
        let is_to_agree = is_wish && !self.asked.offers.is_empty();
        let pick = match (picked, when) {
            (Some(picked), Some(when)) if is_to_agree && !pick::agrees(picked.pick, &self.asked, when) => None,
            (Some(picked), _) => Some(picked.pick),
            (None, Some(when)) if pick::is_list(&self.asked) => pick::by_time(said, when),
            (None, None) if self.means(Meaning::Any) && pick::is_list(&self.asked) && !self.is_refused() => {
                Some(Pick::Any)
            }
            _ => None,
        };
        let of = |picked: &Picked| {
            let words = &said.words[picked.words.clone()];
            words.first().zip(words.last()).map(|(first, last)| first.at.start..last.at.end)
        };
        pick.filter(|pick| !self.is_other_wanted(*pick, picked.and_then(of).as_ref()))
    }

    /// "Whatever, too expensive".
    fn is_refused(&self) -> bool {
        use Meaning::{Cancel, Discount, Keep, Later, Neither, NeitherEarlier, NeitherLater, NeverMind, No, NotNeeded};
        let is_no = |hit: &Hit| {
            matches!(
                hit.meaning,
                Cancel | Discount | Keep | Later | Neither | NeitherEarlier | NeitherLater | NeverMind | No | NotNeeded
            )
        };
        self.hits.iter().any(is_no) || self.words.iter().any(|word| word.text == "anymore")
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
}

/// The words, with those that say something else out of the way.
fn without(words: &[Word], is_out: impl Fn(usize) -> bool) -> Vec<Word> {
    let mark = |word: &Word| Word { text: ";".to_owned(), ..word.clone() };
    words.iter().map(|word| if is_out(word.at.start) { mark(word) } else { word.clone() }).collect()
}

/// The times of day without the figures that are rather something else.
fn likely(said: &Said<'_>) -> Vec<SaidClock> {
    let mut likely: Vec<SaidClock> = Vec::new();
    for clock in said.clocks {
        let is_one_more = likely.last().is_some_and(|last| is_near(said.words, last.words.end..clock.words.start));
        let is_one_of =
            said.clocks.iter().any(|next| !is_loose(next) && is_near(said.words, clock.words.end..next.words.start));
        if !is_loose(clock) || is_likely(clock, said) || is_one_more || is_one_of {
            likely.push(clock.clone());
        }
    }
    likely
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
    let is_asked = matches!(said.asked.about, AskedAbout::When | AskedAbout::Pick | AskedAbout::Confirm)
        || !said.asked.offers.is_empty();
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
