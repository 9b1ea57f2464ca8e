//! Tokens made and judged by Clerk's own library (`vectors/clerk.mjs`).

use nmc_kernel::Clock;
use nmc_providers::clerk::{ClerkTokens, TokenSettings};
use serde::Deserialize;
use serde_json::Value;

use super::support::KeyServer;

#[derive(Deserialize)]
struct File {
    now: i64,
    issuer: String,
    authorized_party: String,
    jwks: Jwks,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    token: String,
    clerk_accepts: bool,
    we_accept: bool,
    /// Why the two differ, where they do.
    differs: Option<String>,
}

#[tokio::test]
async fn the_verdicts_of_clerks_own_library_are_ours_but_where_a_reason_stands() {
    let file: File = serde_json::from_str(include_str!("../vectors/clerk.json")).unwrap();
    let server = KeyServer::start(&file.jwks.keys).await;
    let settings = TokenSettings {
        issuer: file.issuer,
        audience: None,
        authorized_parties: vec![file.authorized_party],
        jwks_url: server.jwks_url().to_owned(),
    };
    let clock = Clock::fixed(chrono::DateTime::from_timestamp_secs(file.now).unwrap());
    let tokens = ClerkTokens::new(settings, clock).unwrap();
    let (mut accepted, mut refused) = (0, 0);
    for vector in file.vectors {
        let verdict = tokens.verify(&vector.token).await;
        assert_eq!(verdict.is_ok(), vector.we_accept, "{}: {verdict:?}", vector.name);
        assert_eq!(vector.clerk_accepts != vector.we_accept, vector.differs.is_some(), "{}", vector.name);
        if verdict.is_ok() { accepted += 1 } else { refused += 1 }
    }
    assert!(accepted >= 15 && refused >= 15, "{accepted} {refused}");
}
