//! Texts in the form in which they are compared: lower case, without accents, punctuation and plurals.

/// The words of a text. Normalising what is normal changes nothing.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        fold(c, &mut folded);
    }
    let mut words: Vec<String> = Vec::new();
    let mut after_letter = false;
    for word in folded.split_whitespace() {
        let is_letter = word.len() == 1 && word.bytes().all(|b| b.is_ascii_lowercase());
        match words.last_mut() {
            // "A/C", "a.c." and "a c" are "ac".
            Some(last) if is_letter && after_letter => last.push_str(word),
            _ => words.push(word.to_owned()),
        }
        after_letter = is_letter;
    }
    words.into_iter().map(singular).collect()
}

/// The words with single spaces between them.
pub(crate) fn normalise(text: &str) -> String {
    words(text).join(" ")
}

/// Writes a letter without its accent, nothing for an apostrophe or an accent that stands alone, and a space for what is
/// neither letter nor digit.
fn fold(c: char, to: &mut String) {
    to.push_str(match c {
        'à'..='å' | 'ā' | 'ă' | 'ą' | 'ǎ' => "a",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' => "d",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => "i",
        'ĺ' | 'ļ' | 'ľ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => "o",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ţ' | 'ť' | 'ț' => "t",
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => "u",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        'æ' => "ae",
        '&' => " and ",
        'œ' => "oe",
        'ß' => "ss",
        '\'' | '’' | '‘' | '´' | '`' | 'ʼ' | '\u{300}'..='\u{36f}' => "",
        c if c.is_alphanumeric() => return to.push(c),
        _ => " ",
    });
}

/// The word without the ending of an English plural. Words of three letters and fewer have none.
fn singular(mut word: String) -> String {
    let has = |ending: &str| word.ends_with(ending);
    let cut = match word.chars().count() {
        0..=3 => 0,
        length if length > 4 && has("ies") => {
            word.truncate(word.len() - 3);
            word.push('y');
            return word;
        }
        _ if ["ches", "shes", "xes", "sses"].into_iter().any(has) => 2,
        _ if has("s") && !["ss", "us", "is"].into_iter().any(has) => 1,
        _ => 0,
    };
    word.truncate(word.len() - cut);
    word
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_accents_punctuation_and_plurals_do_not_matter() {
        for (text, normal) in [
            ("  Drain CLEANINGS!! ", "drain cleaning"),
            ("Café façade — señor", "cafe facade senor"),
            ("cafe\u{301}", "cafe"),
            ("don't", "dont"),
            ("tune-up/flush", "tune up flush"),
            ("A/C and a.c. units", "ac and ac unit"),
            ("switches boxes glasses batteries fuses", "switch box glass battery fuse"),
            ("gas glass bonus this", "gas glass bonus this"),
            ("Straße", "strasse"),
            ("水漏れ 24h", "水漏れ 24h"),
            ("!!!", ""),
        ] {
            assert_eq!(normalise(text), normal, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_normal_stays_as_it_is(text in ".{0,60}") {
            let once = normalise(&text);
            prop_assert_eq!(normalise(&once), once);
        }

        #[test]
        fn what_looks_like_words_as_well(text in "[a-z' ./-]{0,40}") {
            let once = normalise(&text);
            prop_assert_eq!(normalise(&once), once);
        }
    }
}
