//! Times of day as callers say them: "after 3", "12-3", "not before 10", "first thing", "2:30ish".
//!
//! Which half of the day is meant is often not said; the business's hours of the day in question decide it (`when.rs`).

use std::ops::Range;

use super::{
    parts_of_day::PARTS_OF_DAY,
    time_of_day::{Here, Time, in_halves, is_day, number},
    words::Word,
};

/// No text names more times of day than this.
const MAX_TIMES: usize = 24;
/// Words that say in front of a number that a time of day comes.
const POINTS: [&str; 2] = ["at", "for"];
const ABOUT: [&str; 5] = ["around", "about", "approximately", "approx", "near"];
const TO: [&str; 6] = ["to", "until", "-", "through", "thru", "and"];
/// What may follow a range that no other word shows to be one of times.
const AFTER_RANGE: [&str; 34] = [
    "tomorrow",
    "today",
    "on",
    "or",
    "and",
    "works",
    "work",
    "is",
    "would",
    "please",
    "ok",
    "good",
    "fine",
    "for",
    "if",
    "window",
    "would",
    "best",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "any",
    "anytime",
    "this",
    "next",
    "weekdays",
    "in",
    "the",
    "thanks",
    "perfect",
];

/// A stretch of the day, or a moment of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    At(Time),
    Around(Time),
    From(Time),
    Until(Time),
    Between(Time, Time),
    /// From a minute of the day until another.
    Part(u32, u32),
    /// When the business opens.
    Opening,
    /// Before it closes.
    Closing,
    /// So many minutes from now.
    In(u32),
    /// From now on.
    Later,
}
/// A clock that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SaidClock {
    pub(super) clock: Clock,
    /// Its words, by their place in the text.
    pub(super) words: Range<usize>,
    /// A number and nothing that says that it is a time: it is one if nothing else is likelier.
    pub(super) is_bare: bool,
}

/// The times of day of a text.
pub(super) fn find(words: &[Word]) -> Vec<SaidClock> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() && found.len() < MAX_TIMES {
        match clock(words, at) {
            Some((clock, len, is_bare)) => {
                found.push(SaidClock { clock, words: at..at + len, is_bare });
                at += len;
            }
            None => at += 1,
        }
    }
    found
}

fn clock(words: &[Word], at: usize) -> Option<(Clock, usize, bool)> {
    let here = Here { words, at };
    here.delay()
        .or_else(|| here.part())
        .map(|(clock, len)| (clock, len, false))
        .or_else(|| here.range())
        .or_else(|| here.bounded().map(|(clock, len)| (clock, len, false)))
        .or_else(|| here.point())
}

impl Here<'_> {
    /// "in two hours", "within the hour".
    fn delay(self) -> Option<(Clock, usize)> {
        let begin =
            self.says_one_of(&["in", "within", "in the next", "within the next", "the next", "in about", "in like"])?;
        let rest = self.ahead(begin);
        let (amount, len) = match rest.text(0) {
            "half" if rest.says("half an hour").is_some() => return Some((Clock::In(30), begin + 3)),
            "hour" => (1, 0),
            "an" | "a" | "the" if rest.text(1) == "couple" => (2, 2 + usize::from(rest.text(2) == "of")),
            "a" if rest.text(1) == "few" => (3, 2),
            "few" => (3, 1),
            "couple" => (2, 1 + usize::from(rest.text(1) == "of")),
            "an" | "a" | "the" => (1, 1),
            text => (number(text)?, 1),
        };
        let unit = match rest.text(len) {
            "hour" | "hours" => 60,
            "minute" | "minutes" => 1,
            _ => return None,
        };
        let minutes = amount.saturating_mul(unit);
        if minutes < 24 * 60 { Some((Clock::In(minutes), begin + len + 1)) } else { None }
    }

    /// "late morning", "first thing", "after work".
    fn part(self) -> Option<(Clock, usize)> {
        let longest = PARTS_OF_DAY.iter().filter_map(|(phrases, clock)| Some((*clock, self.says_one_of(phrases)?)));
        longest.max_by_key(|(_, len)| *len).or_else(|| {
            // "Early tomorrow", and not "too early".
            let is_by_day = is_day(self.text(1))
                || (is_day(self.before()) && self.words.get(self.at + 1).is_none_or(Word::is_mark));
            match self.text(0) {
                "early" if is_by_day => return Some((Clock::Part(5 * 60, 10 * 60), 1)),
                "late" if is_by_day => return Some((Clock::Part(15 * 60, 18 * 60), 1)),
                _ => {}
            }
            // "tuesday am", "3/17 am", "the 14th pm", and not "i am".
            let is_date = self.before().starts_with(|c: char| c.is_ascii_digit())
                && (self.before().ends_with(char::is_alphabetic)
                    || self.at.checked_sub(2).and_then(|at| self.words.get(at)).is_some_and(|word| word.text == "/"));
            let follows_day = is_date
                || self.before().ends_with("day")
                || matches!(self.before(), "tomorrow" | "days" | "or" | "early" | "any" | "days,");
            match self.text(0) {
                "am" if follows_day => Some((Clock::Part(5 * 60, 12 * 60), 1)),
                "pm" if follows_day => Some((Clock::Part(12 * 60, 18 * 60), 1)),
                _ => None,
            }
        })
    }

    /// "between 2 and 4", "from 9 to 11", "12-3".
    fn range(self) -> Option<(Clock, usize, bool)> {
        let opening = self.says_one_of(&[
            "between",
            "from",
            "anywhere from",
            "anywhere between",
            "anytime between",
            "anytime from",
        ]);
        let begin = opening.unwrap_or(0);
        let first = self.ahead(begin).time()?;
        let middle = self.ahead(begin + first.len);
        let is_between = opening.is_some() && self.text(begin - 1) == "between";
        if !TO.contains(&middle.text(0)) || (middle.text(0) == "and" && !is_between) {
            return None;
        }
        let second = middle.ahead(1).time()?;
        let len = begin + first.len + 1 + second.len;
        let next = self.ahead(len);
        // 555-0100, 3-4-2026: no range ends so.
        if next.text(0) == "-" && next.glued(0) {
            return None;
        }
        let is_sure = opening.is_some() || first.is_sure || second.is_sure;
        let is_followed = next.text(0).is_empty()
            || next.words[next.at..].first().is_some_and(Word::is_mark)
            || AFTER_RANGE.contains(&next.text(0));
        let is_preceded = POINTS.contains(&self.before());
        if !is_sure && !is_followed && !is_preceded {
            return None;
        }
        let (from, until) = in_halves(first.time, second.time);
        Some((Clock::Between(from, until), len, !is_sure && !is_preceded))
    }

    /// "after 3", "3 or later", "not before 10", "by noon", "3ish".
    fn bounded(self) -> Option<(Clock, usize)> {
        const FROM: [&str; 20] = [
            "after",
            "anytime after",
            "any time after",
            "past",
            "from",
            "not before",
            "no earlier than",
            "not until",
            "starting at",
            "starting from",
            "starting around",
            "later than",
            "not earlier than",
            "sometime after",
            "after about",
            "after around",
            "beginning at",
            "until after",
            "nothing before",
            "nothing earlier than",
        ];
        const UNTIL: [&str; 15] = [
            "before",
            "by",
            "until",
            "anytime before",
            "any time before",
            "not after",
            "no later than",
            "not later than",
            "not past",
            "earlier than",
            "sometime before",
            "up to",
            "prior to",
            "nothing after",
            "done by",
        ];
        let openings: [&[&str]; 3] = [&FROM, &UNTIL, &ABOUT];
        let clocks: [fn(Time) -> Clock; 3] = [Clock::From, Clock::Until, Clock::Around];
        for (openings, clock) in openings.into_iter().zip(clocks) {
            let Some(begin) = self.says_one_of(openings) else { continue };
            // "How about 11" is at 11.
            if matches!((self.before(), self.text(0)), ("how" | "what", "about")) {
                continue;
            }
            if let Some(time) = self.ahead(begin).time() {
                let end = self.ahead(begin + time.len);
                let tail = end
                    .says_one_of(&["on", "onward", "onwards", "and on", "ish"])
                    .filter(|_| end.text(1) != "the" && !end.text(1).ends_with("day"));
                return Some((clock(time.time), begin + time.len + tail.unwrap_or(0)));
            }
        }
        let begin = usize::from(POINTS.contains(&self.text(0)));
        let time = self.ahead(begin).time()?;
        let len = begin + time.len;
        let tail = self.ahead(len);
        let later = [
            "or later",
            "or after",
            "onwards",
            "onward",
            "and later",
            "and after",
            "and on",
            "or so onwards",
            "or anytime after",
            "and onwards",
            "and up",
        ];
        let earlier =
            ["or earlier", "or before", "or sooner", "and before", "or any time before", "at the latest", "latest"];
        let about = ["ish", "or so", "or thereabouts", "or around then"];
        if let Some(more) = tail.says_one_of(&later) {
            return Some((Clock::From(time.time), len + more));
        }
        if let Some(more) = tail.says_one_of(&earlier) {
            return Some((Clock::Until(time.time), len + more));
        }
        tail.says_one_of(&about).map(|more| (Clock::Around(time.time), len + more))
    }

    /// "at 3", "10:30", and a number of which nothing says what it is.
    fn point(self) -> Option<(Clock, usize, bool)> {
        let begin = usize::from(
            self.text(0) == "at" || (self.text(0) == "for" && self.ahead(1).time().is_some_and(|time| time.is_sure)),
        );
        let time = self.ahead(begin).time()?;
        Some((Clock::At(time.time), begin + time.len, begin == 0 && !time.is_sure))
    }
}
