//! Free wording that takes consent back, held against a table of labelled texts.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets the unexpected stops there")]

mod setup;

use nmc_compliance::{OptOutAction, OptOutChange, OptOutSource, keyword, revokes_consent};
use proptest::prelude::*;
use setup::{World, caller, context};

struct Labelled {
    revokes: bool,
    text: &'static str,
}

fn table() -> Vec<Labelled> {
    let lines = include_str!("data/opt_out_phrases.tsv").lines().skip(1);
    lines
        .map(|line| {
            let [label, language, text, _why] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
            assert!(matches!(language, "en" | "es"), "{line}");
            let revokes = match label {
                "revokes" => true,
                "keeps" => false,
                other => panic!("{other}"),
            };
            Labelled { revokes, text }
        })
        .collect()
}

/// No greeting, no refusal: what a caller writes about a leak, as long as a text can be.
fn longest() -> String {
    let sentence = "The kitchen sink has been leaking since Tuesday and the plumber we had before did not call. ";
    sentence.repeat(1_600 / sentence.len())
}

#[test]
fn every_labelled_text_is_read_as_it_is_labelled() {
    let table = table();
    let wrong: Vec<_> = table.iter().filter(|line| revokes_consent(line.text) != line.revokes).collect();
    for line in &wrong {
        println!("should {}: {}", if line.revokes { "revoke" } else { "keep" }, line.text);
    }
    assert!(wrong.is_empty(), "{} of {} are read wrongly", wrong.len(), table.len());
    let revoking = table.iter().filter(|line| line.revokes).count();
    assert!(revoking >= 150 && table.len() - revoking >= 150, "{revoking} of {}", table.len());
}

#[test]
fn capitals_and_what_stands_around_a_text_change_nothing() {
    for line in table() {
        let text = line.text;
        for dressed in [
            text.to_uppercase(),
            text.to_lowercase(),
            format!("  {text}\n"),
            format!("{text}!!!"),
            format!("...{text}"),
            format!("{text} 🙏😡"),
            format!("🛑{text}"),
            format!("\"{text}\""),
            format!("({text})"),
            text.replace(' ', "  "),
            text.replace(' ', "\u{a0}"),
            text.replace('\'', "’"),
            text.replace('\'', ""),
        ] {
            assert_eq!(revokes_consent(&dressed), line.revokes, "{dressed:?}");
        }
    }
}

#[test]
fn a_refusal_is_found_at_either_end_of_the_longest_text() {
    let longest = longest();
    assert!(longest.len() > 1_500 && !revokes_consent(&longest));
    for line in table() {
        for text in [format!("{longest}\n{}", line.text), format!("{}\n{longest}", line.text)] {
            assert_eq!(revokes_consent(&text), line.revokes, "{}", line.text);
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_read_and_its_capitals_do_not_matter(text in ".{0,400}", ascii in "[ -~]{0,400}") {
        revokes_consent(&text);
        prop_assert_eq!(revokes_consent(&ascii), revokes_consent(&ascii.to_uppercase()));
    }

    #[test]
    fn any_order_of_the_table_s_words_is_read(
        words in prop::collection::vec(prop::sample::select(
            table().into_iter().flat_map(|line| line.text.split(' ')).collect::<Vec<_>>()), 0..60)
    ) {
        let text = words.join(" ");
        prop_assert_eq!(revokes_consent(&text), revokes_consent(&text.to_uppercase()));
    }

    #[test]
    fn a_refusal_stays_one_whatever_sentence_stands_beside_it(
        before in prop::sample::select(table().into_iter().map(|line| line.text).collect::<Vec<_>>()),
        refusal in prop::sample::select(
            table().into_iter().filter(|line| line.revokes).map(|line| line.text).collect::<Vec<_>>()),
    ) {
        let text = format!("{before}\n{refusal}");
        prop_assert!(revokes_consent(&text), "{}", text);
    }
}

#[tokio::test]
async fn a_wording_is_recorded_once_and_takes_nothing_back() {
    let world = World::new().await;
    let hear = async |body: &str| {
        let mut tx = world.dispatcher.db.begin(world.tenant).await.unwrap();
        let heard = world.dispatcher.compliance.record_wording(&mut tx, &caller(), body, context()).await.unwrap();
        tx.commit().await.unwrap();
        heard
    };
    assert_eq!(hear("can you stop by at 3?").await, None);
    assert_eq!(hear("Please stop texting me").await, Some(OptOutChange::Recorded));
    assert_eq!(hear("I said stop texting me").await, Some(OptOutChange::AlreadyOut));
    // No wording lets texts out again.
    for body in ["please text me again", "don't stop texting me", "start texting me", "yes"] {
        assert_eq!(hear(body).await, None);
    }
    assert_eq!(keyword("Please stop texting me"), None);
    assert_eq!(world.events("nmc.compliance.OptOutRecorded").await.len(), 1);
    let mut tx = world.app.db.read(world.tenant).await.unwrap();
    let [only] = &world.app.compliance.history(&mut tx, &caller()).await.unwrap()[..] else { panic!() };
    assert_eq!((only.action, only.source), (OptOutAction::OptOut, OptOutSource::Wording));
    assert_eq!(only.keyword, "wording", "the caller's words are not kept for ever");
}
