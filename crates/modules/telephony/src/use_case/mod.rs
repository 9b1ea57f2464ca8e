pub(crate) mod advance;
pub(crate) mod business_phone;
mod caller_data;
pub(crate) mod caller_leg;
pub(crate) mod list_calls;
mod sweep;
pub(crate) mod take_found;
pub(crate) mod take_text;

use nmc_db::{DbError, RouteKind, Tx};
use nmc_kernel::{CallerNumber, E164, Untextable};
use nmc_telemetry::name::WEBHOOK_UNKNOWN_NUMBERS_TOTAL;
use nmc_webhooks::Receipt;

use crate::{Telephony, model::record::Caller};

/// A transaction of the business whose number this is; nobody's is counted and logged.
async fn begin_for(telephony: &Telephony, to: &E164, receipt: &Receipt) -> Result<Option<Tx>, DbError> {
    let tx = telephony.db.begin_for(RouteKind::TwilioNumber, to.as_str()).await?;
    if tx.is_none() {
        unknown(receipt, to);
    }
    Ok(tx)
}

fn unknown(receipt: &Receipt, to: &E164) {
    count_unknown(receipt);
    tracing::warn!(webhook.endpoint = receipt.endpoint, phone.to = %to.masked(), "a webhook for a number of nobody");
}

fn count_unknown(receipt: &Receipt) {
    metrics::counter!(WEBHOOK_UNKNOWN_NUMBERS_TOTAL, "provider" => "twilio", "endpoint" => receipt.endpoint)
        .increment(1);
}

/// Who it is, and whether it is a number of this installation: two automations would talk for ever.
async fn caller(tx: &mut Tx, from: &CallerNumber) -> Result<Caller, DbError> {
    let mut caller = Caller { phone: from.phone().cloned(), untextable: from.untextable() };
    if let Some(phone) = &caller.phone
        && tx.route(RouteKind::TwilioNumber, phone.as_str()).await?.is_some()
    {
        caller.untextable = Some(Untextable::OwnNumber);
    }
    Ok(caller)
}
