//! Clerk's simulator against the product's own client, and faults between the two.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets the unexpected stops there")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use chrono::{DateTime, TimeDelta};
use nmc_kernel::{Clock, Role};
use nmc_providers::clerk::{
    ClerkClient, ClerkEvent, ClerkEventKind, ClerkTokens, ClerkWebhooks, ClientError, ClientSettings, CreateInvitation,
    InvitationQuery, InvitationStatus, InviteOutcome, NotSent, TokenRejection, TokenSettings, Unknown, WebhookSecret,
};
use nmc_simulators::clerk::{
    ClerkSettings, ClerkSimulator, Endpoint, Fault, KeptInstance, NewUser, SignatureKind, TokenRequest, TokenVersion,
};
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

const SECRET_KEY: &str = "sk_test_canary-4f1d";
const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn settings() -> ClerkSettings {
    let secret = WebhookSecret::parse(WEBHOOK_SECRET).unwrap();
    ClerkSettings { clock: clock(), ..ClerkSettings::new(SECRET_KEY, secret) }
}

fn clock() -> Clock {
    Clock::fixed(DateTime::from_timestamp_secs(1_790_000_000).unwrap())
}

async fn start() -> ClerkSimulator {
    ClerkSimulator::start(settings()).await.unwrap()
}

fn client(clerk: &ClerkSimulator) -> ClerkClient {
    client_at(clerk.base_url(), SECRET_KEY)
}

fn client_at(base_url: String, key: &str) -> ClerkClient {
    ClerkClient::new(ClientSettings {
        base_url,
        secret_key: SecretString::from(key),
        connect_timeout: Duration::from_millis(500),
        request_timeout: Duration::from_millis(800),
    })
    .unwrap()
}

fn invitation(address: &str) -> CreateInvitation {
    CreateInvitation {
        email_address: address.to_owned(),
        public_metadata: Map::from_iter([("nmc_invitation".to_owned(), json!(address))]),
        redirect_url: Some("https://app.example.com/welcome".to_owned()),
    }
}

fn tokens(clerk: &ClerkSimulator, clock: Clock) -> ClerkTokens {
    let configuration = clerk.configuration();
    let value = |name: &str| configuration.iter().find(|(key, _)| *key == name).unwrap().1.clone();
    let settings = TokenSettings {
        issuer: value("CLERK_JWT_ISSUER"),
        audience: None,
        authorized_parties: vec![value("CLERK_AUTHORIZED_PARTIES")],
        jwks_url: value("CLERK_JWKS_URL"),
    };
    ClerkTokens::new(settings, clock).unwrap()
}

/// A service that takes webhooks, after refusing the first few.
struct Service {
    url: String,
    refuse: Arc<Mutex<usize>>,
    events: Arc<Mutex<Vec<ClerkEvent>>>,
}

type Shared = (ClerkWebhooks, Clock, Arc<Mutex<usize>>, Arc<Mutex<Vec<ClerkEvent>>>);

impl Service {
    async fn start(clock: Clock) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (refuse, events) = (Arc::new(Mutex::new(0)), Arc::new(Mutex::new(Vec::new())));
        let webhooks = ClerkWebhooks::new(vec![WebhookSecret::parse(WEBHOOK_SECRET).unwrap()]);
        let state = (webhooks, clock, refuse.clone(), events.clone());
        let take = |State((webhooks, clock, refuse, events)): State<Shared>, headers: HeaderMap, body: Bytes| async move {
            match webhooks.verify(&headers, &body, clock.now()) {
                Err(refusal) => refusal.status().as_u16(),
                Ok(_) if *refuse.lock().unwrap() > 0 => {
                    *refuse.lock().unwrap() -= 1;
                    503
                }
                Ok(event) => {
                    events.lock().unwrap().push(event);
                    200
                }
            }
        };
        let take = move |state, headers, body| async move {
            axum::http::StatusCode::from_u16(take(state, headers, body).await).unwrap()
        };
        let router = Router::new().route("/webhooks/clerk", post(take)).with_state(state);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, refuse, events }
    }

    fn events(&self) -> Vec<ClerkEvent> {
        self.events.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn tokens_of_both_versions_hold_and_follow_a_rotation() {
    let clerk = start().await;
    let clock = clock();
    let tokens = tokens(&clerk, clock.clone());
    let user = clerk.put_user(NewUser::with_email("ann@example.com")).unwrap().id;
    let mut request = TokenRequest {
        role: Some(Role::Owner),
        organization: Some(("org_1".to_owned(), "admin".to_owned())),
        lifetime: TimeDelta::hours(1),
        ..TokenRequest::of(user.clone())
    };
    for version in [TokenVersion::V1, TokenVersion::V2] {
        request.version = version;
        let verified = tokens.verify(&clerk.token(&request).unwrap()).await.unwrap();
        assert_eq!((verified.subject, verified.role), (user.clone(), Some(Role::Owner)));
        let organization = verified.organization.unwrap();
        assert_eq!((organization.id.as_deref(), organization.role.as_deref()), (Some("org_1"), Some("admin")));
    }
    assert_eq!(clerk.requests(Endpoint::Jwks), 1);
    let old = clerk.token(&request).unwrap();
    clerk.rotate_keys(true).unwrap();
    let new = clerk.token(&request).unwrap();
    clock.advance(TimeDelta::minutes(1));
    assert!(tokens.verify(&new).await.is_ok() && tokens.verify(&old).await.is_ok());
    clerk.rotate_keys(false).unwrap();
    clock.advance(TimeDelta::minutes(15));
    assert_eq!(tokens.verify(&old).await, Err(TokenRejection::UnknownKey));
    // With Clerk down the known key goes on, and a newer one waits.
    let known = clerk.token(&request).unwrap();
    clerk.rotate_keys(true).unwrap();
    clerk.set_fault(Endpoint::Jwks, Fault::Answer { status: 500, body: String::new() });
    clock.advance(TimeDelta::minutes(15));
    assert!(tokens.verify(&known).await.is_ok());
    assert_eq!(tokens.verify(&clerk.token(&request).unwrap()).await, Err(TokenRejection::UnknownKey));
}

#[tokio::test]
async fn users_are_asked_for() {
    let clerk = start().await;
    let client = client(&clerk);
    let new = NewUser {
        phone: Some("+14155550123".to_owned()),
        first_name: Some("Ann".to_owned()),
        last_name: Some("Example".to_owned()),
        public_metadata: Map::from_iter([("nmc_role".to_owned(), json!("OWNER"))]),
        ..NewUser::with_email("ann@example.com")
    };
    let id = clerk.put_user(new).unwrap().id;
    let user = client.user(&id).await.unwrap();
    let email = user.email.unwrap();
    assert_eq!((email.address.as_str(), email.is_verified), ("ann@example.com", true));
    assert_eq!(user.phone.unwrap().as_str(), "+14155550123");
    assert_eq!((user.name.as_deref(), &user.public_metadata["nmc_role"]), (Some("Ann Example"), &json!("OWNER")));
    assert!(matches!(client.user(&"user_nobody".parse().unwrap()).await, Err(ClientError::NotFound)));
    let stranger = client_at(clerk.base_url(), "sk_test_another");
    let Err(ClientError::Refused { http_status: 401, code, .. }) = stranger.user(&id).await else { panic!() };
    assert_eq!(code.as_deref(), Some("clerk_key_invalid"));
}

#[tokio::test]
async fn an_invitation_from_sending_to_signing_up() {
    let clerk = start().await;
    let service = Service::start(clock()).await;
    clerk.point_at(&service.url);
    let client = client(&clerk);
    let InviteOutcome::Accepted(made) = client.create_invitation(&invitation("bob@example.com")).await else {
        panic!()
    };
    assert_eq!(made.status, InvitationStatus::Pending);
    assert_eq!(client.create_invitation(&invitation("BOB@example.com")).await, InviteOutcome::AlreadyInvited);
    let user = clerk.accept_invitation(&made.id).unwrap().unwrap();
    assert!(clerk.accept_invitation(&made.id).unwrap().is_none());
    clerk.settled().await;
    let [event] = &service.events()[..] else { panic!() };
    let ClerkEventKind::UserCreated(created) = &event.kind else { panic!() };
    assert_eq!((&created.id, created.email.as_ref().unwrap().is_verified), (&user.id, true));
    assert_eq!(created.public_metadata["nmc_invitation"], "bob@example.com");
    assert_eq!(client.create_invitation(&invitation("bob@example.com")).await, InviteOutcome::AlreadyRegistered);
    let refused = client.create_invitation(&invitation("nobody")).await;
    assert!(matches!(refused, InviteOutcome::Rejected { http_status: 422, .. }), "{refused:?}");
}

#[tokio::test]
async fn invitations_are_listed_page_by_page_and_revoked() {
    let clerk = start().await;
    let client = client(&clerk);
    for number in 0..230 {
        let outcome = client.create_invitation(&invitation(&format!("a{number}@example.com"))).await;
        assert_eq!(outcome.as_str(), "accepted");
    }
    let all = client.list_invitations(&InvitationQuery::default()).await.unwrap();
    assert_eq!((all.items.len(), all.complete), (230, true));
    assert_eq!(all.items[0].email_address, "a229@example.com");
    // Clerk finds a1, a10, a100 and more; one of them was meant.
    let to = |address: &str| InvitationQuery { email_address: Some(address.to_owned()), status: None };
    let found = client.list_invitations(&to("A1@example.com")).await.unwrap();
    assert_eq!(found.items.iter().map(|one| one.email_address.as_str()).collect::<Vec<_>>(), ["a1@example.com"]);
    let id = found.items[0].id.clone();
    assert_eq!(client.revoke_invitation(&id).await.unwrap().status, InvitationStatus::Revoked);
    let again = client.revoke_invitation(&id).await;
    assert!(matches!(again, Err(ClientError::Refused { http_status: 400, .. })), "{again:?}");
    assert!(client.list_invitations(&to("a1@example.com")).await.unwrap().items.is_empty());
    let revoked = InvitationQuery { status: Some(InvitationStatus::Revoked), ..to("a1@example.com") };
    assert_eq!(client.list_invitations(&revoked).await.unwrap().items.len(), 1);
    let nobodys = "inv_nobody".parse().unwrap();
    assert!(matches!(client.revoke_invitation(&nobodys).await, Err(ClientError::NotFound)));
}

#[tokio::test]
async fn every_way_an_invitation_can_fail_is_sorted_by_what_it_proves() {
    let clerk = start().await;
    let client = client(&clerk);
    let unknown = |reason| InviteOutcome::Unknown { reason };
    let answer = |status, body: &str| Fault::Answer { status, body: body.to_owned() };
    for (number, (fault, expected, is_made)) in [
        (answer(500, ""), unknown(Unknown::ServerError(500)), false),
        (answer(301, ""), unknown(Unknown::UnexpectedStatus(301)), false),
        (answer(429, "slow down"), InviteOutcome::NotSent { reason: NotSent::RateLimited, retry_after: None }, false),
        (answer(403, "{}"), InviteOutcome::Rejected { http_status: 403, code: None }, false),
        (Fault::Reset, unknown(Unknown::ConnectionLost), false),
        (Fault::Hang { millis: 5000 }, unknown(Unknown::TimedOut), false),
        (Fault::DoThenAnswer { status: 502, body: String::new() }, unknown(Unknown::ServerError(502)), true),
        (Fault::DoThenAnswer { status: 200, body: "{".to_owned() }, unknown(Unknown::UnreadableAnswer), true),
        (Fault::DoThenReset, unknown(Unknown::ConnectionLost), true),
        (Fault::DoThenHang { millis: 5000 }, unknown(Unknown::TimedOut), true),
    ]
    .into_iter()
    .enumerate()
    {
        let address = format!("c{number}@example.com");
        clerk.add_fault(Endpoint::CreateInvitation, fault.clone());
        assert_eq!(client.create_invitation(&invitation(&address)).await, expected, "{fault:?}");
        // The listing tells what became of it, and so does a second attempt.
        let query = InvitationQuery { email_address: Some(address.clone()), status: None };
        let listed = client.list_invitations(&query).await.unwrap();
        assert_eq!((listed.items.len() == 1, listed.complete), (is_made, true), "{fault:?}");
        let second = client.create_invitation(&invitation(&address)).await;
        assert_eq!(second == InviteOutcome::AlreadyInvited, is_made, "{fault:?}");
    }
    let nobody = client_at("http://127.0.0.1:9".to_owned(), SECRET_KEY);
    let outcome = nobody.create_invitation(&invitation("d@example.com")).await;
    assert_eq!(outcome, InviteOutcome::NotSent { reason: NotSent::NoConnection, retry_after: None });
}

#[tokio::test]
async fn questions_that_fail_say_whether_asking_again_may_help() {
    let clerk = start().await;
    let client = client(&clerk);
    let id = clerk.put_user(NewUser::with_email("ann@example.com")).unwrap().id;
    let answer = |status, body: &str| Fault::Answer { status, body: body.to_owned() };
    for (fault, is_transient) in [
        (answer(500, ""), true),
        (answer(429, ""), true),
        (answer(200, "<html>"), true),
        (Fault::Reset, true),
        (Fault::Hang { millis: 5000 }, true),
        (answer(403, "{}"), false),
        (answer(404, "{}"), false),
    ] {
        clerk.add_fault(Endpoint::GetUser, fault.clone());
        let error = client.user(&id).await.unwrap_err();
        assert_eq!(error.is_transient(), is_transient, "{fault:?}: {error}");
        assert!(!format!("{error:?} {error}").contains("canary"), "{error:?}");
    }
    // An odd entry makes a list incomplete, and does not hide the others.
    let odd = json!([{"id": "inv_1", "email_address": "e@example.com", "status": "new", "created_at": 1}, {"id": 7}]);
    clerk.add_fault(Endpoint::ListInvitations, answer(200, &odd.to_string()));
    let list = client.list_invitations(&InvitationQuery::default()).await.unwrap();
    assert_eq!((list.items.len(), list.complete), (1, false));
    clerk.add_fault(Endpoint::ListInvitations, answer(200, &json!({"data": odd, "total_count": 2}).to_string()));
    assert_eq!(client.list_invitations(&InvitationQuery::default()).await.unwrap().items.len(), 1);
    let full: Value = (0..100).map(|_| odd[0].clone()).collect();
    clerk.set_fault(Endpoint::ListInvitations, answer(200, &full.to_string()));
    assert!(!client.list_invitations(&InvitationQuery::default()).await.unwrap().complete);
    assert!(!format!("{client:?}").contains("canary"));
}

#[tokio::test]
async fn webhooks_are_signed_repeated_until_taken_and_known_by_their_id() {
    let clerk = start().await;
    let service = Service::start(clock()).await;
    clerk.point_at(&service.url);
    *service.refuse.lock().unwrap() = 3;
    let user = clerk.sign_up(NewUser::with_email("ann@example.com")).unwrap();
    clerk.settled().await;
    clerk.update_user(&user.id, |user| user.is_verified = false).unwrap();
    clerk.settled().await;
    clerk.delete_user(&user.id);
    clerk.settled().await;
    assert_eq!(clerk.webhooks(), (6, 3));
    let events = service.events();
    let kinds: Vec<&str> = events
        .iter()
        .map(|event| match event.kind {
            ClerkEventKind::UserCreated(_) => "created",
            ClerkEventKind::UserUpdated(_) => "updated",
            ClerkEventKind::UserDeleted(_) => "deleted",
            ClerkEventKind::Other(_) => "other",
        })
        .collect();
    assert_eq!(kinds, ["created", "updated", "deleted"]);
    let message = clerk.message("session.created", &json!({"id": "sess_1"}));
    assert_eq!([clerk.deliver(&message).await, clerk.deliver(&message).await], [Some(200), Some(200)]);
    let [.., first, second] = &service.events()[..] else { panic!() };
    assert_eq!((first, &first.id), (second, &message.id));
    for signature in [SignatureKind::Wrong, SignatureKind::Missing] {
        let forged = nmc_simulators::clerk::WebhookMessage { signature, ..message.clone() };
        assert_eq!(clerk.deliver(&forged).await, Some(401));
    }
}

#[tokio::test]
async fn what_is_kept_outlives_the_simulator_and_makes_tokens_without_it() {
    let folder = std::env::temp_dir().join(format!("nmc-clerk-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("clerk.json");
    let kept = || ClerkSettings {
        snapshot: Some(path.clone()),
        issuer: Some("https://clerk.example.com".to_owned()),
        ..settings()
    };
    let user = {
        let clerk = ClerkSimulator::start(kept()).await.unwrap();
        clerk.rotate_keys(false).unwrap();
        clerk.put_user(NewUser::with_email("ann@example.com")).unwrap()
    };
    let instance = KeptInstance::open(kept()).unwrap();
    assert_eq!(instance.users(), std::slice::from_ref(&user));
    let token = instance.token(&TokenRequest::of(user.id.clone())).unwrap();
    let clerk = ClerkSimulator::start(kept()).await.unwrap();
    assert_eq!(tokens(&clerk, clock()).verify(&token).await.unwrap().subject, user.id);
    std::fs::remove_dir_all(folder).unwrap();
}
