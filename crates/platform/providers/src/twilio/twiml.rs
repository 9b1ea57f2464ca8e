//! The documents a call is answered with. Source: <https://www.twilio.com/docs/voice/twiml>.
//!
//! Every text and attribute is escaped here, so a business's name or a URL cannot add a verb.

use std::fmt::Write as _;

use axum::{
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use nmc_kernel::E164;

const OPENING: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>";
const CLOSING: &str = "</Response>";

/// A finished TwiML document; answers as `text/xml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Twiml(String);

/// A `<Dial>` to the business's own phone.
#[derive(Clone, Debug)]
pub struct Dial<'a> {
    /// The phone to ring.
    pub to: &'a E164,
    /// How long it rings, in seconds; below a voicemail's pick-up.
    pub ring_seconds: u32,
    /// Asked for what comes next, with `DialCallStatus`.
    pub action_url: &'a str,
    /// Asked for what the dialled party hears before the two are connected; nothing connects them at once.
    pub whisper_url: Option<&'a str>,
}

impl Twiml {
    /// Rings the business's phone.
    pub fn dial(dial: &Dial<'_>) -> Self {
        let whisper =
            dial.whisper_url.map(|url| format!(" url=\"{}\" method=\"POST\"", escaped(url))).unwrap_or_default();
        Self::response(&format!(
            "<Dial timeout=\"{}\" action=\"{}\" method=\"POST\"><Number{whisper}>{}</Number></Dial>",
            dial.ring_seconds,
            escaped(dial.action_url),
            escaped(dial.to.as_str()),
        ))
    }

    /// Says a sentence and ends the call.
    pub fn say_and_hang_up(sentence: &str) -> Self {
        Self::response(&format!("<Say>{}</Say><Hangup/>", escaped(sentence)))
    }

    /// Says a sentence and waits for one key, which goes to `action_url`; without a key the leg is hung up, so that a
    /// voicemail is never connected.
    pub fn gather_one_digit(sentence: &str, action_url: &str, wait_seconds: u32) -> Self {
        Self::response(&format!(
            "<Gather numDigits=\"1\" timeout=\"{wait_seconds}\" action=\"{}\" method=\"POST\"><Say>{}</Say></Gather><Hangup/>",
            escaped(action_url),
            escaped(sentence),
        ))
    }

    /// Ends the call, or on a whisper's leg refuses to connect it.
    pub fn hang_up() -> Self {
        Self::response("<Hangup/>")
    }

    /// Refuses a call before it is answered: nothing is charged.
    pub fn reject() -> Self {
        Self::response("<Reject/>")
    }

    /// Does nothing more: ends a caller's leg, connects a whisper's, answers a text with silence.
    pub fn empty() -> Self {
        Self::response("")
    }

    /// The document's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn response(verbs: &str) -> Self {
        Self(format!("{OPENING}{verbs}{CLOSING}"))
    }
}

impl IntoResponse for Twiml {
    fn into_response(self) -> Response {
        ([(CONTENT_TYPE, "text/xml; charset=utf-8")], self.0).into_response()
    }
}

/// The five characters XML reserves; those it forbids (most control characters) become spaces.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\t' | '\n' | '\r' => {
                // Written as a reference, or an attribute would turn it into a space.
                let _ = write!(out, "&#{};", u32::from(character));
            }
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents() {
        let to = E164::parse("+14155550123").unwrap();
        let dial = Dial { to: &to, ring_seconds: 18, action_url: "https://nmc.example/d?a=1&b=2", whisper_url: None };
        assert_eq!(
            Twiml::dial(&dial).as_str(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Dial timeout=\"18\" \
             action=\"https://nmc.example/d?a=1&amp;b=2\" method=\"POST\"><Number>+14155550123</Number></Dial></Response>"
        );
        let with_whisper = Twiml::dial(&Dial { whisper_url: Some("https://nmc.example/w"), ..dial });
        assert!(with_whisper.as_str().contains("<Number url=\"https://nmc.example/w\" method=\"POST\">"));
        assert!(Twiml::empty().as_str().ends_with("<Response></Response>"));
    }

    #[test]
    fn a_name_cannot_add_a_verb() {
        let said = Twiml::say_and_hang_up("Bob's </Say><Dial>+1900</Dial> \"&\" \u{0}\u{8}Co");
        assert!(said.as_str().contains(
            "<Say>Bob&apos;s &lt;/Say&gt;&lt;Dial&gt;+1900&lt;/Dial&gt; &quot;&amp;&quot;   Co</Say><Hangup/>"
        ));
    }
}
