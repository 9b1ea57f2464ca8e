//! Somebody who calls, is not picked up, and texts.

use std::{collections::HashMap, time::Duration};

use chrono::NaiveDate;
use nmc_kernel::E164;
use nmc_simulators::twilio::{CallRequest, CallScenario, TextRequest, TwilioSimulator};
use nmc_testkit::eventually;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::script::Script;

/// A dispatcher that dies over an answer costs its lease of 20 seconds; who waits longer than this waits in vain.
const PATIENCE: Duration = Duration::from_secs(90);
/// Whoever answers quicker three times in a row is taken for a machine, and what is agreed to sooner has not been read.
const READING: Duration = Duration::from_millis(1_700);
/// Answers to one script, at most: nobody repeats themselves for ever.
const ANSWERS_MAX: usize = 20;
/// Longer than a run.
const ALWAYS: Duration = Duration::from_hours(2);

/// Tells each phone how many texts it has.
pub(crate) struct Post(HashMap<String, watch::Sender<usize>>);

impl Post {
    pub(crate) fn new(phones: impl Iterator<Item = String>) -> Self {
        Self(phones.map(|phone| (phone, watch::Sender::new(0))).collect())
    }

    fn of(&self, phone: &E164) -> watch::Receiver<usize> {
        self.0[phone.as_str()].subscribe()
    }

    /// Goes on until `over`.
    pub(crate) async fn deliver(&self, twilio: &TwilioSimulator, over: &CancellationToken) {
        let _ = eventually(ALWAYS, async || {
            for (phone, texts) in twilio.summary().accepted_to {
                if let Some(known) = self.0.get(&phone) {
                    known.send_if_modified(|known| std::mem::replace(known, texts) != texts);
                }
            }
            over.is_cancelled()
        })
        .await;
    }
}

/// A caller, and how far they got.
pub(crate) struct Caller {
    pub(crate) phone: E164,
    pub(crate) business: E164,
    pub(crate) script: &'static Script,
    pub(crate) day: NaiveDate,
    pub(crate) other_day: NaiveDate,
    /// Who said what.
    pub(crate) transcript: Vec<String>,
    /// Texts of the caller's.
    pub(crate) written: usize,
    /// An answer that was waited for did not come.
    pub(crate) is_stuck: bool,
}

impl Caller {
    /// Calls, reads and writes to the end of the script; tells `heard` of each answer.
    pub(crate) async fn play(&mut self, twilio: &TwilioSimulator, post: &Post, heard: &watch::Sender<usize>) {
        let call = CallRequest::new(self.phone.as_str(), self.business.clone(), CallScenario::NoAnswer);
        twilio.place_call(call).await;
        let mut texts = post.of(&self.phone);
        // The first text says that the call was missed.
        let (mut line, mut read) = (0, 1);
        self.is_stuck = !self.has(&mut texts, read).await;
        while line < self.script.lines.len() && read < ANSWERS_MAX && !self.is_stuck {
            self.read().await;
            self.write(twilio, line).await;
            let next = loop {
                if !self.has(&mut texts, read + 1).await {
                    self.is_stuck = true;
                    break line;
                }
                let answer = twilio.accepted_to(&self.phone).swap_remove(read).body;
                read += 1;
                heard.send_modify(|heard| *heard += 1);
                let next = self.script.after(line, &answer);
                self.transcript.push(format!("< {answer}"));
                if let Some(next) = next {
                    break next;
                }
            };
            line = next;
        }
        self.is_stuck |= line < self.script.lines.len();
    }

    async fn has(&self, texts: &mut watch::Receiver<usize>, count: usize) -> bool {
        tokio::time::timeout(PATIENCE, texts.wait_for(|texts| *texts >= count)).await.is_ok_and(|there| there.is_ok())
    }

    /// Nothing is waited for here: a person reads, and the programs are to see that it takes time.
    async fn read(&self) {
        tokio::time::sleep(READING).await;
    }

    async fn write(&mut self, twilio: &TwilioSimulator, line: usize) {
        let date = |day: NaiveDate| day.format("%B %-d").to_string();
        for piece in self.script.lines[line].pieces {
            let body = piece.replace("{day}", &date(self.day)).replace("{other}", &date(self.other_day));
            self.transcript.push(format!("> {body}"));
            self.written += 1;
            twilio.send_text(TextRequest::new(self.phone.as_str(), self.business.as_str(), body)).await;
        }
    }
}
