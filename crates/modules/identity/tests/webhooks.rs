//! What Clerk tells of people: believed by its signature, taken once, in any order.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

mod setup;

use axum::http::StatusCode;
use nmc_kernel::Role;
use nmc_providers::clerk::ClerkUserId;
use serde_json::{Value, json};
use setup::{World, clerk_user};

async fn recorded(world: &World) -> i64 {
    sqlx::query_scalar("select count(*) from webhook_events where provider = 'clerk'")
        .fetch_one(&mut world.database.superuser().await.unwrap())
        .await
        .unwrap()
}

#[tokio::test]
async fn only_what_clerk_has_signed_is_taken_and_only_in_time() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let owner = world.member(tenant, "owner", Role::Owner).await;
    let mut message = world.clerk.message("user.deleted", &json!({"id": owner.clerk}));
    let wrong = format!("v1,{}=", "A".repeat(43));
    assert_eq!(world.deliver_signed(&message, &wrong).await.refusal(), (401, "signature_invalid"));
    message.timestamp -= 301;
    assert_eq!(world.deliver(&message).await.refusal(), (401, "signature_stale"));
    let unsigned = axum::http::Request::post("/webhooks/clerk").body(message.body.clone().into()).unwrap();
    assert_eq!(world.send(unsigned).await.refusal(), (401, "signature_missing"));
    message.timestamp += 301;
    message.body = "{}".to_owned();
    assert_eq!(world.deliver(&message).await.refusal(), (400, "malformed_webhook"));
    message.body = " ".repeat(1024 * 1024 + 1);
    assert_eq!(world.deliver(&message).await.refusal(), (413, "payload_too_large"));
    assert_eq!(recorded(&world).await, 0);
    assert_eq!(world.ask(&owner.clerk, "GET /me", None).await.status, 200);
}

#[tokio::test]
async fn an_update_is_taken_once_and_an_older_one_undoes_nothing() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let owner = world.member(tenant, "owner", Role::Owner).await;
    let email = async || world.ask(&owner.clerk, "GET /me", None).await.body["user"]["email"].clone();
    let told = |address: &str, at: i64| clerk_user(&owner.clerk, address, at, &Value::Null);

    let message = world.clerk.message("user.updated", &told("new@example.com", 2_000));
    for _ in 0..3 {
        assert_eq!(world.deliver(&message).await.status, 200);
    }
    assert_eq!((email().await, recorded(&world).await), (json!("new@example.com"), 1));
    assert_eq!(world.webhook("user.updated", &told("old@example.com", 1_000)).await, 200);
    assert_eq!(email().await, "new@example.com");
    // The same id with other content has no effect.
    let mut altered = world.clerk.message("user.updated", &told("altered@example.com", 9_000));
    altered.id.clone_from(&message.id);
    assert_eq!(world.deliver(&altered).await.status, 200);
    assert_eq!(email().await, "new@example.com");
    // An address nobody has verified is not taken.
    let mut unverified = told("unverified@example.com", 3_000);
    unverified["email_addresses"][0]["verification"]["status"] = json!("unverified");
    assert_eq!(world.webhook("user.updated", &unverified).await, 200);
    assert_eq!(email().await, "new@example.com");
    let log = world.log(tenant).await;
    assert_eq!(log[2..], ["system user.contact-changed"]);
}

#[tokio::test]
async fn who_is_gone_at_clerk_may_do_nothing_and_the_last_owner_is_an_alert() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let owner = world.member(tenant, "owner", Role::Owner).await;
    let tech = world.member(tenant, "tech", Role::Tech).await;
    let gone = |id: &ClerkUserId| json!({"deleted": true, "id": id, "object": "user"});
    assert_eq!(world.webhook("user.deleted", &gone(&tech.clerk)).await, 200);
    assert_eq!(world.ask(&tech.clerk, "GET /me", None).await.refusal(), (403, "user_inactive"));
    assert_eq!(world.webhook("user.deleted", &gone(&owner.clerk)).await, 200);
    let me = world.ask(&owner.clerk, "GET /me", None).await.body;
    assert_eq!((me["role"].as_str(), me["user"]["active"].as_bool()), (Some("OWNER"), Some(true)));
    assert_eq!(world.log(tenant).await[3..], ["system user.changed", "system user.gone-as-last-owner"]);
}

#[tokio::test]
async fn what_is_about_nobody_here_is_answered_with_success_and_not_kept() {
    let world = World::start().await;
    let stranger = ClerkUserId::parse("user_stranger").unwrap();
    let invited = json!({"nmc_tenant_id": "019502b6-0000-7000-8000-000000000000", "nmc_invitation_id": "019502b6-0000-7000-8000-000000000001"});
    for (kind, data) in [
        ("user.created", clerk_user(&stranger, "stranger@example.com", 1, &Value::Null)),
        ("user.created", clerk_user(&stranger, "stranger@example.com", 1, &invited)),
        ("user.updated", clerk_user(&stranger, "stranger@example.com", 1, &json!({"nmc_tenant_id": 7}))),
        ("user.deleted", json!({"id": stranger})),
        ("session.created", json!({"id": "sess_1"})),
    ] {
        assert_eq!(world.webhook(kind, &data).await, 200, "{kind} {data}");
    }
    assert_eq!(recorded(&world).await, 0);
}

#[tokio::test]
async fn with_the_database_down_clerk_is_asked_to_try_again() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let owner = world.member(tenant, "owner", Role::Owner).await;
    world.database.app().close().await;
    let message = world.clerk.message("user.deleted", &json!({"id": owner.clerk}));
    let answer = world.deliver(&message).await;
    assert_eq!((answer.status, answer.retry_after), (StatusCode::SERVICE_UNAVAILABLE, true));
    let me = world.ask(&owner.clerk, "GET /me", None).await;
    assert_eq!((me.refusal(), me.retry_after), ((503, "database_unavailable"), true));
}
