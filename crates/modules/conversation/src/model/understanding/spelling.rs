//! How words are misspelt and shortened in texts. Data.

use std::{collections::HashMap, sync::LazyLock};

/// Shorter words become other words with one letter changed.
const MIN_LETTERS: usize = 5;

/// How a word is written out, where it is known to be written otherwise, or is one letter away from a word of [`LONG`].
pub(super) fn spelt_out(word: &str) -> Option<&'static str> {
    BY_SPELLING.get(word).copied().or_else(|| LONG.iter().copied().find(|long| is_misspelt(word, long)))
}

/// Words so long and so often misspelt that one wrong letter does not hide them, and near to no other word.
const LONG: [&str; 14] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "tomorrow",
    "morning",
    "afternoon",
    "evening",
    "emergency",
    "appointment",
    "reschedule",
];

/// One letter is missing, added, changed, or swapped with its neighbour; never the first.
fn is_misspelt(word: &str, long: &str) -> bool {
    if word.len().abs_diff(long.len()) > 1
        || word.len() < MIN_LETTERS
        || !word.is_ascii()
        || word.strip_suffix('s') == Some(long)
    {
        return false;
    }
    let (word, long) = (word.as_bytes(), long.as_bytes());
    let same = word.iter().zip(long).take_while(|(one, other)| one == other).count();
    if same == 0 || !word.iter().all(u8::is_ascii_lowercase) {
        return false;
    }
    match (&word[same..], &long[same..]) {
        ([_, rest @ ..], all) if rest == all => true,
        (all, [_, rest @ ..]) if rest == all => true,
        ([_, rest @ ..], [_, expected @ ..]) if rest == expected => true,
        ([one, two, rest @ ..], [three, four, expected @ ..]) => one == four && two == three && rest == expected,
        _ => false,
    }
}

static BY_SPELLING: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    SPELLINGS.iter().flat_map(|(out, spellings)| spellings.split(' ').map(move |spelling| (spelling, *out))).collect()
});

/// What is meant, and how it is written.
const SPELLINGS: &[(&str, &str)] = &[
    // Days.
    ("monday", "mon mond mnday moday munday monady"),
    ("tuesday", "tue tues tuesd tusday tuseday teusday tuesdy thuesday"),
    ("wednesday", "wed weds wedns wensday wendsday wednsday wedsday wednesdy wenesday"),
    ("thursday", "thu thur thurs thrs thursd thrusday thersday thurday thursdy"),
    ("friday", "fri frid firday frday fryday"),
    ("saturday", "satur saterday satuday saturdy staurday"),
    ("sunday", "sund sundy snday"),
    ("mondays", "mons"),
    (
        "tomorrow",
        "tomorow tommorow tommorrow tmrw tmmrw tmorow tmw tmr tmrow tomrw tomm tmorrow 2moro 2morow 2morrow 2mrw 2mro tomorro tomarrow tomoro tomorrows",
    ),
    ("today", "todays tday 2day todya toady"),
    ("today evening", "tonight tonite 2nite 2night tonigh"),
    ("weekend", "wknd wkend weeknd wkd"),
    ("weekends", "wknds wkends"),
    ("weekdays", "wkdays wkday weekday weekdys"),
    ("week", "wk weeek"),
    ("weeks", "wks"),
    ("11th", "eleventh"),
    ("12th", "twelfth twelvth"),
    ("13th", "thirteenth"),
    ("14th", "fourteenth"),
    ("15th", "fifteenth"),
    ("16th", "sixteenth"),
    ("17th", "seventeenth"),
    ("18th", "eighteenth"),
    ("19th", "nineteenth ninteenth"),
    ("20th", "twentieth"),
    ("30th", "thirtieth"),
    ("january", "jan"),
    ("february", "feb febuary"),
    ("march", "mar"),
    ("april", "apr"),
    ("june", "jun"),
    ("july", "jul"),
    ("august", "aug"),
    ("september", "sep sept"),
    ("october", "oct"),
    ("november", "nov"),
    ("december", "dec"),
    // Times of day.
    ("morning", "mornin morn mornings morng moring mornig mrng"),
    ("afternoon", "afternoons aft aftn aftnoon aftrnoon afternon aftenoon arvo afternoonish"),
    ("evening", "evenings evenin evng evning nite nights"),
    ("noon", "noonish 12noon"),
    ("and", "n"),
    ("oclock", "oclk"),
    ("hour", "hr"),
    ("hours", "hrs"),
    ("minutes", "min mins minute"),
    ("before", "b4 befor bfore"),
    ("after", "aftr aftre afer"),
    ("until", "til till untill"),
    ("between", "btwn betwn bw betwen"),
    ("around", "arnd aroud arond"),
    ("anytime", "anytme antyime whenevs"),
    ("whenever", "whenevr wheneva"),
    ("asap", "asapp assap"),
    ("next", "nxt nex"),
    ("later", "l8r latr"),
    ("earlier", "erlier ealier earler"),
    ("early", "erly"),
    // The rest.
    ("the", "teh hte"),
    ("first", "frist firs 1rst"),
    ("second", "secnd secon seond"),
    ("you", "u yall"),
    ("your", "ur yr"),
    ("are", "r"),
    ("please", "pls plz plse pleas plese"),
    ("thanks", "thx thnx tks thks thanx thnks tnx"),
    ("thank you", "thankyou ty tysm tyvm"),
    ("because", "bc cuz coz"),
    ("with", "w"),
    ("without", "wo"),
    ("appointment", "appt appoint appointmnt apointment appts appoitment appointments"),
    ("reschedule", "resched reschedul rescedule reshedule rescheduling"),
    ("cancel", "cancle cancell cncl cxl canceling cancelling"),
    ("yes", "yea yeah yep yup yess yeh ye yessir yas yah yuh"),
    ("no", "nope nah naw nop"),
    ("ok", "okay okey okie k kk oki okk"),
    ("nevermind", "nvm nevrmind"),
    ("emergency", "emergancy emergncy emerg emergeny emercency"),
    ("going to", "gonna gona"),
    ("that will", "thatll"),
    ("want to", "wanna"),
    ("got to", "gotta"),
    ("want", "wnt"),
    ("need", "nead"),
    ("dont", "dnt donot"),
    ("cannot", "cant"),
    ("doesnt", "doesn dosent"),
    ("available", "avail availble avaliable availabe"),
    ("availability", "availablity"),
    ("something", "smth sth somethin"),
    ("someone", "sum1 some1 somone"),
    ("people", "ppl"),
    ("house", "hse"),
    ("water", "wter watr"),
    ("toilet", "toliet tolet toilit toilette"),
    ("faucet", "fawcet faucett facet fauset faucit"),
    ("outlet", "outlit oulet outlt"),
    ("breaker", "braker brekaer breker breakr"),
    ("ceiling", "cieling celing ceeling"),
    ("garbage", "garbege garbadge"),
    ("disposal", "disposel dispossal"),
    ("heater", "heeter"),
    ("plumber", "plummer plumer"),
    ("electrician", "electrican eletrician electritian"),
    ("carpet", "carpit carpett"),
    ("leak", "leek leack"),
    ("leaking", "leakin leeking leacking"),
    ("gas", "gass"),
    ("through", "thru thro"),
    ("smell", "smel smeel"),
    ("smells", "smels"),
    ("sparking", "sparkin"),
    ("burning", "burnin buring"),
    ("burst", "brust bursted"),
    ("monoxide", "monoxyde monoxid"),
    ("overflowing", "overflowin overfloing"),
    ("electrocuted", "electricuted elecrocuted"),
    ("flooding", "floding floodin"),
    ("discount", "discout dicount"),
    ("how much", "howmuch"),
];
