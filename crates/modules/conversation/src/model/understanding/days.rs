//! Days as callers say them: those that are counted from today (`relative.rs`), months (`months.rs`), and what the
//! calendar says (`dates.rs`).

use std::ops::Range;

use chrono::{Datelike, NaiveDate, NaiveDateTime, Weekday};

use super::{dates, months, relative, words::Word};

/// No text names more days than this: duckling takes its time for each.
const MAX_PHRASES: usize = 8;
pub(super) const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// What was said of days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Day {
    /// These weekdays: the next of each, or every one.
    Weekdays { days: Vec<Weekday>, every: bool },
    /// From the first day until before the second.
    Stretch(NaiveDate, NaiveDate),
    /// Whichever.
    Any,
}

/// A day that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SaidDay {
    pub(super) day: Day,
    /// Its words, by their place in the text.
    pub(super) words: Range<usize>,
}

/// The days of a text, in its order, with the words that are not times of day (`is_clock`).
pub(super) fn find(words: &[Word], is_clock: &[bool], now: NaiveDateTime) -> Vec<SaidDay> {
    let mut found: Vec<SaidDay> = Vec::new();
    let mut phrases = 0;
    let mut at = 0;
    while at < words.len() {
        let open = (at..words.len())
            .take(dates::MAX_PHRASE_WORDS)
            .take_while(|nth| !is_clock[*nth] && !words[*nth].ends_sentence());
        let window = at..open.last().map_or(at, |last| last + 1);
        let is_free = |said: &SaidDay| !said.words.clone().any(|nth| is_clock[nth]);
        let said = relative::relative(words, window.clone(), now.date())
            .or_else(|| one_more(words, at, found.last()?))
            .or_else(|| months::month(words, at, now.date()).filter(is_free))
            .or_else(|| {
                let phrase = dates::phrase(words, window)?;
                phrases += 1;
                if phrases > MAX_PHRASES { None } else { dates::date(words, phrase, now) }
            });
        match said {
            Some(said) => {
                at = said.words.end;
                found.push(said);
            }
            None => at += 1,
        }
    }
    found
}

/// "Or the day after", and the second of "march 16 or 17" and "march 16-18".
fn one_more(words: &[Word], at: usize, last: &SaidDay) -> Option<SaidDay> {
    let text = |at: usize| words.get(at).map_or("", |word| word.text.as_str());
    let Day::Stretch(date, next) = last.day else { return None };
    let begin = at + usize::from(text(at) == "the");
    let is_beside =
        (last.words.end..at).all(|at| matches!(text(at), "or" | "and" | "," | "-" | "to" | "through" | "thru"));
    if !is_beside || at == last.words.end || next != date.succ_opt()? {
        return None;
    }
    if (text(begin), text(begin + 1)) == ("day", "after") {
        return Some(SaidDay { day: Day::Stretch(next, next.succ_opt()?), words: at..begin + 2 });
    }
    let names_month = words[last.words.clone()].iter().any(|word| MONTHS.contains(&word.text.as_str()));
    let day = words.get(begin)?.number().filter(|day| names_month && (date.day() + 1..=31).contains(day))?;
    let is_time = matches!(text(begin + 1), ":" | "am" | "pm" | "oclock" | "a" | "p" | "ish" | "h");
    let date = date.with_day(day).filter(|_| !is_time)?;
    Some(SaidDay { day: Day::Stretch(date, date.succ_opt()?), words: at..begin + 1 })
}

/// The weekday of a name, and whether all of them are meant ("mondays").
pub(super) fn weekday(name: &str) -> Option<(Weekday, bool)> {
    let (name, every) = name.strip_suffix('s').map_or((name, false), |name| (name, true));
    let day = match name {
        "monday" => Weekday::Mon,
        "tuesday" => Weekday::Tue,
        "wednesday" => Weekday::Wed,
        "thursday" => Weekday::Thu,
        "friday" => Weekday::Fri,
        "saturday" | "sat" => Weekday::Sat,
        "sunday" | "sun" => Weekday::Sun,
        _ => return None,
    };
    Some((day, every))
}
