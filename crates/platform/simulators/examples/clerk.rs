//! A Clerk simulator on its own, for trying a client by hand and for `tests/opponent/clerk.mjs`.
//!
//! `cargo run -p nmc-simulators --example clerk [where webhooks go]`; ends when its input does.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use nmc_providers::clerk::WebhookSecret;
use nmc_simulators::clerk::{ClerkSettings, ClerkSimulator};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?;
    let mut settings = ClerkSettings::new("sk_test_simulator", secret);
    settings.service_url = std::env::args().nth(1);
    let simulator = ClerkSimulator::start(settings).await?;
    println!("{}", simulator.base_url());
    tokio::io::copy(&mut tokio::io::stdin(), &mut tokio::io::sink()).await?;
    Ok(())
}
