//! The composed application's limits: what they count, and what they leave alone.

use nmc_app::{Modules, routes};
use nmc_config::Config;
use nmc_simulators::twilio::{CallRequest, CallScenario};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    document::document,
    harness::{App, config, dialling},
    world::World,
};

/// Requests in a minute.
const LIMIT: u32 = 5;

/// A server over the application's database with limits of its own.
async fn serve(app: &App, limit: impl FnOnce(&mut Config)) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let mut config = config(&app.database, &base_url, &app.twilio.base_url(), &app.clerk);
    limit(&mut config);
    let modules = Modules::new(app.database.app(), &config).unwrap();
    let router = routes(&modules, app.database.app().clone(), &config, app.database.app());
    let stop = CancellationToken::new();
    tokio::spawn(async move { nmc_web::serve(listener, router, &config.http_limits, stop).await });
    base_url
}

async fn get(base_url: &str, path: &str, token: Option<&str>) -> reqwest::Response {
    #[expect(clippy::disallowed_methods, reason = "a browser")]
    let mut request = reqwest::Client::new().get(format!("{base_url}{path}"));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    request.send().await.unwrap()
}

#[tokio::test]
async fn an_address_is_limited_before_anybody_is_asked_who_it_is_and_webhooks_never() {
    let app = App::start(dialling()).await;
    let server = serve(&app, |config| config.http_limits.address_requests_per_minute = LIMIT).await;
    for _ in 0..LIMIT {
        assert_eq!(get(&server, "/v1/me", Some("garbage")).await.status(), 401);
    }
    let refused = get(&server, "/v1/me", Some("garbage")).await;
    assert_eq!(refused.status(), 429);
    assert!(refused.headers()["retry-after"].to_str().unwrap().parse::<u32>().unwrap() >= 1);
    // Signing up is behind the same limit; health, the reference and webhooks are not.
    #[expect(clippy::disallowed_methods, reason = "a browser")]
    let sign_up = reqwest::Client::new().post(format!("{server}/v1/tenants")).body("{}").send().await.unwrap();
    assert_eq!(sign_up.status(), 429);
    for path in ["/healthz", "/readyz", "/openapi.json"] {
        assert_eq!(get(&server, path, None).await.status(), 200, "{path}");
    }
    let document = document(&app);
    let webhooks: Vec<_> =
        document["paths"].as_object().unwrap().keys().filter(|path| path.starts_with("/webhooks/")).collect();
    assert!(webhooks.len() > LIMIT as usize, "{webhooks:?}");
    for path in webhooks {
        #[expect(clippy::disallowed_methods, reason = "somebody who is no provider")]
        let webhook = reqwest::Client::new().post(format!("{server}{path}")).body("{}").send().await.unwrap();
        assert_eq!(webhook.status(), 401, "{path}");
        assert!(!webhook.headers().contains_key("www-authenticate"), "{path}: no token would help");
    }
    app.twilio.place_call(CallRequest::new("+14155550123", app.number.clone(), CallScenario::NoAnswer)).await;
    app.settle().await;
    assert_eq!(app.texts_to("+14155550123").len(), 1);
}

#[tokio::test]
async fn a_business_is_limited_whoever_of_its_people_asks() {
    let world = World::start().await;
    let server = serve(&world.app, |config| config.http_limits.tenant_requests_per_minute = LIMIT).await;
    let (owner, tech) = (world.people.owner.token(), world.people.tech.token());
    for number in 0..LIMIT {
        let token = if number % 2 == 0 { &owner } else { &tech };
        assert_eq!(get(&server, "/v1/me", Some(token)).await.status(), 200);
    }
    assert_eq!(get(&server, "/v1/me", Some(&tech)).await.status(), 429);
    assert_eq!(get(&server, "/v1/me", Some("garbage")).await.status(), 401, "nobody's business");
}
