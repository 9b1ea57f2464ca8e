use nmc_events::telephony::Keyword;

/// The words that carriers and Twilio understand when they are the whole text:
/// <https://help.twilio.com/articles/223134027>.
const STOP: [&str; 8] = ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"];
const START: [&str; 2] = ["START", "UNSTOP"];
const HELP: [&str; 2] = ["HELP", "INFO"];
/// Means START to somebody who has opted out. To anybody else it is an answer to a question.
const START_WHEN_OPTED_OUT: &str = "YES";

/// More letters than any keyword has, even said twice.
const MAX_LETTERS: usize = 64;

/// What a text asks for when the whole of it is a keyword; case, punctuation and white space apart ("Stop.", "opt-out",
/// "STOP STOP"). A keyword inside a sentence is none. `YES` is none either: see [`keyword_when_opted_out`].
pub fn keyword(body: &str) -> Option<Keyword> {
    read(body, false)
}

/// The same for a text of somebody who has opted out, to whom `YES` means START.
pub fn keyword_when_opted_out(body: &str) -> Option<Keyword> {
    read(body, true)
}

fn read(body: &str, is_opted_out: bool) -> Option<Keyword> {
    let words = words(body)?;
    let meaning = |word: &str| meaning(word, is_opted_out);
    if let Some(found) = meaning(&words.concat()) {
        return Some(found);
    }
    let first = meaning(words.first()?)?;
    words.iter().all(|word| meaning(word) == Some(first)).then_some(first)
}

fn meaning(word: &str, is_opted_out: bool) -> Option<Keyword> {
    if STOP.contains(&word) {
        Some(Keyword::Stop)
    } else if START.contains(&word) || (is_opted_out && word == START_WHEN_OPTED_OUT) {
        Some(Keyword::Start)
    } else if HELP.contains(&word) {
        Some(Keyword::Help)
    } else {
        None
    }
}

/// The words of a text in capitals, without what is neither letter nor digit; nothing where they are too many.
fn words(body: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut letters = 0;
    for word in body.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()) {
        letters += word.chars().count();
        if letters > MAX_LETTERS {
            return None;
        }
        words.push(word.to_uppercase());
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [(&str, Keyword); 12] = [
        ("stop", Keyword::Stop),
        ("stopall", Keyword::Stop),
        ("unsubscribe", Keyword::Stop),
        ("cancel", Keyword::Stop),
        ("end", Keyword::Stop),
        ("quit", Keyword::Stop),
        ("revoke", Keyword::Stop),
        ("optout", Keyword::Stop),
        ("start", Keyword::Start),
        ("unstop", Keyword::Start),
        ("help", Keyword::Help),
        ("info", Keyword::Help),
    ];

    fn capitalised(word: &str) -> String {
        word[..1].to_uppercase() + &word[1..]
    }

    fn alternating(word: &str) -> String {
        let case = |(at, letter): (usize, char)| if at % 2 == 0 { letter.to_ascii_uppercase() } else { letter };
        word.chars().enumerate().map(case).collect()
    }

    #[test]
    fn every_word_in_every_dress() {
        for (word, meaning) in ALL {
            for cased in [word.to_owned(), word.to_uppercase(), capitalised(word), alternating(word)] {
                for (before, after) in [
                    ("", ""),
                    ("", "."),
                    ("", "!!!"),
                    (" ", " "),
                    ("\n", "\r\n"),
                    ("\t", ""),
                    ("\"", "\""),
                    ("'", "'"),
                    ("“", "”"),
                    ("(", ")"),
                    ("*", "*"),
                    ("...", "..."),
                    ("\u{a0}", "\u{a0}"),
                    ("\u{200b}", ""),
                    ("\u{feff}", ""),
                    ("- ", ""),
                    ("", " 🙏"),
                    ("¡", "!"),
                ] {
                    let text = format!("{before}{cased}{after}");
                    assert_eq!(keyword(&text), Some(meaning), "{text:?}");
                    assert_eq!(keyword_when_opted_out(&text), Some(meaning), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn a_word_in_a_sentence_is_none() {
        for (word, _) in ALL {
            for text in [
                format!("please {word}"),
                format!("{word} please"),
                format!("{word} by at 3"),
                format!("{word}s"),
                format!("un{word}ed"),
                format!("{word}1"),
                format!("don't {word}"),
                format!("{word} the appointment"),
                format!("{word}\nthanks"),
                format!("can i {word} tomorrow?"),
            ] {
                assert_eq!(keyword(&text), None, "{text:?}");
            }
        }
    }

    #[test]
    fn words_cut_in_pieces_and_repeated() {
        for stop in
            ["opt-out", "Opt Out", "STOP ALL", "S.T.O.P.", "stop stop", "Stop. Stop! STOP", "stop, cancel", "end/quit"]
        {
            assert_eq!(keyword(stop), Some(Keyword::Stop), "{stop}");
        }
        for none in ["stop start", "help stop", "start stop start", "info: cancel", "stop yes"] {
            assert_eq!(keyword(none), None, "{none}");
        }
    }

    #[test]
    fn yes_means_start_only_to_somebody_who_has_opted_out() {
        for yes in ["yes", "YES", "Yes!", " yes. "] {
            assert_eq!(keyword(yes), None, "{yes}");
            assert_eq!(keyword_when_opted_out(yes), Some(Keyword::Start), "{yes}");
        }
        assert_eq!(keyword_when_opted_out("yes please"), None);
    }

    #[test]
    fn what_is_no_word_at_all() {
        for none in ["", " ", "...", "🛑", "2", "no", "\0", "ＳＴＯ", "st0p", "halt"] {
            assert_eq!(keyword(none), None, "{none:?}");
        }
        assert_eq!(keyword(&"stop ".repeat(400)), None);
        assert_eq!(keyword(&format!("stop{}", "!".repeat(1_596))), Some(Keyword::Stop));
    }
}
