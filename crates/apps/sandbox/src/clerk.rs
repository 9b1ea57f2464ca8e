//! Clerk's place in the sandbox: the instance, the example business's people, and tokens for them.

use std::{io::ErrorKind, net::SocketAddr, path::Path};

use chrono::TimeDelta;
use nmc_kernel::{Role, TenantId};
use nmc_providers::clerk::{ClerkUserId, WebhookSecret};
use nmc_simulators::{
    StartError,
    clerk::{ClerkSettings, ClerkSimulator, KeptInstance, NewUser, TokenRequest},
};
use serde_json::{Map, json};

use crate::{
    Plan, SandboxError,
    run::{data_dir, say},
};

/// They protect nothing: the simulator stands in for the instance they would belong to.
const SECRET_KEY: &str = "sk_test_sandbox";
const WEBHOOK_SECRET: &str = "whsec_c2FuZGJveCB3ZWJob29rIHNlY3JldCBvZiBDbGVyaw==";
/// The same whatever port the simulator gets, so that a token holds over a restart.
const ISSUER: &str = "https://clerk.example.com";

/// Somebody of the example business.
struct Person {
    role: Role,
    id: &'static str,
    email: &'static str,
    first_name: &'static str,
}

const PEOPLE: [Person; 2] = [
    Person { role: Role::Owner, id: "user_sandboxOwner", email: "owner@example.com", first_name: "Olive" },
    Person { role: Role::Tech, id: "user_sandboxTech", email: "tech@example.com", first_name: "Tess" },
];

/// Who signs in as that role, and under which address.
pub(crate) fn user_of(role: Role) -> Result<(ClerkUserId, &'static str), SandboxError> {
    let person = PEOPLE.iter().find(|person| person.role == role);
    let person = person.ok_or_else(|| SandboxError::Tenant("nobody has that role".to_owned()))?;
    Ok((person.id.parse().map_err(SandboxError::tenant)?, person.email))
}

/// Starts the instance with the example business's people in it.
pub(crate) async fn start(
    plan: &Plan,
    address: SocketAddr,
    service_url: &str,
    tenant: TenantId,
) -> Result<ClerkSimulator, SandboxError> {
    let mut settings = settings(plan.keep_simulators.then_some(plan.data_dir.as_path()))?;
    settings.address = address;
    settings.service_url = Some(service_url.to_owned());
    let clerk = ClerkSimulator::start(settings).await?;
    for person in &PEOPLE {
        let new = NewUser {
            id: Some(person.id.parse().map_err(SandboxError::tenant)?),
            first_name: Some(person.first_name.to_owned()),
            public_metadata: Map::from_iter([
                ("nmc_tenant_id".to_owned(), json!(tenant)),
                ("nmc_role".to_owned(), json!(person.role)),
            ]),
            ..NewUser::with_email(person.email)
        };
        clerk.put_user(new).map_err(SandboxError::io("the simulated Clerk instance could not be kept"))?;
    }
    Ok(clerk)
}

/// What the programs are told of it.
pub(crate) fn configuration(clerk: &ClerkSimulator) -> impl Iterator<Item = (String, String)> {
    let keys = clerk.configuration().into_iter().map(|(key, value)| (key.to_owned(), value));
    keys.chain([("CLERK_WEBHOOK_SECRET".to_owned(), WEBHOOK_SECRET.to_owned())])
}

/// A token for the person of the example business who has this role, for an hour.
pub(crate) fn token_of(clerk: &ClerkSimulator, role: Role) -> Result<String, SandboxError> {
    let request = TokenRequest { lifetime: TimeDelta::hours(1), ..TokenRequest::of(user_of(role)?.0) };
    clerk.token(&request).map_err(SandboxError::io("no token could be signed"))
}

/// `cargo run -- token`: a token for the running sandbox, or for the next start of the one that ran here.
pub fn token(role: Role, minutes: u32) -> Result<(), SandboxError> {
    let instance = KeptInstance::open(settings(Some(&data_dir()?))?).map_err(|error| match error {
        StartError::Snapshot { source, .. } if source.kind() == ErrorKind::NotFound => SandboxError::Demo(
            "there is no sandbox in this folder yet: start it once with `cargo run`, then ask again".to_owned(),
        ),
        other => other.into(),
    })?;
    let (id, _) = user_of(role)?;
    let user = instance.users().into_iter().find(|user| user.id == id);
    let user =
        user.ok_or_else(|| SandboxError::Tenant("its people are missing; start the sandbox again".to_owned()))?;
    let tenant = user.public_metadata.get("nmc_tenant_id").and_then(|id| id.as_str()?.parse().ok());
    let lifetime = TimeDelta::minutes(i64::from(minutes));
    let request = TokenRequest { tenant, role: Some(role), lifetime, ..TokenRequest::of(id) };
    say(&instance.token(&request).map_err(SandboxError::io("the token could not be signed"))?);
    Ok(())
}

fn settings(kept_in: Option<&Path>) -> Result<ClerkSettings, SandboxError> {
    let secret = WebhookSecret::parse(WEBHOOK_SECRET).map_err(SandboxError::tenant)?;
    let mut settings = ClerkSettings::new(SECRET_KEY, secret);
    settings.issuer = Some(ISSUER.to_owned());
    settings.snapshot = kept_in.map(|folder| folder.join("clerk.json"));
    Ok(settings)
}
