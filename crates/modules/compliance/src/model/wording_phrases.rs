//! The phrases that `wording.rs` looks for, in lower case, without accents and apostrophes.
//!
//! Pieces are separated by one space. `a|b` is either word, `<name>` a word of the list of that name, `?` behind a word
//! makes it optional, `*` takes as many of them as there are. `..2` is up to two words of any kind. `^` and `$` are the two ends of a
//! part of a sentence.

/// Lists of words.
pub(super) const WORDS: &[(&str, &str)] = &[
    ("stop", "stop stopp stp stpo sotp tsop"),
    ("halt", "stop stopp stp stpo sotp tsop quit cease discontinue"),
    // What is to end.
    (
        "texting",
        "texting txting textin txtin txtn texing texitng textting text txt messaging msging mesaging messagin \
         messageing msg contacting calling bothering harassing harrassing harasing spamming bugging annoying pestering",
    ),
    ("messages", "texts txts messages msgs mesages messeges massages sms mms textmessages"),
    // What is not to be done.
    ("text", "text txt texting message msg mesage contact contat sms bother harass spam disturb pester write"),
    ("me", "me us this here my anymore again nomore"),
    ("not", "dont donot dnt never not"),
    ("negated", "dont donot dnt never not didnt havent wont"),
    ("want", "want wanna wish like need care"),
    ("remove", "remove delete erase scrub"),
    ("take", "remove delete erase scrub take get pull drop scratch strike"),
    ("list", "list lists database system records contacts file texts text messages"),
    ("unsubscribe", "unsubscribe unsub unsubscribed unsuscribe unsubcribe"),
    (
        "others",
        "wife husband tenant tenants landlord neighbor neighbors mom mother dad father son daughter kids boss roommate",
    ),
    ("things", "address price prices code details invoice bill quote estimate photo photos picture pictures pics"),
    ("say", "reply text txt say send type write respond replying texting"),
    ("when", "before after until till til unless while when during tonight tomorrow today between if now"),
    // What may stand around a bare word and takes nothing away from it.
    (
        "polite",
        "please pls plz plse plese ok okay just hey hi hello no and so but can could would will you u i we said asked \
         tell told want need to now yo sir maam omg wtf seriously again enough thanks thank kindly really man dude bro \
         por favor porfavor porfa ya oye oiga ahora",
    ),
    ("asking", "please pls plz ok okay and so oh hey but id like would want wish i how do can let me to now"),
    (
        "tail",
        "it this that now please pls plz plse asap already immediately today thanks thank you u all everything ok okay \
         right stop stopp por favor porfavor porfa ya gracias ahora",
    ),
    ("begin", "please pls plz ok okay and so oh hey but"),
    // Spanish.
    ("mensajes", "mensajes mensaje textos texto mensajitos sms"),
    (
        "escriban",
        "escriban escriba escribas escriben textees texteen textee mensajeen mensajees contacten contacte contactes \
         molesten moleste molestes",
    ),
    ("manden", "manden mande mandes envien envie envies"),
    (
        "escribirme",
        "escribirme escribir mandarme mandar enviarme enviar textearme textear contactarme contactar molestarme \
         molestar",
    ),
    ("paren", "para pare paren parar deja deje dejen dejar"),
    (
        "quitenme",
        "quitenme quiteme quitame saquenme saqueme sacame borrenme borreme borrame eliminenme elimineme eliminame",
    ),
    ("quiten", "quiten quite quita quitar borren borre borra borrar eliminen elimine elimina eliminar saquen saque"),
];

/// Sounds like a refusal and is none: blotted out before anything is looked for, in this order.
pub(super) const ONLY_SOUNDS_LIKE_IT: &[&str] = &[
    // Our own words, quoted or asked about.
    "<say> stop ..2 to|for ..2 out|end|quit|cancel|unsubscribe|stop",
    "what ..3 opt out",
    "opt out later|anytime",
    "<unsubscribe> ..2 from ..3 newsletter|newsletters|email|emails|mailing",
    // The opposite.
    "^ <begin>* do? <not> ever? <stop> <texting>?",
    "<not> <want> ..1 to? <stop> <texting>?",
    "no need to <stop>",
    "<negated> <want>? to? <unsubscribe>",
    "<negated> <want>? to? opt me|us? out",
    "<negated> <want>? to? <take>|lose|forget me|us|my|this ..3 off|from|number",
    "did|have you|u ..1 lose|lost|forget my number",
    // Said of somebody else, of the past, of ourselves.
    "did|do|does|have|had you|u|they|he|she ..1 <stop> <texting>?",
    "i|ill|we|well will? <stop> <texting> you|u",
    "<stop>? <texting> and driving",
    // Texts are what is wanted.
    "<not> call|phone me|us? just|please|only|instead|and* text|txt|message",
    "<stop> calling me|us? just|please|only|instead|and|you|can|could|rather* text|txt|message",
    "you|u|they never|dont <text> me|us? back|enough",
    "if|when|since|because|cause you|u|they never|dont|do not? <text>",
    "dont|not want to miss",
    // About when, not about whether.
    "<not> <text> me|us|this|here? right|just|please|pls? <when>",
    "<not> <text> me|us? at night|work|home",
    "<not> send me|us? ..3 <messages> <when>",
    "leave me|us alone with",
    "off|from ..2 waiting|wait list",
    // Said of somebody else, or of one thing.
    "<not> ever? <text> my|our|the <others>",
    "you|u|they|he|she never <text> me|us the|a|an|my|your|any|about|what|when|how",
    "<not> <text> me|us? the|a|an|any? <things>",
    "<not> <want> to leave|send ..3 <messages>",
    "<not> leave me|us ..2 alone",
    // What is broken, and where it stands.
    "i|we need|have|got|gotta to? stop it",
    "can|could|do|should i|we stop it",
    "^ <begin>* need to stop it",
    "<remove> my|this|the ..1 phone|cell jack|jacks|line|lines|booster|outlet|outlets|socket|cable|cables|wire|wires|box",
    "off|from the|my|our|your|that list of|for",
    "at|near the|my end of ..2 <messages>",
    // A stop on the way.
    "stop by|in|over|off|into",
    "stop at the|a|my|our|your",
    // Spanish.
    "no <paren> de",
    "no me|nos <escriban> mas? antes|despues|hasta|hoy|manana|mientras",
    "no me|nos? <manden> ..2 <mensajes> antes|despues|hasta|hoy|manana|mientras",
    "no quiero perder",
];

/// Is a refusal wherever it stands.
pub(super) const REVOKES: &[&str] = &[
    "^ <polite>* <stop> <tail>* $",
    "^ <polite>* quit it|this|that <tail>* $",
    "please|pls|plz|interested|number|person|thanks <stop> <tail>* $",
    "<halt> to? <texting>",
    "<halt> ..3 <messages>",
    "<halt> sending me|us? ..2 <messages>|stuff|this|these|crap|shit|junk|anything",
    "<halt> this|that message|text",
    "end|ending ..2 <messages>",
    "make|want|need ..3 <messages> to? <stop>",
    "refrain from <texting>",
    "cease ..1 desist|communication|communications|contact",
    "no more ..1 <messages>",
    "^ <begin>* no <messages>|texting <tail>* $",
    "enough with|of? the|your|these? <messages>|texting",
    "dont|donot|dnt|never ever|even? <text> <me>",
    "dont|donot|dnt|never ever|even? text|txt|message|msg|contact $",
    "do not ever|even? <text> <me>",
    "do not ever|even? text|txt|message|msg|contact $",
    "dont|donot|dnt|never|not call|phone or|nor|and <text>",
    "dont|donot|dnt|never call me|us|this ..1 again|anymore",
    "do not call me|us|this ..1 again|anymore",
    "<not> call|contact|text|calling|contacting|texting list",
    "dont|donot|dnt|never|not send me|us? ..3 <messages>|anything|stuff",
    "dont|donot|dnt|not|longer <want> ..4 <messages>",
    "dont|donot|dnt|not|longer <want> to be ..1 texted|contacted|messaged|bothered|spammed",
    "dont|donot|dnt|not|longer <want> you to? <texting>|<text> me|us",
    "<remove> me|us <tail>* $",
    "take|get me|us off <tail>* $",
    "<take> me|us|this|it ..3 off|from|of ..3 <list>",
    "<take> my ..1 number|num|phone|cell|contact|info|name|email|digits ..2 off|from|of ..3 <list>",
    "<remove>|lose|forget my|this ..1 number|num|phone|cell|contact|info|digits",
    "<unsubscribe> me|us",
    "^ <asking>* <unsubscribe> <tail>* $",
    "<unsubscribe> ..2 from ..3 <messages>|list",
    "opt|opting me|us? out",
    "revoke|revoking|withdraw|withdrawing|rescind ..2 consent|permission|authorization",
    "not|dont|didnt|never consent|consented to ..3 <messages>|be|being",
    "not|dont|didnt|never gave|give ..3 consent|permission",
    "leave me|us ..2 alone",
    // Spanish.
    "^ <polite>* alto|parar|pare|paren|basta|baja|detente|detenganse <tail>* $",
    "no|ni me|nos <escriban>",
    "no <escriban> mas",
    "no me|nos? <manden> ..2 <mensajes>",
    "no me|nos? vuelva|vuelvas|vuelvan a <escribirme>",
    "no quiero|deseo|quisiera|queremos ..4 <mensajes>",
    "no quiero|deseo que me <escriban>|<manden>",
    "no mas <mensajes>",
    "<paren> de <escribirme>",
    "dejenme|dejame|dejeme en paz",
    "<quitenme> ..1 de ..3 lista|sistema|base",
    "<quiten> mi numero|telefono|celular",
    "dame|deme|denme|darme de baja",
    "basta de|con <mensajes>",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_list_and_every_list_is_used() {
        let phrases = || ONLY_SOUNDS_LIKE_IT.iter().chain(REVOKES).flat_map(|phrase| phrase.split(' '));
        let used: Vec<&str> = phrases()
            .flat_map(|piece| piece.trim_end_matches(['?', '*']).split('|'))
            .filter_map(|word| word.strip_prefix('<').and_then(|name| name.strip_suffix('>')))
            .collect();
        for name in &used {
            assert!(WORDS.iter().any(|(known, _)| known == name), "{name}");
        }
        for (name, words) in WORDS {
            assert!(used.contains(name), "{name}");
            assert!(words.split(' ').all(|word| word.bytes().all(|letter| letter.is_ascii_lowercase())), "{name}");
        }
    }
}
