//! Sayings as a model writes them.

use serde_json::{Value, json};

use super::super::{Pick, Question, Saying, Understood};

/// What was understood, as the answer of a model that hears just that. A picture is no saying of a text.
pub(super) fn write(understood: &Understood) -> Value {
    let sayings: Vec<Value> = understood.sayings.iter().filter_map(saying).collect();
    json!({ "sayings": sayings, "language": understood.language })
}

fn saying(saying: &Saying) -> Option<Value> {
    let plain = |kind: &str| json!({ "kind": kind });
    let with_words = |kind: &str, words: &str| json!({ "kind": kind, "words": words });
    Some(match saying {
        Saying::Emergency => plain("emergency"),
        Saying::Person => plain("person"),
        Saying::CallMe => plain("call-me"),
        Saying::Angry => plain("angry"),
        Saying::WrongNumber => plain("wrong-number"),
        Saying::Cancel => plain("cancel"),
        Saying::Reschedule => plain("reschedule"),
        Saying::Job(words) => with_words("job", words),
        Saying::When(when) => json!({ "kind": "when", "windows": when.windows, "asap": when.asap }),
        Saying::Pick(pick) => self::pick(*pick),
        Saying::Neither { later, earlier } => json!({ "kind": "neither", "later": later, "earlier": earlier }),
        Saying::Ask(Question::Price) => plain("price"),
        Saying::Ask(Question::Discount) => plain("discount"),
        Saying::Ask(Question::Hours) => plain("hours"),
        Saying::Ask(Question::Place) => plain("place"),
        Saying::Ask(Question::HowLong) => plain("how-long"),
        Saying::Ask(Question::Who) => plain("who"),
        Saying::Ask(Question::Other) => plain("other"),
        Saying::Ask(Question::DoYouDo(words)) => with_words("do-you-do", words),
        Saying::Yes => plain("yes"),
        Saying::No => plain("no"),
        Saying::NeverMind => plain("never-mind"),
        Saying::Later => plain("later"),
        Saying::Shift(minutes) => json!({ "kind": "shift", "minutes": minutes }),
        Saying::SameTime => plain("same-time"),
        Saying::Name(words) => with_words("name", words),
        Saying::Address(words) => with_words("address", words),
        Saying::Thanks => plain("thanks"),
        Saying::Greeting => plain("greeting"),
        Saying::Unclear => plain("unclear"),
        Saying::Picture => return None,
    })
}

fn pick(pick: Pick) -> Value {
    let at_time = |day: Option<String>, time: Option<String>| json!({ "kind": "pick-time", "day": day, "time": time });
    let day = |day: chrono::NaiveDate| Some(day.format("%Y-%m-%d").to_string());
    let time = |time: chrono::NaiveTime| Some(time.format("%H:%M").to_string());
    match pick {
        Pick::Nth(nth) => json!({ "kind": "pick", "number": nth + 1 }),
        Pick::Time(at) => at_time(None, time(at)),
        Pick::Day(at) => at_time(day(at), None),
        Pick::DayAndTime(at) => at_time(day(at.date()), time(at.time())),
        Pick::Earliest => json!({ "kind": "pick-first" }),
        Pick::Latest => json!({ "kind": "pick-last" }),
        Pick::Any => json!({ "kind": "pick-any" }),
        Pick::Unsure => json!({ "kind": "pick-unsure" }),
    }
}
