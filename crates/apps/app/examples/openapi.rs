//! Prints the API's OpenAPI document, as `docs/openapi.json` has it: the routes say it, so the modules are built, but
//! nothing is connected to.

use std::{error::Error, io::Write as _};

use nmc_config::Config;
use nmc_db::{Db, PoolSettings, Wakes};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let value = |name: &str| match name {
        "DATABASE_URL" => Some("postgres://nobody@localhost/nothing"),
        "PUBLIC_BASE_URL" => Some("https://nmc.example.com"),
        "TWILIO_ACCOUNT_SID" => Some("AC00000000000000000000000000000000"),
        "TWILIO_AUTH_TOKEN" => Some("not-a-token"),
        "CLERK_JWT_ISSUER" => Some("https://clerk.example.com"),
        "CLERK_JWKS_URL" => Some("https://clerk.example.com/.well-known/jwks.json"),
        "CLERK_AUTHORIZED_PARTIES" => Some("https://app.example.com"),
        "CLERK_SECRET_KEY" => Some("not-a-key"),
        "CLERK_WEBHOOK_SECRET" => Some("whsec_Y2hhbmdlLW1lLWNoYW5nZS1tZS1jaGFuZ2U="),
        "CALENDAR_FEED_KEY" => Some("not-a-key-not-a-key-not-a-key-not-a-key"),
        _ => None,
    };
    let config = Config::from_lookup(&|name| value(name).map(str::to_owned))?;
    let db = Db::new("postgres://nobody@localhost/nothing", PoolSettings::default(), Wakes::new())?;
    let document = nmc_app::Modules::new(&db, &config)?.routes().split_for_parts().1;
    writeln!(std::io::stdout(), "{}", document.to_pretty_json()?)?;
    Ok(())
}
