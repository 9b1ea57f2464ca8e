//! What operators do to a business (ADR 0018): subcommands that talk to the database.

use std::io::Write as _;

use chrono_tz::Tz;
use clap::{Subcommand, ValueEnum};
use nmc_compliance::{CampaignStatus, CampaignSubmission, Compliance, RegistrationSubject};
use nmc_db::{Db, DbError};
use nmc_identity::{CallMode, Identity, NewTenant, TenantName, TenantSettings, TenantStatus};
use nmc_kernel::{Actor, E164, TenantId};

use crate::{
    AppError,
    people::{self, AuditAction, UserAction},
};

/// Setting a business up.
#[derive(Debug, Subcommand)]
pub(crate) enum OperatorCommand {
    /// Businesses.
    #[command(subcommand)]
    Tenant(TenantAction),
    /// Numbers that receive calls and texts.
    #[command(subcommand)]
    Number(NumberAction),
    /// The people of a business.
    #[command(subcommand)]
    User(UserAction),
    /// The log of who changed what.
    #[command(subcommand)]
    Audit(AuditAction),
}

#[derive(Debug, Subcommand)]
pub(crate) enum TenantAction {
    /// Create a business; prints its id.
    Create {
        /// The business's name, as callers read it.
        #[arg(long, value_parser = TenantName::parse)]
        name: TenantName,
        /// Its IANA time zone, for example America/New_York.
        #[arg(long)]
        time_zone: Tz,
        /// How calls reach it.
        #[arg(long, default_value = "forwarded")]
        call_mode: Mode,
        /// The phone that rings first; for `--call-mode dial`.
        #[arg(long, required_if_eq("call_mode", "dial"))]
        forward_to: Option<E164>,
    },
    /// Submit the business's 10DLC campaign: calls are answered once it is approved. Each submission is another version.
    SubmitCampaign {
        tenant: TenantId,
        /// The business's legal name.
        #[arg(long)]
        legal_name: String,
        /// What is sent, and to whom.
        #[arg(long)]
        description: String,
        /// A text as it will be sent.
        #[arg(long)]
        sample_message: String,
    },
    /// Stop serving a business: calls and texts are recorded, nothing is sent.
    Suspend { tenant: TenantId },
    /// Serve a business again.
    Resume { tenant: TenantId },
    /// Say where the business stands with what it must have before it may text, as one line of JSON.
    Standing { tenant: TenantId },
    /// Print what the business submitted last, for the registry, with its version; as one line of JSON, with personal data.
    Submission { tenant: TenantId },
    /// The registry approved the business; what it sends is another decision.
    ApproveBrand {
        tenant: TenantId,
        /// The submission that was read, as `tenant submission` shows it; refused where the business has sent another since.
        #[arg(long)]
        version: i32,
    },
    /// The registry rejected the business, and with it what it sends: no text goes out.
    RejectBrand {
        tenant: TenantId,
        /// The submission that was read, as `tenant submission` shows it; refused where the business has sent another since.
        #[arg(long)]
        version: i32,
        /// What the registry says, for the owner to read.
        #[arg(long)]
        reason: String,
    },
    /// The registry approved the campaign, and so the business: texts may go out.
    ApproveCampaign {
        tenant: TenantId,
        /// The submission that was read, as `tenant submission` shows it; refused where the business has sent another since.
        #[arg(long)]
        version: i32,
    },
    /// The registry rejected the campaign: no text goes out.
    RejectCampaign {
        tenant: TenantId,
        /// The submission that was read, as `tenant submission` shows it; refused where the business has sent another since.
        #[arg(long)]
        version: i32,
        /// What the registry says, for the owner to read.
        #[arg(long)]
        reason: String,
    },
}

/// How calls reach a business, on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Mode {
    /// The number rings the business's own phone first.
    Dial,
    /// The business's own line forwards what nobody answered.
    Forwarded,
    /// The calls run elsewhere and only their status is reported.
    StatusOnly,
}

#[derive(Debug, Subcommand)]
pub(crate) enum NumberAction {
    /// Let a number of the Twilio account receive for a business.
    Add { tenant: TenantId, number: E164 },
    /// A number that the business has asked for is its own: it receives from now on. `nmc-dispatcher number-requests`
    /// lists what waits for an answer.
    Confirm { tenant: TenantId, number: E164 },
    /// A number that the business has asked for is not its own.
    Reject {
        tenant: TenantId,
        number: E164,
        /// Why, for the owner to read.
        #[arg(long)]
        reason: String,
    },
    /// A number is the business's no longer: nothing reaches it there, and another business may have the number.
    Release {
        tenant: TenantId,
        number: E164,
        /// Why, for the owner to read.
        #[arg(long)]
        reason: String,
    },
}

pub(crate) async fn run(command: OperatorCommand, db: &Db) -> Result<(), AppError> {
    let identity = Identity::new(db.clone());
    let compliance = Compliance::new(db.clone(), identity.clone());
    match command {
        OperatorCommand::Tenant(TenantAction::Create { name, time_zone, call_mode, forward_to }) => {
            if forward_to.is_some() && !matches!(call_mode, Mode::Dial) {
                let why = "--forward-to rings a phone in `--call-mode dial` only";
                return Err(AppError::Refused(why.to_owned()));
            }
            let call_mode = match call_mode {
                Mode::Dial => CallMode::Dial,
                Mode::Forwarded => CallMode::Forwarded,
                Mode::StatusOnly => CallMode::StatusOnly,
            };
            let settings = TenantSettings { call_mode, forward_to, ..TenantSettings::default() };
            let tenant = identity.create_tenant(NewTenant { name, time_zone, settings }).await.map_err(refused)?;
            say(&tenant.to_string());
        }
        OperatorCommand::Tenant(TenantAction::SubmitCampaign { tenant, legal_name, description, sample_message }) => {
            let submission = CampaignSubmission { legal_name, description, sample_message };
            let operator = operator_of(tenant, &identity, db).await?;
            compliance.submit_campaign(&operator, &submission).await.map_err(refused)?;
            say("the campaign is pending");
        }
        OperatorCommand::Tenant(TenantAction::Standing { tenant }) => {
            operator_of(tenant, &identity, db).await?;
            say_json(&standing(tenant, &compliance, db).await?);
        }
        OperatorCommand::Tenant(TenantAction::Submission { tenant }) => {
            operator_of(tenant, &identity, db).await?;
            say_json(&submission(tenant, &compliance, db).await?);
        }
        OperatorCommand::Tenant(TenantAction::ApproveBrand { tenant, version }) => {
            let operator = operator_of(tenant, &identity, db).await?;
            let (subject, decided) = (RegistrationSubject::Brand, CampaignStatus::Approved);
            compliance.decide(&operator, subject, version, decided, None).await.map_err(refused)?;
            say("the business is approved");
        }
        OperatorCommand::Tenant(TenantAction::RejectBrand { tenant, version, reason }) => {
            let operator = operator_of(tenant, &identity, db).await?;
            let (subject, decided) = (RegistrationSubject::Brand, CampaignStatus::Rejected);
            compliance.decide(&operator, subject, version, decided, Some(&reason)).await.map_err(refused)?;
            say("the business and its campaign are rejected");
        }
        OperatorCommand::Tenant(TenantAction::ApproveCampaign { tenant, version }) => {
            let operator = operator_of(tenant, &identity, db).await?;
            compliance.approve_campaign(&operator, version).await.map_err(refused)?;
            say("the campaign is approved");
        }
        OperatorCommand::Tenant(TenantAction::RejectCampaign { tenant, version, reason }) => {
            let operator = operator_of(tenant, &identity, db).await?;
            let (subject, decided) = (RegistrationSubject::Campaign, CampaignStatus::Rejected);
            compliance.decide(&operator, subject, version, decided, Some(&reason)).await.map_err(refused)?;
            say("the campaign is rejected");
        }
        OperatorCommand::Tenant(TenantAction::Suspend { tenant }) => {
            let operator = operator_of(tenant, &identity, db).await?;
            identity.set_status(&operator, TenantStatus::Suspended).await.map_err(refused)?;
            say("the business is suspended");
        }
        OperatorCommand::Tenant(TenantAction::Resume { tenant }) => {
            let operator = operator_of(tenant, &identity, db).await?;
            identity.set_status(&operator, TenantStatus::Active).await.map_err(refused)?;
            say("the business is served again");
        }
        OperatorCommand::User(action) => people::user(action, &identity, db).await?,
        OperatorCommand::Audit(action) => people::audit(action, &identity, db).await?,
        OperatorCommand::Number(action) => number(action, &identity, &compliance, db).await?,
    }
    Ok(())
}

/// Where the business stands, for a script.
async fn standing(tenant: TenantId, compliance: &Compliance, db: &Db) -> Result<serde_json::Value, AppError> {
    let mut tx = db.read(tenant).await?;
    let standing = compliance.standing(&mut tx).await?;
    tx.finish().await?;
    Ok(serde_json::json!({
        "brand": standing.brand.map(|brand| brand.status),
        "campaign": standing.campaign.map(|campaign| campaign.status),
        "missing": standing.missing,
        "numbers": standing.numbers,
    }))
}

/// What it submitted last, for the registry.
async fn submission(tenant: TenantId, compliance: &Compliance, db: &Db) -> Result<serde_json::Value, AppError> {
    let mut tx = db.read(tenant).await?;
    let standing = compliance.standing(&mut tx).await?;
    tx.finish().await?;
    let (Some(brand), Some(campaign)) = (standing.brand, standing.campaign) else {
        return Err(AppError::Refused("the business has submitted nothing".to_owned()));
    };
    Ok(serde_json::json!({
        "version": brand.version,
        "brand": {"status": brand.status, "legal_name": brand.legal_name},
        "campaign": {"status": campaign.status, "description": campaign.description,
                     "sample_message": campaign.sample_message},
        "registration": brand.registration,
    }))
}

/// Whose a number is.
async fn number(action: NumberAction, identity: &Identity, compliance: &Compliance, db: &Db) -> Result<(), AppError> {
    match action {
        NumberAction::Add { tenant, number } => {
            let operator = operator_of(tenant, identity, db).await?;
            compliance.add_receiving_number(&operator, &number).await.map_err(refused)?;
            say("the number receives for the business");
        }
        NumberAction::Confirm { tenant, number } => {
            let operator = operator_of(tenant, identity, db).await?;
            compliance.confirm_number(&operator, &number).await.map_err(refused)?;
            say("the number receives for the business");
        }
        NumberAction::Reject { tenant, number, reason } => {
            let operator = operator_of(tenant, identity, db).await?;
            compliance.reject_number(&operator, &number, &reason).await.map_err(refused)?;
            say("the number is not the business's");
        }
        NumberAction::Release { tenant, number, reason } => {
            let operator = operator_of(tenant, identity, db).await?;
            compliance.release_number(&operator, &number, &reason).await.map_err(refused)?;
            say("the number is given up");
        }
    }
    Ok(())
}

/// Acts for a business that exists: a mistyped id must not take a number from the business it is for.
pub(crate) async fn operator_of(tenant: TenantId, identity: &Identity, db: &Db) -> Result<Actor, AppError> {
    let mut tx = db.read(tenant).await?;
    match identity.tenant(&mut tx).await {
        Ok(_) => {}
        Err(DbError::Other(_)) => {
            return Err(AppError::Refused(format!("there is no business {tenant}, or it cannot be read")));
        }
        Err(error) => return Err(error.into()),
    }
    tx.finish().await?;
    Ok(Actor::Operator { tenant })
}

pub(crate) fn refused(error: impl std::error::Error) -> AppError {
    AppError::Refused(error.to_string())
}

/// A subcommand's result, on standard output.
pub(crate) fn say(text: &str) {
    // A reader that has gone away wants no result.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// A subcommand's result as one line of JSON.
pub(crate) fn say_json(value: &serde_json::Value) {
    say(&value.to_string());
}
