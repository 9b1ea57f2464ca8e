//! Where the keys come from: asked for rarely, and used on while Clerk cannot be asked.

use std::{sync::OnceLock, time::Instant};

use chrono::TimeDelta;
use futures::future::join_all;
use nmc_kernel::Clock;
use nmc_providers::clerk::{ClerkTokens, TokenRejection};
use serde_json::{Value, json};

use super::support::{Behaviour, KeyServer, NOW, SOON, Signer, claims_with, clerk, now};

/// A token of Clerk's that holds for a day, so that only the keys decide.
fn lasting(key: &Signer) -> String {
    key.sign(&claims_with("exp", json!(NOW + 86_400)))
}

/// Another token's, once: a key that is not known checks nothing.
static SIGNATURE: OnceLock<String> = OnceLock::new();

fn made_up(number: usize) -> String {
    let header = json!({"alg": "RS256", "kid": format!("ins_{number}"), "typ": "JWT"});
    let signature = SIGNATURE.get_or_init(|| lasting(Signer::other()).rsplit('.').next().unwrap().to_owned());
    let part = |value: &Value| super::support::encode(value.to_string().as_bytes());
    format!("{}.{}.{signature}", part(&header), part(&super::support::claims()))
}

async fn assert_unknown(tokens: &ClerkTokens, numbers: std::ops::Range<usize>) {
    for number in numbers {
        assert_eq!(tokens.verify(&made_up(number)).await, Err(TokenRejection::UnknownKey));
    }
}

#[tokio::test]
async fn ten_thousand_made_up_key_ids_ask_once_a_minute() {
    let (server, clock) = clerk().await;
    let tokens = server.tokens(&clock);
    let good = lasting(Signer::clerk());
    tokens.verify(&good).await.unwrap();
    assert_unknown(&tokens, 0..10_000).await;
    assert_eq!(server.fetches(), 1);
    for minute in 1..=10 {
        clock.advance(TimeDelta::seconds(59));
        assert_unknown(&tokens, 0..500).await;
        assert_eq!(server.fetches(), minute);
        clock.advance(TimeDelta::seconds(1));
        assert_unknown(&tokens, 10_000..10_500).await;
        assert_eq!(server.fetches(), minute + 1);
        tokens.verify(&good).await.unwrap();
    }
}

#[tokio::test]
async fn ten_thousand_at_once_ask_once() {
    let (server, clock) = clerk().await;
    let tokens = server.tokens(&clock);
    let good = lasting(Signer::clerk());
    tokens.verify(&good).await.unwrap();
    clock.advance(TimeDelta::minutes(1));
    let verdicts = join_all((0..10_000).map(|number| {
        let (tokens, good) = (tokens.clone(), good.clone());
        tokio::spawn(async move {
            if number % 10 == 0 {
                tokens.verify(&good).await.is_ok()
            } else {
                tokens.verify(&made_up(number)).await.is_err()
            }
        })
    }))
    .await;
    assert!(verdicts.into_iter().all(Result::unwrap));
    assert_eq!(server.fetches(), 2);
}

#[tokio::test]
async fn the_first_two_hundred_wait_for_one_request() {
    let (server, clock) = clerk().await;
    let tokens = server.tokens(&clock);
    let good = lasting(Signer::clerk());
    assert!(join_all((0..200).map(|_| tokens.verify(&good))).await.iter().all(Result::is_ok));
    assert_eq!(server.fetches(), 1);
}

#[tokio::test]
async fn whoever_hangs_up_takes_nothing_from_those_who_wait() {
    let (server, clock) = clerk().await;
    let tokens = server.tokens(&clock);
    let good = lasting(Signer::clerk());
    {
        let hung_up = tokens.verify(&good);
        futures::pin_mut!(hung_up);
        // As far as the request, and no further.
        assert!(futures::poll!(&mut hung_up).is_pending());
    }
    assert!(tokens.verify(&good).await.is_ok());
    assert_eq!(server.fetches(), 1);
}

#[tokio::test]
async fn a_new_key_is_found_and_one_taken_back_ends() {
    let (server, clock) = clerk().await;
    let tokens = server.tokens(&clock);
    let (old, new) = (lasting(Signer::clerk()), lasting(Signer::other()));
    tokens.verify(&old).await.unwrap();
    // Both for a while: the new one is asked for as soon as a token names it.
    server.publish(&[Signer::clerk().jwk(), Signer::other().jwk()]);
    clock.advance(TimeDelta::minutes(1));
    tokens.verify(&new).await.unwrap();
    tokens.verify(&old).await.unwrap();
    assert_eq!(server.fetches(), 2);
    // The old one taken back: it ends within a quarter of an hour, at the first request after it.
    server.publish(&[Signer::other().jwk()]);
    clock.advance(TimeDelta::minutes(14));
    tokens.verify(&old).await.unwrap();
    assert_eq!(server.fetches(), 2);
    clock.advance(TimeDelta::minutes(1));
    assert_eq!(tokens.verify(&old).await, Err(TokenRejection::UnknownKey));
    tokens.verify(&new).await.unwrap();
    assert_eq!(server.fetches(), 3);
}

#[tokio::test]
async fn a_key_replaced_under_its_own_id_counts_after_the_refresh() {
    let (server, clock) = clerk().await;
    let tokens = server.tokens(&clock);
    tokens.verify(&lasting(Signer::clerk())).await.unwrap();
    let mut replaced = Signer::other().jwk();
    replaced["kid"] = json!(Signer::clerk().kid);
    server.publish(&[replaced]);
    clock.advance(TimeDelta::minutes(15));
    assert_eq!(tokens.verify(&lasting(Signer::clerk())).await, Err(TokenRejection::Signature));
}

#[tokio::test]
async fn known_keys_go_on_while_clerk_fails_in_any_way() {
    for behaviour in [
        Behaviour::Answer(500, "trouble".into()),
        Behaviour::Answer(404, r#"{"keys":[]}"#.into()),
        Behaviour::Answer(302, String::new()),
        Behaviour::Answer(200, "<html>maintenance</html>".into()),
        Behaviour::Answer(200, r#"{"keys":[]}"#.into()),
        Behaviour::Answer(200, json!({"keys": [Signer::other().jwk()], "more": "x".repeat(100_000)}).to_string()),
        Behaviour::Hang,
    ] {
        let (server, clock) = clerk().await;
        let tokens = server.tokens(&clock);
        let good = lasting(Signer::clerk());
        tokens.verify(&good).await.unwrap();
        server.set(behaviour.clone());
        for hours in 1..=3 {
            clock.advance(TimeDelta::hours(1));
            let began = Instant::now();
            for _ in 0..50 {
                assert!(tokens.verify(&good).await.is_ok(), "{behaviour:?}, {hours} h");
            }
            assert!(began.elapsed() < SOON, "{behaviour:?} {:?}", began.elapsed());
        }
        // Once an hour here, a hanging request counting as long as it hangs.
        assert!((2..=4).contains(&server.fetches()), "{behaviour:?}: {}", server.fetches());
    }
}

#[tokio::test]
async fn known_keys_go_on_while_nothing_listens() {
    let (mut server, clock) = clerk().await;
    let tokens = server.tokens(&clock);
    let good = lasting(Signer::clerk());
    tokens.verify(&good).await.unwrap();
    server.stop().await;
    clock.advance(TimeDelta::hours(20));
    let began = Instant::now();
    assert!(tokens.verify(&good).await.is_ok());
    assert_eq!(tokens.verify(&lasting(Signer::other())).await, Err(TokenRejection::UnknownKey));
    assert!(began.elapsed() < SOON);
}

#[tokio::test]
async fn without_any_keys_it_is_our_trouble_and_passes_soon_after_clerks_does() {
    let server = KeyServer::start(&[]).await;
    let clock = Clock::fixed(now());
    let tokens = server.tokens(&clock);
    let good = lasting(Signer::clerk());
    for _ in 0..100 {
        assert_eq!(tokens.verify(&good).await, Err(TokenRejection::KeysUnavailable));
    }
    assert_eq!(server.fetches(), 1);
    server.publish(&[Signer::clerk().jwk()]);
    clock.advance(TimeDelta::seconds(5));
    assert!(tokens.verify(&good).await.is_ok());
    assert_eq!(server.fetches(), 2);
}

#[tokio::test]
async fn a_clerk_that_hangs_from_the_start_is_given_up() {
    let (server, clock) = clerk().await;
    server.set(Behaviour::Hang);
    let tokens = server.tokens(&clock);
    let began = Instant::now();
    assert_eq!(tokens.verify(&lasting(Signer::clerk())).await, Err(TokenRejection::KeysUnavailable));
    assert!(began.elapsed() < SOON * 5, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_clock_set_back_locks_nobody_out() {
    let (server, clock) = clerk().await;
    let tokens = server.tokens(&clock);
    tokens.verify(&lasting(Signer::clerk())).await.unwrap();
    server.publish(&[Signer::other().jwk()]);
    clock.advance(TimeDelta::seconds(-5));
    assert!(tokens.verify(&lasting(Signer::other())).await.is_ok());
}
