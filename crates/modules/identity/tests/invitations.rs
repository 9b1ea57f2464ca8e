//! Invitations: asked for once, sent by Clerk whatever goes wrong on the way, accepted by whom they are for.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

mod setup;

use chrono::Duration;
use nmc_kernel::{Role, TenantId};
use nmc_simulators::clerk::{Endpoint, Fault};
use serde_json::{Value, json};
use setup::{LISTING_GAP, Member, World, clerk_user};

const TECH: fn() -> Option<Value> = || Some(json!({"email": "tech@example.com", "role": "TECH"}));

async fn business() -> (World, Member) {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let owner = world.member(tenant, "owner", Role::Owner).await;
    (world, owner)
}

/// The invitations as the API lists them: address, status, failure, whether sent.
async fn listed(world: &World, owner: &Member) -> Vec<(String, String, Value, bool)> {
    let list = world.ask(&owner.clerk, "GET /invitations", None).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let items = list.body["items"].as_array().unwrap().iter();
    items.map(|i| (text(&i["email"]), text(&i["status"]), i["failure"].clone(), !i["sent_at"].is_null())).collect()
}

#[tokio::test]
async fn an_invited_person_joins_with_the_invitation_s_role() {
    let (world, owner) = business().await;
    let invited = world.ask(&owner.clerk, "POST /users/invite", TECH()).await;
    assert_eq!((invited.status.as_u16(), invited.body["status"].as_str()), (201, Some("open")));
    assert_eq!(listed(&world, &owner).await, [("tech@example.com".into(), "open".into(), Value::Null, false)]);
    world.play().await;
    assert_eq!(listed(&world, &owner).await, [("tech@example.com".into(), "open".into(), Value::Null, true)]);

    let sent = world.clerk.invitations();
    assert_eq!(sent.len(), 1);
    let person = world.clerk.accept_invitation(&sent[0].id).unwrap().unwrap();
    assert_eq!(world.ask(&person.id, "GET /me", None).await.refusal(), (403, "no_business"));
    let joined = world.ask(&person.id, "POST /tenants", Some(json!({}))).await;
    assert_eq!((joined.status.as_u16(), joined.body["role"].as_str()), (201, Some("TECH")));
    assert_eq!(joined.body["tenant"]["id"], owner.tenant.to_string());
    assert_eq!(world.ask(&person.id, "POST /tenants", Some(json!({}))).await.status, 200);
    assert_eq!(listed(&world, &owner).await[0].1, "accepted");
    let log = [
        "operator tenant.created",
        "operator user.added",
        "user invitation.created",
        "user invitation.accepted",
        "user user.joined",
    ];
    assert_eq!(world.log(owner.tenant).await, log);
    // Works here: cannot be invited again, and the invitation cannot be taken back.
    assert_eq!(world.ask(&owner.clerk, "POST /users/invite", TECH()).await.refusal(), (409, "already_member"));
    let line = format!("DELETE /invitations/{}", invited.body["id"].as_str().unwrap());
    assert_eq!(world.ask(&owner.clerk, &line, None).await.refusal(), (409, "invitation_accepted"));
}

#[tokio::test]
async fn the_webhook_of_a_sign_up_joins_as_well_and_both_at_once_are_one_user() {
    let (world, owner) = business().await;
    world.ask(&owner.clerk, "POST /users/invite", TECH()).await;
    world.play().await;
    let sent = world.clerk.invitations();
    let person = world.clerk.accept_invitation(&sent[0].id).unwrap().unwrap();
    let data = clerk_user(&person.id, "tech@example.com", 1, &Value::Object(person.public_metadata.clone()));
    let (webhook, request) = tokio::join!(
        world.webhook("user.created", &data),
        world.ask(&person.id, "POST /tenants", Some(json!({"name": "Own", "time_zone": "America/Denver"}))),
    );
    assert_eq!(webhook, 200);
    assert!(request.status.is_success(), "{request:?}");
    assert_eq!(world.ask(&person.id, "GET /me", None).await.body["tenant"]["id"], owner.tenant.to_string());
    let users = world.ask(&owner.clerk, "GET /users", None).await;
    assert_eq!(users.body["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn inviting_twice_is_one_invitation() {
    let (world, owner) = business().await;
    let first = world.ask(&owner.clerk, "POST /users/invite", TECH()).await;
    let upper = json!({"email": " Tech@Example.COM", "role": "TECH"});
    let again = world.ask(&owner.clerk, "POST /users/invite", Some(upper)).await;
    assert_eq!((first.status.as_u16(), again.status.as_u16(), &again.body["id"]), (201, 200, &first.body["id"]));
    let other = json!({"email": "tech@example.com", "role": "OWNER"});
    assert_eq!(world.ask(&owner.clerk, "POST /users/invite", Some(other)).await.refusal(), (409, "already_invited"));

    let token = world.token(&owner.clerk);
    let key = [("idempotency-key", "k-1")];
    let with = async |email: &str| {
        let body = json!({"email": email, "role": "TECH"});
        world.ask_with(Some(&token), "POST /users/invite", Some(body), &key).await
    };
    let (one, two) = (with("second@example.com").await, with("second@example.com").await);
    assert_eq!((one.status.as_u16(), two.status.as_u16(), &one.body), (201, 201, &two.body));
    assert_eq!(with("third@example.com").await.refusal(), (409, "idempotency_key_reused"));

    let at_once = futures::future::join_all((0..6).map(|_| {
        world.ask(&owner.clerk, "POST /users/invite", Some(json!({"email": "herd@example.com", "role": "TECH"})))
    }));
    let at_once = at_once.await;
    assert_eq!(at_once.iter().filter(|answer| answer.status == 201).count(), 1);
    assert_eq!(at_once.iter().filter(|answer| answer.status == 200).count(), 5);
    world.play().await;
    assert_eq!(world.clerk.invitations().len(), 3);
}

#[tokio::test]
async fn what_is_no_invitation_is_refused_with_its_field() {
    let (world, owner) = business().await;
    for (body, field) in [
        (json!({"email": "nobody", "role": "TECH"}), "email"),
        (json!({"email": "tech@example.com", "role": "BOSS"}), "role"),
        (json!({"email": "tech@example.com"}), "role"),
        (json!({"email": "tech@example.com", "role": "TECH", "note": "hi"}), "note"),
    ] {
        let refused = world.ask(&owner.clerk, "POST /users/invite", Some(body.clone())).await;
        assert_eq!(
            (refused.refusal(), refused.body["errors"][0]["field"].as_str()),
            ((422, "invalid_input"), Some(field)),
            "{body}"
        );
    }
}

#[tokio::test]
async fn every_answer_of_clerk_s_ends_in_one_invitation_or_says_why_not() {
    for (fault, sent) in [
        (Fault::DoThenReset, true),
        (Fault::DoThenAnswer { status: 502, body: String::new() }, true),
        (Fault::Reset, true),
        (Fault::Answer { status: 503, body: String::new() }, true),
        (Fault::Answer { status: 429, body: String::new() }, true),
        (Fault::Answer { status: 422, body: r#"{"errors":[{"code":"form_param_format_invalid"}]}"#.into() }, false),
        (Fault::Answer { status: 401, body: String::new() }, false),
    ] {
        let (world, owner) = business().await;
        world.clerk.add_fault(Endpoint::CreateInvitation, fault.clone());
        world.ask(&owner.clerk, "POST /users/invite", TECH()).await;
        for _ in 0..6 {
            world.play().await;
            world.wait(Duration::from_std(LISTING_GAP).unwrap() + Duration::seconds(1));
        }
        let open = ("tech@example.com".to_owned(), "open".to_owned(), Value::Null, true);
        let failed = ("tech@example.com".to_owned(), "failed".to_owned(), json!("refused"), false);
        assert_eq!(listed(&world, &owner).await, [if sent { open } else { failed }], "{fault:?}");
        assert_eq!(world.clerk.invitations().len(), usize::from(sent), "{fault:?}");
        if !sent {
            // The way is free for another try.
            assert_eq!(world.ask(&owner.clerk, "POST /users/invite", TECH()).await.status, 201);
            world.play().await;
            assert_eq!(world.clerk.invitations().len(), 1);
        }
    }
}

#[tokio::test]
async fn somebody_clerk_knows_or_another_business_has_invited_is_told_of() {
    let (world, owner) = business().await;
    world.person("tech@example.com");
    world.ask(&owner.clerk, "POST /users/invite", TECH()).await;
    world.play().await;
    assert_eq!(listed(&world, &owner).await[0].2, "already-registered");

    let rival = world.tenant().await;
    let rival = world.member(rival, "rival", Role::Owner).await;
    let wanted = || Some(json!({"email": "wanted@example.com", "role": "TECH"}));
    world.ask(&rival.clerk, "POST /users/invite", wanted()).await;
    world.play().await;
    world.ask(&owner.clerk, "POST /users/invite", wanted()).await;
    for _ in 0..3 {
        world.play().await;
        world.wait(Duration::minutes(2));
    }
    assert_eq!(listed(&world, &owner).await[0].2, "already-invited");
    assert_eq!(listed(&world, &rival).await[0].1, "open");
}

#[tokio::test]
async fn an_invitation_that_is_taken_back_leads_nowhere() {
    let (world, owner) = business().await;
    let invited = world.ask(&owner.clerk, "POST /users/invite", TECH()).await;
    let line = format!("DELETE /invitations/{}", invited.body["id"].as_str().unwrap());
    // Before it has left.
    assert_eq!(world.ask(&owner.clerk, &line, None).await.status, 204);
    assert_eq!(world.ask(&owner.clerk, &line, None).await.status, 204);
    world.play().await;
    assert_eq!(world.clerk.invitations().len(), 0);

    // After it has left; Clerk does not answer at first.
    let invited = world.ask(&owner.clerk, "POST /users/invite", TECH()).await;
    world.play().await;
    let sent = world.clerk.invitations();
    let id = sent[0].id.clone();
    world.clerk.add_fault(Endpoint::RevokeInvitation, Fault::DoThenReset);
    let line = format!("DELETE /invitations/{}", invited.body["id"].as_str().unwrap());
    assert_eq!(world.ask(&owner.clerk, &line, None).await.status, 204);
    for _ in 0..3 {
        world.play().await;
        world.wait(Duration::minutes(2));
    }
    assert_eq!(world.clerk.invitations()[0].status, "revoked");
    assert!(world.clerk.accept_invitation(&id).unwrap().is_none());
    let states: Vec<String> = sqlx::query_scalar("select state from effect_intents order by seq")
        .fetch_all(&mut world.database.superuser().await.unwrap())
        .await
        .unwrap();
    assert_eq!(states, ["cancelled", "accepted", "accepted"]);
}

#[tokio::test]
async fn taken_back_while_it_was_on_its_way_it_is_revoked_once_it_is_found() {
    let (world, owner) = business().await;
    let invited = world.ask(&owner.clerk, "POST /users/invite", TECH()).await;
    world.clerk.add_fault(Endpoint::CreateInvitation, Fault::DoThenReset);
    world.effects.drain().await.unwrap();
    let line = format!("DELETE /invitations/{}", invited.body["id"].as_str().unwrap());
    assert_eq!(world.ask(&owner.clerk, &line, None).await.status, 204);
    for _ in 0..4 {
        world.play().await;
        world.wait(Duration::minutes(2));
    }
    assert_eq!(world.clerk.invitations()[0].status, "revoked");
    assert_eq!(listed(&world, &owner).await[0].1, "revoked");
}

#[tokio::test]
async fn an_invitation_that_is_not_open_lets_nobody_in() {
    let (world, owner) = business().await;
    let rival: TenantId = world.tenant().await;
    world.ask(&owner.clerk, "POST /users/invite", TECH()).await;
    world.play().await;
    let metadata = world.clerk.invitations()[0].public_metadata.clone();
    let mut elsewhere = metadata.clone();
    elsewhere.insert("nmc_tenant_id".to_owned(), json!(rival));
    let late = world.clerk.accept_invitation(&world.clerk.invitations()[0].id).unwrap().unwrap();
    let foreign = world.person("foreign@example.com");
    world.clerk.update_user(&foreign, |user| user.public_metadata = elsewhere);
    // A business that never sent it.
    assert_eq!(world.ask(&foreign, "POST /tenants", Some(json!({}))).await.refusal(), (422, "invalid_input"));
    // Too late.
    world.wait(Duration::days(30));
    assert_eq!(listed(&world, &owner).await[0].1, "expired");
    assert_eq!(world.ask(&late.id, "POST /tenants", Some(json!({}))).await.refusal(), (422, "invalid_input"));
    let data = clerk_user(&late.id, "tech@example.com", 1, &Value::Object(metadata));
    assert_eq!(world.webhook("user.created", &data).await, 200);
    assert_eq!(world.ask(&late.id, "GET /me", None).await.refusal(), (403, "no_business"));
    // They may still have a business of their own, and be asked again.
    let own = json!({"name": "Own", "time_zone": "America/Denver"});
    assert_eq!(world.ask(&late.id, "POST /tenants", Some(own)).await.body["role"], "OWNER");
    assert_eq!(world.ask(&owner.clerk, "POST /users/invite", TECH()).await.status, 201);
    assert_eq!(listed(&world, &owner).await.len(), 2);
}

/// Taking back what was sent makes no room: the e-mails are out.
#[tokio::test]
async fn nobody_sends_invitations_by_the_hundred() {
    let (world, owner) = business().await;
    let invite = async |number: u32| {
        let body = json!({"email": format!("tech{number}@example.com"), "role": "TECH"});
        world.ask(&owner.clerk, "POST /users/invite", Some(body)).await
    };
    for number in 0..50 {
        let invited = invite(number).await;
        assert_eq!(invited.status, 201);
        let line = format!("DELETE /invitations/{}", invited.body["id"].as_str().unwrap());
        assert_eq!(world.ask(&owner.clerk, &line, None).await.status, 204);
    }
    let refused = invite(50).await;
    assert_eq!((refused.refusal(), refused.retry_after), ((429, "rate_limited"), true));
    world.clock.advance(Duration::days(1));
    assert_eq!(invite(50).await.status, 201);
}

/// Clerk's words come in any order.
#[tokio::test]
async fn who_is_gone_before_the_news_of_their_sign_up_comes_joins_nothing() {
    let (world, owner) = business().await;
    world.ask(&owner.clerk, "POST /users/invite", TECH()).await;
    world.play().await;
    let sent = world.clerk.invitations();
    let person = world.clerk.accept_invitation(&sent[0].id).unwrap().unwrap();
    let gone = json!({"deleted": true, "id": person.id, "object": "user"});
    let created = clerk_user(&person.id, "tech@example.com", 1, &Value::Object(person.public_metadata.clone()));
    for _ in 0..2 {
        assert_eq!(world.webhook("user.deleted", &gone).await, 200);
        for kind in ["user.created", "user.updated"] {
            assert_eq!(world.webhook(kind, &created).await, 200);
        }
    }
    // A token that still holds does not help either, as long as Clerk's own answer is older than its webhook.
    assert_eq!(world.ask(&person.id, "POST /tenants", Some(json!({}))).await.status, 422);
    let own = json!({"name": "Own", "time_zone": "America/Denver"});
    assert_eq!(world.ask(&person.id, "POST /tenants", Some(own)).await.refusal(), (401, "token_invalid"));
    assert_eq!(world.ask(&person.id, "GET /me", None).await.refusal(), (403, "no_business"));
    let users = world.ask(&owner.clerk, "GET /users", None).await;
    assert_eq!(users.body["items"].as_array().unwrap().len(), 1, "{users:?}");
    assert_eq!(listed(&world, &owner).await[0].1, "open");
}

#[tokio::test]
async fn the_news_of_an_end_and_of_a_sign_up_at_once_leave_nobody_active() {
    let (world, owner) = business().await;
    for number in 0..12 {
        let email = format!("tech{number}@example.com");
        world.ask(&owner.clerk, "POST /users/invite", Some(json!({"email": email, "role": "TECH"}))).await;
        world.play().await;
        let sent = world.clerk.invitations();
        let invitation = sent.iter().find(|sent| sent.email_address == email).unwrap();
        let person = world.clerk.accept_invitation(&invitation.id).unwrap().unwrap();
        let created = clerk_user(&person.id, &email, 1, &Value::Object(person.public_metadata.clone()));
        let gone = json!({"id": person.id});
        let (one, other) = tokio::join!(world.webhook("user.created", &created), world.webhook("user.deleted", &gone));
        assert_eq!((one.as_u16(), other.as_u16()), (200, 200));
    }
    let users = world.ask(&owner.clerk, "GET /users", None).await;
    let active = users.body["items"].as_array().unwrap().iter().filter(|user| user["active"] == true).count();
    assert_eq!(active, 1, "the owner alone: {users:?}");
}

#[tokio::test]
async fn an_invitation_is_for_whoever_reads_its_address() {
    let (world, owner) = business().await;
    world.ask(&owner.clerk, "POST /users/invite", TECH()).await;
    world.play().await;
    let sent = world.clerk.invitations();
    let person = world.clerk.accept_invitation(&sent[0].id).unwrap().unwrap();
    let metadata = Value::Object(person.public_metadata.clone());
    // Somebody whose only address is another one, or has not been verified to be the invited one.
    let stranger = clerk_user(&person.id, "stranger@example.com", 1, &metadata);
    let mut unverified = stranger.clone();
    let invited =
        |status| json!({"id": "idn_2", "email_address": "Tech@Example.com", "verification": {"status": status}});
    unverified["email_addresses"].as_array_mut().unwrap().push(invited("unverified"));
    for data in [&stranger, &unverified] {
        assert_eq!(world.webhook("user.created", data).await, 200);
        assert_eq!(listed(&world, &owner).await[0].1, "open", "{data}");
    }
    // Whoever has it beside their primary one, in whatever capitals.
    let mut theirs = stranger.clone();
    theirs["email_addresses"].as_array_mut().unwrap().push(invited("verified"));
    assert_eq!(world.webhook("user.updated", &theirs).await, 200);
    assert_eq!(listed(&world, &owner).await[0].1, "accepted");
    let me = world.ask(&person.id, "GET /me", None).await;
    assert_eq!(
        (me.body["user"]["email"].as_str(), me.body["role"].as_str()),
        (Some("stranger@example.com"), Some("TECH"))
    );
}
