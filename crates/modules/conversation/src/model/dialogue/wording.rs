//! From acts to a text.

use nmc_catalog::Quote;
use nmc_kernel::Money;
use nmc_scheduling::Slot;

use super::{
    Act, Voice,
    act::Visit,
    facts::{self, Facts, plain},
    nudge::Open,
    thought::PARTS_MAX,
};
use nmc_providers::twilio::segments::Segments;

/// How long names are: the first with which the text is short enough counts.
pub(super) const NAME_CHARS: [usize; 4] = [60, 36, 24, 14];
/// Where the business is is told as it stands in the settings.
const ADDRESS_CHARS: usize = 200;

/// A template and what stands in its braces.
pub(super) struct Sentence {
    pub(super) key: &'static str,
    pub(super) values: Vec<(&'static str, Value)>,
}

/// A fact, or several in a row.
pub(super) enum Value {
    One(String),
    List(Vec<String>),
}

/// The text that says all this; empty where nothing is said.
pub(crate) fn word(acts: &[Act], voice: &Voice) -> String {
    let mut text = String::new();
    for name_chars in NAME_CHARS {
        let facts = Facts::new(voice, name_chars);
        let said: Vec<String> = acts.iter().map(|act| written(&facts, &sentence(&facts, act))).collect();
        text = said.join(" ");
        if Segments::of(&text).parts <= PARTS_MAX {
            break;
        }
    }
    text
}

fn written(facts: &Facts<'_>, sentence: &Sentence) -> String {
    let values: Vec<(&str, String)> = sentence.values.iter().map(|(key, value)| (*key, value.text())).collect();
    let values: Vec<(&str, &str)> = values.iter().map(|(key, value)| (*key, value.as_str())).collect();
    plain(&facts.texts.say(sentence.key, &values))
}

impl Value {
    fn text(&self) -> String {
        match self {
            Self::One(fact) => fact.clone(),
            Self::List(facts) => facts.join(", "),
        }
    }
}

/// What an act says, with its facts as they are written.
pub(super) fn sentence(facts: &Facts<'_>, act: &Act) -> Sentence {
    let moment = |slot: &Slot| ("moment", Value::One(facts.moment(slot.start)));
    let item = |quote: &Quote| ("item", Value::One(facts.name(&quote.name)));
    let price = |price: Money| ("price", Value::One(facts::price(price)));
    let visit = |visit: &Visit| ("visit", Value::One(facts.visit(visit)));
    let business = || ("business", Value::One(facts.business()));
    let hint = |key: &str| ("hint", Value::One(plain(&facts.texts.fact(key, &[]))));
    let jobs = |quotes: &[Quote]| numbered(quotes.iter().map(|quote| facts.name(&quote.name)));
    let slots = |slots: &[Slot]| numbered(slots.iter().map(|slot| facts.moment(slot.start)));
    let (key, values) = match act {
        Act::AskJob => ("ask-job", vec![]),
        Act::AskWhich(quotes) => match quotes.as_slice() {
            [only] => ("ask-which-one", vec![item(only)]),
            quotes => ("ask-which", vec![jobs(quotes)]),
        },
        Act::ListItems { quotes, are_all: true } => ("list-items", vec![jobs(quotes)]),
        Act::ListItems { quotes, are_all: false } => ("list-items-some", vec![jobs(quotes)]),
        Act::StatePrice(quote) => {
            let duration = ("duration", Value::One(facts.length(quote.duration)));
            ("state-price", vec![item(quote), duration, price(quote.price)])
        }
        Act::KeepPrice(Some(quote)) => ("keep-price", vec![price(quote.price)]),
        Act::KeepPrice(None) => ("keep-price-unknown", vec![]),
        Act::AskWhen => ("ask-when", vec![]),
        Act::Offer(offers) => match offers.as_slice() {
            [only] => ("offer-one", vec![moment(only)]),
            offers => ("offer", vec![slots(offers)]),
        },
        Act::AskPick(offers) => match offers.as_slice() {
            [only] => ("ask-pick-one", vec![moment(only)]),
            offers => ("ask-pick", vec![slots(offers)]),
        },
        Act::AskTime(offers) => {
            ("ask-time", vec![("list", Value::List(offers.iter().map(|slot| facts.moment(slot.start)).collect()))])
        }
        Act::NoneFree => ("none-free", vec![]),
        Act::SlotLost => ("slot-lost", vec![]),
        Act::AskName => ("ask-name", vec![]),
        Act::AskAddress => ("ask-address", vec![]),
        Act::AskConfirm { quote, slot, address } => {
            let mut values = vec![item(quote), moment(slot), price(quote.price), hint("confirm_hint")];
            values.extend(address.as_ref().map(|address| ("address", Value::One(facts.name(address)))));
            (if address.is_some() { "ask-confirm-at" } else { "ask-confirm" }, values)
        }
        Act::Booked { quote, slot } => ("booked", vec![item(quote), moment(slot), price(quote.price)]),
        Act::Moved { quote, slot } => ("moved", vec![item(quote), moment(slot)]),
        Act::Cancelled(one) => ("cancelled", vec![visit(one)]),
        Act::CancelConfirm(one) => ("cancel-confirm", vec![visit(one), hint("cancel_hint")]),
        Act::Kept(one) => ("kept", vec![visit(one)]),
        Act::WhichAppointment(visits) => {
            ("which-appointment", vec![numbered(visits.iter().map(|one| facts.visit(one)))])
        }
        Act::TellVisit(one) => ("tell-visit", vec![visit(one)]),
        Act::Confirmed(one) => ("confirmed", vec![visit(one)]),
        Act::Dropped => ("dropped", vec![]),
        Act::TellHours { hours, today } => ("tell-hours", vec![("hours", Value::One(facts.hours(hours, *today)))]),
        Act::TellPlace(address) => ("tell-place", vec![("address", Value::One(whole(address)))]),
        Act::TellWho => ("tell-who", vec![business()]),
        Act::TellItem(Some(quote)) => ("tell-item", vec![item(quote)]),
        Act::TellItem(None) => ("tell-item-not", vec![]),
        Act::PassedOn => ("passed-on", vec![business()]),
        Act::HandOver { calls: false } => ("hand-over", vec![business()]),
        Act::HandOver { calls: true } => ("hand-over-calls", vec![business()]),
        Act::TooLate(one) => ("too-late", vec![business(), visit(one)]),
        Act::Emergency => {
            let number = ("number", Value::One(facts.texts.fact("emergency_number", &[])));
            ("emergency", vec![business(), number])
        }
        Act::NotUnderstood => ("not-understood", vec![]),
        Act::Thanks => ("thanks", vec![]),
        Act::WrongNumber => ("wrong-number", vec![]),
        Act::NoPictures => ("no-pictures", vec![business()]),
        Act::Nudge(Open::Pick) => ("nudge-pick", vec![]),
        Act::Nudge(Open::Name) => ("nudge-name", vec![]),
        Act::Nudge(Open::Address) => ("nudge-address", vec![]),
        Act::Nudge(Open::Confirm) => ("nudge-confirm", vec![hint("confirm_hint")]),
        Act::Reminder { visit: one, introduces: false } => ("reminder", vec![business(), visit(one)]),
        Act::Reminder { visit: one, introduces: true } => {
            ("reminder-first", vec![business(), visit(one), hint("stop_hint")])
        }
    };
    Sentence { key, values }
}

fn numbered(facts: impl Iterator<Item = String>) -> (&'static str, Value) {
    ("list", Value::List(facts.zip(1..).map(|(fact, nth)| format!("{nth}) {fact}")).collect()))
}

fn whole(address: &str) -> String {
    plain(&address.chars().take(ADDRESS_CHARS).collect::<String>())
}
