//! What Twilio reports about the leg to the business's phone: `whisper`, `whisper-result`.

use nmc_db::{DbError, Seen};
use nmc_identity::Tenant;
use nmc_providers::twilio::{CallSid, WhisperResultWebhook, WhisperWebhook};

use nmc_webhooks::Receipt;

use super::{advance::advance, count_unknown};
use crate::{
    Telephony,
    model::{
        answer::{self, Answer, LegKey},
        call::Report,
        record::Call,
    },
    store,
};

/// Asks whoever picked the phone up to press 1.
pub(crate) async fn picked_up(
    telephony: &Telephony,
    leg: LegKey,
    webhook: &WhisperWebhook,
    receipt: &Receipt,
) -> Result<Answer, DbError> {
    let taken = take(telephony, leg, webhook.parent_call_sid.as_ref(), &Report::PickedUp, receipt).await?;
    Ok(taken.map_or(Answer::HangUp, |(call, tenant)| answer::to_pick_up(&call, &tenant)))
}

/// Connects the legs if 1 was pressed.
pub(crate) async fn key_pressed(
    telephony: &Telephony,
    leg: LegKey,
    webhook: &WhisperResultWebhook,
    receipt: &Receipt,
) -> Result<Answer, DbError> {
    let report = Report::Pressed { accepted: webhook.accepted() };
    let taken = take(telephony, leg, webhook.parent_call_sid.as_ref(), &report, receipt).await?;
    Ok(taken.map_or(Answer::HangUp, |(call, _)| answer::to_key(&call)))
}

/// Takes the report in unless it has been taken before; either way the call as it stands now, and whose it is. Nothing
/// where there is no such call.
async fn take(
    telephony: &Telephony,
    leg: LegKey,
    parent: Option<&CallSid>,
    report: &Report,
    receipt: &Receipt,
) -> Result<Option<(Call, Tenant)>, DbError> {
    let mut tx = telephony.db.begin(leg.tenant).await?;
    let seen = receipt.record(&mut tx).await?;
    let call = store::call::lock_by_id(&mut tx, leg.call).await?;
    let Some(mut call) = call.filter(|call| parent.is_none_or(|parent| parent.as_str() == call.provider_ref)) else {
        tx.roll_back().await?;
        count_unknown(receipt);
        tracing::warn!(tenant_id = %leg.tenant, call.id = %leg.call, "a webhook about a call of nobody");
        return Ok(None);
    };
    let tenant = telephony.identity.tenant(&mut tx).await?;
    if seen == Seen::First {
        let now = tx.now();
        advance(telephony, &mut tx, &mut call, report, now).await?;
        tx.commit().await?;
    } else {
        tx.roll_back().await?;
    }
    Ok(Some((call, tenant)))
}
