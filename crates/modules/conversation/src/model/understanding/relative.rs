//! Days that are counted from today: weekdays, today and tomorrow, weeks and weekends, any day. Names of weekdays come
//! in lists and with "any", "no" and "after" (`parts.rs`).

use std::ops::Range;

use chrono::{Datelike, Days, NaiveDate, Weekday};

use super::{
    days::{Day, SaidDay, weekday},
    words::Word,
};

const WORKDAYS: [Weekday; 5] = [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri];

/// Weekdays, today and tomorrow, weekends, any day.
pub(super) fn relative(words: &[Word], window: Range<usize>, today: NaiveDate) -> Option<SaidDay> {
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
    let to_monday = 7 - u64::from(today.weekday().num_days_from_monday());
    let is_of_next_week = {
        let at = 1 + usize::from(text(1) == "of");
        (text(at), text(at + 1)) == ("next", "week")
    };
    match (text(0), text(1), text(2)) {
        ("in", "a", "week") if text(3) == "or" => said(stretch(7, 8)?, 5),
        ("a", "day" | "week", "or") if matches!(text(3), "two" | "so" | "2") => {
            said(if text(1) == "day" { stretch(1, 2)? } else { stretch(7, 8)? }, 4)
        }
        ("rest", "of", "the" | "this") if text(3) == "week" => said(stretch(0, to_monday)?, 4),
        ("all", "week", _) => said(stretch(0, to_monday)?, 2),
        ("early" | "beginning" | "start" | "middle" | "mid" | "late" | "later", ..) if is_of_next_week => {
            let (from, days) = match text(0) {
                "middle" | "mid" => (1, 3),
                "late" | "later" => (3, 4),
                _ => (0, 3),
            };
            said(stretch(to_monday + from, days)?, 3 + usize::from(text(1) == "of"))
        }
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
        ("during" | "in", "the", "week") | ("m", "-", "f") => {
            said(Day::Weekdays { days: WORKDAYS.to_vec(), every: true }, 3)
        }
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
