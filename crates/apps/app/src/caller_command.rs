//! `nmc-dispatcher caller export | erase`: what operators do when a caller asks for their data.

use clap::Subcommand;
use nmc_db::Db;
use nmc_kernel::{E164, TenantId};

use crate::{
    AppError, Modules,
    operators::{operator_of, refused, say_json},
};

#[derive(Debug, Subcommand)]
pub(crate) enum CallerAction {
    /// Print everything there is about a caller, as one JSON document: personal data.
    Export {
        /// The business.
        #[arg(long)]
        tenant: TenantId,
        /// The caller's number, in E.164 form.
        #[arg(long)]
        phone: E164,
    },
    /// Erase a caller everywhere. A conversation that runs is closed, texts that wait are cancelled; opt-outs stay, so
    /// that they are honoured. Reports keep their numbers. Backups keep what they hold until they expire.
    Erase {
        /// The business.
        #[arg(long)]
        tenant: TenantId,
        /// The caller's number, in E.164 form.
        #[arg(long)]
        phone: E164,
    },
}

pub(crate) async fn run(action: CallerAction, modules: &Modules, db: &Db) -> Result<(), AppError> {
    match action {
        CallerAction::Export { tenant, phone } => {
            let operator = operator_of(tenant, &modules.identity, db).await?;
            let exported = modules.export_caller(db, &operator, &phone).await;
            say_json(&exported.map_err(refused)?);
        }
        CallerAction::Erase { tenant, phone } => {
            let operator = operator_of(tenant, &modules.identity, db).await?;
            let erased = modules.erase_caller(db, &operator, &phone).await;
            say_json(&erased.map_err(refused)?);
        }
    }
    Ok(())
}
