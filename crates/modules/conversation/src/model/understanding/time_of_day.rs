//! Times of day as callers write them: "3", "3pm", "10.30", "1030", "half past 3", "noon".

use super::{
    days::{MONTHS, weekday},
    words::Word,
};

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
/// A time that was read.
#[derive(Clone, Copy)]
pub(super) struct Read {
    pub(super) time: Time,
    /// Of how many words.
    pub(super) len: usize,
    /// It cannot be another number.
    pub(super) is_sure: bool,
}

/// A place in the text.
#[derive(Clone, Copy)]
pub(super) struct Here<'a> {
    pub(super) words: &'a [Word],
    pub(super) at: usize,
}

impl<'a> Here<'a> {
    pub(super) fn text(self, ahead: usize) -> &'a str {
        self.words.get(self.at + ahead).map_or("", |word| word.text.as_str())
    }

    pub(super) fn before(self) -> &'a str {
        self.at.checked_sub(1).map_or("", |at| self.words[at].text.as_str())
    }

    pub(super) fn ahead(self, ahead: usize) -> Self {
        Self { at: self.at + ahead, ..self }
    }

    pub(super) fn glued(self, ahead: usize) -> bool {
        self.words.get(self.at + ahead).is_some_and(|word| word.glued)
    }

    /// How many words it is to behind these, where they stand here.
    pub(super) fn says(self, phrase: &str) -> Option<usize> {
        let mut len = 0;
        for word in phrase.split(' ') {
            if self.text(len) != word {
                return None;
            }
            len += 1;
        }
        Some(len)
    }

    pub(super) fn says_one_of(self, phrases: &[&str]) -> Option<usize> {
        phrases.iter().filter_map(|phrase| self.says(phrase)).max()
    }

    /// The time that stands here.
    pub(super) fn time(self) -> Option<Read> {
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
        // "March 16-18" are days.
        if MONTHS.contains(&self.before()) && !is_half(self.text(1)) && self.text(1) != ":" {
            return None;
        }
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
                || is_day(self.before())
                || ["at", "after", "before", "by", "around", "until", "from", "between"].contains(&self.before());
            let is_of_number = number(self.text(1)).is_some() || self.text(1) == "-" || number(self.before()).is_some();
            let is_time = (1..24).contains(&hour) && minute % 5 == 0 && minute < 60 && is_shown && !is_of_number;
            return if is_time { self.with_half(hour, minute, 1, true) } else { None };
        }
        // "Tomorrow 4 a leak".
        let is_for = matches!(self.text(0), "4" | "2")
            && matches!(self.text(1), "a" | "an" | "the" | "my" | "me" | "us" | "you" | "your")
            && !self.glued(1)
            && self.before() != "at";
        if is_for {
            return None;
        }
        if value > 24 || value == 0 || COUNTED.contains(&self.text(1)) {
            return None;
        }
        match self.minutes_in_letters() {
            Some((minute, len)) if value <= 12 => self.with_half(value, minute, 1 + len, true),
            _ => self.with_half(value, 0, 1, false),
        }
    }

    /// "Two thirty", "ten forty five".
    fn minutes_in_letters(self) -> Option<(u32, usize)> {
        let tens = match self.text(1) {
            "ten" => 10,
            "fifteen" => return Some((15, 1)),
            "twenty" => 20,
            "thirty" => 30,
            "forty" => 40,
            "fifty" => 50,
            _ => return None,
        };
        if self.text(2) == "five" { Some((tens + 5, 2)) } else { Some((tens, 1)) }
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

/// Whether a day is named.
pub(super) fn is_day(word: &str) -> bool {
    matches!(word, "today" | "tomorrow") || weekday(word).is_some()
}

fn is_half(text: &str) -> bool {
    matches!(text, "am" | "pm" | "a" | "p" | "amish" | "pmish")
}

/// "2-4pm" is from 14:00, "10-2pm" from 10:00, "9am-1" until 13:00.
pub(super) fn in_halves(mut from: Time, mut until: Time) -> (Time, Time) {
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
