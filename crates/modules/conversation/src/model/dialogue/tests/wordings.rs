//! The words of each language against what the code fills in, and what is checked of a text.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, NaiveDate, NaiveTime, Utc};
use nmc_catalog::Quote;
use nmc_identity::{Language, OpenWindow, OpeningHours};
use nmc_kernel::{Currency, Minutes, Money};
use nmc_providers::twilio::segments::{Encoding, Segments};
use nmc_scheduling::Slot;
use proptest::prelude::*;
use uuid::Uuid;

use super::super::{
    Act, Voice,
    act::Visit,
    check,
    check::Unfounded,
    facts::{Facts, plain},
    nudge::Open,
    texts::texts,
    word,
    wording::sentence,
};

const LANGUAGES: [Language; 2] = [Language::En, Language::Es];

pub(super) fn voice(language: Language) -> Voice {
    Voice { language, zone: chrono_tz::America::New_York, business: "Example Plumbing".to_owned() }
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn quote(name: &str, minutes: i32, cents: i64) -> Quote {
    Quote {
        service_item_id: Uuid::from_u128(1).into(),
        name: name.to_owned(),
        duration: Minutes::new(minutes).unwrap(),
        price: Money::new(cents, Currency::Usd).unwrap(),
    }
}

fn slot(start: &str) -> Slot {
    Slot { resource_id: Uuid::nil().into(), start: at(start), end: at(start) + Duration::minutes(60) }
}

fn hours() -> OpeningHours {
    let open = |from: u32, until: u32| {
        let at = |hour| NaiveTime::from_hms_opt(hour, 30, 0).unwrap();
        OpenWindow { opens: at(from), closes: at(until) }
    };
    let day = vec![open(8, 12), open(13, 17)];
    OpeningHours { monday: day.clone(), tuesday: day, saturday: vec![open(9, 12)], ..OpeningHours::default() }
}

/// One of each, also of those whose words depend on what they say.
fn every_act() -> Vec<Act> {
    let leak = || quote("Leak repair", 60, 14_900);
    let drain = || quote("Drain cleaning", 95, 135_050);
    let (wednesday, thursday) = (slot("2026-03-11T19:00:00Z"), slot("2026-03-12T13:30:00Z"));
    let visit = || Visit { job: Some("Leak repair".to_owned()), start: wednesday.start };
    let address = Some("5 Elm St".to_owned());
    vec![
        Act::AskJob,
        Act::AskWhich(vec![leak(), drain()]),
        Act::AskWhich(vec![leak()]),
        Act::ListItems { quotes: vec![leak(), drain()], are_all: true },
        Act::ListItems { quotes: vec![leak(), drain()], are_all: false },
        Act::StatePrice(drain()),
        Act::KeepPrice(Some(leak())),
        Act::KeepPrice(None),
        Act::AskWhen,
        Act::Offer(vec![wednesday, thursday]),
        Act::Offer(vec![wednesday]),
        Act::AskPick(vec![wednesday, thursday]),
        Act::AskPick(vec![wednesday]),
        Act::AskTime(vec![wednesday, thursday]),
        Act::NoneFree,
        Act::SlotLost,
        Act::AskName,
        Act::AskAddress,
        Act::AskConfirm { quote: leak(), slot: wednesday, address },
        Act::AskConfirm { quote: leak(), slot: wednesday, address: None },
        Act::Booked { quote: leak(), slot: wednesday },
        Act::Moved { quote: leak(), slot: thursday },
        Act::Cancelled(visit()),
        Act::CancelConfirm(visit()),
        Act::Kept(Visit { job: None, start: thursday.start }),
        Act::WhichAppointment(vec![visit(), Visit { job: None, start: thursday.start }]),
        Act::TellVisit(visit()),
        Act::Confirmed(visit()),
        Act::Dropped,
        Act::TellHours { hours: hours(), today: NaiveDate::from_ymd_opt(2026, 3, 10).unwrap() },
        Act::TellPlace("100 Example Street, Sampletown".to_owned()),
        Act::TellWho,
        Act::TellItem(Some(leak())),
        Act::TellItem(None),
        Act::PassedOn,
        Act::HandOver { calls: false },
        Act::HandOver { calls: true },
        Act::TooLate(visit()),
        Act::Emergency,
        Act::NotUnderstood,
        Act::Thanks,
        Act::WrongNumber,
        Act::NoPictures,
        Act::Nudge(Open::Pick),
        Act::Nudge(Open::Name),
        Act::Nudge(Open::Address),
        Act::Nudge(Open::Confirm),
        Act::Reminder { visit: visit(), introduces: false },
        Act::Reminder { visit: visit(), introduces: true },
    ]
}

fn braces(template: &str) -> BTreeSet<&str> {
    template.split('{').skip(1).map(|rest| rest.split_once('}').unwrap().0).collect()
}

#[test]
fn every_act_has_its_words_in_every_language_and_there_are_no_others() {
    for language in LANGUAGES {
        let voice = voice(language);
        let facts = Facts::new(&voice, 60);
        let mut filled: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for act in every_act() {
            let sentence = sentence(&facts, &act);
            filled.entry(sentence.key).or_default().extend(sentence.values.iter().map(|(key, _)| *key));
        }
        let written = texts(language).say.iter().map(|(key, template)| (key.as_str(), braces(template))).collect();
        assert_eq!(filled, written, "{language:?}");
    }
}

#[test]
fn facts_are_written_alike_in_every_language() {
    let keys = |language| {
        let facts = &texts(language).facts;
        facts.iter().map(|(key, template)| (key.as_str(), braces(template))).collect::<Vec<_>>()
    };
    assert_eq!(keys(Language::En), keys(Language::Es));
    for language in LANGUAGES {
        let texts = texts(language);
        assert_eq!((texts.weekdays.len(), texts.short_weekdays.len(), texts.months.len()), (7, 7, 12));
        assert!(texts.claims.len() > 20);
    }
}

#[test]
fn no_template_claims_anything_by_itself_or_asks_for_what_the_provider_takes_for_something_else() {
    for language in LANGUAGES {
        for (key, template) in &texts(language).say {
            let bare = braces(template)
                .iter()
                .fold(template.clone(), |text, brace| text.replace(&format!("{{{brace}}}"), "#"));
            let bare = bare.replace('#', "it");
            assert_eq!(check(&bare, &[], &voice(language)), Ok(()), "{key}");
            let lower = bare.to_lowercase();
            for invited in ["yes", "stop", "cancel", "help", "start", "end", "quit", "sí", "info", "alto"] {
                let words: Vec<&str> = lower.split(|c: char| !c.is_alphabetic()).collect();
                assert!(!words.contains(&invited) || key == "tell-item", "{key}: {invited}");
            }
        }
    }
}

#[test]
fn texts_as_they_go_out() {
    let [leak, drain] = [quote("Leak repair", 60, 14_900), quote("Drain cleaning", 95, 135_050)];
    let (wednesday, thursday) = (slot("2026-03-11T19:00:00Z"), slot("2026-03-12T13:30:00Z"));
    let cases: [(&[Act], &str, &str); 5] = [
        (
            &[Act::StatePrice(drain), Act::AskWhen],
            "Drain cleaning takes about 1 hour 35 minutes and costs $1,350.50. What day and time would suit you?",
            "Drain cleaning dura aproximadamente 1 hora 35 minutos y cuesta $1,350.50. ¿Qué dia y en qué horario le conviene?",
        ),
        (
            &[Act::Offer(vec![wednesday, thursday])],
            "I can offer 1) Wednesday, March 11 at 3:00 PM, 2) Thursday, March 12 at 9:30 AM. Which one suits you?",
            "Puedo ofrecerle 1) miércoles 11 de marzo, 3:00 PM, 2) jueves 12 de marzo, 9:30 AM. ¿Cual le conviene?",
        ),
        (
            &[Act::AskConfirm { quote: leak, slot: wednesday, address: Some("5 Elm St".to_owned()) }],
            "Leak repair on Wednesday, March 11 at 3:00 PM for $149, at 5 Elm St. Reply 1 to book it, 2 for another time.",
            "Leak repair, miércoles 11 de marzo, 3:00 PM, por $149, en 5 Elm St. Responda 1 para reservar, 2 para otra hora.",
        ),
        (
            &[Act::TellHours { hours: hours(), today: NaiveDate::from_ymd_opt(2026, 3, 10).unwrap() }],
            "Opening times: Mon-Tue 8:30 AM-12:30 PM + 1:30 PM-5:30 PM, Wed-Fri closed, Sat 9:30 AM-12:30 PM, Sun closed.",
            "Nuestro horario: lun-mar 8:30 AM-12:30 PM + 1:30 PM-5:30 PM, mié-vie cerrado, sab 9:30 AM-12:30 PM, dom cerrado.",
        ),
        (
            &[Act::Emergency],
            "This sounds urgent: I am alerting Example Plumbing right now. If anyone is in danger, call 911.",
            "Parece urgente: estoy avisando a Example Plumbing ahora mismo. Si hay peligro, llame al 911.",
        ),
    ];
    for (acts, english, spanish) in cases {
        for (language, expected) in [(Language::En, english), (Language::Es, spanish)] {
            let text = word(acts, &voice(language));
            assert_eq!(text, expected);
            assert_eq!(check(&text, acts, &voice(language)), Ok(()));
            assert_eq!(Segments::of(&text).encoding, Encoding::Gsm7, "{text}");
        }
    }
}

#[test]
fn what_a_text_says_beyond_its_facts_is_found() {
    let acts = [Act::StatePrice(quote("Leak repair", 60, 14_900)), Act::Offer(vec![slot("2026-03-11T19:00:00Z")])];
    let check = |text: &str| check(text, &acts, &voice(Language::En));
    let good = "A Leak repair is $149 and takes 1 hour. How about Wednesday, March 11 at 3:00 PM?";
    assert_eq!(check(good), Ok(()));
    assert_eq!(check(" "), Err(Unfounded::Nothing));
    for (from, to) in [
        ("$149", "$14"),
        ("$149", "$1490"),
        ("$149", "$149.50"),
        ("$149", "$149,000"),
        ("$149", "-$149-5"),
        ("$149", "149 euros"),
        ("1 hour", "1 hour 30"),
        ("1 hour", "11 hours"),
        ("3:00 PM", "3:00 AM"),
        ("3:00 PM", "3:30 PM"),
        ("Wednesday, March 11", "Wednesday, March 12"),
        ("Wednesday, March 11", "Thursday, March 11"),
        ("?", "? 10% off."),
    ] {
        assert_eq!(check(&good.replace(from, to)), Err(Unfounded::Figure), "{from} -> {to}");
    }
    for (more, word) in
        [("See you Friday!", "friday"), ("It is free.", "free"), ("Only fifty!", "fifty"), ("Tomorrow?", "tomorrow")]
    {
        assert_eq!(check(&format!("{good} {more}")), Err(Unfounded::Word(word.to_owned())));
    }
    for link in ["Pay at pay.example.com", "http://example", "www example", "me@example"] {
        assert_eq!(check(&format!("{good} {link}")), Err(Unfounded::Link), "{link}");
    }
}

#[test]
fn names_are_cut_before_a_text_has_three_parts_and_odd_letters_are_written_plainly() {
    let long = |nth: u32| quote(&format!("Ünüsual jøb {nth} {}", "with a very long name ".repeat(3)), 60, 14_900);
    let acts = [Act::ListItems { quotes: (1..=8).map(long).collect(), are_all: false }];
    let text = word(&acts, &voice(Language::En));
    assert_eq!(check(&text, &acts, &voice(Language::En)), Ok(()));
    let Segments { encoding, parts, .. } = Segments::of(&text);
    assert_eq!((encoding, parts), (Encoding::Gsm7, 2), "{text}");
    assert_eq!(plain("Zoë’s Café \u{1f527} — Łódź"), "Zoe's Café  - Lodz");
    assert_eq!(plain("修理"), "修理");
}

proptest! {
    #[test]
    fn no_changed_figure_day_or_half_of_the_day_passes(nth in 0..every_act().len(), at in 0_usize..400, to in 0_u8..10, language in 0_usize..2) {
        let acts = [every_act().swap_remove(nth)];
        let voice = voice(LANGUAGES[language]);
        let text = word(&acts, &voice);
        prop_assert_eq!(check(&text, &acts, &voice), Ok(()));
        let digits: Vec<usize> = text.match_indices(|c: char| c.is_ascii_digit()).map(|(at, _)| at).collect();
        if let Some(digit) = digits.get(at % digits.len().max(1)) {
            let mut changed = text.clone();
            changed.replace_range(digit..&(digit + 1), &to.to_string());
            prop_assert!(changed == text || check(&changed, &acts, &voice).is_err(), "{changed}");
        }
        for [from, to] in [["AM", "PM"], ["PM", "AM"], ["Wednesday", "Monday"], ["March", "April"], ["marzo", "mayo"], ["$", ""]] {
            let changed = text.replacen(from, to, 1);
            prop_assert!(changed == text || check(&changed, &acts, &voice).is_err(), "{changed}");
        }
    }

    #[test]
    fn any_text_can_be_checked(text in "\\PC{0,200}", nth in 0..every_act().len()) {
        let acts = [every_act().swap_remove(nth)];
        let _ = check(&text, &acts, &voice(Language::En));
        let with_figure = format!("{text} 7");
        prop_assert!(check(&with_figure, &[Act::AskJob], &voice(Language::En)).is_err());
    }
}
