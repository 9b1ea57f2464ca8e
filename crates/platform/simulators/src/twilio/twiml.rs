//! Reading TwiML as Twilio does: a document is a list of verbs, one after the other.

/// A verb, with what of it the simulator plays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Say(String),
    Dial {
        action: Option<String>,
        numbers: Vec<Number>,
    },
    Gather {
        action: Option<String>,
        prompts: Vec<Verb>,
    },
    Redirect(String),
    Hangup,
    Reject {
        busy: bool,
    },
    Message(String),
    /// Heard or done, with nothing to show for it: `Pause`, `Play`.
    Silent,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) phone: String,
    pub(super) whisper_url: Option<String>,
}

/// The document is not TwiML; Twilio ends the call with "an application error has occurred".
#[derive(Debug, thiserror::Error)]
pub(super) enum TwimlError {
    #[error("not well-formed XML: {0}")]
    Xml(#[from] roxmltree::Error),
    #[error("the root is <{0}>, not <Response>")]
    Root(String),
    #[error("<{0}> is not a verb the simulator knows")]
    Verb(String),
}

pub(super) fn parse(document: &str) -> Result<Vec<Verb>, TwimlError> {
    // An empty answer is taken as an empty document: Twilio hangs up.
    if document.trim().is_empty() {
        return Ok(Vec::new());
    }
    let document = roxmltree::Document::parse(document)?;
    let root = document.root_element();
    if !root.has_tag_name("Response") {
        return Err(TwimlError::Root(root.tag_name().name().to_owned()));
    }
    verbs(root)
}

fn verbs(parent: roxmltree::Node<'_, '_>) -> Result<Vec<Verb>, TwimlError> {
    parent.children().filter(roxmltree::Node::is_element).map(verb).collect()
}

fn verb(node: roxmltree::Node<'_, '_>) -> Result<Verb, TwimlError> {
    let attribute = |name: &str| node.attribute(name).map(str::to_owned);
    Ok(match node.tag_name().name() {
        "Say" => Verb::Say(text(node)),
        "Dial" => Verb::Dial { action: attribute("action"), numbers: numbers(node) },
        "Gather" => Verb::Gather { action: attribute("action"), prompts: verbs(node)? },
        "Redirect" => Verb::Redirect(text(node)),
        "Hangup" => Verb::Hangup,
        "Reject" => Verb::Reject { busy: node.attribute("reason") == Some("busy") },
        "Message" => Verb::Message(text(node)),
        "Pause" | "Play" => Verb::Silent,
        other => return Err(TwimlError::Verb(other.to_owned())),
    })
}

fn numbers(dial: roxmltree::Node<'_, '_>) -> Vec<Number> {
    let nested = dial.children().filter(|node| node.has_tag_name("Number"));
    let mut numbers: Vec<Number> = nested
        .map(|node| Number { phone: text(node), whisper_url: node.attribute("url").map(str::to_owned) })
        .collect();
    // <Dial>+1415...</Dial> is the short form.
    if numbers.is_empty() && !text(dial).is_empty() {
        numbers.push(Number { phone: text(dial), whisper_url: None });
    }
    numbers
}

fn text(node: roxmltree::Node<'_, '_>) -> String {
    let text: String = node.descendants().filter_map(|n| n.is_text().then(|| n.text()).flatten()).collect();
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use nmc_kernel::E164;
    use nmc_providers::twilio::{Twiml, twiml::Dial};

    use super::*;

    #[test]
    fn reads_what_the_product_writes() {
        let to = E164::parse("+14155550123").unwrap();
        let dial = Twiml::dial(&Dial {
            to: &to,
            ring_seconds: 18,
            action_url: "https://nmc.example/d?a=1&b=2",
            whisper_url: Some("/w"),
        });
        let number = Number { phone: "+14155550123".into(), whisper_url: Some("/w".into()) };
        let action = Some("https://nmc.example/d?a=1&b=2".to_owned());
        assert_eq!(parse(dial.as_str()).unwrap(), [Verb::Dial { action, numbers: vec![number] }]);
        let nasty = "Bob's </Say><Hangup/> & \"Co\"\n\u{1}end";
        let said = parse(Twiml::say_and_hang_up(nasty).as_str()).unwrap();
        assert_eq!(said, [Verb::Say(nasty.replace('\u{1}', " ")), Verb::Hangup]);
        assert_eq!(parse(Twiml::empty().as_str()).unwrap(), []);
        assert_eq!(parse(Twiml::reject().as_str()).unwrap(), [Verb::Reject { busy: false }]);
    }

    #[test]
    fn what_is_not_twiml_is_an_error() {
        for bad in ["<html/>", "<Response>", "nonsense", "<Response><Fly/></Response>"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
