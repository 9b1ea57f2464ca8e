//! Twilio, simulated: the Messages and Calls APIs, calls that interpret TwiML, signed webhooks, faults on demand.
//!
//! [`TwilioSimulator`] is the handle for the process it runs in; the same is offered over HTTP below `/simulator/`
//! (see `control.rs`) for other processes and pages.

mod api;
mod call;
mod control;
mod fault;
mod ledger;
mod message;
mod settings;
mod twiml;
mod webhook;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use nmc_kernel::E164;
use tokio::sync::watch;

pub use call::{CallRequest, CallScenario, Heard, Step, Transcript};
pub use fault::{Api, Fault, FaultRule, When};
pub use ledger::{Call, Direction, Message, Summary};
pub use message::{TextRequest, TextResult};
pub use settings::{Behaviour, DeliveryOutcome, DeliveryPlan, SimulatedNumber, TwilioSettings};
pub use webhook::{SignatureKind, WebhookAnswer, WebhookRequest};

use crate::{
    StartError,
    server::{self, Running},
    work::Work,
};
use fault::Faults;
use ledger::Ledger;
use webhook::WebhookSender;

/// A running simulator; stops when the last handle is dropped.
#[derive(Clone, Debug)]
pub struct TwilioSimulator {
    account: Arc<Account>,
    running: Arc<Running>,
}

/// What the API, the calls and the controls share.
#[derive(Debug)]
struct Account {
    settings: TwilioSettings,
    state: Mutex<State>,
    webhooks: WebhookSender,
    work: Work,
}

#[derive(Debug, Default)]
struct State {
    ledger: Ledger,
    faults: Faults,
    behaviour: Behaviour,
    numbers: Vec<SimulatedNumber>,
    service_url: Option<String>,
    default_plan: DeliveryPlan,
    plans: std::collections::HashMap<String, DeliveryPlan>,
}

impl TwilioSimulator {
    /// Starts listening; the account's numbers are reachable at once.
    pub async fn start(settings: TwilioSettings) -> Result<Self, StartError> {
        let listening = server::listen(settings.address).await?;
        let ledger = match &settings.snapshot {
            Some(path) => Ledger::kept_at(path).map_err(StartError::snapshot(settings.snapshot.clone()))?,
            None => Ledger::default(),
        };
        let state = State {
            ledger,
            behaviour: settings.behaviour.clone(),
            numbers: settings.numbers.clone(),
            service_url: settings.service_url.clone(),
            ..State::default()
        };
        let work = Work::default();
        let account = Arc::new(Account {
            state: Mutex::new(state),
            webhooks: WebhookSender::new().map_err(StartError::Client)?,
            work: work.clone(),
            settings,
        });
        let router =
            Router::new().merge(api::router()).nest("/simulator", control::router()).with_state(account.clone());
        Ok(Self { account, running: Arc::new(Running::start(listening, router, work.shutdown)) })
    }

    /// Where it listens: `http://127.0.0.1:<port>`, the `TWILIO_BASE_URL` of the service under test.
    pub fn base_url(&self) -> String {
        self.running.base_url()
    }

    /// Stops listening, drops open connections and pending webhooks.
    pub fn stop(&self) {
        self.running.stop();
    }

    /// Sends webhooks to `service_url` from now on; they stay signed for the public URL.
    pub fn point_at(&self, service_url: impl Into<String>) {
        self.account.state().service_url = Some(service_url.into());
    }

    /// Adds a number, or replaces its webhooks.
    pub fn put_number(&self, number: SimulatedNumber) {
        self.account.put_number(number);
    }

    /// Changes times and retries.
    pub fn set_behaviour(&self, behaviour: Behaviour) {
        self.account.state().behaviour = behaviour;
    }

    /// Times and retries as they are now.
    pub fn behaviour(&self) -> Behaviour {
        self.account.state().behaviour.clone()
    }

    /// What becomes of messages accepted from now on: to one recipient, or to all that have no plan of their own.
    pub fn set_delivery(&self, to: Option<&E164>, plan: DeliveryPlan) {
        self.account.set_delivery(to.map(E164::as_str), plan);
    }

    /// Sets a fault.
    pub fn add_fault(&self, api: Api, fault: Fault, when: When) {
        self.account.state().faults.add(FaultRule { api, fault, when });
    }

    /// Takes all faults back.
    pub fn clear_faults(&self) {
        self.account.state().faults.clear();
    }

    /// Plays a call from ringing to its last status; returns when it is over.
    pub async fn place_call(&self, request: CallRequest) -> Transcript {
        let _under_way = self.account.work.begin();
        call::place(&self.account, request).await
    }

    /// Texts one of the account's numbers; returns when the webhook was answered or given up.
    pub async fn send_text(&self, request: TextRequest) -> TextResult {
        let _under_way = self.account.work.begin();
        message::receive(&self.account, request).await
    }

    /// Puts a leg into the account, or replaces it, with no webhook about it: as if all of them were lost.
    pub fn put_call(&self, call: Call) {
        self.account.state().ledger.put_call(call);
    }

    /// Sends a webhook as told: forged, unsigned, many times, at once.
    pub async fn deliver(&self, request: WebhookRequest) -> Vec<WebhookAnswer> {
        let _under_way = self.account.work.begin();
        webhook::deliver(&self.account, request).await
    }

    /// The counts.
    pub fn summary(&self) -> Summary {
        self.account.state().ledger.summary.clone()
    }

    /// Messages accepted through the API, oldest first.
    pub fn accepted(&self) -> Vec<Message> {
        self.account.messages(|message| message.direction == Direction::OutboundApi)
    }

    /// Messages accepted for one recipient, oldest first.
    pub fn accepted_to(&self, to: &E164) -> Vec<Message> {
        let state = self.account.state();
        let mut messages: Vec<Message> = state.ledger.messages_to(to.as_str()).cloned().collect();
        messages.retain(|message| message.direction == Direction::OutboundApi);
        messages.reverse();
        messages
    }

    /// Every message from or to a phone, oldest first.
    pub fn messages_with(&self, phone: &str) -> Vec<Message> {
        self.account.messages(|message| message.from == phone || message.to == phone)
    }

    /// Every leg of every call, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        let mut calls: Vec<Call> = self.account.state().ledger.calls().cloned().collect();
        calls.reverse();
        calls
    }

    /// Told of every message and call that is new or different from now on.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.account.state().ledger.changed.subscribe()
    }

    /// Waits until no webhook, call or delayed request is under way any more.
    pub async fn settled(&self) {
        self.account.work.settled().await;
    }
}

impl Account {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn messages(&self, wanted: impl Fn(&Message) -> bool) -> Vec<Message> {
        let mut messages: Vec<Message> =
            self.state().ledger.messages().filter(|message| wanted(message)).cloned().collect();
        messages.reverse();
        messages
    }

    fn number(&self, phone: &str) -> Option<SimulatedNumber> {
        self.state().numbers.iter().find(|number| number.phone.as_str() == phone).cloned()
    }

    fn put_number(&self, number: SimulatedNumber) {
        let mut state = self.state();
        state.numbers.retain(|known| known.phone != number.phone);
        state.numbers.push(number);
    }

    fn set_delivery(&self, to: Option<&str>, plan: DeliveryPlan) {
        let mut state = self.state();
        match to {
            Some(to) => drop(state.plans.insert(to.to_owned(), plan)),
            None => state.default_plan = plan,
        }
    }

    /// A new id: the kind's two letters and 32 hexadecimal digits.
    fn new_sid(&self, kind: &str) -> String {
        let mut bytes = [0_u8; 16];
        self.settings.random.fill(&mut bytes);
        format!("{kind}{}", hex::encode(bytes))
    }
}
