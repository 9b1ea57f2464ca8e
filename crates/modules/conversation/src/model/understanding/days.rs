//! Days as callers say them. Names of weekdays are read here, for they come in lists and with "any", "no" and "after"; what
//! the calendar says ("the 14th", "march 20", "end of next week") is read by duckling, which is given those words alone.

use std::ops::Range;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, Weekday};
use duckling::{Context, DimensionKind, DimensionValue, Grain, Lang, Locale, Options, TimePoint, TimeValue};

use super::{time_of_day::number, words::Word};

/// A phrase for a day has no more words than this.
const MAX_PHRASE_WORDS: usize = 8;
/// No text names more days than this: duckling takes its time for each.
const MAX_PHRASES: usize = 8;
const MONTHS: [&str; 12] = [
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
/// Words that may stand within a phrase for a day; none of them is one by itself.
const WITHIN: [&str; 29] = [
    "the",
    "of",
    "in",
    "a",
    "an",
    "after",
    "from",
    "now",
    "next",
    "this",
    "coming",
    "following",
    "end",
    "beginning",
    "start",
    "rest",
    "early",
    "late",
    "day",
    "days",
    "week",
    "weeks",
    "month",
    "months",
    "today",
    "tomorrow",
    "couple",
    "few",
    "first",
];
const WORKDAYS: [Weekday; 5] = [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri];

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
        let open =
            (at..words.len()).take(MAX_PHRASE_WORDS).take_while(|nth| !is_clock[*nth] && !words[*nth].ends_sentence());
        let window = at..open.last().map_or(at, |last| last + 1);
        let said = simple(words, window.clone(), now.date()).or_else(|| {
            let phrase = phrase(words, window)?;
            phrases += 1;
            if phrases > MAX_PHRASES { None } else { calendar(words, phrase, now) }
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

/// Weekdays, today and tomorrow, weekends, any day.
fn simple(words: &[Word], window: Range<usize>, today: NaiveDate) -> Option<SaidDay> {
    let text = |nth: usize| window.clone().nth(nth).map_or("", |at| words[at].text.as_str());
    let said = |day: Day, len: usize| {
        Some(SaidDay { day, words: window.start..(window.start + len).min(window.end.max(window.start + 1)) })
    };
    let stretch = |from: u64, days: u64| {
        Some(Day::Stretch(today.checked_add_days(Days::new(from))?, today.checked_add_days(Days::new(from + days))?))
    };
    if window.is_empty() {
        return None;
    }
    let skip = usize::from(matches!(text(0), "on" | "this" | "coming" | "the" | "every" | "each"));
    if let Some((day, plural)) = weekday(text(skip)) {
        // The sun room is no day, and who sat on something was not there on a saturday.
        let is_other = match text(skip) {
            "sun" => matches!(text(skip + 1), "room" | "porch" | "deck" | "light" | "is" | "shade"),
            "sat" => matches!(text(skip + 1), "on" | "down" | "there" | "here" | "unused" | "for"),
            _ => false,
        };
        let every = plural || matches!(text(0), "every" | "each");
        if !is_other {
            return said(Day::Weekdays { days: vec![day], every }, skip + 1);
        }
    }
    if let ("next", Some((day, _))) = (text(0), weekday(text(1))) {
        let monday = today.checked_add_days(Days::new(7 - u64::from(today.weekday().num_days_from_monday())))?;
        let date = monday.checked_add_days(Days::new(day.num_days_from_monday().into()))?;
        return said(Day::Stretch(date, date.succ_opt()?), 2);
    }
    let this_saturday = u64::from(5_u32.saturating_sub(today.weekday().num_days_from_monday()));
    let is_sunday = today.weekday() == Weekday::Sun;
    match (text(0), text(1), text(2)) {
        ("week", "after", "next") => said(stretch(14 - u64::from(today.weekday().num_days_from_monday()), 7)?, 3),
        ("later", "in" | "this", "the" | "week") => {
            let len = if text(1) == "in" { 4 } else { 3 };
            let left = u64::from(6 - today.weekday().num_days_from_monday());
            if left == 0 || text(len - 1) != "week" { None } else { said(stretch(1, left)?, len) }
        }
        ("day", "after", "tomorrow") => said(stretch(2, 1)?, 3),
        ("today", ..) | ("this", "morning" | "afternoon" | "evening", _) => said(stretch(0, 1)?, 1),
        ("tomorrow", ..) => said(stretch(1, 1)?, 1),
        ("the" | "this" | "coming" | "over", "weekend", _) => {
            said(stretch(this_saturday, if is_sunday { 1 } else { 2 })?, 2)
        }
        ("weekend", ..) => said(stretch(this_saturday, if is_sunday { 1 } else { 2 })?, 1),
        ("next", "weekend", _) => said(stretch(if is_sunday { 6 } else { this_saturday + 7 }, 2)?, 2),
        ("weekends", ..) => said(Day::Weekdays { days: vec![Weekday::Sat, Weekday::Sun], every: true }, 1),
        ("weekdays", ..) => said(Day::Weekdays { days: WORKDAYS.to_vec(), every: true }, 1),
        ("during" | "in", "the", "week") => said(Day::Weekdays { days: WORKDAYS.to_vec(), every: true }, 3),
        ("next" | "few" | "couple", "few" | "couple" | "days" | "of", "days") => said(stretch(0, 4)?, 3),
        (
            "any" | "every" | "all" | "whichever" | "whatever" | "either",
            "day" | "days" | "time" | "date" | "week",
            _,
        ) => said(Day::Any, 2),
        ("anytime" | "whenever" | "everyday" | "anyday" | "always", ..) => said(Day::Any, 1),
        _ => None,
    }
}

/// The words from here on that the calendar may know, where one of them names a day.
fn phrase(words: &[Word], window: Range<usize>) -> Option<Range<usize>> {
    let text = |at: usize| words.get(at).map_or("", |word| word.text.as_str());
    let mut end = window.start;
    let mut names_day = false;
    let mut is_counted = false;
    while end < window.end {
        let word = text(end);
        let is_number = words[end].number().is_some_and(|number| (1..=31).contains(&number));
        let before = if end > window.start { text(end - 1) } else { "" };
        let beside_month = MONTHS.contains(&before)
            || MONTHS.contains(&text(end + 1))
            || (text(end + 1) == "of" && MONTHS.contains(&text(end + 2)));
        let is_date = words
            .get(end + 1..end + 3)
            .is_some_and(|rest| rest[0].text == "/" && rest[0].glued && rest[1].glued && rest[1].number().is_some());
        let counts = matches!(text(end + 1), "day" | "days" | "week" | "weeks" | "month" | "months");
        if is_ordinal(word) || (is_number && beside_month) {
            names_day = true;
        } else if is_number && is_date {
            names_day = true;
            end += 2;
            if text(end + 1) == "/" && text(end + 2).len() >= 2 {
                end += 2;
            }
        } else if is_number && matches!(before, "the") && !counts {
            names_day = is_end_of_date(text(end + 1));
            if !names_day {
                break;
            }
        } else if number(word).is_some() && counts {
            is_counted = true;
        } else if is_period(word, before, text(window.start)) {
            names_day = true;
        } else if MONTHS.contains(&word) {
            // "may" and "march" are also other words.
            let next = text(end + 1);
            let is_named = is_ordinal(next)
                || number(next).is_some_and(|day| day <= 31)
                || is_ordinal(before)
                || before == "of"
                || number(before).is_some();
            if !is_named {
                break;
            }
        } else if word == "tomorrow" || word == "today" || weekday(word).is_some() {
            // Only as "a week from tomorrow".
            if before != "from" {
                break;
            }
            names_day = true;
        } else if !WITHIN.contains(&word) {
            break;
        }
        end += 1;
    }
    let first = text(window.start);
    let is_ahead = is_counted && (first == "in" || words[window.start..end].iter().any(|word| word.text == "now"));
    let from_now =
        first == "in" && (window.start..end).any(|at| matches!(text(at), "week" | "weeks" | "days" | "month"));
    if (names_day || is_ahead || from_now) && end > window.start { Some(window.start..end) } else { None }
}

/// "Next week", "end of the month".
fn is_period(word: &str, before: &str, first: &str) -> bool {
    match before {
        "next" | "this" | "following" | "coming" => matches!(word, "week" | "weeks" | "month"),
        "the" => {
            let is_part = matches!(first, "end" | "beginning" | "start" | "rest" | "early" | "late");
            is_part && matches!(word, "week" | "month")
        }
        _ => false,
    }
}

fn is_ordinal(word: &str) -> bool {
    let digits = word.trim_end_matches(char::is_alphabetic);
    (1..=2).contains(&digits.len())
        && matches!(&word[digits.len()..], "st" | "nd" | "rd" | "th")
        && digits.parse().is_ok_and(|day: u32| (1..=31).contains(&day))
}

/// "the 14" is a date where no noun follows.
fn is_end_of_date(next: &str) -> bool {
    matches!(
        next,
        "" | ","
            | "."
            | "?"
            | "!"
            | "at"
            | "after"
            | "before"
            | "in"
            | "or"
            | "and"
            | "works"
            | "is"
            | "would"
            | "please"
            | "if"
            | "of"
            | "between"
            | "around"
            | "morning"
            | "afternoon"
    )
}

/// What duckling makes of the words: those of a date alone, so its worst is a fraction of a second.
fn calendar(words: &[Word], phrase: Range<usize>, now: NaiveDateTime) -> Option<SaidDay> {
    let text = written(&words[phrase.clone()]);
    let context = Context { reference_time: now.and_utc().into(), ..Context::default() };
    let locale = Locale::new(Lang::EN, None);
    let entities = duckling::parse(&text, &locale, &[DimensionKind::Time], &context, &Options::default());
    let longest = entities.into_iter().max_by_key(|entity| entity.body.len())?;
    let DimensionValue::Time(value) = longest.value else { return None };
    let (from, until) = match value {
        TimeValue::Single { value, .. } => single(&value)?,
        TimeValue::Interval { from, to, .. } => (single(&from?)?.0, to.as_ref().and_then(single)?.0),
    };
    let week = text.starts_with("a week from").then_some(7).filter(|_| from < now.date() + Days::new(7)).unwrap_or(0);
    let (from, until) = (from.checked_add_days(Days::new(week))?, until.checked_add_days(Days::new(week))?);
    Some(SaidDay { day: Day::Stretch(from, until.max(from.succ_opt()?)), words: phrase })
}

fn single(point: &TimePoint) -> Option<(NaiveDate, NaiveDate)> {
    let (date, grain) = match point {
        TimePoint::Naive { value, grain } => (value.date(), *grain),
        TimePoint::Instant { value, grain } => (DateTime::naive_local(value).date(), *grain),
    };
    let days = match grain {
        Grain::Week => 7,
        Grain::Month => 31,
        _ => 1,
    };
    Some((date, date.checked_add_days(Days::new(days))?))
}

/// The words as duckling expects them.
fn written(words: &[Word]) -> String {
    let mut text = String::new();
    for (nth, word) in words.iter().enumerate() {
        let is_bare = word.number().is_some() && nth > 0 && words[nth - 1].text == "the";
        if nth > 0 && !(word.glued && (word.text == "/" || words[nth - 1].text == "/")) {
            text.push(' ');
        }
        text.push_str(&word.text);
        if is_bare {
            text.push_str(match word.text.as_str() {
                "1" | "21" | "31" => "st",
                "2" | "22" => "nd",
                "3" | "23" => "rd",
                _ => "th",
            });
        }
    }
    if words.len() == 1 && is_ordinal(&text) { format!("the {text}") } else { text }
}
