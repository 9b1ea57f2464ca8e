//! The words that may name a job: what is left when greetings, times and fillers are gone.

use std::{collections::HashSet, sync::LazyLock};

use super::words::Word;

/// Words that name no job by themselves.
const FILLERS: &str = "a an the i im ive id ill we were weve you your yours my our us it its is are was be been being am there theres \
    here this that these those of for to in on at by with from and or but so if then than as about wont doesnt \
    dont cannot isnt wouldnt didnt arent off just also too very really need needs needed want wants wanted would \
    like looking look get got getting have has having had help please can could will should do does did done some \
    someone somebody anyone anybody come over soon okay ok yes no not hi hello hey sir maam miss mr mrs guys \
    wondering wonder hoping hope think thought maybe possible possibly able book booking schedule scheduled \
    appointment appt time times day days date asap today tomorrow now thing things something anything stuff job \
    work works working service services company business place home one ones them they he she his her their who \
    what whats when where which how much many long let know see make made tell told say said sorry question \
    questions asking ask text texting call calling called calls phone number again still since because cause well \
    oh um uh hmm lol haha good great fine thanks thank thx issue issues problem problems trouble going send \
    available availability free open slot slots spot quote price only other another any all both each every last \
    past ago already keep keeps kind sort type bit little lot real quick give take takes taking try tried trying \
    put guy dude bro man plz before after until between around week weekend next later earlier early morning \
    afternoon evening noon name address change switch sure idk chance kids back thats better ever refund why \
    yesterday wrong right correct serve hurry lets go easiest earliest latest starting sometime best except \
    besides prefer preferably ideally actually instead wait meant mean rather either neither openings opening \
    husband wife everything may late most through thru towards away till me mejor viene tarda dos bien hola menos \
    excepto preferiblemente necesito quiero quisiera tengo un una el la los las de del mi mis su para por favor \
    que en con es esta estoy se puede pueden podria venir alguien cita hoy manana y o si ayuda problema buenos \
    buenas dias tardes noches gracias le les lo hay puedo puedan sea este ahorita guess umm uhh option nothing something tiene algo esas esos sooner anymore live same few amigo agendar espanol saw ubicados mom ya competitor friend neighbor out busy rn driving pic pics picture pictures photo photos sent ideal ish depends pretty include includes included spelled hacer prefiero cool having hope whens fast joke crazy rain raining weather huh wow cmon haha hahaha omg ok lmao jk btw tho though mismo vivo asi al entre llamo dejela";
static IS_FILLER: LazyLock<HashSet<&str>> = LazyLock::new(|| FILLERS.split_whitespace().collect());

/// What is done to many things: who wants "a dishwasher installed" does not want another thing installed. Its
/// beginnings.
const DONE_TO_MANY: [&str; 13] = [
    "insta", "repair", "clean", "replac", "inspect", "upgrad", "servic", "broken", "repara", "arregl", "limpi",
    "cambi", "reemplaz",
];
/// The same of words that others begin with, too.
const SHORT_DONE_TO_MANY: [&str; 24] = [
    "fix", "fixed", "fixing", "new", "change", "changed", "changing", "work", "works", "working", "not", "keep",
    "keeps", "put", "no", "nuevo", "nueva", "roto", "rota", "poner", "revisar", "revision", "funciona", "sirve",
];
/// Part of what is wrong: "won't drain".
const NEGATIONS: [&str; 8] = ["no", "not", "wont", "doesnt", "dont", "cannot", "isnt", "sin"];
/// Typed by accident, or to see what happens.
const NOISE: [&str; 8] = ["qwerty", "asdf", "asdfasdf", "test", "testing", "blah", "lorem", "ipsum"];
/// Words have vowels, and not so many consonants in a row.
const MAX_CONSONANTS: usize = 5;

/// Whether the word names no job by itself, and nobody either.
pub(super) fn is_filler(word: &str) -> bool {
    IS_FILLER.contains(word)
}

/// Whether it is what is done, or what is wrong, and not with what.
pub(crate) fn is_done_to_many(word: &str) -> bool {
    SHORT_DONE_TO_MANY.contains(&word) || DONE_TO_MANY.iter().any(|begins| word.starts_with(begins))
}

/// The words that are left between the fillers, where they may name a job. What is in `is_plain` is no filler.
pub(super) fn job(words: &[Word], is_taken: &[bool], is_plain: &[bool]) -> Option<String> {
    let is_end = |at: usize| is_taken[at] || words[at].ends_sentence() || words[at].text == ",";
    let names = |at: &usize| {
        let word = words[*at].text.as_str();
        is_plain[*at] || !(words[*at].is_mark() || is_noise(word) || IS_FILLER.contains(word))
    };
    let places: Vec<usize> = (0..words.len()).collect();
    let mut left: Vec<&str> = Vec::new();
    for run in places.split(|at| is_end(*at)) {
        let (Some(first), Some(last)) = (run.iter().position(&names), run.iter().rposition(&names)) else { continue };
        // "Wont drain", "no hot water".
        let first =
            first.saturating_sub(usize::from(first > 0 && NEGATIONS.contains(&words[run[first - 1]].text.as_str())));
        left.extend(
            run[first..=last]
                .iter()
                // An amount of money is none of it.
                .filter(|at| at.checked_sub(1).is_none_or(|before| words[before].text != "$"))
                .map(|at| words[*at].text.as_str())
                .filter(|word| word.starts_with(char::is_alphanumeric)),
        );
    }
    // Figures alone are none.
    left.iter().any(|word| word.chars().any(char::is_alphabetic)).then(|| left.join(" "))
}

/// Nothing that a keyboard or a telephone number says.
fn is_noise(word: &str) -> bool {
    let is_long_number = word.len() > 4 && word.bytes().all(|byte| byte.is_ascii_digit());
    let consonants = word.split(['a', 'e', 'i', 'o', 'u', 'y']).map(|run| run.chars().count()).max().unwrap_or(0);
    let is_unspeakable = word.is_ascii() && word.len() >= MAX_CONSONANTS && consonants >= MAX_CONSONANTS;
    NOISE.contains(&word) || is_long_number || is_unspeakable || word.chars().count() == 1
}
