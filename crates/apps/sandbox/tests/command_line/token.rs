//! `token`: what is printed signs in wherever the sandbox's Clerk instance is known.

use chrono::TimeDelta;
use nmc_kernel::{Clock, Role};
use nmc_providers::clerk::{ClerkTokens, TokenSettings, WebhookSecret};
use nmc_simulators::clerk::{ClerkSettings, ClerkSimulator, NewUser};
use tokio::time::timeout;

use super::program::{BOUND, program};

const ISSUER: &str = "https://clerk.example.com";

#[tokio::test]
async fn a_token_is_for_the_person_with_the_role_and_holds_as_long_as_asked() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("token-{}", std::process::id()));
    std::fs::create_dir_all(folder.join(".data")).unwrap();
    let run = async |arguments: &[&str]| {
        let output = program(arguments, &Vec::new()).current_dir(&folder).output();
        let output = timeout(BOUND, output).await.unwrap().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };

    // Where no sandbox has run there is nobody to sign in as, and nothing is made up.
    let (code, output, errors) = run(&["token", "--role", "OWNER"]).await;
    assert_eq!((code, output.as_str()), (Some(1), ""), "{errors}");
    assert!(errors.contains("cargo run"), "{errors}");

    let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let mut settings = ClerkSettings::new("sk_test_secret", secret);
    settings.issuer = Some(ISSUER.to_owned());
    settings.snapshot = Some(folder.join(".data/clerk.json"));
    let clerk = ClerkSimulator::start(settings).await.unwrap();
    for id in ["user_sandboxOwner", "user_sandboxTech"] {
        clerk.put_user(NewUser { id: Some(id.parse().unwrap()), ..NewUser::with_email("a@example.com") }).unwrap();
    }
    let configuration = clerk.configuration();
    let party = configuration.iter().find(|(key, _)| *key == "CLERK_AUTHORIZED_PARTIES").unwrap().1.clone();
    let settings = TokenSettings {
        issuer: ISSUER.to_owned(),
        audience: None,
        authorized_parties: vec![party],
        jwks_url: clerk.jwks_url(),
    };
    let tokens = ClerkTokens::new(settings, Clock::system()).unwrap();
    for (arguments, id, role, minutes) in [
        (&["token", "--role", "OWNER"][..], "user_sandboxOwner", Role::Owner, 60),
        (&["token", "--role", "tech", "--minutes", "5"], "user_sandboxTech", Role::Tech, 5),
    ] {
        let before = Clock::system().now();
        let (code, output, errors) = run(arguments).await;
        assert_eq!((code, output.lines().count()), (Some(0), 1), "{errors}");
        let verified = tokens.verify(output.trim()).await.unwrap();
        assert_eq!((verified.subject.as_str(), verified.role), (id, Some(role)));
        let lifetime = verified.expires_at - before;
        let asked = TimeDelta::minutes(minutes);
        assert!((asked - TimeDelta::seconds(1)..asked + TimeDelta::from_std(BOUND).unwrap()).contains(&lifetime));
    }
    for wrong in [&["token"][..], &["token", "--role", "ADMIN"], &["token", "--role", "OWNER", "--minutes", "0"]] {
        assert_eq!(run(wrong).await.0, Some(2), "{wrong:?}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}
