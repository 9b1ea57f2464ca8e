//! Which of the offers is meant: "2", "the second one", "10 works", "wednesday", "the early one", "whichever".

use std::{collections::HashSet, ops::Range, sync::LazyLock};

use chrono::{Datelike, NaiveDateTime, NaiveTime, Timelike};

use super::{
    Asked, AskedAbout, Pick, When,
    calendar::halves,
    clock::{Clock, SaidClock},
    days::{Day, SaidDay},
    time_of_day::{Time, number},
    words::Word,
};

/// Lists are no longer than this.
const MAX_NTH: usize = 9;
const ORDINALS: [&[&str]; 5] =
    [&["first", "1st", "former"], &["second", "2nd"], &["third", "3rd"], &["fourth", "4th"], &["fifth", "5th"]];
const EARLIEST: [&str; 5] = ["earliest", "early", "earlier", "soonest", "sooner"];
const LATEST: [&str; 5] = ["last", "latest", "later", "late", "latter"];
/// What an ordinal may be one of.
const ONE: [&str; 14] = [
    "one",
    "1",
    "option",
    "slot",
    "time",
    "choice",
    "appointment",
    "opening",
    "date",
    "available",
    "spot",
    "of",
    "opcion",
    "offer",
];
/// What makes the opposite of a pick.
const EXCLUDES: [&str; 12] =
    ["not", "cannot", "dont", "doesnt", "wont", "isnt", "never", "except", "without", "bad", "ninguna", "ninguno"];
/// What says in front of a number that it is a place in the list.
const NUMBERED: [&str; 8] = ["#", "number", "option", "choice", "slot", "opt", "num", "nr"];
/// What may stand around a number that picks.
const AROUND: &str = "ill take lets do go with please works work is good great fine ok okay yes yup sure perfect sounds for \
    me the one that i want like would choose pick prefer we can will be best better a it book my then thanks thank you id im \
    on at , - number option choice my our us make probably guess think let have and awesome hi hey how about maybe could \
    said meant actually wait sorry si la el por favor quiero me queda bien sirve prefiero esta tomo gracias to of \
    lol haha hahaha lmao all set reserve schedule just this no umm uhh um instead rather still open put down sign up get down able";
static IS_AROUND: LazyLock<HashSet<&str>> = LazyLock::new(|| AROUND.split_whitespace().collect());

/// A pick, and the words that make it.
pub(super) struct Picked {
    pub(super) pick: Pick,
    pub(super) words: Range<usize>,
    /// What stands around it and says no more than that it is wanted.
    pub(super) around: Range<usize>,
}

/// What is known of a text besides its words.
pub(super) struct Said<'a> {
    pub(super) words: &'a [Word],
    pub(super) asked: &'a Asked,
    pub(super) clocks: &'a [SaidClock],
    pub(super) days: &'a [SaidDay],
}

/// The last place in the list that is named.
pub(super) fn nth(said: &Said<'_>) -> Option<Picked> {
    if !is_list(said.asked) {
        return None;
    }
    let picked = |at| {
        let picked = by_number(said, at).or_else(|| by_digits(said, at)).or_else(|| by_ordinal(said, at))?;
        Some(if is_excluded(said, at) { Picked { pick: Pick::Unsure, ..picked } } else { picked })
    };
    (0..said.words.len()).rev().find_map(picked)
}

/// "Not the first one", "the first is no good".
fn is_excluded(said: &Said<'_>, at: usize) -> bool {
    let clause = clause(said.words, at);
    let is_negation = |place: usize| match text(said, place) {
        // "No the first one", "no 2".
        "no" => place > at,
        word => EXCLUDES.contains(&word),
    };
    clause.into_iter().any(is_negation)
}

/// The offer that the days and times of day name, where they name nothing else.
pub(super) fn by_time(said: &Said<'_>, when: &When) -> Option<Pick> {
    let offers = &said.asked.offers;
    let time = match said.clocks {
        [] => None,
        [one] => Some(one.clock),
        // "10 or 2:30": whichever, so the first of them.
        [first, others @ ..] if others.iter().all(|other| is_offered(other, offers)) => {
            Some(first.clock).filter(|_| is_offered(first, offers))
        }
        _ => return None,
    };
    if time.is_none() && !said.clocks.is_empty() {
        return None;
    }
    let on_day: Vec<NaiveDateTime> = match said.days {
        [] => offers.clone(),
        [one] => offers.iter().copied().filter(|offer| is_on(*offer, &one.day)).collect(),
        _ => return None,
    };
    let is_day = !said.days.is_empty();
    if let ([], [SaidDay { day: Day::Any, .. }]) = (said.clocks, said.days) {
        return Some(Pick::Any);
    }
    if on_day.is_empty() || (!is_day && time.is_none()) {
        return None;
    }
    let at: Vec<NaiveDateTime> = match time {
        None => {
            return on_day
                .first()
                .map(|offer| Pick::Day(offer.date()))
                .filter(|_| on_day.iter().any(|offer| is_wished(when, *offer)))
                .filter(|_| on_day.iter().all(|offer| offer.date() == on_day[0].date()));
        }
        Some(Clock::At(time)) => at(&on_day, time),
        // "The afternoon one", if there is one.
        Some(Clock::Part(..) | Clock::Opening | Clock::Closing) => {
            let within =
                |offer: &NaiveDateTime| when.windows.iter().any(|window| (window.from..window.until).contains(offer));
            let within: Vec<NaiveDateTime> = on_day.into_iter().filter(within).collect();
            let is_one = said.clocks.last().is_some_and(|clock| ONE.contains(&text(said, clock.words.end)));
            return match within.as_slice() {
                [one] => Some(Pick::DayAndTime(*one)),
                // "The morning one", and there are two.
                [_, _, ..] if is_one => Some(Pick::Unsure),
                _ => None,
            };
        }
        Some(_) => return None,
    };
    // "Not thursday" is no pick of thursday.
    let at: Vec<NaiveDateTime> = at.into_iter().filter(|offer| is_wished(when, *offer)).collect();
    match at.as_slice() {
        [] => None,
        [one] if is_day => Some(Pick::DayAndTime(*one)),
        [one, ..] => Some(Pick::Time(one.time())),
    }
}

fn is_offered(clock: &SaidClock, offers: &[NaiveDateTime]) -> bool {
    matches!(clock.clock, Clock::At(time) if !at(offers, time).is_empty())
}

/// Whether a place in the list goes with what else is said: "2, thursday at 10" may, "2 but on friday" may not.
pub(super) fn agrees(pick: Pick, asked: &Asked, when: &When) -> bool {
    let offer = match pick {
        Pick::Unsure | Pick::Time(_) | Pick::DayAndTime(_) => return true,
        Pick::Nth(nth) => asked.offers.get(nth),
        Pick::Earliest => asked.offers.iter().min(),
        Pick::Latest => asked.offers.iter().max(),
        _ => None,
    };
    offer.is_some_and(|offer| when.windows.iter().any(|window| (window.from..window.until).contains(offer)))
}

/// Whether there is a list to pick from.
pub(super) fn is_list(asked: &Asked) -> bool {
    !asked.offers.is_empty()
        || matches!(asked.about, AskedAbout::Pick | AskedAbout::WhichJob | AskedAbout::WhichAppointment)
}

fn is_wished(when: &When, offer: NaiveDateTime) -> bool {
    when.windows.iter().any(|window| (window.from..window.until).contains(&offer))
}

/// So long is the list at most.
fn list_len(asked: &Asked) -> usize {
    if asked.offers.is_empty() { MAX_NTH } else { asked.offers.len() }
}

fn text<'a>(said: &Said<'a>, at: usize) -> &'a str {
    said.words.get(at).map_or("", |word| word.text.as_str())
}

fn before<'a>(said: &Said<'a>, at: usize) -> &'a str {
    at.checked_sub(1).map_or("", |before| text(said, before))
}

/// A number by which one is picked. "2" is the second of the list, or the one at 2 o'clock: where both are among the
/// offers and are not the same one, nobody can know, and a person would ask. A day that is said ("2 on wednesday"), "at
/// 2", "2pm" and "number 2" leave one of the two. "1 or 3" leaves it to us, and "not 2" to a question.
fn by_number(said: &Said<'_>, at: usize) -> Option<Picked> {
    let place = number(text(said, at)).and_then(|number| usize::try_from(number).ok())?;
    let nth = place.checked_sub(1).filter(|nth| *nth < list_len(said.asked))?;
    let is_numbered = NUMBERED.contains(&before(said, at)) || (before(said, at) == "no" && text(said, at) != "one");
    let is_time = said.clocks.iter().any(|clock| clock.words.contains(&at) && !clock.is_bare);
    let is_digit = text(said, at).bytes().all(|byte| byte.is_ascii_digit());
    let clause = clause(said.words, at);
    let is_letters_alone = !is_digit && text(said, at) != "one" || clause.len() == 1;
    let is_alone = (is_digit || is_letters_alone) && is_alone(said, clause.clone(), at);
    let around = if is_alone { clause } else { at..at + 1 };
    let is_half =
        said.words.get(at + 1).is_some_and(|next| next.glued && matches!(next.text.as_str(), ":" | "/" | "%"));
    let is_excluded = matches!(before(said, at), "but" | "not" | "except");
    // "december 2".
    let is_named = |day: &SaidDay| day.words.clone().any(|word| word != at && !IS_AROUND.contains(text(said, word)));
    let is_date = said.days.iter().any(|day| day.words.contains(&at) && is_named(day));
    if !(is_numbered || is_alone) || is_time || is_half || is_date {
        return None;
    }
    let words = if is_numbered || is_excluded { at - 1 } else { at }..at + 1;
    if is_excluded {
        return Some(Picked { pick: Pick::Unsure, words, around });
    }
    // "1 or 3": whichever, so the first of them.
    let one_of = at.checked_sub(2).filter(|_| before(said, at) == "or");
    if let Some(first) = one_of.and_then(|first| by_number(said, first)) {
        return Some(Picked { words: first.words.start..words.end, ..first });
    }
    let is_on_day = |offer: &NaiveDateTime| said.days.iter().all(|day| is_on(*offer, &day.day));
    let is_place = said.asked.offers.get(nth).is_none_or(is_on_day);
    let is_hour = |offer: &NaiveDateTime| {
        usize::try_from(offer.hour() % 12) == Ok(place % 12) && offer.minute() == 0 && is_on_day(offer)
    };
    let is_hour_of_another = said.asked.offers.iter().enumerate().any(|(other, offer)| other != nth && is_hour(offer));
    match (is_place, is_hour_of_another && !is_numbered) {
        (true, true) => Some(Picked { pick: Pick::Unsure, words, around }),
        (false, true) => None,
        _ => Some(Picked { pick: Pick::Nth(nth), words, around }),
    }
}

/// "230" is the offer at 2:30.
fn by_digits(said: &Said<'_>, at: usize) -> Option<Picked> {
    let digits = text(said, at);
    let is_clock = said.clocks.iter().any(|clock| clock.words.contains(&at));
    let minutes = number(digits).filter(|_| digits.len() >= 3 && !is_clock && is_alone_at(said, at))?;
    let is_it = |offer: &&NaiveDateTime| minutes % 100 == offer.minute() && minutes / 100 % 12 == offer.hour() % 12;
    let offer = said.asked.offers.iter().find(is_it)?;
    Some(Picked { pick: Pick::Time(offer.time()), words: at..at + 1, around: clause(said.words, at) })
}

/// The words between two marks, or two words that join sentences.
fn clause(words: &[Word], at: usize) -> Range<usize> {
    let is_end = |word: &Word| word.ends_sentence() || matches!(word.text.as_str(), "but" | "," | "pero" | "if");
    let from = words[..at].iter().rposition(is_end).map_or(0, |end| end + 1);
    let until = words[at..].iter().position(is_end).map_or(words.len(), |end| at + end);
    from..until
}

/// Whether nothing is said around a number but that it is wanted.
pub(super) fn is_alone_at(said: &Said<'_>, at: usize) -> bool {
    is_alone(said, clause(said.words, at), at)
}

fn is_alone(said: &Said<'_>, clause: Range<usize>, number: usize) -> bool {
    let is_said = |at: usize| {
        said.days.iter().any(|day| day.words.contains(&at))
            || said.clocks.iter().any(|clock| !clock.is_bare && clock.words.contains(&at))
    };
    let is_number = |at: usize| self::number(text(said, at)).is_some();
    // "1 or 2", "not 2".
    let is_beside = |at: usize| match text(said, at) {
        "not" | "except" | "either" => at + 1 == number || is_number(at + 1),
        "or" => at > 0 && is_number(at - 1) && is_number(at + 1),
        _ => is_number(at) && (text(said, at + 1) == "or" || before(said, at) == "or"),
    };
    clause.into_iter().all(|at| at == number || is_said(at) || is_beside(at) || IS_AROUND.contains(text(said, at)))
}

/// "The first time", and nothing else.
fn is_alone_with_time(said: &Said<'_>, at: usize) -> bool {
    let is_said = |word: usize| {
        word == at
            || word == at + 1
            || IS_AROUND.contains(text(said, word)) && text(said, word) != "my"
            || said.days.iter().any(|day| day.words.contains(&word))
    };
    clause(said.words, at).into_iter().all(is_said)
}

fn by_ordinal(said: &Said<'_>, at: usize) -> Option<Picked> {
    let word = text(said, at);
    let place = ORDINALS.iter().position(|spellings| spellings.contains(&word));
    let is_the = matches!(before(said, at), "the" | "your" | "my" | "that");
    let is_one = ONE.contains(&text(said, at + 1)) || ONE.contains(&text(said, at + 2)) && at + 1 == said.words.len();
    let is_alone = is_alone(said, clause(said.words, at), at);
    // "My first time here", "the last time I paid", "friday at the latest".
    let is_no_place = text(said, at + 1) == "time" && !is_alone_with_time(said, at)
        || before(said, at) == "the" && at.checked_sub(1).is_some_and(|the| before(said, the) == "at");
    if is_no_place {
        return None;
    }
    let pick = match place {
        Some(nth) if nth < list_len(said.asked) && (is_alone || is_one) => Pick::Nth(nth),
        _ if EARLIEST.contains(&word)
            && ((is_the && (is_one || is_alone)) || (matches!(word, "earliest" | "soonest") && is_alone)) =>
        {
            Pick::Earliest
        }
        _ if LATEST.contains(&word)
            && (is_one || is_alone)
            && (is_the || matches!(word, "last" | "latest" | "latter")) =>
        {
            Pick::Latest
        }
        _ if word == "middle" && list_len(said.asked) == 3 && (is_alone || is_one) => Pick::Nth(1),
        _ => return None,
    };
    // "The later one on wednesday".
    let on_days = said.asked.offers.iter().copied().filter(|offer| said.days.iter().any(|day| is_on(*offer, &day.day)));
    let on_day = match pick {
        Pick::Earliest => on_days.min(),
        Pick::Latest => on_days.max(),
        _ => None,
    };
    let words = at..at + 1 + usize::from(is_one);
    let around = if is_alone { clause(said.words, at) } else { words.clone() };
    Some(Picked { pick: on_day.map_or(pick, Pick::DayAndTime), words, around })
}

fn is_on(offer: NaiveDateTime, day: &Day) -> bool {
    match day {
        Day::Weekdays { days, every: false } => days.contains(&offer.weekday()),
        Day::Stretch(from, until) => *until == from.succ_opt().unwrap_or(*from) && offer.date() == *from,
        Day::Weekdays { .. } | Day::Any => false,
    }
}

/// "10" is the offer at 10:00, or else the only one between 10 and 11.
fn at(offers: &[NaiveDateTime], time: Time) -> Vec<NaiveDateTime> {
    let minute = |time: NaiveTime| time.hour() * 60 + time.minute();
    let exact: Vec<NaiveDateTime> =
        offers.iter().copied().filter(|offer| halves(time).contains(&minute(offer.time()))).collect();
    if !exact.is_empty() || time.minute != 0 {
        return exact;
    }
    let in_hour =
        |offer: &NaiveDateTime| halves(time).iter().any(|half| (*half..*half + 60).contains(&minute(offer.time())));
    let within: Vec<NaiveDateTime> = offers.iter().copied().filter(in_hour).collect();
    if within.len() == 1 { within } else { Vec::new() }
}
