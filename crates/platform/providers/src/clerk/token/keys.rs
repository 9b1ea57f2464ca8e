//! Clerk's keys, kept: asked for rarely, by one request at a time, and used on while Clerk cannot be asked.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::DecodingKey;
use nmc_kernel::Clock;
use reqwest::Url;
use tokio::{sync::watch, time::Instant};

use super::{
    TokenRejection,
    jwks::{self, KeySet},
};
use crate::http::Http;

/// After this time the keys are asked for again, so that one Clerk has taken back ends.
const FRESH_FOR: TimeDelta = TimeDelta::minutes(15);
/// Between two requests at least: a stream of made-up key ids does not become a stream of requests.
const REFRESH_INTERVAL: TimeDelta = TimeDelta::minutes(1);
/// The same as long as there are no keys at all and nobody can sign in.
const FIRST_INTERVAL: TimeDelta = TimeDelta::seconds(5);
/// How long after a request began holders of known keys wait for it, where the keys are no longer fresh: one that Clerk
/// has taken back ends now, and a Clerk that hangs delays nobody further.
const REFRESH_PATIENCE: Duration = Duration::from_millis(500);

/// The keys; clones share them.
#[derive(Clone, Debug)]
pub(super) struct Keys(Arc<Inner>);

struct Inner {
    http: Http,
    url: Url,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    keys: Arc<KeySet>,
    /// When `keys` were answered.
    fetched_at: Option<DateTime<Utc>>,
    /// When they were asked for last, with whatever success.
    asked_at: Option<DateTime<Utc>>,
    /// The request under way, or the last one.
    request: Option<Request>,
}

#[derive(Clone)]
struct Request {
    began: Instant,
    /// Closed once the result is in the state.
    over: watch::Receiver<()>,
}

impl Request {
    fn is_over(&self) -> bool {
        self.over.has_changed().is_err()
    }

    async fn wait(mut self) {
        while self.over.changed().await.is_ok() {}
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

impl Keys {
    pub(super) fn new(http: Http, url: Url, clock: Clock) -> Self {
        Self(Arc::new(Inner { http, url, clock, state: Mutex::default() }))
    }

    /// The key of that id. Asks Clerk where it is not known or no longer fresh, as often as the constants above allow.
    pub(super) async fn find(&self, kid: &str) -> Result<Arc<DecodingKey>, TokenRejection> {
        let (known, request) = {
            let now = self.0.clock.now();
            let mut state = self.0.state();
            let known = state.keys.get(kid).cloned();
            if known.is_some() && elapsed(state.fetched_at, now).is_some_and(|age| age < FRESH_FOR) {
                return known.ok_or(TokenRejection::UnknownKey);
            }
            (known, self.request(&mut state, now))
        };
        if let Some(request) = request {
            match known {
                Some(_) => drop(tokio::time::timeout_at(request.began + REFRESH_PATIENCE, request.wait()).await),
                // The request has time-outs of its own.
                None => request.wait().await,
            }
        }
        let state = self.0.state();
        match state.keys.get(kid).cloned() {
            Some(key) => Ok(key),
            None if state.keys.is_empty() => Err(TokenRejection::KeysUnavailable),
            None => Err(TokenRejection::UnknownKey),
        }
    }

    /// The request under way, else a new one where it is time for one.
    fn request(&self, state: &mut State, now: DateTime<Utc>) -> Option<Request> {
        if let Some(under_way) = state.request.as_ref().filter(|request| !request.is_over()) {
            return Some(under_way.clone());
        }
        let interval = if state.keys.is_empty() { FIRST_INTERVAL } else { REFRESH_INTERVAL };
        if elapsed(state.asked_at, now).is_some_and(|since| since < interval) {
            return None;
        }
        let (done, over) = watch::channel(());
        let request = Request { began: Instant::now(), over };
        state.asked_at = Some(now);
        state.request = Some(request.clone());
        // A task of its own: whoever asked may hang up, and others wait for it too.
        let keys = self.clone();
        tokio::spawn(async move {
            let answer = jwks::fetch(&keys.0.http, &keys.0.url).await;
            keys.0.keep(answer);
            drop(done);
        });
        Some(request)
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A failure changes nothing: the keys that are known go on.
    fn keep(&self, answer: Result<KeySet, jwks::JwksError>) {
        match answer {
            Ok(keys) => {
                let now = self.clock.now();
                let mut state = self.state();
                state.keys = Arc::new(keys);
                state.fetched_at = Some(now);
            }
            Err(error) => {
                let known = self.state().keys.len();
                tracing::warn!(%error, keys.known = known, "Clerk's keys could not be fetched");
            }
        }
    }
}

/// Nothing where it never happened or the clock was set back since: then it is as if it had been long ago.
fn elapsed(since: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<TimeDelta> {
    since.map(|at| now - at).filter(|age| *age >= TimeDelta::zero())
}
