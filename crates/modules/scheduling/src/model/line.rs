/// Whether a text is one line of 1 to so many characters that all show.
pub(crate) fn is_line(text: &str, chars_max: usize) -> bool {
    (1..=chars_max).contains(&text.chars().count())
        && !text.trim().is_empty()
        && !text.chars().any(|c| c.is_control() || is_invisible(c))
}

/// Marks that show nothing, or turn the text around them.
pub(crate) const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_shows_itself_and_ends() {
        for good in ["x", "José 3", &"é".repeat(80)] {
            assert!(is_line(good, 80), "{good:?}");
        }
        for bad in ["", " ", "a\nb", "a\0", "a\u{202e}b", "\u{200b}", &"x".repeat(81)] {
            assert!(!is_line(bad, 80), "{bad:?}");
        }
    }
}
