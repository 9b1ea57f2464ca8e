//! Who sent the request, and the key it may be sent again with.

use axum::{
    Extension, Router,
    body::Body,
    extract::Request,
    http::StatusCode,
    routing::{get, post},
};
use nmc_kernel::{Actor, Role};
use nmc_web::{IdempotentJson, Owner, User};
use serde_json::Value;

use crate::support::{call, get_request, ids, layered, problem, text};

fn person(role: Role) -> Actor {
    Actor::User { tenant: ids().next(), user: ids().next(), role }
}

/// The routes as somebody signed in, or nobody, sees them.
fn app(actor: Option<Actor>) -> Router {
    let routes = Router::new()
        .route("/any", get(async |User(actor): User| format!("{actor:?}")))
        .route("/owner", get(async |Owner(actor): Owner| format!("{actor:?}")));
    layered(match actor {
        Some(actor) => routes.layer(Extension(actor)),
        None => routes,
    })
}

#[tokio::test]
async fn the_role_decides_what_a_person_may_do() {
    for (actor, any, owner) in [
        (None, Err((401, "unauthenticated")), Err((401, "unauthenticated"))),
        (Some(person(Role::Tech)), Ok(()), Err((403, "owner_required"))),
        (Some(person(Role::Owner)), Ok(()), Ok(())),
        (Some(Actor::System { tenant: ids().next() }), Ok(()), Err((403, "owner_required"))),
    ] {
        let app = app(actor);
        for (path, expected) in [("/any", any), ("/owner", owner)] {
            let answer = call(&app, get_request(path)).await;
            match expected {
                Ok(()) => assert_eq!(text(answer).await, format!("{:?}", actor.expect("somebody"))),
                Err((status, code)) => {
                    assert_eq!(answer.status(), status, "{actor:?} {path}");
                    assert_eq!(problem(answer).await["code"], code, "{actor:?} {path}");
                }
            }
        }
    }
}

/// Answers with the request's key and fingerprint.
fn keyed() -> Router {
    let show = async |IdempotentJson { body, key }: IdempotentJson<Value>| {
        key.map_or_else(|| format!("no key {body}"), |key| format!("{} {:x?}", key.key, key.fingerprint))
    };
    layered(Router::new().nest("/v1", Router::new().route("/{*path}", post(show).put(show))))
}

fn request(method: &str, path: &str, keys: &[&str], body: &'static str) -> Request {
    let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    for key in keys {
        request = request.header("idempotency-key", *key);
    }
    request.body(Body::from(body)).expect("valid")
}

#[tokio::test]
async fn the_fingerprint_is_of_method_path_and_body() {
    let app = keyed();
    let of = async |method: &str, path: &str, body: &'static str| {
        let answer = call(&app, request(method, path, &["k-1"], body)).await;
        assert_eq!(answer.status(), StatusCode::OK);
        text(answer).await
    };
    let first = of("POST", "/v1/a", "{}").await;
    assert!(first.starts_with("k-1 "), "{first}");
    assert_eq!(of("POST", "/v1/a", "{}").await, first);
    for (method, path, body) in [("PUT", "/v1/a", "{}"), ("POST", "/v1/b", "{}"), ("POST", "/v1/a", "{ }")] {
        assert_ne!(of(method, path, body).await, first, "{method} {path} {body}");
    }
    assert_eq!(text(call(&app, request("POST", "/v1/a", &[], "{}")).await).await, "no key {}");
}

#[tokio::test]
async fn a_key_that_is_none_is_refused() {
    let app = keyed();
    let (longest, too_long) = ("x".repeat(255), "x".repeat(256));
    assert_eq!(call(&app, request("POST", "/v1/a", &[&longest], "{}")).await.status(), StatusCode::OK);
    for keys in [&[""][..], &["a b"], &["\t"], &["\u{e9}"], &[&too_long], &["a", "a"]] {
        let refused = call(&app, request("POST", "/v1/a", keys, "{}")).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY, "{keys:?}");
        assert_eq!(problem(refused).await["errors"][0]["field"], "Idempotency-Key", "{keys:?}");
    }
}
