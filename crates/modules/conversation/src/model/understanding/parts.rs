//! What stands around days and times of day: "not", "any day but", "from .. on", "monday to friday", "since".

use std::ops::Range;

use super::{
    clock::{Clock, SaidClock},
    days::{Day, SaidDay, weekday},
    words::Word,
};

/// So far back a "not" or a "since" reaches.
const REACH_WORDS: usize = 4;
/// So far ahead stands what "after that" is about.
const THEN_WORDS: usize = 6;
/// Words without a sense of their own between a "not" and what it is about.
const FILLERS: [&str; 22] = [
    "the", "on", "a", "this", "any", "do", "make", "in", "at", "next", "really", "very", "good", "be", "come", "for",
    "am", "im", "going", "to", "that", "all",
];
const NOT: [&str; 18] = [
    "not",
    "no",
    "except",
    "besides",
    "excluding",
    "cannot",
    "wont",
    "dont",
    "never",
    "busy",
    "unavailable",
    "booked",
    "away",
    "gone",
    "minus",
    "nor",
    "isnt",
    "avoid",
];
const NOT_BEHIND: [&str; 9] = ["doesnt", "wont", "dont", "isnt", "arent", "cannot", "not", "wouldnt", "didnt"];
const PAST: [&str; 17] = [
    "since", "started", "began", "happened", "was", "were", "broke", "died", "stopped", "went", "last", "had", "came",
    "noticed", "been", "until", "ran",
];
/// What has been done, unless somebody wishes it done: "need it fixed by friday".
const DONE: [&str; 6] = ["called", "got", "paid", "did", "fixed", "installed"];
const AT_WORK: [&str; 16] = [
    "work", "working", "busy", "gone", "out", "away", "meeting", "meetings", "school", "asleep", "not", "wont", "tied",
    "cannot", "dont", "town",
];
/// Between the two ends of a stretch of days.
const TO: [&str; 6] = ["to", "through", "thru", "-", "until", "and"];

/// One thing said of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Day(Day, Bound),
    /// From the first until the last.
    Days(Day, Day),
    Clock(Clock),
}

/// What of a day is meant: it, or what is on one side of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    On,
    From,
    After,
    Before,
    Until,
}

/// Something said of time, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) said: Said,
    /// Its words, by their place in the text.
    pub(super) words: Range<usize>,
    /// It is what does not suit.
    pub(super) is_negated: bool,
}

/// What is said of days and times of day that are wished or not wished; those of what has happened are left out.
pub(super) fn parts(words: &[Word], clocks: &[SaidClock], days: &[SaidDay]) -> Vec<Part> {
    let is_of_clock = |at: usize| clocks.iter().any(|said| said.words.contains(&at));
    let of_days = days.iter().map(|said| {
        // "4 or after on thursday" is after 4.
        let is_bound = !said.words.start.checked_sub(2).is_some_and(|at| is_of_clock(at) || is_of_clock(at + 1));
        let bound = if is_bound { bound(words, &said.words) } else { Bound::On };
        (said.words.clone(), Said::Day(said.day.clone(), bound))
    });
    let of_clocks = clocks.iter().map(|said| (said.words.clone(), Said::Clock(clock(words, said))));
    let mut said: Vec<(Range<usize>, Said)> = of_clocks.chain(of_days).collect();
    said.sort_by_key(|(words, _)| words.start);
    let starts: Vec<usize> = said.iter().map(|(words, _)| words.start).collect();
    let mut parts: Vec<Part> = Vec::new();
    for (at, said) in said {
        if is_past(words, at.start) {
            continue;
        }
        let before = parts.last().map_or(0..0, |part| part.words.end..at.start);
        if let Some(stretch) = parts.last().and_then(|last| stretch(words, last, &said, at.start)) {
            if let Some(last) = parts.last_mut() {
                last.said = stretch;
                last.words.end = at.end;
            }
            continue;
        }
        let is_behind_negated = parts.last().is_some_and(|part| part.is_negated) && is_joined(words, before);
        // "Not friday morning", and "any day but friday after 2".
        let may_follow = !matches!(said, Said::Clock(Clock::From(_) | Clock::Until(_) | Clock::Around(_)));
        let is_next = starts.contains(&at.end);
        // "No, 2:30" wants it, "no mornings" does not.
        let is_corrected = matches!(said, Said::Clock(Clock::At(_))) && is_first_no(words, at.start);
        let is_turned = (matches!(said, Said::Clock(_)) && is_limit(words, at.start)) || is_corrected;
        let is_negated = !is_turned
            && (is_negated(words, &at, is_next, &starts)
                || (is_behind_negated && may_follow && !is_affirmed(words, at.end)));
        let said = match said {
            // No friday will do.
            Said::Day(Day::Weekdays { days, .. }, bound) if is_negated => {
                Said::Day(Day::Weekdays { days, every: true }, bound)
            }
            said => said,
        };
        parts.push(Part { said, words: at, is_negated });
    }
    parts
}

/// The words in front of a place in the same sentence, the last first.
fn before(words: &[Word], at: usize) -> impl Iterator<Item = &str> {
    words[..at].iter().rev().take_while(|word| !word.ends_sentence()).map(|word| word.text.as_str())
}

fn text(words: &[Word], at: usize) -> &str {
    words.get(at).map_or("", |word| word.text.as_str())
}

/// "Busy until 3" is from 3 on, "cannot do before 3" too; "I get off at 4, after that" is from 4 on.
fn clock(words: &[Word], said: &SaidClock) -> Clock {
    let at = said.words.start;
    let is_busy = || before(words, at).take(REACH_WORDS).any(|word| AT_WORK.contains(&word));
    match (said.clock, text(words, at), then(words, said.words.end)) {
        (Clock::At(time), _, Some("after")) => Clock::From(time),
        (Clock::At(time) | Clock::From(time), _, Some("before")) => Clock::Until(time),
        (Clock::Until(time), "until", _) if is_busy() => Clock::From(time),
        (Clock::Until(time), "before", _) if is_limit(words, at) => Clock::From(time),
        (Clock::From(time), "after" | "past", _) if is_limit(words, at) => Clock::Until(time),
        (clock, ..) => clock,
    }
}

/// "After that", "before that", said of what stands in front of it.
fn then(words: &[Word], from: usize) -> Option<&str> {
    let sentence = words.get(from..)?.iter().take_while(|word| !word.ends_sentence()).take(THEN_WORDS);
    let sentence: Vec<&str> = sentence.map(|word| word.text.as_str()).collect();
    let then = sentence.windows(2).find(|pair| matches!(pair, ["after" | "before", "that" | "then"]))?;
    Some(then[0])
}

fn is_first_no(words: &[Word], at: usize) -> bool {
    before(words, at).filter(|word| !matches!(*word, "," | "at")).eq(["no"])
}

/// "I cannot do [before 3]", and not "I cannot do tomorrow, [after 3 ..]".
fn is_limit(words: &[Word], at: usize) -> bool {
    matches!(text(words, at), "before" | "after" | "past")
        && before(words, at)
            .take(REACH_WORDS)
            .take_while(|word| !matches!(*word, "," | "but" | "so" | "and" | "or" | "tomorrow" | "today"))
            .take_while(|word| weekday(word).is_none())
            .any(|word| matches!(word, "cannot" | "wont" | "not" | "nothing" | "dont"))
}

fn bound(words: &[Word], at: &Range<usize>) -> Bound {
    let mut before =
        before(words, at.start).skip_while(|word| matches!(*word, "the" | "on" | "this" | "like" | "next"));
    let (last, second, third) = (before.next().unwrap_or(""), before.next().unwrap_or(""), before.next().unwrap_or(""));
    let is_not = matches!(second, "not" | "no" | "wont" | "cannot" | "nothing");
    let is_away = || self::before(words, at.start).take(REACH_WORDS + 1).any(|word| AT_WORK.contains(&word));
    if let Some(then) = then(words, at.end) {
        return if then == "after" { Bound::After } else { Bound::Before };
    }
    match (last, text(words, at.end), text(words, at.end + 1)) {
        ("after", ..) if second == "or" && third == "on" => Bound::From,
        ("until", ..) if is_away() => Bound::From,
        ("before" | "until", ..) if is_not => Bound::From,
        ("than", ..) if second == "earlier" => Bound::From,
        ("than", ..) if second == "later" => Bound::Until,
        ("after", ..) if is_not => Bound::Until,
        ("after" | "past", ..) => Bound::After,
        ("before", ..) => Bound::Before,
        ("from" | "starting" | "beginning", ..)
        | (_, "or" | "and", "later" | "after" | "onwards" | "onward" | "beyond" | "on")
        | (_, "onwards" | "onward", _) => Bound::From,
        // "Come by friday" is on friday.
        ("by", ..) if matches!(second, "come" | "stop" | "swing" | "drop") => Bound::On,
        ("by" | "until", ..) | (_, "or", "earlier" | "sooner" | "before") => Bound::Until,
        _ => Bound::On,
    }
}

/// "Monday to friday": two days and one word between them.
fn stretch(words: &[Word], last: &Part, said: &Said, start: usize) -> Option<Said> {
    let (Said::Day(first, bound), Said::Day(second, _)) = (&last.said, said) else { return None };
    let between = words.get(last.words.end..start)?;
    let [to] = between else { return None };
    let is_between = before(words, last.words.start).next() == Some("between");
    let is_to =
        TO.contains(&to.text.as_str()) && (to.text != "and" || is_between) && matches!(bound, Bound::On | Bound::From);
    is_to.then(|| Said::Days(first.clone(), second.clone()))
}

/// "It has been leaking since monday."
fn is_past(words: &[Word], at: usize) -> bool {
    let mut reach = before(words, at).take(REACH_WORDS);
    let is_wish = |word: &&str| {
        matches!(
            *word,
            "can"
                | "could"
                | "come"
                | "need"
                | "want"
                | "please"
                | "available"
                | "free"
                | "book"
                | "work"
                | "working"
                | "busy"
                | "not"
                | "if"
                | "any"
                | "anything"
                | "something"
        )
    };
    let is_wished = before(words, at)
        .any(|word| matches!(word, "need" | "needs" | "want" | "get" | "have" | "like" | "please" | "can" | "could"));
    reach
        .by_ref()
        .take_while(|word| !is_wish(word))
        .any(|word| (PAST.contains(&word) && word != "until") || (DONE.contains(&word) && !is_wished))
        || text(words, at + 1) == "ago"
}

fn is_negated(words: &[Word], at: &Range<usize>, is_next_said: bool, starts: &[usize]) -> bool {
    let mut reach = before(words, at.start).skip_while(|word| FILLERS.contains(word)).take(REACH_WORDS);
    let is_but = |word: &str| {
        word == "but"
            && before(words, at.start).any(|word| {
                matches!(word, "any" | "anything" | "anytime" | "every" | "all" | "everyday" | "anyday" | "whenever")
            })
    };
    let is_instead_of = before(words, at.start).take(2).eq(["of", "instead"]);
    let is_not_before = is_instead_of
        || reach.next().is_some_and(|word| {
            NOT.contains(&word)
                || is_but(word)
                || (word == "than" && before(words, at.start).any(|word| word == "other"))
        });
    let (next, second) = (text(words, at.end), text(words, at.end + 1));
    // "Tomorrow not in the morning": it is the morning that does not suit.
    let is_of_next = matches!(next, "not" | "except")
        && (at.end + 1..words.len())
            .find(|at| !FILLERS.contains(&text(words, *at)))
            .is_some_and(|at| starts.contains(&at));
    let is_not_behind = (NOT_BEHIND.contains(&next) && !is_of_next)
        || (matches!(next, "is" | "are" | "does" | "will" | "do")
            && matches!(second, "no" | "not" | "out" | "bad" | "busy" | "booked" | "off"));
    is_not_before || (is_not_behind && !is_next_said)
}

/// Nothing but "or", "and" or a comma, or nothing at all, stands between.
fn is_joined(words: &[Word], between: Range<usize>) -> bool {
    words
        .get(between)
        .is_some_and(|between| between.iter().all(|word| matches!(word.text.as_str(), "or" | "and" | "nor" | ",")))
}

fn is_affirmed(words: &[Word], at: usize) -> bool {
    matches!(text(words, at), "works" | "is" | "are" | "would" | "ok" | "good" | "fine" | "instead" | "please")
}
