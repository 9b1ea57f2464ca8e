//! Every message and call the simulated account has seen. In memory; messages also in a file where one is set.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs::{File, OpenOptions},
    io::{self, BufRead as _, BufReader, Write as _},
    path::Path,
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// Which way a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From a phone to the account.
    Inbound,
    /// Sent through the API.
    OutboundApi,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// `SM` or `MM` and 32 hexadecimal digits.
    pub sid: String,
    /// Which way.
    pub direction: Direction,
    /// The sender.
    pub from: String,
    /// The recipient.
    pub to: String,
    /// The text.
    pub body: String,
    /// As Twilio writes it.
    pub status: String,
    /// Why it failed, where it did.
    pub error_code: Option<u32>,
    /// When it was accepted.
    pub received_at: DateTime<Utc>,
    /// When its status last changed.
    pub updated_at: DateTime<Utc>,
    /// Where its states are reported.
    pub status_callback: Option<String>,
    /// The messaging service it was sent through.
    pub messaging_service_sid: Option<String>,
    /// Pictures: URL and MIME type.
    pub media: Vec<(String, String)>,
}

/// One leg of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// `CA` and 32 hexadecimal digits.
    pub sid: String,
    /// Set on a dialled leg.
    pub parent_call_sid: Option<String>,
    /// Who called.
    pub from: String,
    /// Who was called.
    pub to: String,
    /// As Twilio writes it.
    pub status: String,
    /// `inbound` or `outbound-dial`.
    pub direction: String,
    /// When it came in.
    pub started_at: DateTime<Utc>,
    /// Seconds since it was answered.
    pub duration_seconds: u32,
}

/// Counts, for checks and pages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Messages accepted through the API.
    pub accepted: usize,
    /// Messages that came in.
    pub inbound: usize,
    /// Requests to the API that were refused, wrong credentials included.
    pub refused: usize,
    /// Requests that a fault was played on.
    pub faults_played: usize,
    /// Webhook requests sent, retries and duplicates included.
    pub webhooks_sent: usize,
    /// Of those, the ones that got no answer below 300.
    pub webhooks_failed: usize,
    /// Webhooks given up after the last try.
    pub webhooks_lost: usize,
    /// Messages accepted for each recipient.
    pub accepted_to: BTreeMap<String, usize>,
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    messages: Vec<Message>,
    by_sid: HashMap<String, usize>,
    by_to: HashMap<String, Vec<usize>>,
    calls: Vec<Call>,
    /// (recipient who opted out, our number).
    opt_outs: HashSet<(String, String)>,
    pub(super) summary: Summary,
    /// Told of every message and call that is new or different.
    pub(super) changed: watch::Sender<()>,
    file: Option<File>,
}

impl Ledger {
    /// Reads what an earlier run kept at `path`, and keeps what is added from now on there.
    pub(super) fn kept_at(path: &Path) -> io::Result<Self> {
        let mut ledger = Self::default();
        if path.exists() {
            for line in BufReader::new(File::open(path)?).lines() {
                // The last line may be half written.
                if let Ok(message) = serde_json::from_str::<Message>(&line?) {
                    ledger.put(message);
                }
            }
        }
        ledger.file = Some(OpenOptions::new().create(true).append(true).open(path)?);
        Ok(ledger)
    }

    /// Adds a message, or replaces the one of the same id.
    pub(super) fn put(&mut self, message: Message) {
        self.changed.send_replace(());
        if let Some(file) = &mut self.file {
            let line = serde_json::to_string(&message).unwrap_or_default() + "\n";
            if let Err(error) = file.write_all(line.as_bytes()) {
                tracing::warn!(%error, "the simulator's snapshot could not be written");
            }
        }
        if let Some(index) = self.by_sid.get(&message.sid) {
            self.messages[*index] = message;
            return;
        }
        match message.direction {
            Direction::OutboundApi => {
                self.summary.accepted += 1;
                *self.summary.accepted_to.entry(message.to.clone()).or_default() += 1;
            }
            Direction::Inbound => {
                self.summary.inbound += 1;
                self.note_keyword(&message);
            }
        }
        let index = self.messages.len();
        self.by_sid.insert(message.sid.clone(), index);
        self.by_to.entry(message.to.clone()).or_default().push(index);
        self.messages.push(message);
    }

    fn note_keyword(&mut self, message: &Message) {
        let pair = (message.from.clone(), message.to.clone());
        match opt_out_type(&message.body) {
            Some("STOP") => drop(self.opt_outs.insert(pair)),
            Some("START") => drop(self.opt_outs.remove(&pair)),
            _ => {}
        }
    }

    pub(super) fn has_opted_out(&self, phone: &str, our_number: &str) -> bool {
        self.opt_outs.contains(&(phone.to_owned(), our_number.to_owned()))
    }

    pub(super) fn message(&self, sid: &str) -> Option<&Message> {
        self.by_sid.get(sid).map(|index| &self.messages[*index])
    }

    pub(super) fn set_status(&mut self, sid: &str, status: &str, code: Option<u32>, now: DateTime<Utc>) {
        if let Some(message) = self.message(sid) {
            let changed = Message { status: status.to_owned(), error_code: code, updated_at: now, ..message.clone() };
            self.put(changed);
        }
    }

    /// Newest first.
    pub(super) fn messages(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter().rev()
    }

    /// Newest first.
    pub(super) fn messages_to(&self, to: &str) -> impl Iterator<Item = &Message> {
        self.by_to.get(to).into_iter().flatten().rev().map(|index| &self.messages[*index])
    }

    pub(super) fn put_call(&mut self, call: Call) {
        self.changed.send_replace(());
        match self.calls.iter_mut().rev().find(|known| known.sid == call.sid) {
            Some(known) => *known = call,
            None => self.calls.push(call),
        }
    }

    /// Newest first.
    pub(super) fn calls(&self) -> impl Iterator<Item = &Call> {
        self.calls.iter().rev()
    }
}

/// What Twilio makes of a whole-message keyword.
/// Source: <https://help.twilio.com/articles/223134027>.
pub(super) fn opt_out_type(body: &str) -> Option<&'static str> {
    match body.trim().to_ascii_uppercase().as_str() {
        "STOP" | "STOPALL" | "UNSUBSCRIBE" | "CANCEL" | "END" | "QUIT" | "REVOKE" | "OPTOUT" => Some("STOP"),
        "START" | "YES" | "UNSTOP" => Some("START"),
        "HELP" | "INFO" => Some("HELP"),
        _ => None,
    }
}
