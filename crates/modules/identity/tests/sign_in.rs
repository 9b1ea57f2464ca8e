//! Who signs in: tokens, the local row that decides, first sign-ins.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

mod setup;

use nmc_identity::UserChange;
use nmc_kernel::{Actor, Role, TenantId};
use nmc_providers::clerk::ClerkUserId;
use nmc_simulators::clerk::{Endpoint, Fault, NewUser, TokenRequest};
use serde_json::{Value, json};
use setup::World;

const BUSINESS: fn() -> Option<Value> = || Some(json!({"name": "Example Plumbing", "time_zone": "America/New_York"}));

#[tokio::test]
async fn the_token_says_who_and_the_row_says_what_they_may() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let owner = world.member(tenant, "owner", Role::Owner).await;
    let tech = world.member(tenant, "tech", Role::Tech).await;
    let other = world.tenant().await;

    for (line, code) in [("GET /me", 200), ("GET /tenant", 200), ("GET /users", 200), ("GET /invitations", 200)] {
        assert_eq!(world.ask(&owner.clerk, line, None).await.status, code, "{line}");
    }
    // Claims of another business and a higher role grant nothing.
    let request = TokenRequest { tenant: Some(other), role: Some(Role::Owner), ..TokenRequest::of(tech.clerk.clone()) };
    let boastful = world.clerk.token(&request).unwrap();
    let me = world.ask_with(Some(&boastful), "GET /me", None, &[]).await;
    assert_eq!(
        (me.body["tenant"]["id"].as_str(), me.body["role"].as_str()),
        (Some(&*tenant.to_string()), Some("TECH"))
    );
    let gates = json!([{"gate": "sending", "enabled": true, "reason": null}, {"gate": "booking", "enabled": true, "reason": null}]);
    assert_eq!(me.body["gates"], gates);
    assert_eq!(me.body["user"]["email"], "tech@example.com");
    for line in ["GET /users", "GET /invitations", "PATCH /tenant", "POST /users/invite"] {
        let body = line.starts_with('P').then(|| json!({}));
        let refused = world.ask_with(Some(&boastful), line, body, &[]).await;
        assert_eq!(refused.refusal(), (403, "owner_required"), "{line}");
    }

    // Demoted and deactivated, with the tokens they have.
    let (of_owner, of_tech) = (world.token(&owner.clerk), world.token(&tech.clerk));
    let operator = Actor::Operator { tenant };
    let second = world.member(tenant, "second", Role::Owner).await;
    let demoted = UserChange { role: Some(Role::Tech), active: None };
    world.identity.change_user(&second.actor(), owner.user, demoted).await.unwrap();
    assert_eq!(world.ask_with(Some(&of_owner), "GET /users", None, &[]).await.refusal(), (403, "owner_required"));
    let inactive = UserChange { role: None, active: Some(false) };
    world.identity.change_user(&operator, tech.user, inactive).await.unwrap();
    assert_eq!(world.ask_with(Some(&of_tech), "GET /me", None, &[]).await.refusal(), (403, "user_inactive"));
    assert_eq!(
        world.ask_with(Some(&of_tech), "POST /tenants", BUSINESS(), &[]).await.refusal(),
        (403, "user_inactive")
    );
    let active = UserChange { role: None, active: Some(true) };
    world.identity.change_user(&operator, tech.user, active).await.unwrap();
    assert_eq!(world.ask_with(Some(&of_tech), "GET /me", None, &[]).await.status, 200);
}

#[tokio::test]
async fn without_a_token_that_holds_nothing_is_said() {
    let world = World::start().await;
    let nobody = world.person("nobody@example.com");
    let lines = [
        "GET /me",
        "PATCH /me",
        "GET /tenant",
        "PATCH /tenant",
        "GET /users",
        "POST /users/invite",
        "PATCH /users/x",
        "DELETE /users/x",
        "GET /invitations",
        "DELETE /invitations/x",
        "POST /tenants",
    ];
    for line in lines {
        let body = line.starts_with('P').then(|| json!({"nonsense": true}));
        let refused = world.ask_with(None, line, body.clone(), &[]).await;
        assert_eq!(refused.refusal(), (401, "unauthenticated"), "{line}");
        let refused = world.ask_with(Some("not.a.token"), line, body.clone(), &[]).await;
        assert_eq!(refused.refusal(), (401, "token_invalid"), "{line}");
        if line != "POST /tenants" {
            let refused = world.ask(&nobody, line, body).await;
            assert_eq!(refused.refusal(), (403, "no_business"), "{line}");
        }
    }
    let token = world.token(&nobody);
    let basic = world.ask_with(None, "GET /me", None, &[("authorization", "Basic dTpw")]).await;
    assert_eq!(basic.refusal(), (401, "unauthenticated"));
    let twice = [("authorization", format!("Bearer {token}"))];
    let twice = world.ask_with(Some(&token), "GET /me", None, &[("authorization", &twice[0].1)]).await;
    assert_eq!(twice.refusal(), (401, "unauthenticated"));
    let lower = world.ask_with(None, "GET /me", None, &[("authorization", &format!("bearer {token}"))]).await;
    assert_eq!(lower.refusal(), (403, "no_business"));
    world.wait(chrono::Duration::minutes(5));
    assert_eq!(world.ask_with(Some(&token), "GET /me", None, &[]).await.refusal(), (401, "token_expired"));
}

#[tokio::test]
async fn while_clerk_s_keys_are_unknown_and_unreachable_callers_are_asked_to_wait() {
    let world = World::start().await;
    world.clerk.set_fault(Endpoint::Jwks, Fault::Reset);
    let refused = world.ask(&world.person("owner@example.com"), "GET /me", None).await;
    assert_eq!((refused.refusal(), refused.retry_after), ((503, "sign_in_unavailable"), true));
}

#[tokio::test]
async fn a_first_sign_in_creates_the_business_once() {
    let world = World::start().await;
    let owner = world.person("owner@example.com");
    let created = world.ask(&owner, "POST /tenants", BUSINESS()).await;
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(created.body["tenant"]["name"], "Example Plumbing");
    assert_eq!(created.body["tenant"]["time_zone"], "America/New_York");
    assert_eq!((created.body["role"].as_str(), created.body["user"]["active"].as_bool()), (Some("OWNER"), Some(true)));
    let other = json!({"name": "Another Name", "time_zone": "America/Denver"});
    for body in [BUSINESS(), Some(other), Some(json!({}))] {
        let again = world.ask(&owner, "POST /tenants", body).await;
        assert_eq!((again.status.as_u16(), &again.body), (200, &created.body));
    }
    assert_eq!(world.ask(&owner, "GET /me", None).await.body, created.body);
    assert_eq!(world.clerk.requests(Endpoint::GetUser), 1);
    let tenant: TenantId = created.body["tenant"]["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(world.log(tenant).await, ["user tenant.created", "user user.joined"]);
}

#[tokio::test]
async fn many_first_sign_ins_at_once_are_one_business() {
    let world = World::start().await;
    let owner = world.person("owner@example.com");
    let answers = futures::future::join_all((0..8).map(|_| world.ask(&owner, "POST /tenants", BUSINESS()))).await;
    let created = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(created, 1);
    for answer in &answers {
        assert!(answer.status.is_success(), "{answer:?}");
        assert_eq!(answer.body, answers[0].body);
    }
    let tenants: i64 = sqlx::query_scalar("select count(*) from id_tenants")
        .fetch_one(&mut world.database.superuser().await.unwrap())
        .await
        .unwrap();
    assert_eq!(tenants, 1);
}

#[tokio::test]
async fn a_business_needs_a_name_a_time_zone_and_a_verified_address() {
    let world = World::start().await;
    let owner = world.person("owner@example.com");
    let cases = [
        (json!({}), vec!["name", "time_zone"]),
        (json!({"name": "Example Plumbing"}), vec!["time_zone"]),
        (json!({"name": "", "time_zone": "America/New_York"}), vec!["name"]),
        (json!({"name": "Example Plumbing", "time_zone": "Mars/Olympus"}), vec!["time_zone"]),
        (json!({"name": "Example Plumbing", "time_zone": "America/New_York", "role": "OWNER"}), vec!["role"]),
    ];
    for (body, fields) in cases {
        let refused = world.ask(&owner, "POST /tenants", Some(body.clone())).await;
        assert_eq!(refused.refusal(), (422, "invalid_input"), "{body}");
        let named: Vec<&str> =
            refused.body["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect();
        assert_eq!(named, fields, "{body}");
    }
    let unverified = NewUser { is_verified: false, ..NewUser::with_email("someone@example.com") };
    let unverified = world.clerk.put_user(unverified).unwrap().id;
    assert_eq!(world.ask(&unverified, "POST /tenants", BUSINESS()).await.refusal(), (403, "email_unverified"));
    let gone = ClerkUserId::parse("user_gone").unwrap();
    assert_eq!(world.ask(&gone, "POST /tenants", BUSINESS()).await.refusal(), (401, "token_invalid"));
    for fault in [
        Fault::Reset,
        Fault::Answer { status: 500, body: String::new() },
        Fault::Answer { status: 401, body: String::new() },
    ] {
        world.clerk.add_fault(Endpoint::GetUser, fault.clone());
        let refused = world.ask(&owner, "POST /tenants", BUSINESS()).await;
        assert_eq!((refused.refusal(), refused.retry_after), ((503, "sign_in_unavailable"), true), "{fault:?}");
    }
    assert_eq!(world.ask(&owner, "POST /tenants", BUSINESS()).await.status, 201);
}

/// Clerk's API has one limit for the whole installation.
#[tokio::test]
async fn a_person_who_tries_again_and_again_does_not_use_up_what_clerk_answers() {
    let world = World::start().await;
    let (eager, other) = (world.person("eager@example.com"), world.person("other@example.com"));
    let mut refused = 0;
    for _ in 0..30 {
        let answer = world.ask(&eager, "POST /tenants", Some(json!({}))).await;
        if answer.status == 429 {
            assert!(answer.retry_after && answer.refusal() == (429, "rate_limited"), "{answer:?}");
            refused += 1;
        } else {
            assert_eq!(answer.refusal(), (422, "invalid_input"));
        }
    }
    assert!(refused >= 5, "20 a minute, and a new one every three seconds: {refused}");
    assert_eq!(world.clerk.requests(Endpoint::GetUser), 30 - refused);
    assert_eq!(world.ask(&other, "POST /tenants", BUSINESS()).await.status, 201, "everybody has their own");
}
