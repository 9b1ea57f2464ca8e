//! Every form of a token that must be let in, and what is read from it.

use chrono::TimeDelta;
use nmc_kernel::{Role, TenantId};
use nmc_providers::clerk::Organization;
use serde_json::{Value, json};

use super::support::{
    AUDIENCE, NOW, OTHER_PARTY, SUBJECT, Signer, TENANT, claims, claims_with, claims_without, clerk, now,
};

fn organization(id: Option<&str>, role: Option<&str>, slug: Option<&str>) -> Organization {
    let text = |part: Option<&str>| part.map(str::to_owned);
    Organization { id: text(id), role: text(role), slug: text(slug) }
}

#[tokio::test]
async fn what_a_token_says() {
    let (server, clock) = clerk().await;
    let verified = server.tokens(&clock).verify(&Signer::clerk().sign(&claims())).await.unwrap();
    assert_eq!(verified.subject.as_str(), SUBJECT);
    assert_eq!(verified.tenant, Some(TENANT.parse::<TenantId>().unwrap()));
    assert_eq!(verified.role, Some(Role::Owner));
    assert_eq!(verified.organization, Some(organization(Some("org_1"), Some("admin"), Some("plumbers"))));
    assert_eq!(verified.expires_at, now() + TimeDelta::seconds(60));
}

#[tokio::test]
async fn organisations_of_both_versions_with_any_part_absent() {
    let (server, clock) = clerk().await;
    let tokens = server.tokens(&clock);
    let mut v1 = claims_without("v");
    v1.as_object_mut().unwrap().remove("o");
    let with = |base: &Value, more: Value| {
        let mut claims = base.clone();
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        claims
    };
    let v2 = |o: Value| with(&claims(), json!({ "o": o }));
    let id = Some("org_1");
    for (claims, expected) in [
        (v1.clone(), None),
        (
            with(&v1, json!({"org_id": "org_1", "org_role": "org:admin", "org_slug": "s"})),
            Some(organization(id, Some("admin"), Some("s"))),
        ),
        (with(&v1, json!({"v": 1, "org_id": "org_1"})), Some(organization(id, None, None))),
        (with(&v1, json!({"org_role": "org:org:odd"})), Some(organization(None, Some("org:odd"), None))),
        (with(&v1, json!({"org_id": null, "org_role": null})), None),
        // Each version's own claims alone count.
        (with(&v1, json!({"o": {"id": "org_2", "rol": "admin"}})), None),
        (with(&v2(Value::Null), json!({"org_id": "org_1", "org_role": "org:admin"})), None),
        (v2(json!({"id": "org_1"})), Some(organization(id, None, None))),
        (v2(json!({"rol": "technician"})), Some(organization(None, Some("technician"), None))),
        (v2(json!({"slg": "s", "id": null})), Some(organization(None, None, Some("s")))),
        (v2(json!({"per": "read,manage", "fpm": "3"})), None),
        (v2(json!({})), None),
        (claims_without("o"), None),
    ] {
        let verified = tokens.verify(&Signer::clerk().sign(&claims)).await;
        assert_eq!(verified.unwrap().organization, expected, "{claims}");
    }
}

#[tokio::test]
async fn what_may_be_absent_and_how_far_the_clocks_may_be_apart() {
    let (server, clock) = clerk().await;
    let tokens = server.tokens(&clock);
    for claims in [
        claims_without("azp"),
        claims_with("azp", json!(OTHER_PARTY)),
        claims_without("sts"),
        claims_without("nbf"),
        claims_without("iat"),
        claims_without("nmc_tenant_id"),
        claims_with("nmc_role", json!("TECH")),
        claims_with("nmc_role", Value::Null),
        claims_with("aud", json!("https://elsewhere.example.com")),
        claims_with("exp", json!(NOW - 4)),
        claims_with("exp", json!(NOW + 315_360_000)),
        claims_with("nbf", json!(NOW + 5)),
        claims_with("iat", json!(NOW + 5)),
        claims_with("iat", json!(0)),
        claims_with("sub", json!("user_1")),
        claims_with("sub", json!(format!("user_{}", "a".repeat(59)))),
        claims_with("act", json!({"sub": "user_x"})),
        claims_with("more", json!({"deep": [[[[{"a": null}]]]], "text": "é\u{0}\u{1F600}"})),
    ] {
        let verified = tokens.verify(&Signer::clerk().sign(&claims)).await;
        assert!(verified.is_ok(), "{claims}: {verified:?}");
    }
    for header in [
        json!({"alg": "RS256", "kid": "ins_clerk"}),
        json!({"alg": "RS256", "kid": "ins_clerk", "typ": "jwt"}),
        json!({"alg": "RS256", "kid": "ins_clerk", "typ": null, "cat": 7, "new": {}}),
    ] {
        let verified = tokens.verify(&Signer::clerk().sign_with(&header, &claims())).await;
        assert!(verified.is_ok(), "{header}: {verified:?}");
    }
}

#[tokio::test]
async fn an_audience_by_itself_or_among_others() {
    let (server, clock) = clerk().await;
    let tokens = server.tokens_for(Some(AUDIENCE), &clock);
    for audience in [json!(AUDIENCE), json!([AUDIENCE]), json!(["x", AUDIENCE, AUDIENCE])] {
        let verified = tokens.verify(&Signer::clerk().sign(&claims_with("aud", audience.clone()))).await;
        assert!(verified.is_ok(), "{audience}: {verified:?}");
    }
}

#[tokio::test]
async fn a_token_ends_five_seconds_after_its_end() {
    let (server, clock) = clerk().await;
    let tokens = server.tokens(&clock);
    let token = Signer::clerk().sign(&claims());
    clock.advance(TimeDelta::milliseconds(64_999));
    assert!(tokens.verify(&token).await.is_ok());
    clock.advance(TimeDelta::milliseconds(1));
    assert!(tokens.verify(&token).await.is_err());
}
