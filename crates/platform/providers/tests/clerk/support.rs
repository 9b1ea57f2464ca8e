//! A key that stands for Clerk's, a key set that can fail, and claims to start from.

use std::{
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaEncoding, RsaKeyPair, RsaPublicKeyComponents},
};
use axum::{Router, body::Body, response::Response, routing::get};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use nmc_kernel::Clock;
use nmc_providers::clerk::{ClerkTokens, TokenSettings};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

pub(crate) const NOW: i64 = 1_790_000_000;
pub(crate) const ISSUER: &str = "https://clerk.example.com";
pub(crate) const PARTY: &str = "https://app.example.com";
pub(crate) const OTHER_PARTY: &str = "http://localhost:5173";
pub(crate) const AUDIENCE: &str = "https://api.example.com";
pub(crate) const TENANT: &str = "0190a000-0000-7000-8000-000000000001";
pub(crate) const SUBJECT: &str = "user_2Nc0vUXGHzLAKXJ0BfNRwSrUjhD";

pub(crate) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_secs(NOW).unwrap()
}

/// A key pair with the id it is known under.
pub(crate) struct Signer {
    pub(crate) kid: &'static str,
    pub(crate) pair: RsaKeyPair,
}

impl Signer {
    /// Clerk's.
    pub(crate) fn clerk() -> &'static Self {
        static KEY: OnceLock<Signer> = OnceLock::new();
        KEY.get_or_init(|| Self::new("ins_clerk"))
    }

    /// Somebody else's, or Clerk's next.
    pub(crate) fn other() -> &'static Self {
        static KEY: OnceLock<Signer> = OnceLock::new();
        KEY.get_or_init(|| Self::new("ins_other"))
    }

    fn new(kid: &'static str) -> Self {
        Self { kid, pair: RsaKeyPair::generate(KeySize::Rsa2048).unwrap() }
    }

    pub(crate) fn numbers(&self) -> (Vec<u8>, Vec<u8>) {
        let public: RsaPublicKeyComponents<Vec<u8>> = self.pair.public_key().into();
        (public.n, public.e)
    }

    pub(crate) fn jwk(&self) -> Value {
        let (n, e) = self.numbers();
        json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "n": encode(&n), "e": encode(&e)})
    }

    pub(crate) fn header(&self) -> Value {
        json!({"alg": "RS256", "cat": "cl_B7d4PD111AAA", "kid": self.kid, "typ": "JWT"})
    }

    pub(crate) fn signature(&self, encoding: &'static dyn RsaEncoding, message: &str) -> Vec<u8> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(encoding, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
        signature
    }

    /// RS256 over any two texts, whatever they say.
    pub(crate) fn sign_raw(&self, header: &[u8], payload: &[u8]) -> String {
        let message = format!("{}.{}", encode(header), encode(payload));
        let signature = self.signature(&RSA_PKCS1_SHA256, &message);
        format!("{message}.{}", encode(&signature))
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_with(&self.header(), claims)
    }

    pub(crate) fn sign_with(&self, header: &Value, claims: &Value) -> String {
        self.sign_raw(header.to_string().as_bytes(), claims.to_string().as_bytes())
    }
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Version 2 with everything.
pub(crate) fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": SUBJECT, "sid": "sess_2GaMqUCB3Sc1WNAkWuNzsnYVVEy", "azp": PARTY,
        "iat": NOW, "nbf": NOW - 10, "exp": NOW + 60, "fva": [0, -1], "v": 2, "jti": "a1b2", "pla": "u:free",
        "sts": "active", "o": {"id": "org_1", "rol": "admin", "slg": "plumbers", "per": "", "fpm": ""},
        "nmc_tenant_id": TENANT, "nmc_role": "OWNER",
    })
}

pub(crate) fn claims_with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

pub(crate) fn claims_without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name).unwrap();
    claims
}

/// What the key set's address does.
#[derive(Clone, Debug)]
pub(crate) enum Behaviour {
    Answer(u16, String),
    Hang,
}

/// Clerk's key set, counted.
pub(crate) struct KeyServer {
    url: String,
    behaviour: Arc<Mutex<Behaviour>>,
    fetches: Arc<AtomicUsize>,
    server: JoinHandle<()>,
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl KeyServer {
    pub(crate) async fn start(keys: &[Value]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/.well-known/jwks.json", listener.local_addr().unwrap());
        let behaviour = Arc::new(Mutex::new(key_set(keys)));
        let fetches = Arc::new(AtomicUsize::new(0));
        let (answers, counter) = (behaviour.clone(), fetches.clone());
        let router = Router::new().route(
            "/.well-known/jwks.json",
            get(move || {
                counter.fetch_add(1, Ordering::SeqCst);
                let behaviour = answers.lock().unwrap().clone();
                async move {
                    match behaviour {
                        Behaviour::Answer(status, body) => {
                            Response::builder().status(status).body(Body::from(body)).unwrap()
                        }
                        Behaviour::Hang => std::future::pending().await,
                    }
                }
            }),
        );
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, behaviour, fetches, server }
    }

    pub(crate) fn set(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    pub(crate) fn publish(&self, keys: &[Value]) {
        self.set(key_set(keys));
    }

    pub(crate) fn jwks_url(&self) -> &str {
        &self.url
    }

    pub(crate) fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    /// Nothing listens there any more.
    pub(crate) async fn stop(&mut self) {
        self.server.abort();
        let _ = (&mut self.server).await;
    }

    pub(crate) fn tokens(&self, clock: &Clock) -> ClerkTokens {
        self.tokens_for(None, clock)
    }

    pub(crate) fn tokens_for(&self, audience: Option<&str>, clock: &Clock) -> ClerkTokens {
        let settings = TokenSettings {
            issuer: ISSUER.to_owned(),
            audience: audience.map(str::to_owned),
            authorized_parties: vec![PARTY.to_owned(), OTHER_PARTY.to_owned()],
            jwks_url: self.url.clone(),
        };
        ClerkTokens::new(settings, clock.clone()).unwrap()
    }
}

fn key_set(keys: &[Value]) -> Behaviour {
    Behaviour::Answer(200, json!({ "keys": keys }).to_string())
}

/// Clerk's own key, published, and a clock that stands at [`NOW`].
pub(crate) async fn clerk() -> (KeyServer, Clock) {
    (KeyServer::start(&[Signer::clerk().jwk()]).await, Clock::fixed(now()))
}

/// A bound for what must not take long, far above what it takes.
pub(crate) const SOON: Duration = Duration::from_secs(2);
