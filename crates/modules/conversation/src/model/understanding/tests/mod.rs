use std::fmt::Write as _;

use chrono::{NaiveDate, NaiveTime};
use nmc_identity::OpenWindow;

use super::*;

mod properties;

/// A tuesday morning.
pub(super) fn now() -> NaiveDateTime {
    NaiveDate::from_ymd_opt(2026, 3, 10).unwrap().and_hms_opt(9, 12, 0).unwrap()
}

/// Weekdays from 8 to 18, saturdays from 9 to 13.
pub(super) fn hours() -> OpeningHours {
    let open = |from: u32, until: u32| {
        let at = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
        vec![OpenWindow { opens: at(from), closes: at(until) }]
    };
    OpeningHours {
        monday: open(8, 18),
        tuesday: open(8, 18),
        wednesday: open(8, 18),
        thursday: open(8, 18),
        friday: open(8, 18),
        saturday: open(9, 13),
        sunday: Vec::new(),
    }
}

/// Two on wednesday, one on thursday.
fn offers() -> Vec<NaiveDateTime> {
    at(["2026-03-11 10:00", "2026-03-11 14:30", "2026-03-12 09:00"])
}

fn at<const OFFERS: usize>(offers: [&str; OFFERS]) -> Vec<NaiveDateTime> {
    offers.map(moment).to_vec()
}

fn moment(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
}

/// As [`asked`] knows them.
pub(super) const EVERY_QUESTION: [&str; 12] = [
    "nothing",
    "job",
    "which-job",
    "when",
    "pick",
    "moving-pick",
    "name",
    "address",
    "confirm",
    "cancel-confirm",
    "which-appointment",
    "reminder",
];

pub(super) fn asked(about: &str) -> Asked {
    let (about, is_moving) = about.strip_prefix("moving-").map_or((about, false), |about| (about, true));
    let (about, offers) = match about {
        "nothing" => (AskedAbout::Nothing, Vec::new()),
        "job" => (AskedAbout::Job, Vec::new()),
        "which-job" => (AskedAbout::WhichJob, Vec::new()),
        "when" => (AskedAbout::When, Vec::new()),
        "pick" => (AskedAbout::Pick, offers()),
        "pick-2" => (AskedAbout::Pick, at(["2026-03-11 14:00", "2026-03-12 10:00", "2026-03-13 16:00"])),
        "pick-same" => (AskedAbout::Pick, at(["2026-03-12 10:00", "2026-03-13 10:00", "2026-03-13 13:00"])),
        "name" => (AskedAbout::Name, Vec::new()),
        "address" => (AskedAbout::Address, Vec::new()),
        "confirm" => (AskedAbout::Confirm, Vec::new()),
        "cancel-confirm" => (AskedAbout::CancelConfirm, Vec::new()),
        "which-appointment" => (AskedAbout::WhichAppointment, Vec::new()),
        "reminder" => (AskedAbout::Reminder, Vec::new()),
        about => panic!("{about}"),
    };
    Asked { about, offers, is_moving }
}

/// A saying as the tables write it.
fn written(saying: &Saying) -> String {
    match saying {
        Saying::Job(words) => format!("job({words})"),
        Saying::When(when) => format!("when({})", windows(when)),
        Saying::Pick(pick) => match pick {
            Pick::Nth(nth) => format!("pick({})", nth + 1),
            Pick::Time(time) => format!("pick({})", time.format("%H:%M")),
            Pick::Day(day) => format!("pick({})", day.format("%m-%d")),
            Pick::DayAndTime(at) => format!("pick({})", at.format("%m-%d %H:%M")),
            Pick::Earliest => "pick(earliest)".to_owned(),
            Pick::Latest => "pick(latest)".to_owned(),
            Pick::Any => "pick(any)".to_owned(),
            Pick::Unsure => "pick(unsure)".to_owned(),
        },
        Saying::Neither { later, earlier } => match (later, earlier) {
            (true, false) => "neither(later)".to_owned(),
            (false, true) => "neither(earlier)".to_owned(),
            _ => "neither".to_owned(),
        },
        Saying::Name(name) => format!("name({name})"),
        Saying::Address(address) => format!("address({address})"),
        Saying::Ask(Question::DoYouDo(words)) => format!("do-you-do({words})"),
        Saying::Ask(question) => format!("{question:?}").to_lowercase(),
        saying => format!("{saying:?}").to_lowercase(),
    }
}

/// `03-11 15..24` is the 11th of March from 15:00 until midnight; whole days have no hours, and several are
/// `03-11..03-13`. Of many there are the first two and their number.
fn windows(when: &When) -> String {
    let mut written = String::new();
    if when.asap {
        written.push_str("asap ");
    }
    for (nth, LocalWindow { from, until }) in when.windows.iter().enumerate() {
        if nth == 2 && when.windows.len() > 7 {
            write!(written, "{} in all", when.windows.len()).unwrap();
            break;
        }
        let hour = |at: NaiveDateTime| {
            if at.format("%M").to_string() == "00" {
                at.format("%-H").to_string()
            } else {
                at.format("%-H:%M").to_string()
            }
        };
        let is_whole = |at: NaiveDateTime| at.time() == NaiveTime::MIN || at == now();
        let last = until.date().pred_opt().unwrap();
        let until_hour = if until.time() == NaiveTime::MIN { "24".to_owned() } else { hour(*until) };
        let day = from.format("%m-%d");
        let is_one_day = until.date() == from.date() || (until.time() == NaiveTime::MIN && last == from.date());
        let window = match (is_one_day, is_whole(*from) && is_whole(*until)) {
            (true, true) if *until != now() => day.to_string(),
            (true, _) => format!("{day} {}..{until_hour}", hour(*from)),
            (false, true) if until.time() == NaiveTime::MIN => format!("{day}..{}", last.format("%m-%d")),
            (false, _) => format!("{day} {}..{} {}", hour(*from), until.format("%m-%d"), hour(*until)),
        };
        write!(written, "{window}, ").unwrap();
    }
    written.trim_end_matches([',', ' ']).to_owned()
}

fn read(about: &str, text: &str) -> String {
    let texts: Vec<&str> = text.split(" | ").collect();
    let understood = understand(&texts, &asked(about), now(), &hours());
    understood.sayings.iter().map(written).collect::<Vec<_>>().join("; ")
}

/// Each line: what was asked, the text (` | ` between several), what it says.
fn check(table: &str, least: usize) {
    let lines: Vec<&str> = table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert!(lines.len() >= least, "{} lines", lines.len());
    let mut wrong = String::new();
    for line in lines {
        let [about, text, expected] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let found = read(about, text);
        if found != expected {
            writeln!(wrong, "{about}\t{text}\t{found}\n      expected: {expected}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn times_are_understood() {
    check(include_str!("../../../../tests/understanding/times.tsv"), 480);
}

#[test]
fn picks_are_understood() {
    check(include_str!("../../../../tests/understanding/picks.tsv"), 80);
}

#[test]
fn everything_else_is_understood() {
    check(include_str!("../../../../tests/understanding/sayings.tsv"), 150);
}

/// What must not be overlooked, and what only sounds like it; `-` is no alarm.
fn alarms() -> Vec<(&'static str, &'static str)> {
    let table = include_str!("../../../../tests/understanding/alarms.tsv");
    table.lines().filter(|line| !line.starts_with('#')).map(|line| line.split_once('\t').expect(line)).collect()
}

/// Whether a text raises the alarm, which may not be the only one: who has an emergency may also want a call.
fn raises(alarm: &str, about: &str, text: &str) -> bool {
    let said = read(about, text);
    let raised: Vec<&str> =
        said.split("; ").filter(|saying| ["emergency", "person", "callme", "angry"].contains(saying)).collect();
    match alarm {
        "-" => raised.is_empty(),
        "emergency" => raised.contains(&alarm),
        alarm => raised.contains(&alarm) && !raised.contains(&"emergency"),
    }
}

#[test]
fn alarms_are_raised_whatever_was_asked_and_only_then() {
    let alarms = alarms();
    assert!(alarms.len() >= 800, "{} lines", alarms.len());
    let mut wrong = String::new();
    for (alarm, text) in alarms {
        for about in ["nothing", "when", "pick", "name", "address", "confirm"] {
            if !raises(alarm, about, text) {
                writeln!(wrong, "{alarm}\t{text}\t{about}: {}", read(about, text)).unwrap();
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// A yes books: there is none but where somebody agrees.
#[test]
fn only_an_agreement_agrees() {
    let table = include_str!("../../../../tests/understanding/agreements.tsv");
    let mut wrong = String::new();
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let (expected, text) = line.split_once('\t').expect(line);
        let said = read("confirm", text);
        if said.split("; ").any(|saying| saying == "yes") != (expected == "yes") {
            writeln!(wrong, "{expected}\t{text}\t{said}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// What was said of cancelling is no agreement to it: only who says nothing else agrees.
#[test]
fn only_a_bare_agreement_calls_off() {
    let table = include_str!("../../../../tests/understanding/cancelling.tsv");
    let mut wrong = String::new();
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let (expected, text) = line.split_once('\t').expect(line);
        let said = read("cancel-confirm", text);
        let says = |saying| said.split("; ").any(|said| said == saying);
        let is_it = match expected {
            "yes" => says("yes") && !says("no"),
            "keep" => says("no") && !says("yes") && !says("cancel"),
            _ => !says("yes") && !says("no"),
        };
        if !is_it {
            writeln!(wrong, "{expected}\t{text}\t{said}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn the_language_is_that_of_the_texts_where_they_tell() {
    let language = |text| understand(&[text], &asked("nothing"), now(), &hours()).language;
    for text in ["my sink is leaking", "can you come tomorrow", "hi", "yes please", "the second one"] {
        assert_eq!(language(text), Some(Language::En), "{text}");
    }
    for text in ["hola, tengo una fuga de agua", "¿cuánto cuesta?", "mañana por la tarde", "el segundo por favor", "sí"]
    {
        assert_eq!(language(text), Some(Language::Es), "{text}");
    }
    for text in ["2", "10:30", "👍", "", "ok"] {
        assert_eq!(language(text), None, "{text}");
    }
}

#[test]
fn only_the_newest_texts_and_their_beginnings_are_read() {
    let late = format!("{}tomorrow after 3", " ".repeat(READ_CHARS));
    assert_eq!(read("when", &late), "unclear");
    let mut texts = vec!["call me"];
    texts.extend(["2"; READ_TEXTS]);
    assert_eq!(understand(&texts, &asked("nothing"), now(), &hours()).sayings, [Saying::Unclear]);
    assert_eq!(understand(&[], &asked("nothing"), now(), &hours()).sayings, [Saying::Unclear]);
}

#[test]
fn the_half_of_the_day_is_the_one_in_which_the_business_is_open() {
    let wish = |text: &str, hours: &OpeningHours| {
        let understood = understand(&[text], &asked("when"), now(), hours);
        let [Saying::When(when)] = understood.sayings.as_slice() else { panic!("{understood:?}") };
        windows(when)
    };
    let at = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    let night = OpenWindow { opens: at(17), closes: NaiveTime::MIN };
    let late = OpeningHours { wednesday: vec![night], ..OpeningHours::default() };
    let cases = [
        ("tomorrow at 7", hours(), "03-11 7..8"),
        ("tomorrow at 7", late.clone(), "03-11 19..20"),
        ("tomorrow at 10", hours(), "03-11 10..11"),
        ("tomorrow at 10", late.clone(), "03-11 22..23"),
        ("tomorrow at 10am", late, "03-11 10..11"),
        // No hours told: as most businesses have them.
        ("tomorrow at 3", OpeningHours::default(), "03-11 15..16"),
        ("tomorrow at 9", OpeningHours::default(), "03-11 9..10"),
        // Closed that day: as on the others.
        ("sunday at 3", hours(), "03-15 15..16"),
    ];
    for (text, hours, expected) in cases {
        assert_eq!(wish(text, &hours), expected, "{text}");
    }
}

#[test]
fn days_are_counted_from_any_day() {
    let sunday_evening = "2026-03-15 20:00";
    let new_years_eve = "2026-12-31 09:12";
    let cases = [
        (sunday_evening, "tomorrow", "03-16"),
        (sunday_evening, "next week", "03-16..03-22"),
        (sunday_evening, "next weekend", "03-21..03-22"),
        (sunday_evening, "sunday", "03-22"),
        (sunday_evening, "next friday", "03-20"),
        (sunday_evening, "end of the month", "03-21..03-31"),
        (sunday_evening, "in january", ""),
        (new_years_eve, "tomorrow", "01-01"),
        (new_years_eve, "this weekend", "01-02..01-03"),
        (new_years_eve, "next month", "01-01..01-31"),
        (new_years_eve, "in january", "01-01..01-31"),
        (new_years_eve, "the 1st", "01-01"),
        (new_years_eve, "1/5", "01-05"),
        ("2028-02-28 08:00", "day after tomorrow", "03-01"),
        ("2028-02-28 08:00", "the 29th", "02-29"),
        ("2026-01-31 08:00", "next month", "02-01..02-28"),
    ];
    for (now, text, expected) in cases {
        let understood = understand(&[text], &asked("when"), moment(now), &hours());
        let [Saying::When(when)] = understood.sayings.as_slice() else { panic!("{text}: {understood:?}") };
        assert_eq!(windows(when), expected, "{text} on {now}");
    }
}

#[test]
fn no_text_names_more_dates_than_are_read() {
    let text = (1..=28).map(|day| format!("the {day}th")).collect::<Vec<_>>().join(" or ");
    let words = words::words(&text);
    let dates = days::find(&words, &vec![false; words.len()], now());
    assert_eq!(dates.len(), 8, "{dates:?}");
}
