//! How many parts a text is sent and charged as, and the normalisation that keeps it at few.
//!
//! Source: <https://www.twilio.com/docs/glossary/what-sms-character-limit>; the alphabet is 3GPP TS 23.038's.

/// The longest text Twilio takes, in characters: <https://www.twilio.com/docs/api/errors/21617>.
pub const MAX_CHARACTERS: usize = 1600;

const GSM_7_BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ !\"#¤%&'()*+,-./0123456789:;<=>?\
¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüàÆæßÉ";
/// Reached through an escape: two units each.
const GSM_7_EXTENDED: &str = "^{}\\[~]|€\u{c}";

/// How a text is written on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// 160 units in one part, 153 in each of several.
    Gsm7,
    /// 70 units in one part, 67 in each of several; one character outside GSM-7 makes the whole text this.
    Ucs2,
}

/// A text's size on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Segments {
    /// How it is written.
    pub encoding: Encoding,
    /// Units of that encoding.
    pub units: usize,
    /// Parts it is sent as; an empty text is one.
    pub parts: usize,
}

impl Segments {
    /// Counts `text` as it stands; see [`normalised`].
    pub fn of(text: &str) -> Self {
        let gsm_7 = text.chars().map(gsm_7_units).collect::<Option<Vec<usize>>>();
        let (encoding, sizes, single, multi) = match gsm_7 {
            Some(sizes) => (Encoding::Gsm7, sizes, 160, 153),
            None => (Encoding::Ucs2, text.chars().map(char::len_utf16).collect(), 70, 67),
        };
        let units = sizes.iter().sum();
        let parts = if units <= single { 1 } else { parts_of(&sizes, multi) };
        Self { encoding, units, parts }
    }
}

/// An escape and its character, or the two halves of an emoji, stay in one part: where one unit is left, it is wasted.
fn parts_of(sizes: &[usize], capacity: usize) -> usize {
    let (mut parts, mut used) = (1, 0);
    for size in sizes {
        if used + size > capacity {
            parts += 1;
            used = 0;
        }
        used += size;
    }
    parts
}

fn gsm_7_units(character: char) -> Option<usize> {
    if character.is_ascii_alphanumeric() || character == ' ' || GSM_7_BASIC.contains(character) {
        Some(1)
    } else if GSM_7_EXTENDED.contains(character) {
        Some(2)
    } else {
        None
    }
}

/// The text with typographic characters written plainly, so that a curly quote does not halve what fits.
pub fn normalised(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\u{2018}' | '\u{2019}' | '\u{201A}' | '\u{201B}' | '\u{2032}' | '\u{00B4}' | '\u{02BC}' => out.push('\''),
            '\u{201C}' | '\u{201D}' | '\u{201E}' | '\u{201F}' | '\u{2033}' | '\u{00AB}' | '\u{00BB}' => out.push('"'),
            '\u{2010}'..='\u{2015}' | '\u{2212}' => out.push('-'),
            '\u{2026}' => out.push_str("..."),
            '\u{00A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' | '\t' => out.push(' '),
            // Invisible, and each would make the text UCS-2. The joiner inside emoji stays.
            '\u{200B}' | '\u{2060}' | '\u{FEFF}' | '\u{00AD}' => {}
            '\u{2028}' | '\u{2029}' => out.push('\n'),
            other => out.push(other),
        }
    }
    out
}

/// Whether Twilio takes a text of this length. Counted in UTF-16 units, the stricter reading of "characters".
pub fn fits(text: &str) -> bool {
    text.encode_utf16().count() <= MAX_CHARACTERS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn count(text: &str) -> (Encoding, usize, usize) {
        let Segments { encoding, units, parts } = Segments::of(text);
        (encoding, units, parts)
    }

    #[test]
    fn table() {
        use Encoding::{Gsm7, Ucs2};
        assert_eq!(count(""), (Gsm7, 0, 1));
        assert_eq!(count(&"a".repeat(160)), (Gsm7, 160, 1));
        assert_eq!(count(&"a".repeat(161)), (Gsm7, 161, 2));
        assert_eq!(count(&"a".repeat(306)), (Gsm7, 306, 2));
        assert_eq!(count(&"a".repeat(307)), (Gsm7, 307, 3));
        assert_eq!(count(&"€".repeat(80)), (Gsm7, 160, 1));
        assert_eq!(count("^{}\\[~]|€"), (Gsm7, 18, 1));
        // 153 is odd: an escaped pair does not fit the last unit, so 153 euros need three parts.
        assert_eq!(count(&"€".repeat(153)), (Gsm7, 306, 3));
        assert_eq!(count(&"ñ".repeat(160)), (Gsm7, 160, 1));
        assert_eq!(count("á"), (Ucs2, 1, 1));
        assert_eq!(count(&"á".repeat(70)), (Ucs2, 70, 1));
        assert_eq!(count(&"á".repeat(71)), (Ucs2, 71, 2));
        assert_eq!(count(&"😀".repeat(35)), (Ucs2, 70, 1));
        assert_eq!(count(&"😀".repeat(66)), (Ucs2, 132, 2));
        assert_eq!(count(&"😀".repeat(67)), (Ucs2, 134, 3));
        assert_eq!(GSM_7_BASIC.chars().count(), 127);
    }

    #[test]
    fn typographic_characters_become_plain() {
        let text = normalised("“It’s” – ok\u{a0}—… «yes»\u{200b}");
        assert_eq!(text, "\"It's\" - ok -... \"yes\"");
        assert_eq!(Segments::of(&text).encoding, Encoding::Gsm7);
        assert_eq!(normalised("👩‍🔧 ñ €"), "👩‍🔧 ñ €");
    }

    #[test]
    fn the_cap() {
        assert!(fits(&"a".repeat(1600)));
        assert!(!fits(&"a".repeat(1601)));
        assert!(!fits(&"😀".repeat(801)));
    }

    proptest! {
        #[test]
        fn parts_hold_the_units(text in "\\PC{0,400}") {
            let Segments { encoding, units, parts } = Segments::of(&text);
            let (single, multi) = if encoding == Encoding::Gsm7 { (160, 153) } else { (70, 67) };
            prop_assert_eq!(parts == 1, units <= single);
            if parts > 1 {
                prop_assert!(units <= parts * multi);
                // At most one unit is wasted at the end of each part.
                prop_assert!(units > (parts - 1) * (multi - 1));
            }
        }

        #[test]
        fn normalising_twice_changes_nothing_and_never_costs_a_part(text in "[ -~“”‘’–—…\u{a0}é😀]{0,300}") {
            let once = normalised(&text);
            prop_assert_eq!(&normalised(&once), &once);
            // An ellipsis becomes three characters, so only a text that gains GSM-7 is compared.
            if Segments::of(&text).encoding == Segments::of(&once).encoding && !text.contains('…') {
                prop_assert!(Segments::of(&once).parts <= Segments::of(&text).parts);
            }
        }

        #[test]
        fn a_longer_text_never_needs_fewer_parts(text in "\\PC{0,200}", more in "\\PC{0,50}") {
            let longer = format!("{text}{more}");
            prop_assert!(Segments::of(&longer).parts >= Segments::of(&text).parts);
        }
    }
}
