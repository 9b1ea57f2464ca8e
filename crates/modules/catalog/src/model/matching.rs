//! Which job a caller's text means: pure, and the same for the same text and catalog in any order.
//!
//! Every name and alias is looked for in the text. What stands there, fillers apart, counts its words; what only
//! resembles a run of the text's words counts less of them. The item with the highest count is the best, and with what
//! else the text could mean it is sure or has to be asked about.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, HashMap, HashSet},
    ops::Range,
};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    fillers::{is_filler, is_negation},
    ngrams::Text,
    normalise::words,
    similarity::similarity,
};
use crate::{Quote, ServiceItem};

/// What a caller's text means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "best": {
        "item": {"service_item_id": "0197c0de-0000-7000-8000-000000000001", "name": "Drain cleaning",
                 "duration_minutes": 60, "price": {"amount_cents": 14900, "currency": "USD"}},
        "confidence": 0.95, "matched": "clogged drain", "by": "alias"
    },
    "runners_up": []
}))]
pub struct Matches {
    /// The item that fits best; null where nothing resembles the text. Below a confidence of 0.5 it is to be asked about.
    pub best: Option<Match>,
    /// What else it could be, at most three, the likelier first.
    pub runners_up: Vec<Match>,
}

/// An item that a text may mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Match {
    /// The item, and what may be said of it.
    pub item: Quote,
    /// How sure it is, 0 to 1.
    #[schema(minimum = 0, maximum = 1)]
    pub confidence: f64,
    /// The name or alias that matched.
    pub matched: String,
    /// Which of the two it is.
    pub by: MatchedBy,
}

/// What matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MatchedBy {
    /// One of the item's aliases.
    Alias,
    /// The item's name.
    Name,
}

/// More would not fit into a question.
const RUNNERS_UP_MAX: usize = 3;
/// A phrase that stands in a longer text, with one word and with more.
const CONFIDENCE_OF_WORD: f64 = 0.85;
const CONFIDENCE_OF_PHRASE: f64 = 0.95;
/// What is left of a resemblance: never as sure as what stands there.
const CONFIDENCE_OF_RESEMBLANCE: f64 = 0.9;
/// What could be something else, or was taken back. Below 0.5, so that it is asked about.
const CONFIDENCE_OF_DOUBT: f64 = 0.4;
/// What resembles a phrase less is not worth a question.
const RESEMBLANCE_MIN: f64 = 0.3;
/// Counts this close say nothing about which is meant.
const CLOSE: f64 = 0.95;
/// Phrases that are compared with every run of the text; those with the most in common with it.
const COMPARED_MAX: usize = 200;

/// Words of a catalog that are compared with words of a text, pair by pair. No business has names for its jobs that come
/// near; with more, the text is looked through for what stands there and for nothing else.
const PAIRS_MAX: usize = 50_000;

/// A name or alias.
struct Phrase<'a> {
    item: &'a ServiceItem,
    text: &'a str,
    by: MatchedBy,
    priority: u8,
    /// Its words without fillers.
    kept: Vec<String>,
    /// Whether the text is the phrase, fillers and all.
    is_verbatim: bool,
}

/// A phrase found in the text.
#[derive(Clone)]
struct Mention<'a> {
    item: &'a ServiceItem,
    text: &'a str,
    by: MatchedBy,
    priority: u8,
    /// How much of the text it is.
    extent: Extent,
    /// Whether it stands there, word for word.
    is_literal: bool,
    /// How many of the phrase's words the text has, less what differs.
    count: f64,
    confidence: f64,
    /// Where, in words that are no fillers.
    place: Range<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Extent {
    Part,
    /// All but fillers.
    Whole,
    /// The fillers as well.
    Verbatim,
}

/// Which of these items the text means; the order in which they are given does not matter. Inactive ones are never meant.
pub fn matches(catalog: &[ServiceItem], text: &str) -> Matches {
    let text = Text::new(text);
    let phrases: Vec<Phrase<'_>> =
        catalog.iter().filter(|item| item.is_active).flat_map(|item| phrases_of(item, &text)).collect();
    let mut mentions: Vec<Mention<'_>> = phrases.iter().flat_map(|phrase| literal(phrase, &text)).collect();
    mentions.extend(resembling(&phrases, &text));
    mentions.sort_by(order);

    let Some(best) = mentions.first() else { return Matches { best: None, runners_up: vec![] } };
    let is_doubtful = text.is_refused(&best.place) || mentions.iter().any(|other| rivals(best, other, &text));
    let mut best = best.clone();
    if is_doubtful {
        best.confidence = best.confidence.min(CONFIDENCE_OF_DOUBT);
    }

    let mut told = vec![best.item.id];
    let mut runners_up = Vec::new();
    for mention in &mentions {
        if runners_up.len() < RUNNERS_UP_MAX && !told.contains(&mention.item.id) {
            told.push(mention.item.id);
            runners_up.push(Mention { confidence: mention.confidence.min(best.confidence), ..mention.clone() }.tell());
        }
    }
    runners_up.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    Matches { best: Some(best.tell()), runners_up }
}

impl Mention<'_> {
    fn tell(self) -> Match {
        Match { item: self.item.quote(), confidence: self.confidence, matched: self.text.to_owned(), by: self.by }
    }
}

fn phrases_of<'a>(item: &'a ServiceItem, of_caller: &Text) -> impl Iterator<Item = Phrase<'a>> {
    let phrase = |text, by, priority| {
        let mut kept = words(text);
        let is_verbatim = kept == of_caller.words();
        kept.retain(|word| !is_filler(word));
        Phrase { item, text, by, priority, kept, is_verbatim }
    };
    let aliases = item.aliases.iter().map(move |alias| phrase(alias.text.as_str(), MatchedBy::Alias, alias.priority));
    aliases.chain([phrase(&item.name, MatchedBy::Name, 0)])
}

impl<'a> Phrase<'a> {
    /// Whether it says anything beside fillers and negations.
    fn has_content(&self) -> bool {
        self.kept.iter().any(|word| !is_negation(word))
    }

    /// The phrase word for word.
    #[expect(clippy::cast_precision_loss, reason = "at most 120 words")]
    fn literal(&self, extent: Extent, confidence: f64, place: Range<usize>) -> Mention<'a> {
        let Self { item, text, by, priority, .. } = *self;
        let count = self.kept.len() as f64;
        Mention { item, text, by, priority, extent, is_literal: true, count, confidence, place }
    }

    /// Something that resembles it.
    fn resembled(&self, resemblance: f64, shared: f64, place: Range<usize>) -> Mention<'a> {
        let Self { item, text, by, priority, .. } = *self;
        let (extent, count, confidence) = (Extent::Part, shared * resemblance, CONFIDENCE_OF_RESEMBLANCE * resemblance);
        Mention { item, text, by, priority, extent, is_literal: false, count, confidence, place }
    }
}

/// Wherever the phrase stands in the text.
fn literal<'a>(phrase: &Phrase<'a>, text: &Text) -> Vec<Mention<'a>> {
    if phrase.is_verbatim {
        return vec![phrase.literal(Extent::Verbatim, 1.0, 0..text.len())];
    }
    if !phrase.has_content() {
        return vec![];
    }
    let confidence = if phrase.kept.len() > 1 { CONFIDENCE_OF_PHRASE } else { CONFIDENCE_OF_WORD };
    text.find(&phrase.kept)
        .map(|place| {
            let is_whole = place.len() == text.len();
            let (extent, confidence) = if is_whole { (Extent::Whole, 1.0) } else { (Extent::Part, confidence) };
            phrase.literal(extent, confidence, place)
        })
        .collect()
}

/// Each phrase at the run of the text's words that it resembles most, in whatever order they stand.
fn resembling<'a>(phrases: &[Phrase<'a>], text: &Text) -> Vec<Mention<'a>> {
    let mut places: BTreeMap<Vec<char>, Vec<usize>> = BTreeMap::new();
    for (place, word) in text.kept().enumerate() {
        places.entry(word.chars().collect()).or_default().push(place);
    }
    if pairs(phrases, &places) > PAIRS_MAX {
        return vec![];
    }
    let mut known: HashMap<&str, Alike> = HashMap::new();
    for word in phrases.iter().flat_map(|phrase| &phrase.kept) {
        known.entry(word).or_insert_with(|| alike(word, &places));
    }
    let of = |phrase: &'_ Phrase<'a>| phrase.kept.iter().map(|word| &known[word.as_str()]).collect::<Vec<_>>();
    let mut candidates: Vec<(f64, &Phrase<'a>)> = phrases
        .iter()
        .map(|phrase| {
            let most = phrase.kept.iter().map(|word| known[word.as_str()].most).sum();
            (resemblance(most, phrase.kept.len(), phrase.kept.len().saturating_sub(1)), phrase)
        })
        .filter(|(at_most, _)| *at_most >= RESEMBLANCE_MIN)
        .collect();
    candidates.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| identity(a.1).cmp(&identity(b.1))));
    candidates.truncate(COMPARED_MAX);
    candidates.iter().filter_map(|(_, phrase)| most_alike(phrase, &of(phrase), text.len())).collect()
}

/// How many words would have to be compared: those of the phrases and of the text that begin alike.
fn pairs(phrases: &[Phrase<'_>], text: &BTreeMap<Vec<char>, Vec<usize>>) -> usize {
    let mut beginning: HashMap<char, usize> = HashMap::new();
    for word in text.keys() {
        *beginning.entry(word[0]).or_default() += 1;
    }
    let words: HashSet<&str> = phrases.iter().flat_map(|phrase| &phrase.kept).map(String::as_str).collect();
    words.iter().filter_map(|word| beginning.get(&word.chars().next()?)).sum()
}

/// Where in the text words like one stand.
struct Alike {
    /// Each place with how alike the word there is.
    places: Vec<(usize, f64)>,
    /// The highest of these.
    most: f64,
}

fn alike(word: &str, text: &BTreeMap<Vec<char>, Vec<usize>>) -> Alike {
    let word: Vec<char> = word.chars().collect();
    // Only words with the same first letter are alike, and they stand beside one another.
    let neighbours = text.range(word[..1].to_vec()..).take_while(|(other, _)| other[0] == word[0]);
    let (mut places, mut most) = (Vec::new(), 0.0_f64);
    for (other, at) in neighbours {
        let similarity = similarity(&word, other);
        if similarity > 0.0 {
            most = most.max(similarity);
            places.extend(at.iter().map(|place| (*place, similarity)));
        }
    }
    Alike { places, most }
}

/// The share of the words of a phrase and a run that both have: of `shared` words among so many of each.
#[expect(clippy::cast_precision_loss, reason = "at most a few hundred words")]
fn resemblance(shared: f64, phrase_words: usize, run_words: usize) -> f64 {
    // A run may be shorter than the phrase by one word, and all of the phrase that resembles it more than that.
    let all = ((phrase_words + run_words) as f64 - shared).max(shared).max(1.0);
    shared / all
}

fn most_alike<'a>(phrase: &Phrase<'a>, alike: &[&Alike], text_words: usize) -> Option<Mention<'a>> {
    let mut best: Option<Mention<'_>> = None;
    let lengths = phrase.kept.len().saturating_sub(1).max(1)..=phrase.kept.len() + 1;
    let mut starts: Vec<usize> = alike.iter().flat_map(|alike| &alike.places).map(|place| place.0).collect();
    starts.sort_unstable();
    starts.dedup();
    for start in starts {
        for length in lengths.clone().filter(|length| start + length <= text_words) {
            let run = start..start + length;
            let (shared, is_long) = shared(alike, &run, &phrase.kept);
            let resemblance = resemblance(shared, phrase.kept.len(), length);
            let is_more = best.as_ref().is_none_or(|best| shared * resemblance > best.count);
            if is_long && resemblance >= RESEMBLANCE_MIN && is_more {
                best = Some(phrase.resembled(resemblance, shared, run));
            }
        }
    }
    best
}

/// How many words of the phrase the run has, less what differs, and whether that is more than one short word.
fn shared(alike: &[&Alike], run: &Range<usize>, phrase: &[String]) -> (f64, bool) {
    let (mut taken, mut shared, mut letters) = (Vec::new(), 0.0, 0);
    for (word, alike) in phrase.iter().zip(alike) {
        let free = alike.places.iter().filter(|(place, _)| run.contains(place) && !taken.contains(place));
        if let Some((place, similarity)) = free.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0))) {
            taken.push(*place);
            shared += similarity;
            letters += if is_negation(word) { 0 } else { word.chars().count() };
        }
    }
    (shared, letters > 3)
}

/// Longer before shorter, what stands there before what resembles it, then by priority, then names before aliases; the
/// rest makes it one order.
fn order(a: &Mention<'_>, b: &Mention<'_>) -> Ordering {
    (b.extent.cmp(&a.extent))
        .then(b.count.total_cmp(&a.count))
        .then(b.is_literal.cmp(&a.is_literal))
        .then(b.priority.cmp(&a.priority))
        .then(b.by.cmp(&a.by))
        .then_with(|| a.item.name.cmp(&b.item.name))
        .then(a.item.id.cmp(&b.item.id))
        .then_with(|| a.text.cmp(b.text))
        .then(a.place.start.cmp(&b.place.start))
}

fn identity<'a>(phrase: &Phrase<'a>) -> (&'a str, nmc_kernel::ServiceItemId, MatchedBy, &'a str) {
    (&phrase.item.name, phrase.item.id, phrase.by, phrase.text)
}

/// Whether the text may as well mean the other's item.
fn rivals(best: &Mention<'_>, other: &Mention<'_>, text: &Text) -> bool {
    if best.item.id == other.item.id || best.extent != other.extent {
        return false;
    }
    let is_apart = best.place.end <= other.place.start || other.place.end <= best.place.start;
    if other.count < best.count * CLOSE {
        return is_apart && other.confidence >= 0.5 && text.are_joined(&best.place, &other.place);
    }
    match (best.is_literal, other.is_literal) {
        // The same words: priority decides, then a name goes before an alias. In two places of a text only priority does.
        (true, true) => best.priority == other.priority && (is_apart || best.by == other.by),
        (true, false) => is_apart,
        (false, _) => true,
    }
}
