//! Tokens that must not be let in. Each is generated; none is accepted, and the count is asserted.

mod claims;
mod header;
mod writing;

use std::collections::BTreeMap;

use nmc_providers::clerk::{ClerkTokens, TokenRejection};
use serde_json::{Value, json};

use super::support::{AUDIENCE, Signer, claims, claims_with, clerk};

/// What is wrong with it, and the token.
type Cases = Vec<(String, String)>;

async fn assert_all_refused(tokens: &ClerkTokens, cases: &Cases) -> BTreeMap<&'static str, usize> {
    let mut reasons = BTreeMap::new();
    for (what, token) in cases {
        match tokens.verify(token).await {
            Ok(verified) => panic!("accepted: {what}: {verified:?}"),
            // With no keys everything is refused, and nothing shown.
            Err(TokenRejection::KeysUnavailable) => panic!("no keys: {what}"),
            Err(reason) => *reasons.entry(reason.as_str()).or_default() += 1,
        }
    }
    reasons
}

#[tokio::test]
async fn no_forged_or_faulty_token_is_let_in() {
    let (server, clock) = clerk().await;
    let tokens = server.tokens(&clock);
    let good = Signer::clerk().sign(&claims());
    tokens.verify(&good).await.unwrap();
    let mut cases = Cases::new();
    for generate in [
        header::algorithms,
        header::key_ids,
        header::headers,
        writing::writing,
        claims::wrong_claims,
        claims::raw_payloads,
    ] {
        generate(&mut cases);
    }
    let (by_hand, mut all) = (cases.len(), cases);
    writing::bits(&mut all);
    all.retain(|(_, token)| *token != good);
    let reasons = assert_all_refused(&tokens, &all).await;
    println!("{} tokens refused, {by_hand} of them not by a changed bit: {reasons:?}", all.len());
    assert!(by_hand >= 700 && all.len() >= 5000, "{by_hand} {}", all.len());
    // Nearly every reason there is was met, so the set reaches every check.
    for reason in [
        "too_long",
        "malformed",
        "algorithm",
        "header",
        "unknown_key",
        "signature",
        "claims",
        "version",
        "issuer",
        "authorized_party",
        "expired",
        "not_yet_valid",
        "pending",
    ] {
        assert!(reasons.get(reason).is_some_and(|count| *count > 0), "{reason}: {reasons:?}");
    }
    tokens.verify(&good).await.unwrap();
    assert_eq!(server.fetches(), 1, "a forged token had the keys fetched again");
}

#[tokio::test]
async fn an_audience_that_is_asked_for_must_be_there() {
    let (server, clock) = clerk().await;
    let tokens = server.tokens_for(Some(AUDIENCE), &clock);
    let cases: Cases = [
        Value::Null,
        json!(""),
        json!([]),
        json!([""]),
        json!([[AUDIENCE]]),
        json!({ "a": AUDIENCE }),
        json!(7),
        json!([7, AUDIENCE]),
        json!(format!("{AUDIENCE}/")),
        json!(format!("{AUDIENCE}\0")),
        json!(AUDIENCE.to_uppercase()),
        json!(&AUDIENCE[..AUDIENCE.len() - 1]),
        json!(format!("{AUDIENCE},x")),
        json!(format!("{AUDIENCE} x")),
        json!(["https://elsewhere.example.com"]),
        json!("*"),
    ]
    .into_iter()
    .map(|audience| (audience.to_string(), Signer::clerk().sign(&claims_with("aud", audience))))
    .chain([("no audience".to_owned(), Signer::clerk().sign(&claims()))])
    .collect();
    assert_all_refused(&tokens, &cases).await;
    assert!(tokens.verify(&Signer::clerk().sign(&claims_with("aud", json!(AUDIENCE)))).await.is_ok());
}

#[test]
fn each_refusal_is_counted_by_its_reason() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let (server, clock) = clerk().await;
            let tokens = server.tokens(&clock);
            for token in ["", "a.b.c", &Signer::clerk().sign(&claims_with("sts", json!("pending")))] {
                assert!(tokens.verify(token).await.is_err());
            }
            tokens.verify(&Signer::clerk().sign(&claims())).await.unwrap();
        });
    });
    let counted = recorder.handle().render();
    for (reason, times) in [("malformed", 2), ("pending", 1)] {
        let line = format!("auth_failures_total{{reason=\"{reason}\"}} {times}");
        assert!(counted.contains(&line), "{line}: {counted}");
    }
    assert_eq!(counted.matches("auth_failures_total{").count(), 2, "{counted}");
}
