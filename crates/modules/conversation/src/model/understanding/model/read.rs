//! A model's answer as sayings. Whatever it has that cannot be so is left out: times that are past, places in a list
//! that has fewer, words that the caller did not write, kinds that are not known.

use std::collections::HashSet;

use chrono::{Duration, NaiveDate, NaiveDateTime, NaiveTime};
use nmc_identity::Language;
use serde_json::Value;

use super::{
    super::{
        LocalWindow, MAX_WINDOWS, Pick, Question, Saying, When,
        shift::MINUTES_MAX,
        when::{soon, windows},
        words::words,
    },
    Inquiry, Interpretation,
};

/// Texts say less; a model that says more repeats itself.
const SAYINGS_MAX: usize = 20;
/// As long as an address may be.
const WORDS_CHARS: usize = 200;

/// Reads the answer to an inquiry; nothing where it is no interpretation. Around the JSON there may be other words, as
/// some models cannot help writing.
pub(crate) fn read(answer: &str, inquiry: &Inquiry) -> Option<Interpretation> {
    // What a model thinks aloud comes first.
    let said = answer.rsplit_once("</think>").map_or(answer, |(_, said)| said);
    let json = said.get(said.find('{')?..=said.rfind('}')?)?;
    let answer: Value = serde_json::from_str(json).ok()?;
    let written = Written::of(&inquiry.texts);
    let sayings = answer.get("sayings")?.as_array()?.iter().take(SAYINGS_MAX);
    let language = match answer.get("language").and_then(Value::as_str) {
        Some("en") => Some(Language::En),
        Some("es") => Some(Language::Es),
        _ => None,
    };
    Some(Interpretation { sayings: sayings.filter_map(|said| saying(said, inquiry, &written)).collect(), language })
}

fn saying(said: &Value, inquiry: &Inquiry, written: &Written) -> Option<Saying> {
    let words = || said.get("words").and_then(Value::as_str).map(str::trim).filter(is_short);
    let number = || said.get("number").and_then(Value::as_u64);
    Some(match said.get("kind")?.as_str()? {
        "emergency" => Saying::Emergency,
        "person" => Saying::Person,
        "call-me" => Saying::CallMe,
        "angry" => Saying::Angry,
        "wrong-number" => Saying::WrongNumber,
        "cancel" => Saying::Cancel,
        "reschedule" => Saying::Reschedule,
        "job" => Saying::Job(written.words(words()?).filter(|words| !words.is_empty())?),
        "service" => Saying::Job(inquiry.service(number()?)?.to_owned()),
        "when" => Saying::When(when(said, inquiry.now)?),
        "pick" => {
            let nth = usize::try_from(number()?).ok()?.checked_sub(1)?;
            Saying::Pick(Pick::Nth(Some(nth).filter(|nth| *nth < inquiry.numbers())?))
        }
        "pick-time" => Saying::Pick(pick_time(said, &inquiry.asked().offers)?),
        "pick-first" => Saying::Pick(Pick::Earliest),
        "pick-last" => Saying::Pick(Pick::Latest),
        "pick-any" => Saying::Pick(Pick::Any),
        "pick-unsure" => Saying::Pick(Pick::Unsure),
        "neither" => Saying::Neither { later: is_true(said, "later"), earlier: is_true(said, "earlier") },
        "price" => Saying::Ask(Question::Price),
        "discount" => Saying::Ask(Question::Discount),
        "hours" => Saying::Ask(Question::Hours),
        "place" => Saying::Ask(Question::Place),
        "how-long" => Saying::Ask(Question::HowLong),
        "who" => Saying::Ask(Question::Who),
        "other" => Saying::Ask(Question::Other),
        "do-you-do" => Saying::Ask(Question::DoYouDo(written.words(words()?)?)),
        "yes" => Saying::Yes,
        "no" => Saying::No,
        "never-mind" => Saying::NeverMind,
        "later" => Saying::Later,
        "shift" => Saying::Shift(shift(said)?),
        "same-time" => Saying::SameTime,
        "name" => Saying::Name(written.as_it_stands(words()?)?),
        "address" => Saying::Address(written.as_it_stands(words()?)?),
        "thanks" => Saying::Thanks,
        "greeting" => Saying::Greeting,
        // Whoever hears nothing leaves the texts to the other reading.
        _ => return None,
    })
}

fn is_short(words: &&str) -> bool {
    words.chars().count() <= WORDS_CHARS
}

/// Within the days that can be booked.
fn shift(said: &Value) -> Option<i32> {
    let minutes = said.get("minutes").and_then(Value::as_i64).and_then(|minutes| i32::try_from(minutes).ok());
    minutes.filter(|minutes| (1..=MINUTES_MAX).contains(&minutes.abs()))
}

fn is_true(said: &Value, key: &str) -> bool {
    said.get(key).and_then(Value::as_bool) == Some(true)
}

/// A wish that was said for times that cannot be is none; one without any time is for a time that cannot be.
fn when(said: &Value, now: NaiveDateTime) -> Option<When> {
    let asap = is_true(said, "asap");
    let given = said.get("windows")?.as_array()?;
    let moment = |window: &Value, key: &str| window.get(key).and_then(Value::as_str).and_then(moment);
    let wished: Vec<LocalWindow> = given
        .iter()
        .take(MAX_WINDOWS)
        .filter_map(|window| Some(LocalWindow { from: moment(window, "from")?, until: moment(window, "until")? }))
        .collect();
    let windows = windows(&wished, now);
    match (given.is_empty(), windows.is_empty(), asap) {
        (true, _, true) => Some(When { windows: vec![soon(now)], asap }),
        (false, true, _) => None,
        _ => Some(When { windows, asap }),
    }
}

/// A local time; one with a zone is none.
fn moment(text: &str) -> Option<NaiveDateTime> {
    if let Some(day) = text.strip_suffix("T24:00").or_else(|| text.strip_suffix("T24:00:00")) {
        return NaiveDate::parse_from_str(day, "%Y-%m-%d")
            .ok()?
            .and_time(NaiveTime::MIN)
            .checked_add_signed(Duration::days(1));
    }
    // As the deterministic reading's are written, then shorter ones.
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"];
    forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
}

/// An offer by its day or time; nothing where none of them is meant.
fn pick_time(said: &Value, offers: &[NaiveDateTime]) -> Option<Pick> {
    let text = |key: &str| said.get(key).and_then(Value::as_str);
    let day = text("day").and_then(|day| NaiveDate::parse_from_str(day, "%Y-%m-%d").ok());
    let time = text("time")
        .and_then(|time| ["%H:%M", "%H:%M:%S"].iter().find_map(|form| NaiveTime::parse_from_str(time, form).ok()));
    let is_offered = |offer: &NaiveDateTime| {
        day.is_none_or(|day| day == offer.date()) && time.is_none_or(|time| time == offer.time())
    };
    if !offers.iter().any(is_offered) {
        return None;
    }
    match (day, time) {
        (Some(day), Some(time)) => Some(Pick::DayAndTime(day.and_time(time))),
        (Some(day), None) => Some(Pick::Day(day)),
        (None, Some(time)) => Some(Pick::Time(time)),
        (None, None) => None,
    }
}

/// What the caller wrote.
struct Written {
    /// Between single spaces, in lower case.
    text: String,
    /// The words as they are compared.
    words: HashSet<String>,
}

impl Written {
    fn of(texts: &[String]) -> Self {
        let text = texts.join("\n");
        Self { words: words(&text).into_iter().map(|word| word.text).collect(), text: plain(&text) }
    }

    /// A piece of what was written.
    fn as_it_stands(&self, piece: &str) -> Option<String> {
        (!piece.is_empty() && self.text.contains(&plain(piece))).then(|| piece.to_owned())
    }

    /// Words that were written, be it with others between them, as they are compared.
    fn words(&self, piece: &str) -> Option<String> {
        let are_written = |words: &[String]| words.iter().all(|word| self.words.contains(word));
        let as_said: Vec<String> = piece.split_whitespace().map(str::to_owned).collect();
        let compared = || words(piece).into_iter().filter(|word| !word.is_mark()).map(|word| word.text).collect();
        let words = if are_written(&as_said) { as_said } else { compared() };
        are_written(&words).then(|| words.join(" "))
    }
}

fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}
