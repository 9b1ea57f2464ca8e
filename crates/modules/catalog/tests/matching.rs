//! What callers' texts mean, held against labels, and what holds for any text.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets the unexpected stops there")]

use chrono::DateTime;
use nmc_catalog::{Alias, AliasText, Match, MatchedBy, Matches, ServiceItem, matches};
use nmc_kernel::{Currency, Minutes, Money, ServiceItemId};
use proptest::prelude::*;
use uuid::Uuid;

/// Of the texts that the matching was not written with, in percent: the score it had when it was done.
const HELD_OUT_SCORE_MIN: usize = 96;

fn item(number: usize, name: &str, aliases: &[(&str, u8)]) -> ServiceItem {
    let alias = |(text, priority): &(&str, u8)| Alias { text: AliasText::parse(text).unwrap(), priority: *priority };
    ServiceItem {
        id: ServiceItemId::from(Uuid::from_u128(number as u128)),
        name: name.to_owned(),
        duration: Minutes::new(60).unwrap(),
        price: Money::new(9_500, Currency::Usd).unwrap(),
        is_active: true,
        description: None,
        aliases: aliases.iter().map(alias).collect(),
        created_at: DateTime::UNIX_EPOCH,
    }
}

/// The example catalog of a business.
fn catalog(business: &str) -> Vec<ServiceItem> {
    let mut items: Vec<ServiceItem> = Vec::new();
    for line in include_str!("match/catalogs.tsv").lines().filter(|line| !line.starts_with('#')) {
        match *line.split('\t').collect::<Vec<_>>() {
            [of, name] if of == business => items.push(item(items.len(), name, &[])),
            [of, name, alias] if of == business => {
                let item = items.iter_mut().find(|item| item.name == name).unwrap();
                item.aliases.push(Alias { text: AliasText::parse(alias).unwrap(), priority: 0 });
            }
            _ => {}
        }
    }
    assert!(items.len() > 5, "{business} has too few items");
    items
}

/// What the conversation does with it: the item's name, or `ask`.
fn verdict(matches: &Matches) -> &str {
    matches.best.as_ref().filter(|best| best.confidence >= 0.5).map_or("ask", |best| &best.item.name)
}

/// How many of the labelled texts there are, and those that are understood otherwise.
fn judge(table: &str) -> (usize, Vec<String>) {
    let rows: Vec<&str> = table.lines().filter(|line| !line.starts_with('#')).collect();
    let wrong = rows.iter().filter_map(|row| {
        let [business, expected, text] = *row.split('\t').collect::<Vec<_>>() else { panic!("{row}") };
        let catalog = catalog(business);
        assert!(expected == "ask" || catalog.iter().any(|item| item.name == expected), "{row}");
        let found = matches(&catalog, text);
        (verdict(&found) != expected).then(|| {
            format!(
                "{row}: {:?}, {:?}",
                found.best.map(brief),
                found.runners_up.into_iter().map(brief).collect::<Vec<_>>()
            )
        })
    });
    (rows.len(), wrong.collect())
}

fn brief(found: Match) -> (String, f64, String) {
    (found.item.name, found.confidence, found.matched)
}

#[test]
fn every_labelled_text_is_understood() {
    let (texts, wrong) = judge(include_str!("match/tuned.tsv"));
    assert!(wrong.is_empty(), "{} of {texts} are not:\n{}", wrong.len(), wrong.join("\n"));
}

/// Which ones are not is not said: whoever reads them here would soon write the matching for them.
#[test]
fn texts_it_was_not_written_with_are_understood_as_well_as_ever() {
    let (texts, wrong) = judge(include_str!("match/held_out.tsv"));
    let score = (texts - wrong.len()) * 100 / texts;
    println!("{score} % of {texts} texts held out");
    assert!(score >= HELD_OUT_SCORE_MIN, "{score} %, no longer {HELD_OUT_SCORE_MIN} %");
}

#[test]
fn there_are_enough_labels() {
    let (tuned, _) = judge(include_str!("match/tuned.tsv"));
    let (held_out, _) = judge(include_str!("match/held_out.tsv"));
    assert!(tuned + held_out >= 150 && held_out * 3 >= tuned, "{tuned} and {held_out}");
}

fn named(found: Option<&Match>) -> Option<(&str, f64)> {
    found.map(|found| (found.item.name.as_str(), found.confidence))
}

#[test]
fn longer_beats_shorter_then_priority_then_name_before_alias() {
    let longer = [item(1, "Drain", &[]), item(2, "Drain cleaning", &[])];
    assert_eq!(named(matches(&longer, "a drain cleaning maybe").best.as_ref()), Some(("Drain cleaning", 0.95)));

    let priority = [item(1, "A", &[("clog", 1)]), item(2, "B", &[("clog", 2)])];
    assert_eq!(named(matches(&priority, "clog").best.as_ref()), Some(("B", 1.0)));

    let name_first = [item(1, "Clog", &[]), item(2, "B", &[("clog", 0)])];
    let found = matches(&name_first, "clogs");
    assert_eq!(named(found.best.as_ref()), Some(("Clog", 1.0)));
    assert_eq!(found.best.unwrap().by, MatchedBy::Name);
    assert_eq!(found.runners_up[0].item.name, "B");
}

#[test]
fn what_is_meant_equally_well_is_asked_about() {
    let tie = [item(1, "A", &[("clog", 1)]), item(2, "B", &[("clog", 1)]), item(3, "Tap", &[])];
    for text in ["clog", "my clog", "tap and drain clog"] {
        let found = matches(&tie, text);
        assert!(found.best.as_ref().unwrap().confidence < 0.5, "{text}: {found:?}");
        assert!(!found.runners_up.is_empty(), "{text}");
    }
}

#[test]
fn what_is_taken_back_is_asked_about_and_what_is_inactive_is_not_meant() {
    let mut catalog = vec![item(1, "Drain cleaning", &[]), item(2, "Tap", &[("no water", 0)])];
    assert_eq!(verdict(&matches(&catalog, "not a drain cleaning")), "ask");
    assert_eq!(verdict(&matches(&catalog, "no, a drain cleaning")), "Drain cleaning");
    assert_eq!(verdict(&matches(&catalog, "there is no water")), "Tap");
    for text in ["no", "not", "how much", "water", "", " ", "?"] {
        assert_eq!(verdict(&matches(&catalog, text)), "ask", "{text:?}");
    }
    catalog[0].is_active = false;
    assert_eq!(matches(&catalog, "drain cleaning").best, None);
}

#[test]
fn an_alias_of_fillers_alone_matches_itself_and_nothing_longer() {
    let catalog = [item(1, "Callback", &[("call me", 0), ("the", 0), ("no", 0)])];
    assert_eq!(verdict(&matches(&catalog, "The")), "Callback");
    assert_eq!(matches(&catalog, "the sink").best, None);
    assert_eq!(matches(&catalog, "no idea").best, None);
}

#[test]
fn what_stands_beyond_320_characters_is_not_read() {
    let catalog = [item(1, "Drain cleaning", &[])];
    let long = |before: usize| format!("{}drain cleaning", "well ".repeat(before));
    assert_eq!(verdict(&matches(&catalog, &long(61))), "Drain cleaning");
    assert_eq!(verdict(&matches(&catalog, &long(64))), "ask");
}

/// A catalog made to keep whoever compares it busy: every alias full of words that begin as the text's do. What stands in
/// it is found, and what only resembles it is not looked for.
#[test]
fn a_catalog_of_too_many_words_is_not_looked_through_for_what_resembles_the_text() {
    let word = |n: usize| format!("c{}{}{}", letter(n), letter(n / 26), letter(n / 676));
    let aliases = |item: usize| {
        (0..50).map(move |alias| (0..20).map(|n| word(item * 1_000 + alias * 20 + n)).collect::<Vec<_>>().join(" "))
    };
    let mut catalog: Vec<ServiceItem> = (0..40)
        .map(|n| {
            let aliases: Vec<String> = aliases(n).collect();
            let aliases: Vec<(&str, u8)> = aliases.iter().map(|alias| (alias.as_str(), 0)).collect();
            item(n, &format!("Item {n}"), &aliases)
        })
        .collect();
    catalog.push(item(100, "Drain cleaning", &[]));
    let busy = (0..50).map(|n| word(n * 7)).collect::<Vec<_>>().join(" ");
    assert_eq!(verdict(&matches(&catalog, &format!("drain cleaning {busy}"))), "Drain cleaning");
    assert_eq!(matches(&catalog, &format!("drian claening {busy}")).best, None);
    assert_eq!(verdict(&matches(&catalog[40..], "drian claening")), "Drain cleaning");
}

fn letter(n: usize) -> char {
    char::from(b'a' + u8::try_from(n % 26).unwrap())
}

/// The largest catalog there is, of words that are all a little like the text's. Not timed as a test, but told.
#[test]
fn the_largest_catalog_is_compared() {
    let letters = |mut n: usize| {
        let mut word = String::new();
        for _ in 0..4 {
            word.push(char::from(b'a' + u8::try_from(n % 26).unwrap()));
            n /= 26;
        }
        word
    };
    let catalog: Vec<ServiceItem> = (0..500)
        .map(|n| {
            let aliases: Vec<String> = (0..50)
                .map(|m| format!("clean{} the {} drain{}", letters(n), letters(m * 501 + n), letters(m)))
                .collect();
            let aliases: Vec<(&str, u8)> = aliases.iter().map(|alias| (alias.as_str(), 0)).collect();
            item(n, &format!("Item {n}"), &aliases)
        })
        .collect();
    let text = "please clean the drain, clean it now, the drain needs cleaning and drains ".repeat(5);
    let begun = std::time::Instant::now();
    let found = matches(&catalog, &text);
    println!("{:?} for {} items of {} aliases", begun.elapsed(), catalog.len(), catalog[0].aliases.len());
    assert_eq!(verdict(&found), "ask");
    assert_eq!(named(matches(&catalog, "item 77").best.as_ref()), Some(("Item 77", 1.0)));
}

/// Words of which some are fillers, some alike, and some the same but for their endings.
fn phrase() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "drain",
        "drains",
        "drian",
        "cleaning",
        "clean",
        "toilet",
        "repair",
        "no",
        "not",
        "the",
        "hot",
        "water",
        "and",
        "heater",
        "a",
        "tap",
        "taps",
        "fix",
        "Ünclog",
        "café",
        "A/C",
        "new",
        "installation",
        "install",
    ]);
    prop::collection::vec(word, 1..6).prop_map(|words| words.join(" "))
}

fn any_catalog() -> impl Strategy<Value = Vec<ServiceItem>> {
    let of_item = (phrase(), prop::collection::vec((phrase(), 0_u8..3), 0..4), prop::bool::weighted(0.9));
    prop::collection::vec(of_item, 0..7).prop_map(|items| {
        let items = items.iter().enumerate().map(|(number, (name, aliases, is_active))| {
            let aliases: Vec<(&str, u8)> = aliases.iter().map(|(text, priority)| (text.as_str(), *priority)).collect();
            ServiceItem { is_active: *is_active, ..item(number, name, &aliases) }
        });
        items.collect()
    })
}

proptest! {
    #[test]
    fn the_order_of_the_catalog_does_not_matter(catalog in any_catalog(), text in phrase(), by in 0_usize..7) {
        let found = matches(&catalog, &text);
        prop_assert_eq!(&matches(&catalog, &text), &found);
        let mut turned: Vec<ServiceItem> = catalog.into_iter().rev().collect();
        let by = by.min(turned.len());
        turned.rotate_left(by);
        for item in &mut turned {
            item.aliases.reverse();
        }
        prop_assert_eq!(matches(&turned, &text), found);
    }

    #[test]
    fn confidence_is_in_range_and_falls(catalog in any_catalog(), text in ".{0,400}", words in phrase()) {
        for text in [text, words] {
            let found = matches(&catalog, &text);
            let all: Vec<Match> = found.best.into_iter().chain(found.runners_up).collect();
            prop_assert!(all.len() <= 4);
            prop_assert!(all.iter().all(|found| (0.0..=1.0).contains(&found.confidence)));
            prop_assert!(all.is_sorted_by(|a, b| a.confidence >= b.confidence));
            let is_active = |found: &Match| catalog.iter().any(|item| item.id == found.item.service_item_id && item.is_active);
            prop_assert!(all.iter().all(is_active));
            let mut ids: Vec<_> = all.iter().map(|found| found.item.service_item_id).collect();
            ids.sort();
            ids.dedup();
            prop_assert_eq!(ids.len(), all.len());
        }
    }

    /// Another item with the same words, as its name or an alias, is asked about or goes first by its priority.
    #[test]
    fn a_name_means_its_item(catalog in any_catalog(), number in 0_usize..7) {
        let Some(item) = catalog.get(number).filter(|item| item.is_active) else { return Ok(()) };
        let alone = [item.clone()];
        let found = matches(&alone, &item.name).best.unwrap();
        prop_assert_eq!((found.item.service_item_id, found.confidence), (item.id, 1.0));

        let is_shared = |other: &ServiceItem| {
            let phrases = other.aliases.iter().map(|alias| alias.text.as_str()).chain([other.name.as_str()]);
            let mut same = phrases.map(|text| matches(&alone, text).best).filter(|found| found.as_ref().is_some_and(|found| found.confidence >= 1.0));
            other.id != item.id && same.next().is_some()
        };
        if !catalog.iter().any(is_shared) {
            let found = matches(&catalog, &item.name).best.unwrap();
            prop_assert_eq!((found.item.service_item_id, found.confidence), (item.id, 1.0));
        }
    }
}
