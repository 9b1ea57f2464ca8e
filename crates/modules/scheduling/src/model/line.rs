use nmc_kernel::is_invisible;

/// Whether a text is one line of 1 to so many characters that all show.
pub(crate) fn is_line(text: &str, chars_max: usize) -> bool {
    (1..=chars_max).contains(&text.chars().count())
        && !text.trim().is_empty()
        && !text.chars().any(|c| c.is_control() || is_invisible(c))
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
