use std::borrow::Cow;

/// Fewer digits after a plus sign are no phone number: the shortest of E.164 in use have seven.
const DIGITS_MIN: usize = 7;
/// How many digits stay readable.
const DIGITS_SHOWN: usize = 4;
/// How many separators may stand between two digits, as in `+1 (500) 555-0123`.
const SEPARATORS_MAX: usize = 2;

/// Reduces everything in `text` that looks like an international phone number to its last four digits.
///
/// A plus sign, also URL-encoded, followed by at least seven digits counts as one; so do digits grouped by spaces,
/// dashes, dots or parentheses. The belt behind the types that mask themselves, not a replacement for them.
pub fn mask_phone_numbers(text: &str) -> Cow<'_, str> {
    let mut masked = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(plus) = next_plus(text, at) {
        at = plus.end;
        let Some(number) = number_at(text, plus.end) else { continue };
        masked.push_str(&text[copied..plus.start]);
        masked.push_str("***");
        masked.push_str(&number.last_digits);
        copied = number.end;
        at = number.end;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    masked.push_str(&text[copied..]);
    Cow::Owned(masked)
}

fn next_plus(text: &str, from: usize) -> Option<std::ops::Range<usize>> {
    let rest = &text.as_bytes()[from..];
    rest.iter().enumerate().find_map(|(offset, byte)| {
        let start = from + offset;
        match byte {
            b'+' => Some(start..start + 1),
            b'%' if rest[offset..].len() >= 3 && rest[offset + 1..offset + 3].eq_ignore_ascii_case(b"2b") => {
                Some(start..start + 3)
            }
            _ => None,
        }
    })
}

struct Number {
    end: usize,
    last_digits: String,
}

fn number_at(text: &str, start: usize) -> Option<Number> {
    let (mut digits, mut separators, mut end) = (Vec::new(), 0, start);
    for (offset, byte) in text.as_bytes()[start..].iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                digits.push(char::from(*byte));
                separators = 0;
                end = start + offset + 1;
            }
            b' ' | b'-' | b'.' | b'(' | b')' if separators < SEPARATORS_MAX => separators += 1,
            _ => break,
        }
    }
    let shown = digits.len().checked_sub(DIGITS_SHOWN)?;
    (digits.len() >= DIGITS_MIN).then(|| Number { end, last_digits: digits[shown..].iter().collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phone_numbers_keep_their_last_four_digits() {
        for (text, masked) in [
            ("+15005550123", "***0123"),
            ("from +15005550123 to +15005550199!", "from ***0123 to ***0199!"),
            (r#"{"To":"+4915112345678","n":1}"#, r#"{"To":"***5678","n":1}"#),
            ("To=%2B15005550123&From=%2b15005550199", "To=***0123&From=***0199"),
            ("+1 (500) 555-0123, please", "***0123, please"),
            ("é+1.500.555.0123é", "é***0123é"),
            ("++15005550123", "+***0123"),
            ("+2562533", "***2533"),
        ] {
            assert_eq!(mask_phone_numbers(text), masked);
        }
    }

    #[test]
    fn other_text_stays_as_it_is() {
        for text in ["", "+", "%", "%2", "%2B", "a + b", "+123456", "2026-11-21T07:06:18+00:00", "15005550123", "1+1=2"]
        {
            assert!(matches!(mask_phone_numbers(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }
}
