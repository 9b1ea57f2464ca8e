//! What holds for every text.

use proptest::prelude::*;

use super::*;

/// Words and marks that mean something somewhere, put together at random.
fn pieces() -> impl Strategy<Value = String> {
    let tables = [
        include_str!("../../../../tests/understanding/times.tsv"),
        include_str!("../../../../tests/understanding/picks.tsv"),
        include_str!("../../../../tests/understanding/sayings.tsv"),
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

const AROUND_AN_ALARM: [&str; 10] = [
    "hi, ..",
    ".. please hurry",
    "tomorrow at 3 works. ..",
    "..!!! 12 Oak Street",
    "2 | ..",
    ".. | how much",
    "my name is Pat Example. ..",
    "ok, .. what do i do",
    "hello? ..",
    "yes, .. thanks",
];

fn any_asked() -> impl Strategy<Value = Asked> {
    let about = prop::sample::select(EVERY_QUESTION.to_vec());
    about.prop_map(asked)
}

fn any_now() -> impl Strategy<Value = NaiveDateTime> {
    // Four years of minutes, a leap year among them.
    (0_i64..4 * 366 * 24 * 60).prop_map(|minutes| moment("2026-01-01 00:00") + chrono::Duration::minutes(minutes))
}

fn any_hours() -> impl Strategy<Value = OpeningHours> {
    let at = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    let night = vec![OpenWindow { opens: at(17), closes: NaiveTime::MIN }];
    let broken = vec![OpenWindow { opens: at(7), closes: at(11) }, OpenWindow { opens: at(13), closes: at(16) }];
    let late = OpeningHours { wednesday: night, monday: broken, ..OpeningHours::default() };
    prop::sample::select(vec![hours(), late, OpeningHours::default()])
}

/// Windows are in order, apart, in the future, not too far and not too many; the same texts say the same.
fn is_well_formed(texts: &[&str], asked: &Asked, now: NaiveDateTime, hours: &OpeningHours) -> Understood {
    let understood = understand(texts, asked, now, hours);
    assert_eq!(understood, understand(texts, asked, now, hours));
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
    fn any_text_at_all_is_understood_or_unclear(
        texts in prop::collection::vec("(?s).{0,400}", 0..4),
        asked in any_asked(),
        now in any_now(),
        hours in any_hours(),
    ) {
        is_well_formed(&texts.iter().map(String::as_str).collect::<Vec<_>>(), &asked, now, &hours);
    }

    #[test]
    fn any_words_in_any_order_are_understood_or_unclear(
        text in pieces(),
        asked in any_asked(),
        now in any_now(),
        hours in any_hours(),
    ) {
        is_well_formed(&[&text, &text], &asked, now, &hours);
    }

    /// What stands around an alarm does not hide it, nor does a raised voice.
    #[test]
    fn an_alarm_is_heard_among_other_words(
        nth in 0_usize..10_000,
        around in prop::sample::select(AROUND_AN_ALARM.to_vec()),
        about in prop::sample::select(EVERY_QUESTION.to_vec()),
    ) {
        let alarms: Vec<_> = alarms().into_iter().filter(|(alarm, _)| *alarm == "emergency").collect();
        let (alarm, text) = alarms[nth % alarms.len()];
        for text in [text.to_owned(), text.to_uppercase()] {
            let text = around.replace("..", &text);
            prop_assert!(read(about, &text).split("; ").any(|saying| saying == alarm), "{} {}", about, text);
        }
    }

    #[test]
    fn capitals_spaces_and_accents_say_nothing(line in 0_usize..1_000) {
        let table = include_str!("../../../../tests/understanding/times.tsv");
        let lines: Vec<&str> = table.lines().filter(|line| !line.starts_with('#')).collect();
        let [about, text, expected] = lines[line % lines.len()].split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        prop_assert_eq!(read(about, &text.to_uppercase()), expected);
        prop_assert_eq!(read(about, &format!("  {}!! ", text.replace(' ', "  "))), expected);
        let plain: String = text.chars().map(|c| match c { 'á' => 'a', 'é' => 'e', 'í' => 'i', 'ó' => 'o', 'ú' => 'u', 'ñ' => 'n', '\'' => '’', c => c }).collect();
        prop_assert_eq!(read(about, &plain), expected);
    }
}

/// Nothing is read again and again: such texts would take hours.
#[test]
fn texts_made_to_be_slow_are_read() {
    let pieces = [
        "no ",
        "not ",
        "any ",
        "the ",
        "a ",
        "2 ",
        "2-",
        "or ",
        ", ",
        "-",
        ".",
        "the 14th or ",
        "call me ",
        "water ",
        "is ",
        "in ",
        "next ",
        "from monday to ",
        "at 3 ",
        "after ",
        "my name is ",
        "12 oak st ",
        "do you do ",
        "\u{301}",
        "🙂",
        "march ",
        "1/2/",
        "wait ",
        "either ",
        "a las ",
    ];
    for piece in pieces {
        let text = piece.repeat(READ_CHARS);
        is_well_formed(&[&text, &text], &asked("pick"), now(), &hours());
    }
}
