//! `cargo run`: everything at once, until Ctrl-C.

use std::{io::Write as _, path::PathBuf, time::Instant};

use crate::{Handset, Installation, Plan, SandboxError};

const HTTP_PORT: u16 = 8080;
const TWILIO_PORT: u16 = 8090;
const CLERK_PORT: u16 = 8091;
const HANDSET_PORT: u16 = 8092;
/// As many as one machine can ask for.
const REQUESTS_PER_MINUTE: &str = "1000000";
/// A program that ends by itself is started again after this long.
const RESTART_PAUSE: std::time::Duration = std::time::Duration::from_millis(500);

/// The folder below the working directory where a sandbox keeps its data.
pub(crate) fn data_dir() -> Result<PathBuf, SandboxError> {
    let here = std::env::current_dir().map_err(SandboxError::io("there is no working directory"))?;
    Ok(here.join(".data"))
}

pub(crate) fn this_program() -> Result<PathBuf, SandboxError> {
    std::env::current_exe().map_err(SandboxError::io("this program cannot find itself"))
}

/// The server the caller wants instead of the private one.
#[expect(clippy::disallowed_methods, reason = "the sandbox configures the programs; it has no configuration itself")]
pub(crate) fn given_database() -> Option<String> {
    std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty())
}

/// The language model the caller wants to have texts read by: keys of the programs' configuration, passed on.
#[expect(clippy::disallowed_methods, reason = "the sandbox configures the programs; it has no configuration itself")]
pub(crate) fn given_model() -> Vec<(String, String)> {
    let given =
        |key: &str| std::env::var(key).ok().filter(|value| !value.is_empty()).map(|value| (key.to_owned(), value));
    ["MODEL_BASE_URL", "MODEL_NAME", "MODEL_API_KEY"].into_iter().filter_map(given).collect()
}

/// Starts everything, says what is where, and keeps it running until Ctrl-C or SIGTERM.
pub async fn run() -> Result<(), SandboxError> {
    let began = Instant::now();
    let plan = Plan {
        database_url: given_database(),
        http_port: HTTP_PORT,
        twilio_port: TWILIO_PORT,
        clerk_port: CLERK_PORT,
        keep_simulators: true,
        // Whoever tries the API out from here is one address and one business.
        configuration: ["HTTP_ADDRESS_REQUESTS_PER_MINUTE", "HTTP_TENANT_REQUESTS_PER_MINUTE"]
            .map(|key| (key.to_owned(), REQUESTS_PER_MINUTE.to_owned()))
            .into_iter()
            .chain(given_model())
            .collect(),
        ..Plan::new(data_dir()?, this_program()?)
    };
    let mut installation = Installation::start(&plan).await?;
    let handset = Handset::start(&installation, HANDSET_PORT).await?;
    say(&welcome(&installation, &handset, began));
    let stop = nmc_app::stop_signal(nmc_app::StopOn::Signals)
        .map_err(|error| SandboxError::Demo(format!("signals cannot be heard: {error}")))?;
    loop {
        let Installation { server, dispatcher, .. } = &mut installation;
        let ended = tokio::select! {
            () = stop.cancelled() => break,
            () = server.ended() => server,
            () = dispatcher.ended() => dispatcher,
        };
        say(&format!("the {} ended by itself and is started again", ended.name()));
        tokio::time::sleep(RESTART_PAUSE).await;
        ended.start()?;
    }
    say("stopping; everything is kept for the next start");
    drop(handset);
    installation.stop().await
}

fn welcome(installation: &Installation, handset: &Handset, began: Instant) -> String {
    let Installation { tenant, base_url, twilio, clerk, metrics_urls, .. } = installation;
    let (twilio, clerk, number) = (twilio.base_url(), clerk.base_url(), tenant.number.as_str());
    format!(
        "NeverMissCall is running; ready after {seconds:.1} s. Look at it here first: a caller's phone, and what the business sees.

  handset     {handset}

  server      {base_url}        reference: {base_url}/docs
  Twilio      {twilio}        a simulator; no account, no phone
  Clerk       {clerk}        a simulator; who signs in, see cargo run -- token
  database    psql '{database}'
  metrics     {metrics}
  logs        {logs}

  {name} answers on {number}. Without the page: miss a call there, then look at the phone that called.

  curl -s {twilio}/simulator/calls -H 'content-type: application/json' \\
       -d '{{\"from\":\"+14155550123\",\"to\":\"{number}\",\"scenario\":{{\"kind\":\"no_answer\"}}}}'
  curl -s {twilio}/simulator/messages

  The whole job, played and checked:  cargo run -- demo
  Ctrl-C stops everything and loses nothing.",
        seconds = began.elapsed().as_secs_f64(),
        handset = handset.base_url(),
        database = installation.database.superuser_url(),
        metrics = metrics_urls.join("  "),
        logs = installation.logs().display(),
        name = tenant.name,
    )
}

pub(crate) fn say(text: &str) {
    // A reader that has gone away wants to know nothing.
    let _ = writeln!(std::io::stdout(), "{text}");
}
