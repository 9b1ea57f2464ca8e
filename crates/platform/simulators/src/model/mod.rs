//! A language model, simulated: the wire format of OpenAI's chat completions, faults on demand, and a mind that whoever
//! starts it gives it. Sources: <https://platform.openai.com/docs/api-reference/chat/create> and
//! <https://platform.openai.com/docs/guides/error-codes>.

mod api;
mod fault;

use std::{
    fmt,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use secrecy::SecretString;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

pub use fault::Fault;

use crate::{
    StartError,
    server::{self, Running},
};
use fault::Faults;

/// What is asked of the model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelQuestion {
    /// The model that was asked for.
    pub model: String,
    /// What it was told to do.
    pub instructions: String,
    /// What it was told to do it with.
    pub data: String,
    /// What its answer should look like.
    pub schema: Value,
}

/// Answers as the model: what it writes.
pub type Mind = Arc<dyn Fn(&ModelQuestion) -> String + Send + Sync>;

/// A model to simulate.
#[derive(Clone)]
pub struct ModelSimulatorSettings {
    /// What it answers.
    pub mind: Mind,
    /// The key it wants; none: it wants none, as servers of one's own.
    pub api_key: Option<SecretString>,
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
}

impl ModelSimulatorSettings {
    /// One with this mind on a free port that wants no key.
    pub fn new(mind: impl Fn(&ModelQuestion) -> String + Send + Sync + 'static) -> Self {
        Self { mind: Arc::new(mind), api_key: None, address: SocketAddr::from(([127, 0, 0, 1], 0)) }
    }
}

/// A running simulator; stops when the last handle is dropped.
#[derive(Clone, Debug)]
pub struct ModelSimulator {
    served: Arc<Served>,
    running: Arc<Running>,
}

/// What the API and the handle share.
struct Served {
    settings: ModelSimulatorSettings,
    faults: Mutex<Faults>,
    asked: AtomicUsize,
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served").finish_non_exhaustive()
    }
}

impl Served {
    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ModelSimulator {
    /// Listens and answers.
    pub async fn start(settings: ModelSimulatorSettings) -> Result<Self, StartError> {
        let listening = server::listen(settings.address).await?;
        let served = Arc::new(Served { settings, faults: Mutex::default(), asked: AtomicUsize::new(0) });
        let running = Running::start(listening, api::router(&served), CancellationToken::new());
        Ok(Self { served, running: Arc::new(running) })
    }

    /// What `/chat/completions` is appended to.
    pub fn base_url(&self) -> String {
        format!("{}/v1", self.running.base_url())
    }

    /// How many questions have come, whatever became of them.
    pub fn asked(&self) -> usize {
        self.served.asked.load(Ordering::SeqCst)
    }

    /// For the next question, after the faults that are set already.
    pub fn fail_next(&self, fault: Fault) {
        self.served.faults().add_next(fault);
    }

    /// For every question until [`ModelSimulator::recover`].
    pub fn fail_always(&self, fault: Fault) {
        self.served.faults().set_always(fault);
    }

    /// Takes all faults back.
    pub fn recover(&self) {
        self.served.faults().clear();
    }

    /// Stops listening and drops open connections.
    pub fn stop(&self) {
        self.running.stop();
    }
}
