use clap::{Parser, Subcommand, ValueEnum};
use nmc_compliance::Compliance;
use nmc_config::{Config, DatabaseConfig};
use nmc_conversation::{SendSms, turn_status};
use nmc_db::{Db, DbError, Tx, Wakes};
use nmc_effects::{EffectKind as _, IntentState, Resolution, Review};
use nmc_identity::{AuditEntry, Identity};
use nmc_kernel::{Actor, Random};
use nmc_outbox::DeadLetters;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    AppError, Modules, StopOn,
    caller_command::{self, CallerAction},
    dispatch,
    operators::{say, say_json},
    process::{pool_settings, stop_signal},
};

/// At most this many rows are listed.
const LISTED: i64 = 200;

/// NeverMissCall's worker: delivers events, fires timers, calls providers; and what operators see and decide of it.
#[derive(Debug, Parser)]
#[command(name = "nmc-dispatcher", version)]
pub struct DispatcherCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Work until SIGTERM or SIGINT.
    Run {
        /// Also stop when standard input ends: for a program that starts this one.
        #[arg(long)]
        stop_with_stdin: bool,
    },
    /// Say what is pending, how old it is, and why.
    Status,
    /// Events a consumer failed on for good.
    #[command(subcommand)]
    DeadLetters(DeadLetterAction),
    /// Calls to providers.
    #[command(subcommand)]
    Effects(EffectAction),
    /// Stop sending texts, on every dispatcher and until `resume`. What is pending waits; what is in flight ends.
    Pause,
    /// Send texts again.
    Resume,
    /// What numbers businesses have asked for, the oldest first; `nmc-server number confirm` and `reject` answer.
    NumberRequests,
    /// What becomes of data with age.
    #[command(subcommand)]
    Retention(RetentionAction),
    /// What there is about one caller of a business.
    #[command(subcommand)]
    Caller(CallerAction),
}

#[derive(Debug, Subcommand)]
enum RetentionAction {
    /// Delete and empty everything now that is old enough; prints how many rows, by rule. `run` does it all the time.
    Run,
}

#[derive(Debug, Subcommand)]
enum DeadLetterAction {
    /// The open ones, oldest first.
    List,
    /// One of them, with the event.
    Show { id: Uuid },
    /// Deliver the event again to every consumer that has not taken it.
    Replay { id: Uuid },
    /// Give the event up for its consumer.
    Discard { id: Uuid },
}

#[derive(Debug, Subcommand)]
enum EffectAction {
    /// The unfinished ones, oldest first.
    List {
        /// Only those in this state.
        #[arg(long)]
        state: Option<Unfinished>,
    },
    /// One of them, in whatever state.
    Show { id: Uuid },
    /// Settle one that is in review, after having asked the provider.
    Resolve {
        id: Uuid,
        /// What happened.
        #[arg(long)]
        to: ResolveTo,
        /// The provider's id, where it was accepted.
        #[arg(long, required_if_eq("to", "accepted"))]
        provider_ref: Option<String>,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Unfinished {
    Pending,
    InFlight,
    Unknown,
    Review,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ResolveTo {
    Accepted,
    Failed,
    Pending,
}

impl DispatcherCommand {
    /// Does what the command line asks.
    pub async fn run(self) -> Result<(), AppError> {
        match self.action {
            Action::Run { stop_with_stdin } => {
                let config = Config::from_env()?;
                let stop_on = if stop_with_stdin { StopOn::EndOfInput } else { StopOn::Signals };
                // The whole dispatcher is one future, too large for a stack frame of the command's.
                Box::pin(dispatch(&config, stop_signal(stop_on)?)).await
            }
            Action::Status => status(&database()?).await,
            Action::DeadLetters(action) => dead_letters(action, database()?).await,
            Action::Effects(action) => Box::pin(effects(action)).await,
            Action::Pause => pause(&database()?).await,
            Action::Resume => resume(&database()?).await,
            Action::NumberRequests => number_requests(database()?).await,
            Action::Retention(RetentionAction::Run) => retention().await,
            Action::Caller(action) => {
                let db = database()?;
                Box::pin(caller_command::run(action, &Modules::new(&db, &Config::from_env()?)?, &db)).await
            }
        }
    }
}

fn database() -> Result<Db, AppError> {
    let config = DatabaseConfig::from_env()?;
    Ok(Db::new(config.url.expose_secret(), pool_settings(&config), Wakes::new())?)
}

async fn status(db: &Db) -> Result<(), AppError> {
    say_json(&serde_json::json!({
        "outbox": nmc_outbox::status(db).await?,
        "timers": nmc_timers::status(db).await?,
        "turns": turn_status(db).await?,
        "effects": nmc_effects::status(db).await?,
    }));
    Ok(())
}

async fn dead_letters(action: DeadLetterAction, db: Db) -> Result<(), AppError> {
    let identity = Identity::new(db.clone());
    let letters = DeadLetters::new(db);
    match action {
        DeadLetterAction::List => {
            for letter in letters.list(LISTED).await? {
                say_json(&serde_json::json!({
                    "id": letter.id, "tenant_id": letter.tenant, "event_id": letter.event_id,
                    "event_name": letter.envelope["event_name"], "consumer": letter.consumer, "error": letter.error,
                    "attempts": letter.attempts, "created_at": letter.created_at,
                }));
            }
        }
        DeadLetterAction::Show { id } => {
            let Some(letter) = letters.find(id).await? else { return Err(missing("dead letter", id)) };
            say_json(&serde_json::json!({
                "id": letter.id, "consumer": letter.consumer, "error": letter.error, "attempts": letter.attempts,
                "created_at": letter.created_at, "envelope": letter.envelope,
            }));
        }
        DeadLetterAction::Replay { id } => {
            let replayed = ("dead-letter.replayed", "dead-letter", id);
            if !letters.replay(id, async |tx| note(&identity, tx, replayed, Value::Null).await).await? {
                return Err(missing("open dead letter", id));
            }
            say("it is being delivered again");
        }
        DeadLetterAction::Discard { id } => {
            let discarded = ("dead-letter.discarded", "dead-letter", id);
            if !letters.discard(id, async |tx| note(&identity, tx, discarded, Value::Null).await).await? {
                return Err(missing("open dead letter", id));
            }
            say("it is discarded; `show` still has it");
        }
    }
    Ok(())
}

async fn effects(action: EffectAction) -> Result<(), AppError> {
    let config = Config::from_env()?;
    let db = database()?;
    // The kinds are needed to apply a resolution to their modules' rows.
    let modules = Modules::new(&db, &config)?;
    let engine = modules.effects(&db, &config, Random::from_entropy());
    let review = Review::new(db, engine);
    match action {
        EffectAction::List { state } => {
            let state = state.map(|state| match state {
                Unfinished::Pending => IntentState::Pending,
                Unfinished::InFlight => IntentState::InFlight,
                Unfinished::Unknown => IntentState::Unknown,
                Unfinished::Review => IntentState::Review,
            });
            for record in review.list(state, LISTED).await? {
                say_json(&serde_json::json!(record));
            }
        }
        EffectAction::Show { id } => match review.show(id.into()).await? {
            Some(record) => say_json(&serde_json::json!(record)),
            None => return Err(missing("effect", id)),
        },
        EffectAction::Resolve { id, to, provider_ref } => {
            let (resolution, state) = match to {
                ResolveTo::Accepted => (Resolution::Accepted(provider_ref.unwrap_or_default()), IntentState::Accepted),
                ResolveTo::Failed => (Resolution::Failed, IntentState::Failed),
                ResolveTo::Pending => (Resolution::Pending, IntentState::Pending),
            };
            let after = serde_json::json!({ "state": state });
            let resolved = ("effect.resolved", "effect", id);
            let note = async |tx: &mut Tx| note(&modules.identity, tx, resolved, after).await;
            if !review.resolve(id.into(), &resolution, note).await? {
                return Err(missing("effect in review", id));
            }
            say("it is settled");
        }
    }
    Ok(())
}

/// Writes into the log of the business a deed is about that an operator did it.
async fn note(
    identity: &Identity,
    tx: &mut Tx,
    (action, object, object_id): (&'static str, &'static str, Uuid),
    after: Value,
) -> Result<(), DbError> {
    let operator = Actor::Operator { tenant: tx.tenant() };
    identity.audit(tx, &operator, &AuditEntry { action, object, object_id, before: Value::Null, after }).await
}

async fn pause(db: &Db) -> Result<(), AppError> {
    let is_news = nmc_effects::pause(db, SendSms::KIND).await?;
    say(if is_news { "texts are paused" } else { "texts were paused already" });
    Ok(())
}

async fn resume(db: &Db) -> Result<(), AppError> {
    let is_news = nmc_effects::resume(db, SendSms::KIND).await?;
    say(if is_news { "texts are sent again" } else { "texts were not paused" });
    Ok(())
}

async fn number_requests(db: Db) -> Result<(), AppError> {
    for request in Compliance::new(db.clone(), Identity::new(db)).number_requests().await? {
        say_json(&serde_json::json!({
            "tenant_id": request.tenant, "phone": request.phone, "requested_at": request.requested_at,
        }));
    }
    Ok(())
}

async fn retention() -> Result<(), AppError> {
    let config = Config::from_env()?;
    let db = database()?;
    let retention = Modules::new(&db, &config)?.retention(&db, Random::from_entropy());
    say_json(&serde_json::json!(retention.run_now().await?));
    Ok(())
}

fn missing(what: &str, id: Uuid) -> AppError {
    AppError::Refused(format!("there is no {what} {id}"))
}
