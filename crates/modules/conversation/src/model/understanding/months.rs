//! Months and their parts, where no day of them is said: "in April", "mid May", "the last week of March", "next month".

use std::ops::Range;

use chrono::{Datelike, Days, Months, NaiveDate};

use super::{
    days::{Day, MONTHS, SaidDay},
    words::Word,
};

/// The thirds of a month begin on these days.
const THIRDS: [u64; 3] = [0, 10, 20];
const WEEK_DAYS: u64 = 7;

/// Which part of a month.
#[derive(Clone, Copy)]
enum Part {
    Whole,
    Third(usize),
    Week(u64),
    LastWeek,
    /// From tomorrow on.
    Later,
}

/// The month, or the part of one, that is named from here on.
pub(super) fn month(words: &[Word], at: usize, today: NaiveDate) -> Option<SaidDay> {
    let text = |at: usize| words.get(at).map_or("", |word| word.text.as_str());
    let (part, part_len) = part(words, at);
    let skipped = (at + part_len..words.len()).take_while(|at| matches!(text(*at), "of" | "in" | "the" | "-")).count();
    let named = at + part_len + skipped;
    let first_of_this = today.with_day(1)?;
    let (first, len) = match text(named) {
        "month" if part_len > 0 && text(named - 1) == "the" => (first_of_this, 1),
        "this" if text(named + 1) == "month" => (first_of_this, 2),
        "next" if text(named + 1) == "month" => (first_of_this.checked_add_months(Months::new(1))?, 2),
        name => {
            let month = MONTHS.iter().position(|month| *month == name)?;
            let is_shown = part_len > 0 || is_shown(words, at);
            if !is_shown || is_dated(words, named) {
                return None;
            }
            let ahead = (month + 12 - usize::try_from(today.month0()).ok()?) % 12;
            (first_of_this.checked_add_months(Months::new(u32::try_from(ahead).ok()?))?, 1)
        }
    };
    let next = first.checked_add_months(Months::new(1))?;
    let (from, until) = match part {
        Part::Whole => (first, next),
        Part::Third(third) => {
            let begin = |third: usize| THIRDS.get(third).and_then(|days| first.checked_add_days(Days::new(*days)));
            (begin(third)?, begin(third + 1).unwrap_or(next))
        }
        Part::Week(nth) => {
            let begin = first.checked_add_days(Days::new(nth * WEEK_DAYS))?;
            (begin, begin.checked_add_days(Days::new(WEEK_DAYS))?)
        }
        Part::LastWeek => (next.checked_sub_days(Days::new(WEEK_DAYS))?, next),
        Part::Later => (first.max(today.succ_opt()?), next),
    };
    Some(SaidDay { day: Day::Stretch(from, until.max(from.succ_opt()?)), words: at..named + len })
}

/// The part of a month that the words from here on say, and how many they are.
fn part(words: &[Word], at: usize) -> (Part, usize) {
    let text = |ahead: usize| words.get(at + ahead).map_or("", |word| word.text.as_str());
    match (text(0), text(1)) {
        ("first", "week") => (Part::Week(0), 2),
        ("second" | "2nd", "week") => (Part::Week(1), 2),
        ("third" | "3rd", "week") => (Part::Week(2), 2),
        ("last", "week") => (Part::LastWeek, 2),
        ("early" | "beginning" | "start", _) => (Part::Third(0), 1),
        ("mid" | "middle", _) => (Part::Third(1), 1),
        ("end" | "late", _) => (Part::Third(2), 1),
        ("later", _) => (Part::Later, 1),
        ("rest" | "remainder", _) => (Part::Whole, 1),
        _ => (Part::Whole, 0),
    }
}

/// Whether the words are the name of a month and nothing else.
pub(super) fn is_bare(words: &[Word], place: &Range<usize>) -> bool {
    place.len() == 1 && MONTHS.contains(&words[place.start].text.as_str())
}

/// Whether the name of a month is one: "march" and "may" are other words too, and people are called April.
fn is_shown(words: &[Word], at: usize) -> bool {
    let before = at.checked_sub(1).map_or("", |before| words[before].text.as_str());
    let is_after_preposition =
        matches!(before, "in" | "of" | "until" | "by" | "before" | "after" | "sometime" | "during" | "for" | "or");
    let is_alone = words.iter().all(|word| word.is_mark() || word.text == words[at].text || word.text == "maybe");
    is_after_preposition || is_alone
}

/// Whether a day of the month is named beside it.
fn is_dated(words: &[Word], at: usize) -> bool {
    let is_day =
        |word: Option<&Word>| word.is_some_and(|word| word.text.starts_with(|first: char| first.is_ascii_digit()));
    let before = at.checked_sub(1).and_then(|before| words.get(before));
    let before_of = at.checked_sub(2).and_then(|before| words.get(before));
    let follows_the = words.get(at + 1).is_some_and(|word| word.text == "the") && is_day(words.get(at + 2));
    is_day(words.get(at + 1))
        || follows_the
        || is_day(before)
        || (before.is_some_and(|word| word.text == "of") && is_day(before_of))
}
