//! A Twilio simulator on its own, for trying a client by hand and for `tests/opponent/check.py`.
//!
//! `cargo run -p nmc-simulators --example twilio [public base URL of the service]`; ends when its input does.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use nmc_kernel::E164;
use nmc_providers::twilio::{AccountSid, AuthToken};
use nmc_simulators::twilio::{SimulatedNumber, TwilioSettings, TwilioSimulator};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let public_base_url = std::env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:8080".to_owned());
    let account_sid = AccountSid::parse("AC00000000000000000000000000000000")?;
    let mut settings = TwilioSettings::new(account_sid, AuthToken::new("sandbox-token"), public_base_url.as_str());
    settings.numbers = vec![SimulatedNumber::at(E164::parse("+14155550100")?, &public_base_url)];
    let simulator = TwilioSimulator::start(settings).await?;
    println!("{}", simulator.base_url());
    tokio::io::copy(&mut tokio::io::stdin(), &mut tokio::io::sink()).await?;
    Ok(())
}
