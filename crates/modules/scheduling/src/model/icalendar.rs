//! A calendar's text: <https://www.rfc-editor.org/rfc/rfc5545>.

use chrono::{DateTime, Utc};

/// A line has at most so many octets, without its end: section 3.1.
const LINE_OCTETS_MAX: usize = 75;

/// Writes content lines: folded, with texts escaped, so that nothing somebody wrote can be taken for a line of ours.
#[derive(Debug, Default)]
pub(crate) struct ICalendar(String);

impl ICalendar {
    /// A line whose value is written as it is: our own words.
    pub(crate) fn line(&mut self, name: &str, value: &str) {
        let mut room = LINE_OCTETS_MAX;
        for c in name.chars().chain([':']).chain(value.chars()) {
            if c.len_utf8() > room {
                // The next line begins with a space, which counts.
                self.0.push_str("\r\n ");
                room = LINE_OCTETS_MAX - 1;
            }
            self.0.push(c);
            room -= c.len_utf8();
        }
        self.0.push_str("\r\n");
    }

    /// A line with somebody's text: section 3.3.11.
    pub(crate) fn text(&mut self, name: &str, text: &str) {
        let mut value = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '\\' | ';' | ',' => value.extend(['\\', c]),
                '\n' => value.push_str("\\n"),
                // No other control character can stand in a text.
                c if c.is_control() => {}
                c => value.push(c),
            }
        }
        self.line(name, &value);
    }

    /// A line with a time, UTC: section 3.3.5.
    pub(crate) fn time(&mut self, name: &str, at: DateTime<Utc>) {
        self.line(name, &at.format("%Y%m%dT%H%M%SZ").to_string());
    }

    /// All of it.
    pub(crate) fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(text: &str) -> String {
        let mut calendar = ICalendar::default();
        calendar.text("SUMMARY", text);
        calendar.finish()
    }

    /// What a reader makes of a line's text.
    fn read(line: &str) -> String {
        let unfolded = line.replace("\r\n ", "");
        let value = unfolded.strip_prefix("SUMMARY:").unwrap().strip_suffix("\r\n").unwrap();
        let (mut text, mut chars) = (String::new(), value.chars());
        while let Some(c) = chars.next() {
            match c {
                '\\' => text.push(match chars.next().unwrap() {
                    'n' | 'N' => '\n',
                    c @ ('\\' | ';' | ',') => c,
                    other => panic!("\\{other}"),
                }),
                ';' | ',' => panic!("{c} is not escaped"),
                c => text.push(c),
            }
        }
        text
    }

    #[test]
    fn texts_are_escaped() {
        assert_eq!(written("a,b;c\\d\ne"), "SUMMARY:a\\,b\\;c\\\\d\\ne\r\n");
        assert_eq!(written("x\r\nEND:VCALENDAR\0\u{85}"), "SUMMARY:x\\nEND:VCALENDAR\r\n");
    }

    #[test]
    fn lines_are_folded_at_75_octets_and_never_within_a_character() {
        // With the name before it, 75 octets exactly; then one more.
        assert_eq!(written(&"x".repeat(67)), format!("SUMMARY:{}\r\n", "x".repeat(67)));
        assert_eq!(written(&"x".repeat(68)), format!("SUMMARY:{}\r\n x\r\n", "x".repeat(67)));
        // 34 characters of two octets do not fit by one.
        assert_eq!(written(&"é".repeat(34)), format!("SUMMARY:{}\r\n é\r\n", "é".repeat(33)));
        // The second line is no longer than the first, with its space.
        let long = "x".repeat(67 + 74);
        assert_eq!(written(&long), format!("SUMMARY:{}\r\n {}\r\n", "x".repeat(67), "x".repeat(74)));
    }

    #[test]
    fn times_are_utc() {
        let mut calendar = ICalendar::default();
        calendar.time("DTSTART", "2026-07-06T14:00:00Z".parse().unwrap());
        assert_eq!(calendar.finish(), "DTSTART:20260706T140000Z\r\n");
    }

    proptest! {
        #[test]
        fn any_text_is_read_back_and_no_line_is_too_long(text in "[a-z,;:\\\\\n é漢🔧]{0,300}") {
            let line = written(&text);
            prop_assert!(line.split("\r\n").all(|line| line.len() <= 75));
            prop_assert_eq!(read(&line), text);
        }
    }
}
