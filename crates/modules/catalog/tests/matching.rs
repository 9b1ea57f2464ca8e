//! What callers' texts mean, held against labels, and what holds for any text.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

use chrono::DateTime;
use nmc_catalog::{Alias, AliasText, Match, MatchedBy, Matches, ServiceItem, matches};
use nmc_kernel::{Currency, Minutes, Money, ServiceItemId};
use proptest::prelude::*;
use uuid::Uuid;

/// Of the texts that the matching was not written with, in percent: the score it had when it was done.
const HELD_OUT_SCORE_MIN: usize = 0;

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
