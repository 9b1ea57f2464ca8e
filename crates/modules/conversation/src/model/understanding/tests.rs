use std::fmt::Write as _;

use chrono::{NaiveDate, NaiveTime};
use nmc_identity::OpenWindow;
use proptest::prelude::*;

use super::*;

/// A tuesday morning.
fn now() -> NaiveDateTime {
    NaiveDate::from_ymd_opt(2026, 3, 10).unwrap().and_hms_opt(9, 12, 0).unwrap()
}

/// Weekdays from 8 to 18, saturdays from 9 to 13.
fn hours() -> OpeningHours {
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
const EVERY_QUESTION: [&str; 10] = [
    "nothing",
    "job",
    "which-job",
    "when",
    "pick",
    "name",
    "address",
    "confirm",
    "cancel-confirm",
    "which-appointment",
];

fn asked(about: &str) -> Asked {
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
        about => panic!("{about}"),
    };
    Asked { about, offers }
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

/// `03-11 15..24` is the 11th of March from 15:00 until midnight; whole days have no hours, and several are `03-11..03-13`. Of many
/// there are the first two and their number.
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
    check(include_str!("../../../tests/understanding/times.tsv"), 480);
}

#[test]
fn picks_are_understood() {
    check(include_str!("../../../tests/understanding/picks.tsv"), 80);
}

#[test]
fn everything_else_is_understood() {
    check(include_str!("../../../tests/understanding/sayings.tsv"), 150);
}

/// What must not be overlooked, and must not be cried without need: the same whatever was asked before.
#[test]
fn alarms_are_raised_whatever_was_asked_and_only_then() {
    let table = include_str!("../../../tests/understanding/alarms.tsv");
    let alarms = ["emergency", "person", "callme", "angry"];
    let mut wrong = String::new();
    let lines: Vec<&str> = table.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(lines.len() >= 400, "{} lines", lines.len());
    for line in lines {
        let [expected, text] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        for about in EVERY_QUESTION {
            let said = read(about, text);
            let raised: Vec<&str> = said.split("; ").filter(|saying| alarms.contains(saying)).collect();
            // An emergency may be more than that: who has one may also want a call.
            let is_right = if expected == "-" { raised.is_empty() } else { raised.contains(&expected) };
            let is_false_alarm = expected != "emergency" && raised.contains(&"emergency");
            if !is_right || is_false_alarm {
                writeln!(wrong, "{expected}\t{text}\t{about}: {said}").unwrap();
                break;
            }
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
fn no_text_names_more_dates_than_are_read() {
    let text = (1..=28).map(|day| format!("the {day}th")).collect::<Vec<_>>().join(" or ");
    let words = words::words(&text);
    let dates = days::find(&words, &vec![false; words.len()], now());
    assert_eq!(dates.len(), 8, "{dates:?}");
}

/// Words and marks that mean something somewhere, put together at random.
fn pieces() -> impl Strategy<Value = String> {
    let tables = [
        include_str!("../../../tests/understanding/times.tsv"),
        include_str!("../../../tests/understanding/picks.tsv"),
        include_str!("../../../tests/understanding/sayings.tsv"),
    ];
    let mut words: Vec<&str> = tables.iter().flat_map(|table| table.split_whitespace()).collect();
    words.extend([
        "31",
        "0",
        "24:00",
        "99999",
        "/",
        "-",
        "#",
        "$",
        "29th",
        "february 29",
        "12/31",
        "13/13",
        "a.m.",
        "next month",
    ]);
    words.sort_unstable();
    words.dedup();
    prop::collection::vec(prop::sample::select(words), 0..24).prop_map(|words| words.join(" "))
}

fn any_asked() -> impl Strategy<Value = Asked> {
    let about = prop::sample::select(EVERY_QUESTION.to_vec());
    about.prop_map(asked)
}

fn any_now() -> impl Strategy<Value = NaiveDateTime> {
    // Four years of minutes, a leap year among them.
    (0_i64..4 * 366 * 24 * 60).prop_map(|minutes| moment("2026-01-01 00:00") + chrono::Duration::minutes(minutes))
}

/// Windows are in order, apart, in the future, not too far and not too many; the same texts say the same.
fn is_well_formed(texts: &[&str], asked: &Asked, now: NaiveDateTime) -> Understood {
    let understood = understand(texts, asked, now, &hours());
    assert_eq!(understood, understand(texts, asked, now, &hours()));
    assert!(!understood.sayings.is_empty());
    let is_unclear = understood.sayings.contains(&Saying::Unclear);
    assert!(!is_unclear || understood.sayings.len() == 1, "{understood:?}");
    for saying in &understood.sayings {
        match saying {
            Saying::When(When { windows, .. }) => {
                assert!(windows.len() <= MAX_WINDOWS);
                assert!(windows.iter().all(|window| window.from < window.until && now <= window.from), "{windows:?}");
                assert!(windows.windows(2).all(|pair| pair[0].until < pair[1].from), "{windows:?}");
                assert!(windows.iter().all(|window| window.until <= now + chrono::Duration::days(60)), "{windows:?}");
            }
            Saying::Pick(Pick::Nth(nth)) if !asked.offers.is_empty() => assert!(*nth < asked.offers.len()),
            Saying::Pick(Pick::Time(time)) => assert!(asked.offers.iter().any(|offer| offer.time() == *time)),
            Saying::Pick(Pick::Day(day)) => assert!(asked.offers.iter().any(|offer| offer.date() == *day)),
            Saying::Pick(Pick::DayAndTime(at)) => assert!(asked.offers.contains(at)),
            _ => {}
        }
    }
    understood
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_text_at_all_is_understood_or_unclear(text in "\\PC{0,400}", asked in any_asked(), now in any_now()) {
        is_well_formed(&[&text], &asked, now);
    }

    #[test]
    fn any_words_in_any_order_are_understood_or_unclear(text in pieces(), asked in any_asked(), now in any_now()) {
        is_well_formed(&[&text, &text], &asked, now);
    }

    #[test]
    fn capitals_spaces_and_accents_say_nothing(line in 0_usize..1_000) {
        let table = include_str!("../../../tests/understanding/times.tsv");
        let lines: Vec<&str> = table.lines().filter(|line| !line.starts_with('#')).collect();
        let [about, text, expected] = lines[line % lines.len()].split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        prop_assert_eq!(read(about, &text.to_uppercase()), expected);
        prop_assert_eq!(read(about, &format!("  {}!! ", text.replace(' ', "  "))), expected);
        let plain: String = text.chars().map(|c| match c { 'á' => 'a', 'é' => 'e', 'í' => 'i', 'ó' => 'o', 'ú' => 'u', 'ñ' => 'n', '\'' => '’', c => c }).collect();
        prop_assert_eq!(read(about, &plain), expected);
    }
}
