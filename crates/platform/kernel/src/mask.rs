use std::fmt;

/// A phone number as logs may show it: the last four digits.
#[derive(Clone, Copy)]
pub struct Masked<'a>(pub &'a str);

impl fmt::Display for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits: Vec<char> = self.0.chars().filter(char::is_ascii_digit).collect();
        // A short code has so few digits that four of them would be all of it.
        let shown = if digits.len() > 6 { 4 } else { 1 };
        let tail: String = digits.iter().skip(digits.len().saturating_sub(shown)).collect();
        write!(f, "***{tail}")
    }
}

impl fmt::Debug for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_at_most_the_last_four_digits() {
        assert_eq!(Masked("+15005550123").to_string(), "***0123");
        assert_eq!(Masked("72345").to_string(), "***5");
        assert_eq!(Masked("").to_string(), "***");
    }
}
