//! The API as a program of a business uses it: every request is repeated, with its key, until it has been answered.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use nmc_kernel::Role;
use nmc_sandbox::Installation;
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;

/// An answer that is not there by then has been cut off: the programs are killed one after another.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// A program is back long before.
const PATIENCE: Duration = Duration::from_mins(1);
/// A client that was not answered asks again after so long.
const PAUSE: Duration = Duration::from_millis(20);
/// For so long after everything is ready again, connections of before may still be found broken.
const AFTERMATH: Duration = Duration::from_secs(2);

/// When something was down.
#[derive(Debug, Default)]
pub(crate) struct Kills(Mutex<Vec<(Instant, Instant)>>);

impl Kills {
    pub(crate) fn add(&self, since: Instant, until: Instant) {
        self.0.lock().unwrap().push((since, until + AFTERMATH));
    }

    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// Whether something was down at some time between.
    pub(crate) fn cut(&self, began: Instant, ended: Instant) -> bool {
        self.0.lock().unwrap().iter().any(|(since, until)| began < *until && *since < ended)
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
}

impl Api {
    pub(crate) fn new(installation: &Installation) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the test is a client of the product")]
        let http = Client::builder().no_proxy().timeout(ANSWER_TIMEOUT).build().unwrap();
        let token = installation.token(Role::Owner).unwrap();
        Self { http, base_url: format!("{}/v1", installation.base_url), token }
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
            tokio::time::sleep(PAUSE).await;
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
