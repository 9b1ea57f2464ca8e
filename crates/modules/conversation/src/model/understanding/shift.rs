//! "30 min later", "an hour earlier", "back a week", "same time": times that are told by another one.

use std::ops::Range;

use super::words::Word;

/// Nobody moves anything further than this by so many words.
pub(super) const MINUTES_MAX: i32 = 60 * 24 * 7 * 8;

/// So many minutes later than what was talked of, earlier where they are fewer than none; and the words that say so.
pub(super) fn shift(words: &[Word]) -> Option<(i32, Range<usize>)> {
    (0..words.len())
        .find_map(|at| {
            let begin = at;
            let is_first = direction(words, at).filter(|_| matches!(text(words, at), "back" | "up" | "out"));
            let at = at + usize::from(is_first.is_some());
            let at = at + usize::from(text(words, at) == "by");
            let (minutes, end) = length(words, at)?;
            match (is_first, direction(words, end)) {
                (_, Some((sign, len))) => Some((sign * minutes, begin..end + len)),
                (Some((sign, _)), None) => Some((sign * minutes, begin..end)),
                (None, None) => None,
            }
        })
        .filter(|(minutes, _)| minutes.abs() <= MINUTES_MAX)
}

/// "Same time".
pub(super) fn same_time(words: &[Word]) -> Option<Range<usize>> {
    (0..words.len()).find_map(|at| match (text(words, at), text(words, at + 1), text(words, at + 2)) {
        ("same", "time" | "hour", _) | ("misma", "hora", _) => Some(at..at + 2),
        ("same", "exact", "time") => Some(at..at + 3),
        _ => None,
    })
}

/// "30 min", "an hour", "half an hour", "1 week".
fn length(words: &[Word], at: usize) -> Option<(i32, usize)> {
    let (half, at) = match text(words, at) {
        "half" | "media" => (true, at + 1),
        _ => (false, at),
    };
    let (count, unit_at) = match text(words, at) {
        "a" | "an" | "one" | "un" | "una" => (1, at + 1),
        "couple" => (2, at + 1 + usize::from(text(words, at + 1) == "of")),
        "two" | "dos" => (2, at + 1),
        "three" | "tres" => (3, at + 1),
        "hour" | "hora" if half => (1, at),
        number => (number.parse().ok().filter(|_| number.len() < 4)?, at + 1),
    };
    // "A half hour", "a couple of hours".
    let (half, count, unit_at) = match (count, text(words, unit_at)) {
        (1, "half") => (true, 1, unit_at + 1),
        (1, "couple") => (half, 2, unit_at + 1 + usize::from(text(words, unit_at + 1) == "of")),
        _ => (half, count, unit_at),
    };
    let minutes = match text(words, unit_at) {
        "min" | "mins" | "minute" | "minutes" | "minutos" => 1,
        "hour" | "hours" | "hr" | "hrs" | "h" | "hora" | "horas" => 60,
        "day" | "days" | "dia" | "dias" => 60 * 24,
        "week" | "weeks" | "semana" | "semanas" => 60 * 24 * 7,
        _ => return None,
    };
    let minutes: i32 = minutes * count;
    Some((if half { minutes / 2 } else { minutes }, unit_at + 1))
}

/// Later or earlier, and of how many words.
fn direction(words: &[Word], at: usize) -> Option<(i32, usize)> {
    match (text(words, at), text(words, at + 1)) {
        ("later" | "back" | "out" | "despues", _) => Some((1, 1)),
        ("earlier" | "sooner" | "up" | "antes", _) => Some((-1, 1)),
        ("mas", "tarde") => Some((1, 2)),
        ("mas", "temprano") => Some((-1, 2)),
        _ => None,
    }
}

fn text(words: &[Word], at: usize) -> &str {
    words.get(at).map_or("", |word| word.text.as_str())
}
