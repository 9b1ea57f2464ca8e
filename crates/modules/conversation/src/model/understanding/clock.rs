//! Times of day as callers say them: "after 3", "12-3", "not before 10", "first thing", "2:30ish".
//!
//! Which half of the day is meant is often not said; the business's hours of the day in question decide it (`when.rs`).

use std::ops::Range;

use super::words::Word;

/// Words that say in front of a number that a time of day comes.
const POINTS: [&str; 2] = ["at", "for"];
const ABOUT: [&str; 5] = ["around", "about", "approximately", "approx", "near"];
const TO: [&str; 6] = ["to", "until", "-", "through", "thru", "and"];
/// What shows that "one" is a time.
const SHOWS_TIME: [&str; 14] =
    ["at", "after", "before", "by", "around", "about", "until", "from", "between", "to", "and", "-", "or", "past"];
/// What makes a number an amount of something.
const COUNTED: [&str; 46] = [
    "hour",
    "hours",
    "minute",
    "minutes",
    "day",
    "days",
    "week",
    "weeks",
    "month",
    "months",
    "year",
    "years",
    "people",
    "bedroom",
    "bedrooms",
    "bath",
    "bathroom",
    "bathrooms",
    "baths",
    "br",
    "bd",
    "room",
    "rooms",
    "story",
    "feet",
    "ft",
    "foot",
    "inch",
    "inches",
    "dollars",
    "dollar",
    "bucks",
    "usd",
    "percent",
    "%",
    "sq",
    "gallon",
    "gallons",
    "ton",
    "times",
    "kids",
    "of",
    "different",
    "outlets",
    "units",
    "amp",
];
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

/// A time of day as it was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time {
    pub(super) hour: u32,
    pub(super) minute: u32,
    pub(super) half: Half,
}

/// Which half of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    Am,
    Pm,
    /// By a clock of 24 hours, or noon.
    Whole,
    /// Not said.
    Open,
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
    while at < words.len() {
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

/// A place in the text.
#[derive(Clone, Copy)]
struct Here<'a> {
    words: &'a [Word],
    at: usize,
}

impl<'a> Here<'a> {
    fn text(self, ahead: usize) -> &'a str {
        self.words.get(self.at + ahead).map_or("", |word| word.text.as_str())
    }

    fn before(self) -> &'a str {
        self.at.checked_sub(1).map_or("", |at| self.words[at].text.as_str())
    }

    fn ahead(self, ahead: usize) -> Self {
        Self { at: self.at + ahead, ..self }
    }

    fn glued(self, ahead: usize) -> bool {
        self.words.get(self.at + ahead).is_some_and(|word| word.glued)
    }

    /// How many words it is to behind these, where they stand here.
    fn says(self, phrase: &str) -> Option<usize> {
        let mut len = 0;
        for word in phrase.split(' ') {
            if self.text(len) != word {
                return None;
            }
            len += 1;
        }
        Some(len)
    }

    fn says_one_of(self, phrases: &[&str]) -> Option<usize> {
        phrases.iter().filter_map(|phrase| self.says(phrase)).max()
    }

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
        let whole = |hour| Time { hour, minute: 0, half: Half::Whole };
        let fixed: &[(&[&str], Clock)] = &[
            (
                &[
                    "first thing in the morning",
                    "first thing",
                    "1st thing",
                    "when you open",
                    "as soon as you open",
                    "at opening",
                    "crack of dawn",
                    "bright and early",
                    "start of the day",
                    "beginning of the day",
                ],
                Clock::Opening,
            ),
            (
                &[
                    "end of the day",
                    "end of day",
                    "eod",
                    "before you close",
                    "last thing",
                    "before closing",
                    "close of business",
                    "cob",
                ],
                Clock::Closing,
            ),
            (
                &["after work", "after i get off work", "after i get off", "when i get off work", "after im off work"],
                Clock::From(whole(17)),
            ),
            (&["after school"], Clock::From(whole(15))),
            (&["before work", "before school"], Clock::Until(whole(9))),
            (&["after lunch", "after lunchtime"], Clock::From(whole(13))),
            (&["before lunch", "before lunchtime"], Clock::Until(whole(12))),
            (
                &["lunch", "lunchtime", "lunch time", "lunch hour", "lunch break", "middle of the day", "mid day"],
                Clock::Part(11 * 60, 14 * 60),
            ),
            (
                &["later in the day", "later on today", "later today", "later on", "rest of the day", "rest of today"],
                Clock::Later,
            ),
            (&["early morning", "early in the morning", "early am", "early mornings"], Clock::Part(5 * 60, 10 * 60)),
            (&["late morning", "mid morning", "midmorning"], Clock::Part(10 * 60, 12 * 60)),
            (&["early afternoon", "early in the afternoon"], Clock::Part(12 * 60, 15 * 60)),
            (&["mid afternoon", "midafternoon"], Clock::Part(14 * 60, 16 * 60)),
            (
                &["late afternoon", "late in the afternoon", "late in the day", "late day"],
                Clock::Part(15 * 60, 18 * 60),
            ),
            (&["early evening"], Clock::Part(17 * 60, 19 * 60)),
            (&["before the afternoon", "morning", "in the am", "the am"], Clock::Part(5 * 60, 12 * 60)),
            (&["afternoon", "in the pm", "the pm", "after the morning"], Clock::Part(12 * 60, 18 * 60)),
            (&["evening", "night"], Clock::Part(17 * 60, 22 * 60)),
            (
                &["during the day", "daytime", "business hours", "during business hours", "working hours"],
                Clock::Part(8 * 60, 18 * 60),
            ),
        ];
        let longest = fixed.iter().filter_map(|(phrases, clock)| Some((*clock, self.says_one_of(phrases)?)));
        longest.max_by_key(|(_, len)| *len).or_else(|| {
            // "tuesday am", and not "i am".
            let follows_day = self.before().ends_with("day")
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
        const FROM: [&str; 18] = [
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

    fn time(self) -> Option<Read> {
        let sure = |hour, minute, half, len| Some(Read { time: Time { hour, minute, half }, len, is_sure: true });
        match self.text(0) {
            "noon" | "midday" | "noontime" => return sure(12, 0, Half::Whole, 1),
            "midnight" => return sure(0, 0, Half::Whole, 1),
            "half" if matches!(self.text(1), "past" | "after") => {
                return number(self.text(2))
                    .filter(|hour| (1..=12).contains(hour))
                    .and_then(|hour| self.with_half(hour, 30, 3, true));
            }
            "quarter" => {
                let hour = number(self.text(2)).filter(|hour| (1..=12).contains(hour))?;
                return match self.text(1) {
                    "past" | "after" => self.with_half(hour, 15, 3, true),
                    "to" | "till" | "until" | "of" => {
                        self.with_half(if hour == 1 { 12 } else { hour - 1 }, 45, 3, true)
                    }
                    _ => None,
                };
            }
            _ => {}
        }
        let value = number(self.text(0))?;
        // "That one" is no time, "at one" is.
        if self.text(0) == "one"
            && !SHOWS_TIME.contains(&self.before())
            && !is_half(self.text(1))
            && self.text(1) != "oclock"
        {
            return None;
        }
        // Of a date, an amount, a fraction, a telephone number.
        if matches!(self.before(), "$" | "#" | "/" | ":")
            || (self.text(1) == "/" && self.glued(1))
            || self.text(1) == "%"
        {
            return None;
        }
        if self.text(1) == ":" && self.glued(1) {
            let minute = self.text(2);
            let is_minute = minute.len() == 2 && self.glued(2) && value < 25;
            return number(minute)
                .filter(|minute| is_minute && *minute < 60)
                .and_then(|minute| self.with_half(value, minute, 3, true));
        }
        if value >= 100 {
            let (hour, minute) = (value / 100, value % 100);
            let is_shown = (self.text(0).len() == 4 && self.text(0).starts_with('0'))
                || is_half(self.text(1))
                || ["at", "after", "before", "by", "around", "until", "from", "between"].contains(&self.before());
            let is_of_number = number(self.text(1)).is_some() || self.text(1) == "-" || number(self.before()).is_some();
            let is_time = (1..24).contains(&hour) && minute % 5 == 0 && minute < 60 && is_shown && !is_of_number;
            return if is_time { self.with_half(hour, minute, 1, true) } else { None };
        }
        if value > 24 || value == 0 || COUNTED.contains(&self.text(1)) {
            return None;
        }
        self.with_half(value, 0, 1, false)
    }

    fn with_half(self, hour: u32, minute: u32, len: usize, is_sure: bool) -> Option<Read> {
        let is_short = (1..=12).contains(&hour);
        let read = |half, len, is_sure| Some(Read { time: Time { hour: hour % 24, minute, half }, len, is_sure });
        let oclock = usize::from(self.text(len) == "oclock");
        let behind = self.ahead(len + oclock);
        match behind.text(0) {
            "am" | "a" if is_short && (behind.text(0) == "am" || behind.glued(0)) => {
                return read(Half::Am, len + oclock + 1, true);
            }
            "pm" | "p" if is_short && (behind.text(0) == "pm" || behind.glued(0)) => {
                return read(Half::Pm, len + oclock + 1, true);
            }
            "amish" if is_short => return read(Half::Am, len + 1, true),
            "pmish" if is_short => return read(Half::Pm, len + 1, true),
            "h" if behind.glued(0) => return read(Half::Whole, len + oclock + 1, true),
            _ => {}
        }
        if let Some(more) = behind.says("in the morning")
            && is_short
        {
            return read(Half::Am, len + oclock + more, true);
        }
        if let Some(more) = behind.says_one_of(&["in the afternoon", "in the evening", "at night"])
            && is_short
        {
            return read(Half::Pm, len + oclock + more, true);
        }
        let half = if is_short { Half::Open } else { Half::Whole };
        let is_padded = self.text(0).len() == 2 && self.text(0).starts_with('0');
        read(if is_padded { Half::Whole } else { half }, len + oclock, is_sure || oclock == 1)
    }
}

/// A time that was read.
#[derive(Clone, Copy)]
struct Read {
    time: Time,
    /// Of how many words.
    len: usize,
    /// It cannot be another number.
    is_sure: bool,
}

fn is_half(text: &str) -> bool {
    matches!(text, "am" | "pm" | "a" | "p" | "amish" | "pmish")
}

/// "2-4pm" is from 14:00, "10-2pm" from 10:00, "9am-1" until 13:00.
fn in_halves(mut from: Time, mut until: Time) -> (Time, Time) {
    let in_half = |time: Time| time.hour % 12 * 60 + time.minute;
    match (from.half, until.half) {
        (Half::Open, Half::Pm) => from.half = if in_half(from) < in_half(until) { Half::Pm } else { Half::Am },
        (Half::Open, Half::Am) => from.half = Half::Am,
        (Half::Pm, Half::Open) => until.half = Half::Pm,
        (Half::Am, Half::Open) => until.half = if in_half(from) < in_half(until) { Half::Am } else { Half::Pm },
        _ => {}
    }
    (from, until)
}

/// A number in digits or letters.
pub(super) fn number(text: &str) -> Option<u32> {
    const LETTERS: [&str; 13] =
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    if text.len() <= 4 && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok();
    }
    LETTERS.iter().position(|letters| *letters == text).and_then(|number| number.try_into().ok())
}
