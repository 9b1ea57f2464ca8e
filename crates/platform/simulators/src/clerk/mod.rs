//! Clerk, simulated: the key set, session tokens, users, invitations, webhooks signed as Svix does, faults on demand.
//!
//! [`ClerkSimulator`] is the handle for the process it runs in; the same is offered over HTTP below `/simulator/` for
//! other processes and pages.

mod api;
mod control;
mod directory;
mod fault;
mod key;
mod token;
mod webhook;

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::Router;
use nmc_kernel::{Clock, Random};
use nmc_providers::clerk::{ClerkUserId, InvitationId, WebhookSecret};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub use directory::{SimulatedInvitation, SimulatedUser};
pub use fault::{Endpoint, Fault};
pub use token::{TokenRequest, TokenVersion};
pub use webhook::{SignatureKind, WebhookMessage};

use crate::{
    StartError,
    server::{self, Running},
    work::Work,
};
use directory::Directory;
use fault::Faults;
use key::SigningKey;

/// The origin simulated tokens are asked for by, unless a request names another.
const AUTHORIZED_PARTY: &str = "http://localhost:5173";

/// An instance to simulate.
#[derive(Clone, Debug)]
pub struct ClerkSettings {
    /// The key of the Backend API.
    pub secret_key: SecretString,
    /// What webhooks are signed with, in Svix's form.
    pub webhook_secret: WebhookSecret,
    /// The `iss` of tokens; where it is `None`, the simulator's address.
    pub issuer: Option<String>,
    /// Where the service listens; without it no webhook is sent.
    pub service_url: Option<String>,
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// Keeps keys, users and invitations over a restart.
    pub snapshot: Option<PathBuf>,
    /// The time tokens are made at.
    pub clock: Clock,
    /// Ids.
    pub random: Random,
}

impl ClerkSettings {
    /// An instance on a free port, in the system's time.
    pub fn new(secret_key: impl Into<String>, webhook_secret: WebhookSecret) -> Self {
        Self {
            secret_key: SecretString::from(secret_key.into()),
            webhook_secret,
            issuer: None,
            service_url: None,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            snapshot: None,
            clock: Clock::system(),
            random: Random::from_entropy(),
        }
    }
}

/// Somebody who signs up.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// The id; a new one where it is `None`.
    #[serde(default)]
    pub id: Option<ClerkUserId>,
    /// The primary address.
    #[serde(default)]
    pub email: Option<String>,
    /// Whether it is verified.
    #[serde(default)]
    pub is_verified: bool,
    /// The primary phone number.
    #[serde(default)]
    pub phone: Option<String>,
    /// The first name.
    #[serde(default)]
    pub first_name: Option<String>,
    /// The last name.
    #[serde(default)]
    pub last_name: Option<String>,
    /// What only the Backend API sets.
    #[serde(default)]
    pub public_metadata: Map<String, Value>,
}

impl NewUser {
    /// Somebody with a verified address.
    pub fn with_email(address: impl Into<String>) -> Self {
        Self { email: Some(address.into()), is_verified: true, ..Self::default() }
    }
}

/// A running simulator; stops when the last handle is dropped.
#[derive(Clone, Debug)]
pub struct ClerkSimulator {
    instance: Arc<Instance>,
    running: Arc<Running>,
}

/// What the API, the webhooks and the controls share.
#[derive(Debug)]
struct Instance {
    settings: ClerkSettings,
    issuer: String,
    http: reqwest::Client,
    state: Mutex<State>,
    work: Work,
}

#[derive(Debug)]
struct State {
    directory: Directory,
    faults: Faults,
    requests: HashMap<Endpoint, usize>,
    service_url: Option<String>,
    webhooks_sent: usize,
    webhooks_failed: usize,
}

impl ClerkSimulator {
    /// Starts listening.
    pub async fn start(settings: ClerkSettings) -> Result<Self, StartError> {
        let (listener, address) = server::listen(settings.address).await?;
        let issuer = settings.issuer.clone().unwrap_or_else(|| format!("http://{address}"));
        let instance = Arc::new(Instance::new(settings, issuer)?);
        let shutdown = instance.work.shutdown.clone();
        let router =
            Router::new().merge(api::router()).nest("/simulator", control::router()).with_state(instance.clone());
        Ok(Self { instance, running: Arc::new(Running::start((listener, address), router, shutdown)) })
    }

    /// Where it listens: `http://127.0.0.1:<port>`, the `CLERK_BASE_URL` of the service under test.
    pub fn base_url(&self) -> String {
        self.running.base_url()
    }

    /// Where the key set is: `CLERK_JWKS_URL`.
    pub fn jwks_url(&self) -> String {
        format!("{}/.well-known/jwks.json", self.base_url())
    }

    /// The `iss` of its tokens: `CLERK_JWT_ISSUER`.
    pub fn issuer(&self) -> &str {
        &self.instance.issuer
    }

    /// What a service under test is configured with to take this instance for Clerk, but for the webhooks' secret.
    pub fn configuration(&self) -> Vec<(&'static str, String)> {
        vec![
            ("CLERK_JWT_ISSUER", self.issuer().to_owned()),
            ("CLERK_JWKS_URL", self.jwks_url()),
            ("CLERK_AUTHORIZED_PARTIES", AUTHORIZED_PARTY.to_owned()),
            ("CLERK_BASE_URL", self.base_url()),
            ("CLERK_SECRET_KEY", self.instance.settings.secret_key.expose_secret().to_owned()),
        ]
    }

    /// Stops listening, drops open connections and pending webhooks.
    pub fn stop(&self) {
        self.running.stop();
    }

    /// Sends webhooks to `service_url` from now on.
    pub fn point_at(&self, service_url: impl Into<String>) {
        self.instance.state().service_url = Some(service_url.into());
    }

    /// A session token, signed with the newest key.
    pub fn token(&self, request: &TokenRequest) -> io::Result<String> {
        self.instance.token(request)
    }

    /// A token with exactly these claims, signed with the newest key.
    pub fn sign(&self, claims: &Value) -> io::Result<String> {
        self.instance.sign(claims)
    }

    /// Makes a new key, which signs from now on. The others stay in the key set, or leave it.
    pub fn rotate_keys(&self, keep_others: bool) -> io::Result<()> {
        let key = SigningKey::new(self.instance.new_id("ins_"))?;
        {
            let keys = &mut self.instance.state().directory.keys;
            if !keep_others {
                keys.clear();
            }
            keys.push(key);
        }
        self.instance.save();
        Ok(())
    }

    /// Somebody signs up; the service is told.
    pub fn sign_up(&self, new: NewUser) -> io::Result<SimulatedUser> {
        self.instance.sign_up(new)
    }

    /// Puts somebody into the instance, or replaces them, and tells nobody.
    pub fn put_user(&self, new: NewUser) -> io::Result<SimulatedUser> {
        self.instance.put_user(new)
    }

    /// Changes somebody; the service is told. Nothing where there is nobody of that id.
    pub fn update_user(&self, id: &ClerkUserId, change: impl FnOnce(&mut SimulatedUser)) -> Option<SimulatedUser> {
        let now = self.instance.settings.clock.now();
        let user = {
            let mut state = self.instance.state();
            let user = state.directory.users.iter_mut().find(|user| user.id == *id)?;
            change(user);
            user.updated_at = now;
            user.clone()
        };
        self.instance.save();
        self.instance.announce("user.updated", &user.json());
        Some(user)
    }

    /// Removes somebody; the service is told, also of an id that nobody has.
    pub fn delete_user(&self, id: &ClerkUserId) {
        self.instance.state().directory.users.retain(|user| user.id != *id);
        self.instance.save();
        self.instance.announce("user.deleted", &json!({"deleted": true, "id": id, "object": "user"}));
    }

    /// Everybody, oldest first.
    pub fn users(&self) -> Vec<SimulatedUser> {
        self.instance.state().directory.users.clone()
    }

    /// Every invitation, oldest first.
    pub fn invitations(&self) -> Vec<SimulatedInvitation> {
        self.instance.state().directory.invitations.clone()
    }

    /// The invited person follows the link and signs up, with a verified address and the invitation's metadata; the
    /// service is told. Nothing where there is no open invitation of that id.
    pub fn accept_invitation(&self, id: &InvitationId) -> io::Result<Option<SimulatedUser>> {
        self.instance.accept(id)
    }

    /// Plays this fault at the next request.
    pub fn add_fault(&self, endpoint: Endpoint, fault: Fault) {
        self.instance.state().faults.add_next(endpoint, fault);
    }

    /// Plays this fault at every request until [`ClerkSimulator::clear_faults`].
    pub fn set_fault(&self, endpoint: Endpoint, fault: Fault) {
        self.instance.state().faults.set_always(endpoint, fault);
    }

    /// Takes all faults back.
    pub fn clear_faults(&self) {
        self.instance.state().faults.clear();
    }

    /// How many requests there were, refused ones and faults included.
    pub fn requests(&self, endpoint: Endpoint) -> usize {
        self.instance.state().requests.get(&endpoint).copied().unwrap_or_default()
    }

    /// Attempts to deliver a webhook, and how many of them were not answered with success.
    pub fn webhooks(&self) -> (usize, usize) {
        let state = self.instance.state();
        (state.webhooks_sent, state.webhooks_failed)
    }

    /// An event in Clerk's words, signed for now; to be changed and given to [`ClerkSimulator::deliver`].
    pub fn message(&self, kind: &str, data: &Value) -> WebhookMessage {
        self.instance.message(kind, data)
    }

    /// Sends a webhook once, as told; the answer's status, where one came.
    pub async fn deliver(&self, message: &WebhookMessage) -> Option<u16> {
        self.instance.post(message).await
    }

    /// Waits until no webhook is under way any more.
    pub async fn settled(&self) {
        self.instance.work.settled().await;
    }
}

/// An instance's keys and people as a file has them, with nothing running: for making tokens that a service accepts
/// which knows that instance.
#[derive(Debug)]
pub struct KeptInstance(Instance);

impl KeptInstance {
    /// Reads what `settings.snapshot` names, which must be there; writes nothing.
    pub fn open(settings: ClerkSettings) -> Result<Self, StartError> {
        if !settings.snapshot.as_ref().is_some_and(|path| path.exists()) {
            return Err(StartError::snapshot(settings.snapshot)(io::ErrorKind::NotFound.into()));
        }
        let issuer = settings.issuer.clone().unwrap_or_default();
        Instance::new(settings, issuer).map(Self)
    }

    /// Everybody, oldest first.
    pub fn users(&self) -> Vec<SimulatedUser> {
        self.0.state().directory.users.clone()
    }

    /// A session token, signed with the newest key.
    pub fn token(&self, request: &TokenRequest) -> io::Result<String> {
        self.0.token(request)
    }
}

impl Instance {
    #[allow(clippy::disallowed_methods, reason = "a provider's own client: it calls the service under test")]
    fn new(settings: ClerkSettings, issuer: String) -> Result<Self, StartError> {
        let new_kid = || new_id(&settings.random, "ins_");
        let snapshot = settings.snapshot.clone();
        let directory = Directory::open(snapshot.clone(), new_kid).map_err(StartError::snapshot(snapshot))?;
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .user_agent("Svix-Webhooks/1.0")
            .build()
            .map_err(StartError::Client)?;
        let state = State {
            directory,
            faults: Faults::default(),
            requests: HashMap::new(),
            service_url: settings.service_url.clone(),
            webhooks_sent: 0,
            webhooks_failed: 0,
        };
        Ok(Self { settings, issuer, http, state: Mutex::new(state), work: Work::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What cannot be kept is there until the next start only.
    fn save(&self) {
        if let Err(error) = self.state().directory.save() {
            tracing::warn!(%error, "the simulated Clerk instance could not be kept");
        }
    }

    fn new_id(&self, kind: &str) -> String {
        new_id(&self.settings.random, kind)
    }

    fn token(&self, request: &TokenRequest) -> io::Result<String> {
        let mut request = request.clone();
        request.authorized_party.get_or_insert_with(|| AUTHORIZED_PARTY.to_owned());
        self.sign(&request.claims(&self.issuer, &self.new_id(""), self.settings.clock.now()))
    }

    fn sign(&self, claims: &Value) -> io::Result<String> {
        let state = self.state();
        let key = state.directory.keys.last().ok_or(io::ErrorKind::NotFound)?;
        let header = json!({"alg": "RS256", "cat": "cl_B7d4PD111AAA", "kid": key.kid, "typ": "JWT"});
        key.sign(&header, claims)
    }

    fn put_user(&self, new: NewUser) -> io::Result<SimulatedUser> {
        let id = match new.id {
            Some(id) => id,
            None => self.new_id("user_").parse().map_err(io::Error::other)?,
        };
        let now = self.settings.clock.now();
        let user = SimulatedUser {
            id,
            email: new.email,
            is_verified: new.is_verified,
            phone: new.phone,
            first_name: new.first_name,
            last_name: new.last_name,
            public_metadata: new.public_metadata,
            created_at: now,
            updated_at: now,
        };
        {
            let users = &mut self.state().directory.users;
            users.retain(|known| known.id != user.id);
            users.push(user.clone());
        }
        self.save();
        Ok(user)
    }

    fn sign_up(self: &Arc<Self>, new: NewUser) -> io::Result<SimulatedUser> {
        let user = self.put_user(new)?;
        self.announce("user.created", &user.json());
        Ok(user)
    }

    fn accept(self: &Arc<Self>, id: &InvitationId) -> io::Result<Option<SimulatedUser>> {
        let now = self.settings.clock.now();
        let invitation = {
            let mut state = self.state();
            let open = state.directory.invitations.iter_mut().find(|one| one.id == *id && one.status == "pending");
            let Some(invitation) = open else { return Ok(None) };
            "accepted".clone_into(&mut invitation.status);
            invitation.updated_at = now;
            invitation.clone()
        };
        let new =
            NewUser { public_metadata: invitation.public_metadata, ..NewUser::with_email(invitation.email_address) };
        self.sign_up(new).map(Some)
    }
}

/// A new id: the kind's word and 27 letters and digits, as many as Clerk's have.
fn new_id(random: &Random, kind: &str) -> String {
    let mut bytes = [0_u8; 14];
    random.fill(&mut bytes);
    format!("{kind}{}", &hex::encode(bytes)[..27])
}
