//! `cargo run -- demo`: the main job and what can come between, played on a fresh database and checked step by step.

mod api;
mod bookings;
mod people;
mod texting;

use std::time::{Duration, Instant};

use nmc_kernel::E164;
use nmc_simulators::twilio::{
    CallRequest, CallScenario, Heard, SignatureKind, Step, TextRequest, Transcript, WebhookRequest,
};
use sqlx::{Connection as _, PgConnection, Row as _};

use crate::{
    Installation, Plan, SandboxError,
    run::{data_dir, given_database, say, this_program},
};

/// The caller of the demo; 555-0123 belongs to nobody.
const CALLER: &str = "+14155550123";
/// How long a step may take before it counts as failed.
const STEP_TIMEOUT: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(2);

/// Plays and checks; an error where anything is off.
pub async fn demo() -> Result<(), SandboxError> {
    let began = Instant::now();
    let plan = Plan {
        database: "nmc_demo",
        fresh: true,
        database_url: given_database(),
        // No carrier stands behind the simulated number, and nobody wants to watch texts wait for their turn.
        configuration: vec![("SMS_SEGMENTS_PER_SECOND".to_owned(), "50".to_owned())],
        ..Plan::new(data_dir()?, this_program()?)
    };
    let installation = Installation::start(&plan).await?;
    say(&format!(
        "Everything runs after {:.1} s. {} answers on {}; {CALLER} calls.\n",
        began.elapsed().as_secs_f64(),
        installation.tenant.name,
        installation.tenant.number.as_str()
    ));
    let checks = PgConnection::connect(&installation.database.superuser_url()).await?;
    let mut demo = Demo { installation, checks, caller: parse(CALLER)?, step: 0, failures: 0 };
    let played = demo.play().await;
    let Demo { installation, step, failures, .. } = demo;
    let logs = installation.logs().to_owned();
    installation.stop().await?;
    played?;
    if failures > 0 {
        return Err(SandboxError::Demo(format!(
            "{failures} of {step} checks failed; the logs are in {}",
            logs.display()
        )));
    }
    say(&format!("\nAll {step} checks passed in {:.1} s.", began.elapsed().as_secs_f64()));
    Ok(())
}

fn parse(phone: &str) -> Result<E164, SandboxError> {
    E164::parse(phone).map_err(SandboxError::tenant)
}

struct Demo {
    installation: Installation,
    checks: PgConnection,
    caller: E164,
    step: u32,
    failures: u32,
}

impl Demo {
    async fn play(&mut self) -> Result<(), SandboxError> {
        let transcript = self.a_missed_call_becomes_a_text().await?;
        self.the_same_webhooks_again_change_nothing(&transcript).await?;
        self.the_caller_replies().await?;
        self.a_person_answers().await?;
        self.a_colleague_is_invited().await?;
        self.a_slot_is_booked().await?;
        self.a_forged_webhook_is_refused(&transcript).await?;
        self.stop_is_obeyed().await?;
        self.a_second_call_gets_no_text().await?;
        Box::pin(self.callers_book_by_text()).await?;
        self.nothing_is_left_over().await
    }

    async fn a_missed_call_becomes_a_text(&mut self) -> Result<Transcript, SandboxError> {
        say("A call nobody answers");
        let began = Instant::now();
        let call = CallRequest::new(CALLER, self.installation.tenant.number.clone(), CallScenario::NoAnswer);
        let transcript = self.installation.twilio.place_call(call).await;
        self.check(
            "the caller hears that a text is coming",
            began,
            spoken_to_caller(&transcript).contains("text message"),
        );
        let twilio = self.installation.twilio.clone();
        let caller = self.caller.clone();
        let texted = eventually(async || twilio.accepted_to(&caller).len() == 1).await;
        self.check("Twilio has taken one text for the caller", began, texted);
        let body = twilio.accepted_to(&caller).first().map(|message| message.body.clone()).unwrap_or_default();
        say(&format!("             \"{body}\""));
        let name = self.installation.tenant.name;
        self.check("it names the business and how to stop", began, body.contains(name) && body.contains("STOP"));
        let delivered = self
            .becomes("select count(*) = 1 from conv_messages where direction = 'out' and status = 'delivered' and purpose = 'greeting'")
            .await?;
        self.check("the conversation shows it as delivered", began, delivered);
        let detected = "select count(*) = 1 from outbox_events where event_name = 'nmc.telephony.CallDetected'";
        let once = self.holds(detected).await?;
        self.check("the call was detected once, from two reports of it", began, once);
        Ok(transcript)
    }

    async fn the_same_webhooks_again_change_nothing(&mut self, transcript: &Transcript) -> Result<(), SandboxError> {
        say("Every webhook of that call again, five times at once");
        let began = Instant::now();
        let before = self.counts().await?;
        let mut answered = true;
        for step in &transcript.steps {
            if let Step::Webhook { url, params, answers, .. } = step {
                let repeat =
                    WebhookRequest { times: 5, concurrently: true, ..WebhookRequest::new(url.clone(), params.clone()) };
                let again = self.installation.twilio.deliver(repeat).await;
                let first = answers.first().map(|answer| &answer.body);
                answered &= again.iter().all(|answer| answer.is_success() && Some(&answer.body) == first);
            }
        }
        self.check("each is answered as the first time", began, answered);
        self.quiet().await?;
        let after = self.counts().await?;
        self.check("no event, no message and no text is added", began, before == after);
        Ok(())
    }

    async fn the_caller_replies(&mut self) -> Result<(), SandboxError> {
        say("The caller replies");
        let began = Instant::now();
        let number = self.installation.tenant.number.as_str().to_owned();
        let text = "Hi, my kitchen sink is leaking";
        let result = self.installation.twilio.send_text(TextRequest::new(CALLER, number, text)).await;
        self.check("the text is taken", began, result.answer.is_some_and(|answer| answer.is_success()));
        let stored = self
            .becomes(
                "select count(*) = 1 from conv_messages m join conv_conversations c on c.id = m.conversation_id
                      where m.direction = 'in' and m.body = 'Hi, my kitchen sink is leaking' and c.state = 'open'",
            )
            .await?;
        self.check("it stands in the same, open conversation", began, stored);
        let answered = self
            .becomes(
                "select count(*) = 1 from conv_messages
                 where author = 'automation' and status = 'delivered' and why -> 'acts' ? 'state-price'",
            )
            .await?;
        self.check("the automation answers with the job and its price", began, answered);
        let texts = self.installation.twilio.accepted_to(&self.caller);
        let body = texts.last().map(|message| message.body.clone()).unwrap_or_default();
        say(&format!("             \"{body}\""));
        self.check(
            "Twilio has that text once, with the catalog's price",
            began,
            texts.len() == 2 && body.contains("$159"),
        );
        let asked = self.holds("select count(*) = 0 from conv_tasks where done_at is null").await?;
        self.check("nobody of the business has anything to do", began, asked);
        Ok(())
    }

    async fn a_forged_webhook_is_refused(&mut self, transcript: &Transcript) -> Result<(), SandboxError> {
        say("A forged webhook, and one without a signature");
        let began = Instant::now();
        let before = self.counts().await?;
        let number = self.installation.tenant.number.as_str().to_owned();
        let params = vec![
            ("CallSid".to_owned(), format!("CA{}", "f".repeat(32))),
            ("From".to_owned(), "+14155550166".to_owned()),
            ("To".to_owned(), number),
            ("CallStatus".to_owned(), "no-answer".to_owned()),
        ];
        let mut refused = !transcript.steps.is_empty();
        for signature in [SignatureKind::Wrong, SignatureKind::Missing] {
            let forged =
                WebhookRequest { signature, ..WebhookRequest::new("/webhooks/twilio/voice-status", params.clone()) };
            let answers = self.installation.twilio.deliver(forged).await;
            refused &= answers.iter().all(|answer| answer.status == Some(401));
        }
        self.check("both are answered with 401", began, refused);
        let nothing = before == self.counts().await?;
        self.check("and nothing is written", began, nothing);
        Ok(())
    }

    async fn stop_is_obeyed(&mut self) -> Result<(), SandboxError> {
        say("The caller texts STOP");
        let began = Instant::now();
        let number = self.installation.tenant.number.as_str().to_owned();
        let result = self.installation.twilio.send_text(TextRequest::new(CALLER, number, "Stop.")).await;
        self.check("the text is taken", began, result.answer.is_some_and(|answer| answer.is_success()));
        let recorded = self.holds("select count(*) = 1 from comp_opt_outs where action = 'opt-out'").await?;
        self.check("the opt-out stood before the webhook was answered", began, recorded);
        let closed = self
            .becomes("select count(*) = 1 from conv_conversations where state = 'closed' and closed_reason = 'opt-out'")
            .await?;
        self.check("the conversation is closed", began, closed);
        Ok(())
    }

    async fn a_second_call_gets_no_text(&mut self) -> Result<(), SandboxError> {
        say("The same caller calls again");
        let began = Instant::now();
        self.quiet().await?;
        let texts = self.installation.twilio.accepted_to(&self.caller).len();
        let call = CallRequest::new(CALLER, self.installation.tenant.number.clone(), CallScenario::NoAnswer);
        let transcript = self.installation.twilio.place_call(call).await;
        let spoken = spoken_to_caller(&transcript);
        let honest = spoken.contains("call you back") && !spoken.contains("text message");
        self.check("the caller is promised a call back, not a text", began, honest);
        let explained = self
            .becomes("select count(*) = 1 from comp_gate_decisions where subject_kind = 'call' and outcome = 'block' and reason = 'opted-out'")
            .await?;
        self.check("why there is none is on record", began, explained);
        self.quiet().await?;
        let silent = self.installation.twilio.accepted_to(&self.caller).len() == texts;
        self.check("no text went out", began, silent);
        let task = self
            .holds("select count(*) >= 1 from conv_tasks where kind in ('call-back', 'not-sent') and done_at is null")
            .await?;
        self.check("a task asks the business to call back", began, task);
        Ok(())
    }

    async fn nothing_is_left_over(&mut self) -> Result<(), SandboxError> {
        say("At the end");
        let began = Instant::now();
        self.quiet().await?;
        let delivered = self.holds("select count(*) = 0 from outbox_events where dispatched_at is null").await?
            && self.holds("select count(*) = 0 from outbox_dead_letters").await?;
        self.check("every event was delivered, none is in the dead letters", began, delivered);
        let settled = self.holds("select bool_and(state in ('accepted', 'cancelled')) from effect_intents").await?;
        self.check("everything asked of a provider is with it or was taken back", began, settled);
        let accepted: i64 =
            sqlx::query_scalar("select count(*) from effect_intents where kind = 'sms' and state = 'accepted'")
                .fetch_one(&mut self.checks)
                .await?;
        let ledger = i64::try_from(self.installation.twilio.accepted().len()).unwrap_or(-1);
        self.check("Twilio's ledger has exactly the texts the database says it has", began, ledger == accepted);
        Ok(())
    }

    /// Prints a check and counts it.
    fn check(&mut self, what: &str, began: Instant, passed: bool) {
        self.check_after(what, began.elapsed(), passed);
    }

    fn check_after(&mut self, what: &str, after: Duration, passed: bool) {
        self.step += 1;
        self.failures += u32::from(!passed);
        let mark = if passed { "ok  " } else { "FAIL" };
        say(&format!("  {:>6} ms  {mark}  {what}", after.as_millis()));
    }

    /// Whether `sql`, a single boolean, is true now.
    async fn holds(&mut self, sql: &'static str) -> Result<bool, SandboxError> {
        Ok(sqlx::query_scalar::<_, Option<bool>>(sql).fetch_one(&mut self.checks).await?.unwrap_or(false))
    }

    /// Whether `sql` becomes true in time.
    async fn becomes(&mut self, sql: &'static str) -> Result<bool, SandboxError> {
        self.becomes_within(STEP_TIMEOUT, sql).await
    }

    /// Whether `sql` becomes true within this time.
    async fn becomes_within(&mut self, bound: Duration, sql: &'static str) -> Result<bool, SandboxError> {
        let began = Instant::now();
        while began.elapsed() < bound {
            if self.holds(sql).await? {
                return Ok(true);
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(false)
    }

    /// Waits until nothing is under way any more: whatever was to follow has followed.
    async fn quiet(&mut self) -> Result<(), SandboxError> {
        let idle = "select not exists (select from outbox_events where dispatched_at is null)
                       and not exists (select from conv_turns)
                       and not exists (select from effect_intents where state in ('pending', 'in_flight', 'unknown'))";
        // What the database has done may have begun something at the providers, and their reports something here.
        for _ in 0..3 {
            self.installation.twilio.settled().await;
            self.installation.clerk.settled().await;
            self.becomes(idle).await?;
        }
        Ok(())
    }

    /// What a webhook could add to.
    async fn counts(&mut self) -> Result<[i64; 6], SandboxError> {
        let row = sqlx::query(
            "select (select count(*) from webhook_events), (select count(*) from outbox_events),
                    (select count(*) from tel_calls), (select count(*) from conv_messages),
                    (select count(*) from effect_intents)",
        )
        .fetch_one(&mut self.checks)
        .await?;
        let texts = i64::try_from(self.installation.twilio.accepted().len()).unwrap_or(-1);
        Ok([row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?, row.try_get(4)?, texts])
    }
}

/// What the caller heard.
fn spoken_to_caller(transcript: &Transcript) -> String {
    let spoken = transcript.steps.iter().filter_map(|step| match step {
        Step::Said { to: Heard::Caller, text, .. } => Some(text.as_str()),
        Step::Said { .. } | Step::Webhook { .. } | Step::Note { .. } => None,
    });
    spoken.collect::<Vec<_>>().join(" ")
}

/// Whether `condition` becomes true in time.
async fn eventually(condition: impl AsyncFn() -> bool) -> bool {
    let began = Instant::now();
    while began.elapsed() < STEP_TIMEOUT {
        if condition().await {
            return true;
        }
        tokio::time::sleep(POLL).await;
    }
    false
}
