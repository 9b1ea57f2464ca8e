//! The API as a program of a business uses it: every request is repeated, with its key, until it has been answered.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use nmc_kernel::Role;
use nmc_sandbox::Installation;
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;
use tokio::sync::watch;

/// An answer that is not there by then has been cut off: the programs are killed one after another.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// A program is back long before.
const PATIENCE: Duration = Duration::from_mins(1);
/// For so long after everything is ready again, connections of before may still be found broken.
const AFTERMATH: Duration = Duration::from_secs(2);

/// When something was down, and whether it is now.
#[derive(Debug, Default)]
pub(crate) struct Kills {
    past: Mutex<Vec<(Instant, Instant)>>,
    down_since: watch::Sender<Option<Instant>>,
}

impl Kills {
    /// Something is about to be killed.
    pub(crate) fn begin(&self) {
        self.down_since.send_replace(Some(Instant::now()));
    }

    /// Everything is ready again.
    pub(crate) fn end(&self) {
        let since = self.down_since.send_replace(None).unwrap();
        self.past.lock().unwrap().push((since, Instant::now() + AFTERMATH));
    }

    /// Waits until nothing is down: a client that was not answered asks again then.
    async fn all_up(&self) {
        let mut down_since = self.down_since.subscribe();
        down_since.wait_for(Option::is_none).await.unwrap();
    }

    pub(crate) fn count(&self) -> usize {
        self.past.lock().unwrap().len()
    }

    /// Whether something was down at some time between.
    pub(crate) fn cut(&self, began: Instant, ended: Instant) -> bool {
        self.past.lock().unwrap().iter().any(|(since, until)| began < *until && *since < ended)
    }
}

/// An answer that is one.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

/// How one try of a request went.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Try {
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    /// It was not answered, or with 503.
    pub(crate) failed: bool,
}

#[derive(Clone)]
pub(crate) struct Api {
    http: Client,
    base_url: String,
    token: String,
    kills: Arc<Kills>,
}

impl Api {
    pub(crate) fn new(installation: &Installation, kills: Arc<Kills>) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the test is a client of the product")]
        let http = Client::builder().no_proxy().timeout(ANSWER_TIMEOUT).build().unwrap();
        let token = installation.token(Role::Owner).unwrap();
        Self { http, base_url: format!("{}/v1", installation.base_url), token, kills }
    }

    /// Asks until there is an answer; the tries it took are added to `tries`.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        key: Option<&str>,
        tries: &mut Vec<Try>,
    ) -> Answer {
        let asked = Instant::now();
        while asked.elapsed() < PATIENCE {
            let began = Instant::now();
            let got = self.try_once(method.clone(), path, body, key).await;
            tries.push(Try { began, ended: Instant::now(), failed: got.is_none() });
            if let Some(answer) = got {
                return answer;
            }
            self.kills.all_up().await;
        }
        panic!("{method} {path} was not answered within {} s", PATIENCE.as_secs());
    }

    /// An answer, unless it was cut off or says that there will be one later.
    async fn try_once(&self, method: Method, path: &str, body: &Value, key: Option<&str>) -> Option<Answer> {
        let mut request = self.http.request(method, format!("{}{path}", self.base_url)).bearer_auth(&self.token);
        if !body.is_null() {
            request = request.json(body);
        }
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let response = request.send().await.ok()?;
        let status = response.status();
        let body = response.bytes().await.ok()?;
        let answer = Answer { status, body: serde_json::from_slice(&body).unwrap_or_default() };
        (status != StatusCode::SERVICE_UNAVAILABLE).then_some(answer)
    }
}
