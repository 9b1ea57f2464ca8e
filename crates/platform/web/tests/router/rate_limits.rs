//! Too many requests of one address or one business.

use std::net::SocketAddr;

use axum::{
    Extension, Router,
    body::Body,
    extract::{ConnectInfo, Request},
    http::StatusCode,
    middleware::from_fn_with_state,
    routing::get,
};
use nmc_config::{HttpConfig, HttpLimits};
use nmc_kernel::{Actor, TenantId};
use nmc_web::{RateLimits, limit_address, limit_tenant};

use crate::support::{call, http, ids, layered, limits, problem};

/// Requests an address, and a business, may send in a minute.
const LIMIT: u32 = 3;

fn configured() -> RateLimits {
    let http = HttpConfig { trusted_proxies: Some(vec!["10.0.0.0/8".parse().expect("a network")]), ..http(None) };
    let limits = HttpLimits { address_requests_per_minute: LIMIT, tenant_requests_per_minute: LIMIT, ..limits() };
    RateLimits::new(&http, &limits)
}

fn from(peer: &str, forwarded: &'static str) -> Request {
    let mut request = Request::get("/v1/me").header("x-forwarded-for", forwarded).body(Body::empty()).expect("valid");
    let peer: SocketAddr = peer.parse().expect("an address");
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

#[tokio::test(start_paused = true)]
async fn an_address_that_sends_too_many_waits() {
    let router = Router::new().route("/v1/me", get(async || "me"));
    let app = layered(router.layer(from_fn_with_state(configured(), limit_address)));
    for port in 0..LIMIT {
        // Another connection and another invention are still the same client.
        let request = from(&format!("192.0.2.1:{}", 1000 + port), ["198.51.100.1", "198.51.100.2", ""][port as usize]);
        assert_eq!(call(&app, request).await.status(), StatusCode::OK);
    }
    let refused = call(&app, from("192.0.2.1:2000", "198.51.100.9")).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()["retry-after"], "20");
    assert_eq!(refused.headers()["x-content-type-options"], "nosniff");
    assert_eq!(problem(refused).await["code"], "rate_limited");
    // Others, also behind a proxy that somebody else has used up.
    assert_eq!(call(&app, from("192.0.2.2:1000", "")).await.status(), StatusCode::OK);
    for _ in 0..LIMIT {
        assert_eq!(call(&app, from("10.0.0.1:1000", "1.1.1.1, 198.51.100.7")).await.status(), StatusCode::OK);
    }
    assert_eq!(call(&app, from("10.0.0.1:1000", "2.2.2.2, 198.51.100.7")).await.status(), 429);
    assert_eq!(call(&app, from("10.0.0.1:1000", "2.2.2.2, 198.51.100.8")).await.status(), StatusCode::OK);
    tokio::time::advance(std::time::Duration::from_secs(20)).await;
    assert_eq!(call(&app, from("192.0.2.1:2000", "")).await.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_business_that_sends_too_many_waits_wherever_it_sends_from() {
    let limits = configured();
    let of = |tenant: TenantId| {
        let router = Router::new().route("/v1/me", get(async || "me"));
        let limited = router.layer(from_fn_with_state(limits.clone(), limit_tenant));
        layered(limited.layer(Extension(Actor::System { tenant })))
    };
    let ids = ids();
    let (one, other) = (of(ids.next()), of(ids.next()));
    for peer in ["192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1"] {
        assert_eq!(call(&one, from(peer, "")).await.status(), StatusCode::OK);
    }
    assert_eq!(call(&one, from("192.0.2.4:1", "")).await.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(call(&other, from("192.0.2.1:1", "")).await.status(), StatusCode::OK);
}
