//! What the calendar says of a day ("the 14th", "march 20", "in two weeks", "end of next week"): read by duckling,
//! which is given those words alone.

use std::ops::Range;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime};
use duckling::{Context, DimensionKind, DimensionValue, Grain, Lang, Locale, Options, TimePoint, TimeValue};

use super::{
    days::{Day, MONTHS, SaidDay, weekday},
    time_of_day::number,
    words::Word,
};

/// A phrase for a day has no more words than this.
pub(super) const MAX_PHRASE_WORDS: usize = 8;
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

/// The words from here on that the calendar may know, where one of them names a day.
pub(super) fn phrase(words: &[Word], window: Range<usize>) -> Option<Range<usize>> {
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
pub(super) fn date(words: &[Word], phrase: Range<usize>, now: NaiveDateTime) -> Option<SaidDay> {
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
