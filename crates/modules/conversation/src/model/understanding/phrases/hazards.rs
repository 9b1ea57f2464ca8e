//! Danger by word families: a thing and what it does, in any order and a few words apart, so that nobody has to think
//! of each sentence. Signs are in the notation of `phrases`. Data, and how it is looked for.
//!
//! A pair stands here only if it is dangerous whatever else is said; what is dangerous by its wording alone is in
//! `alarms.rs`.

use std::{collections::HashMap, ops::Range, sync::LazyLock};

use super::{Hit, Meaning, Phrase, is_negated};
use crate::model::understanding::words::Word;

/// So many words may stand between the two.
const APART: usize = 6;

/// Things, and the signs that make them dangerous.
pub(super) const FAMILIES: &[(&str, &[&str])] = &[
    // What holds water gives way.
    (
        "pipe pipes hose hoses tank main boiler radiator heater hydrant sprinkler line plumbing",
        &[
            "burst|bursting|bursts|busted|split|ruptured|exploded|exploding|blew|blown",
            "let go",
            "gave way",
            "came|come|coming|fell|falling apart",
            "popped|blew|flew|shot off|out|loose",
            "broke|snapped|cracked off|open|apart|half",
        ],
    ),
    // It comes out where it should not.
    (
        "water pipe pipes hose valve tank main heater boiler spigot sewage washer dishwasher fridge ceiling wall walls toilet tub drain meter shutoff supply",
        &[
            "gushing|gushes|gushed|gush|spewing|spewed|erupting|erupted|geyser",
            "spraying|sprays|sprayed all|everywhere|water|out|up|from|into|onto|the|my|like|at|hard",
            "shooting|shoots|shot ..1 out|up|from|everywhere",
            "pouring|pours|poured|dumping|dumped ..1 out|in|into|from|through|down|onto|over|across|everywhere|all",
            "rushing|streaming|cascading|raining ..1 out|in|into|from|through|down|up",
            "like a ..1 fountain|geyser|river|waterfall|firehose|hydrant|niagara",
        ],
    ),
    (
        "water sewage poop shit sludge",
        &[
            "everywhere",
            "all over|across the|my|our|place|everything",
            "rising",
            "ankle|knee|waist deep|high",
            "getting deeper|higher",
            "coming|seeping|creeping|rushing in|into|inside|under ..1 under|through|from|house|basement|door|doors|kitchen|fast",
            "coming|bubbling|backing|comes|rising ..1 up ..2 drain|drains|tub|shower|toilet|floor|sink|ground",
        ],
    ),
    // What is above comes down.
    (
        "ceiling ceilings drywall sheetrock roof",
        &[
            "bulging|bulge|bulges|bubble|bubbling|ballooning|balloon|sagging|bowing|swollen|swelling",
            "caving|caved|cave|collapsing|collapsed|collapse",
            "came|coming|falling|fell down",
            "falling|fell|came apart",
        ],
    ),
    // Current where it should not be, or too much of it.
    (
        "outlet outlets socket sockets plug switch switches panel breaker box wire wires wiring cord cable fuse meter transformer pole charger dryer",
        &[
            "glowing|glow|glows",
            "flame|flames",
            "arcing|arced|arcs",
            "melted|melting|melts|melt",
            "sizzling|sizzle|sizzles|crackling|crackles|sparked|sparks|sparking",
            "scorched|charred|singed|fried",
            "scorch|burn|black mark|marks",
            "smoking|smokes|smoked",
            "hot to the? touch",
            "buzzing|buzzes|humming ..2 hot|warm",
            "hot|warm ..2 buzzing|humming",
            "exploded|exploding",
        ],
    ),
    (
        "fan motor unit furnace heater washer dishwasher microwave fridge refrigerator appliance machine compressor ac light lights lamp bulb fixture chandelier disposal pump thermostat vent vents attic wall walls charger generator",
        &[
            "smoking|smokes|smoked",
            "smoke coming|pouring|billowing|out|inside|everywhere",
            "sparking|sparks|sparked|arcing|arced",
            "flame|flames",
            "caught fire",
            "melted|melting|melts",
        ],
    ),
    ("outlet outlets socket plug switch transformer", &["popped|popping|banged", "burned|burning"]),
    (
        "outlet outlets socket sockets panel wire wires",
        &["fork|knife|paperclip|screwdriver|bobby|hairpin|tweezers", "touched|touching|grabbed|grabbing|stepped"],
    ),
    ("power electric electrical utility line lines pole", &["took|knocked|brought|pulled|ripped ..1 down|off"]),
    (
        "wire wires cables lines pole",
        &["came|fell|blew|crashed|are down", "on the ground|road|street|roof|car|lawn|driveway|fence"],
    ),
    // What makes people ill unseen.
    (
        "gas propane co co2 monoxide furnace boiler fumes exhaust heater",
        &[
            "head|heads hurt|hurts|hurting|aching|aches|pounding|spinning|ache",
            "headache|headaches|dizzy|woozy|lightheaded|nauseous|nauseated|faint|vomiting",
        ],
    ),
    (
        "detector detectors alarm monitor",
        &["says|reads|showing|shows #|danger|evacuate|fire|gas|high", "head|heads hurt|hurts|hurting|aches"],
    ),
    // People.
    (
        "he she someone somebody husband wife son daughter kid child baby toddler mom dad mother father grandma grandpa guy man woman worker neighbor roommate tenant friend brother sister",
        &[
            "isnt|not ..1 moving|breathing|waking|conscious",
            "wont|cannot|stopped ..1 breathing|breathe|wake",
            "trapped",
            "locked|stuck in|inside ..2 alone|bathroom|elevator|room|car|basement|there",
            "fell off|from|down|through ..3 ladder|roof|stairs|ceiling|attic",
            "touched|grabbed ..2 wire|wires|line|outlet|panel",
            "swallowed|drank|inhaled|ate ..3 bleach|cleaner|chemical|chemicals|poison|pods|detergent|paint",
        ],
    ),
    (
        "baby babies toddler toddlers kid kids child children infant",
        &["locked|lock ..1 in|inside|alone", "locked ..6 alone|inside"],
    ),
    ("hand hands arm arms leg legs face foot eye eyes", &["burned|burnt|scalded|sliced", "bleeding|bleeds"]),
];

struct Signs {
    by_first_word: HashMap<&'static str, Vec<(usize, Phrase)>>,
}

static SIGNS: LazyLock<Signs> = LazyLock::new(|| {
    let mut by_first_word: HashMap<&'static str, Vec<(usize, Phrase)>> = HashMap::new();
    for (family, (_, signs)) in FAMILIES.iter().enumerate() {
        for sign in *signs {
            let phrase = Phrase::read(Meaning::Emergency, sign);
            for first in phrase.first_words() {
                by_first_word.entry(first).or_default().push((family, phrase.clone()));
            }
        }
    }
    Signs { by_first_word }
});

/// Adds the pairs that are found. Neither word may be part of what only sounds like danger.
pub(super) fn add(words: &[Word], hits: &mut Vec<Hit>) {
    let harmless: Vec<Range<usize>> = hits
        .iter()
        .filter(|hit| matches!(hit.meaning, Meaning::Plain | Meaning::Nothing))
        .map(|hit| hit.words.clone())
        .collect();
    let is_harmless =
        |words: &Range<usize>| harmless.iter().any(|hit| hit.start <= words.start && words.end <= hit.end);
    for at in 0..words.len() {
        let Some(signs) = SIGNS.by_first_word.get(words[at].text.as_str()) else { continue };
        let found = signs.iter().find_map(|(family, sign)| {
            let sign = at..sign.end(words, at)?;
            let things = FAMILIES.get(*family).map_or("", |(things, _)| things);
            let thing = near(words, &sign).find(|thing| {
                things.split(' ').any(|known| known == words[*thing].text) && !is_harmless(&(*thing..*thing + 1))
            })?;
            (!is_harmless(&sign) && !is_negated(words, at)).then_some(sign.start.min(thing)..sign.end.max(thing + 1))
        });
        let is_known = |pair: &Range<usize>| {
            hits.iter().any(|hit| {
                hit.meaning == Meaning::Emergency && hit.words.start < pair.end && pair.start < hit.words.end
            })
        };
        if let Some(pair) = found.filter(|pair| !is_known(pair)) {
            hits.push(Hit { meaning: Meaning::Emergency, words: pair });
        }
    }
    hits.sort_by_key(|hit| hit.words.start);
}

/// The words around a sign and within it, in its sentence.
fn near<'a>(words: &'a [Word], sign: &Range<usize>) -> impl Iterator<Item = usize> + 'a {
    let before = (sign.start.saturating_sub(APART + 1)..sign.start).rev().take_while(|at| !words[*at].ends_sentence());
    let after = (sign.end..(sign.end + APART + 1).min(words.len())).take_while(|at| !words[*at].ends_sentence());
    before.chain(after).chain(sign.clone())
}
