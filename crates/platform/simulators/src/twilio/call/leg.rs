//! The two legs of a call: TwiML on the caller's, the whisper on the dialled one.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use url::Url;

use super::{CallRequest, CallScenario, Heard, Step, Transcript};
use crate::twilio::{
    Account,
    ledger::Call,
    twiml::{self, Number, Verb},
    webhook::{Params, WebhookAnswer},
};

/// A call that fetches more documents than this runs in a circle.
const MAX_DOCUMENTS: usize = 20;

pub(super) struct CallInProgress<'a> {
    pub(super) account: &'a Arc<Account>,
    pub(super) request: &'a CallRequest,
    pub(super) call_sid: String,
    pub(super) started_at: DateTime<Utc>,
    started: Instant,
    dialled_call_sid: Option<String>,
    talked_seconds: u32,
    documents: usize,
    steps: Vec<Step>,
}

/// A document and the URL it came from, which its relative URLs start from.
struct Document {
    url: String,
    verbs: VecDeque<Verb>,
}

/// How a `<Dial>` ended.
struct DialEnd {
    status: &'static str,
    /// Nothing where nobody answered.
    talk_seconds: Option<u32>,
    is_bridged: bool,
}

impl<'a> CallInProgress<'a> {
    pub(super) fn new(account: &'a Arc<Account>, request: &'a CallRequest, call_sid: String) -> Self {
        Self {
            account,
            request,
            call_sid,
            started_at: account.settings.clock.now(),
            started: Instant::now(),
            dialled_call_sid: None,
            talked_seconds: 0,
            documents: 0,
            steps: Vec::new(),
        }
    }

    /// Plays the caller's leg; gives its last status.
    pub(super) async fn run(&mut self, voice_url: &str, fallback: Option<&str>) -> &'static str {
        let params = self.caller_params("ringing");
        let mut document = match self.fetch(voice_url, params.clone()).await {
            Some(document) => Some(document),
            None => match fallback {
                Some(fallback) => self.fetch(fallback, params).await,
                None => None,
            },
        };
        let mut is_answered = false;
        while let Some(mut current) = document.take() {
            let Some(verb) = current.verbs.pop_front() else { return "completed" };
            match verb {
                Verb::Reject { busy } if !is_answered => return if busy { "busy" } else { "no-answer" },
                Verb::Hangup | Verb::Reject { .. } => return "completed",
                Verb::Say(text) => self.say(Heard::Caller, text),
                Verb::Message(_) | Verb::Silent => {}
                // A caller presses nothing.
                Verb::Gather { prompts, .. } => self.say_all(Heard::Caller, prompts),
                Verb::Redirect(url) => {
                    let url = self.joined(&current.url, &url);
                    document = self.fetch(&url, self.caller_params("in-progress")).await;
                    is_answered = true;
                    continue;
                }
                Verb::Dial { action, numbers } => {
                    let action = action.map(|action| self.joined(&current.url, &action));
                    let (end, caller_is_gone) = self.dial(&current.url, &numbers).await;
                    if let CallScenario::CallerHangsUp { dial_reported: false } = self.request.scenario {
                        return "completed";
                    }
                    if let Some(action) = action {
                        let call_status = if caller_is_gone { "completed" } else { "in-progress" };
                        let next = self.fetch(&action, self.dial_params(call_status, &end)).await;
                        // Nobody is there any more to hear what the document says.
                        document = next.filter(|_| !caller_is_gone);
                        is_answered = true;
                        continue;
                    }
                    if caller_is_gone {
                        return "completed";
                    }
                }
            }
            is_answered = true;
            document = Some(current);
        }
        if is_answered { "completed" } else { "failed" }
    }

    /// Dials the first number; says how it ended, and whether the caller has gone.
    async fn dial(&mut self, url: &str, numbers: &[Number]) -> (DialEnd, bool) {
        let ring = Duration::from_millis(self.account.state().behaviour.ring_millis);
        tokio::time::sleep(ring).await;
        let not_connected = |status| DialEnd { status, talk_seconds: None, is_bridged: false };
        let Some(number) = numbers.first() else {
            self.note("a <Dial> without a number");
            return (not_connected("failed"), false);
        };
        let sid = self.account.new_sid("CA");
        self.dialled_call_sid = Some(sid.clone());
        let (end, caller_is_gone) = match self.request.scenario {
            CallScenario::NoAnswer => (not_connected("no-answer"), false),
            CallScenario::Busy => (not_connected("busy"), false),
            CallScenario::Failed => (not_connected("failed"), false),
            CallScenario::CallerHangsUp { .. } => (not_connected("canceled"), true),
            CallScenario::Answered { talk_seconds } => {
                (self.answer(url, number, &sid, Some("1"), talk_seconds).await, false)
            }
            CallScenario::Declined => (self.answer(url, number, &sid, Some("2"), 20).await, false),
            CallScenario::Voicemail => (self.answer(url, number, &sid, None, 20).await, false),
        };
        self.talked_seconds = end.talk_seconds.unwrap_or(0);
        self.account.state().ledger.put_call(Call {
            sid,
            parent_call_sid: Some(self.call_sid.clone()),
            from: self.request.from.clone(),
            to: number.phone.clone(),
            status: end.status.to_owned(),
            direction: "outbound-dial".to_owned(),
            started_at: self.account.settings.clock.now(),
            duration_seconds: self.talked_seconds,
        });
        (end, caller_is_gone)
    }

    /// The dialled phone is answered: it hears the whisper, and is connected unless that hangs up.
    async fn answer(&mut self, url: &str, number: &Number, sid: &str, key: Option<&str>, talk_seconds: u32) -> DialEnd {
        let is_connected = match &number.whisper_url {
            None => true,
            Some(whisper) => {
                let whisper = self.joined(url, whisper);
                self.whisper(&whisper, number, sid, key).await
            }
        };
        self.note(if is_connected { "the two are connected" } else { "the dialled party is not connected" });
        // Twilio reports a leg that was answered as completed, connected or not.
        let talk_seconds = Some(if is_connected { talk_seconds } else { 2 });
        DialEnd { status: "completed", talk_seconds, is_bridged: is_connected }
    }

    /// Whether the whisper ends with the two connected.
    async fn whisper(&mut self, url: &str, number: &Number, sid: &str, key: Option<&str>) -> bool {
        let params = self.dialled_params(number, sid);
        let mut document = self.fetch(url, params.clone()).await;
        while let Some(mut current) = document.take() {
            let Some(verb) = current.verbs.pop_front() else { return true };
            match verb {
                Verb::Hangup | Verb::Reject { .. } => return false,
                Verb::Say(text) => self.say(Heard::Dialled, text),
                Verb::Message(_) | Verb::Silent => {}
                Verb::Gather { action, prompts } => {
                    self.say_all(Heard::Dialled, prompts);
                    if let Some(key) = key {
                        let action = action.map_or_else(|| current.url.clone(), |a| self.joined(&current.url, &a));
                        let mut params = params.clone();
                        push(&mut params, "Digits", key);
                        push(&mut params, "FinishedOnKey", "");
                        push(&mut params, "msg", "Gather End");
                        document = self.fetch(&action, params).await;
                        continue;
                    }
                }
                Verb::Redirect(next) => {
                    let next = self.joined(&current.url, &next);
                    document = self.fetch(&next, params.clone()).await;
                    continue;
                }
                Verb::Dial { .. } => {
                    self.note("a whisper may not <Dial>");
                    return false;
                }
            }
            document = Some(current);
        }
        false
    }

    /// Asks for a document; nothing where the service gave none that can be read.
    async fn fetch(&mut self, url: &str, params: Params) -> Option<Document> {
        self.documents += 1;
        if self.documents > MAX_DOCUMENTS {
            self.note("too many documents");
            return None;
        }
        let answers = self.send(url, params).await;
        // Sent several times, the caller hears the first.
        let answer = answers.into_iter().next()?;
        if !answer.is_success() {
            self.note("an application error has occurred");
            return None;
        }
        match twiml::parse(&answer.body) {
            Ok(verbs) => Some(Document { url: url.to_owned(), verbs: verbs.into() }),
            Err(error) => {
                self.note(&format!("an application error has occurred: {error}"));
                None
            }
        }
    }

    async fn send(&mut self, url: &str, params: Params) -> Vec<WebhookAnswer> {
        let posts = (0..self.request.repeat.max(1)).map(|_| self.account.post_until_answered(url, &params));
        let answers = futures::future::join_all(posts).await;
        let at_millis = self.millis();
        self.steps.push(Step::Webhook { at_millis, url: url.to_owned(), params, answers: answers.clone() });
        answers
    }

    /// Source: <https://www.twilio.com/docs/voice/api/call-resource#statuscallback>.
    pub(super) async fn report_end(&mut self, url: &str, status: &str, duration_seconds: u32) {
        let mut params = self.caller_params(status);
        push(&mut params, "CallDuration", &duration_seconds.to_string());
        push(&mut params, "Duration", &duration_seconds.div_ceil(60).to_string());
        push(&mut params, "Timestamp", &self.account.settings.clock.now().to_rfc2822());
        push(&mut params, "CallbackSource", "call-progress-events");
        push(&mut params, "SequenceNumber", "0");
        self.send(url, params).await;
    }

    pub(super) fn duration_seconds(&self, status: &str) -> u32 {
        if status == "completed" { self.talked_seconds.max(1) } else { 0 }
    }

    pub(super) fn into_transcript(self, status: &str) -> Transcript {
        Transcript {
            call_sid: self.call_sid,
            dialled_call_sid: self.dialled_call_sid,
            final_status: status.to_owned(),
            steps: self.steps,
        }
    }

    /// Source: <https://www.twilio.com/docs/voice/twiml#request-parameters>.
    fn caller_params(&self, status: &str) -> Params {
        let mut params = Params::new();
        let to = self.request.to.as_str();
        push(&mut params, "CallSid", &self.call_sid);
        push(&mut params, "AccountSid", self.account.settings.account_sid.as_str());
        push(&mut params, "From", &self.request.from);
        push(&mut params, "To", to);
        push(&mut params, "Caller", &self.request.from);
        push(&mut params, "Called", to);
        push(&mut params, "CallStatus", status);
        push(&mut params, "ApiVersion", "2010-04-01");
        push(&mut params, "Direction", "inbound");
        push(&mut params, "CallerCountry", "US");
        push(&mut params, "ToCountry", "US");
        if let Some(number) = &self.request.forwarded_from {
            push(&mut params, "ForwardedFrom", number);
            push(&mut params, "CalledVia", number);
        }
        params
    }

    /// Source: <https://www.twilio.com/docs/voice/twiml/dial#action>.
    fn dial_params(&self, call_status: &str, end: &DialEnd) -> Params {
        let mut params = self.caller_params(call_status);
        push(&mut params, "DialCallStatus", end.status);
        if let Some(sid) = &self.dialled_call_sid {
            push(&mut params, "DialCallSid", sid);
        }
        if let Some(seconds) = end.talk_seconds {
            push(&mut params, "DialCallDuration", &seconds.to_string());
            push(&mut params, "DialBridged", if end.is_bridged { "true" } else { "false" });
        }
        params
    }

    /// The dialled leg has an id of its own and names the caller's.
    fn dialled_params(&self, number: &Number, sid: &str) -> Params {
        let mut params = Params::new();
        push(&mut params, "CallSid", sid);
        push(&mut params, "ParentCallSid", &self.call_sid);
        push(&mut params, "AccountSid", self.account.settings.account_sid.as_str());
        push(&mut params, "From", &self.request.from);
        push(&mut params, "To", &number.phone);
        push(&mut params, "Caller", &self.request.from);
        push(&mut params, "Called", &number.phone);
        push(&mut params, "CallStatus", "in-progress");
        push(&mut params, "ApiVersion", "2010-04-01");
        push(&mut params, "Direction", "outbound-dial");
        params
    }

    fn joined(&mut self, base: &str, url: &str) -> String {
        match Url::parse(base).and_then(|base| base.join(url)) {
            // An absolute URL stays as it was written: it is signed that way.
            Ok(_) if url.contains("://") => url.to_owned(),
            Ok(joined) => joined.to_string(),
            Err(_) => {
                self.note("a URL that cannot be read");
                url.to_owned()
            }
        }
    }

    fn say(&mut self, to: Heard, text: String) {
        let at_millis = self.millis();
        self.steps.push(Step::Said { at_millis, to, text });
    }

    fn say_all(&mut self, to: Heard, prompts: Vec<Verb>) {
        for prompt in prompts {
            if let Verb::Say(text) = prompt {
                self.say(to, text);
            }
        }
    }

    fn note(&mut self, text: &str) {
        let at_millis = self.millis();
        self.steps.push(Step::Note { at_millis, text: text.to_owned() });
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

fn push(params: &mut Params, name: &str, value: &str) {
    params.push((name.to_owned(), value.to_owned()));
}
