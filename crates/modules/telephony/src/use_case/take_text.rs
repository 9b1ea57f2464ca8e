//! A text that has come in: `sms-inbound`.

use chrono::{DateTime, Utc};
use nmc_compliance::{OptOutSource, keyword};
use nmc_db::{DbError, Seen, Tx};
use nmc_events::{
    Context,
    telephony::{InboundSmsReceived, Keyword},
};
use nmc_kernel::{CorrelationId, E164, Untextable};
use nmc_providers::twilio::{InboundSms, OptOutType};
use nmc_telemetry::name::INBOUND_SMS_UNANSWERABLE_TOTAL;

use nmc_webhooks::Receipt;

use super::{begin_for, caller};
use crate::{
    Telephony,
    model::record::Caller,
    store::{self, inbound_sms::InboundText},
};

/// Keeps a text, records what it asks for where the whole of it is a keyword, and announces it.
///
/// A text whose sender cannot be answered (no number, a short code, a number of this installation) is kept and counted,
/// but not announced: a conversation with it could only be one between machines.
///
/// `written_at` is when it was written where that was learned of late.
pub(crate) async fn take_text(
    telephony: &Telephony,
    webhook: &InboundSms,
    receipt: &Receipt,
    written_at: Option<DateTime<Utc>>,
) -> Result<(), DbError> {
    let Some(mut tx) = begin_for(telephony, &webhook.to, receipt).await? else { return Ok(()) };
    if receipt.record(&mut tx).await? != Seen::First {
        return tx.roll_back().await;
    }
    let from = caller(&mut tx, &webhook.from).await?;
    let context = Context { correlation: correlation(telephony, &mut tx, &from).await?, causation: None };
    let wish = match answerable(&from) {
        Some(phone) => record_wish(telephony, &mut tx, phone, webhook, written_at.is_some(), context).await?,
        None => None,
    };
    let text = InboundText {
        id: tx.ids().next(),
        provider_ref: webhook.message_sid.as_str(),
        from: &from,
        to: &webhook.to,
        body: &webhook.body,
        media: &webhook.media,
        keyword: wish.map(|wish| wish.keyword),
        answered_by_provider: wish.is_some_and(|wish| wish.answered_by_provider),
        correlation: context.correlation,
        created_at: written_at.map_or(tx.now(), |at| at.min(tx.now())),
    };
    if !store::inbound_sms::insert(&mut tx, &text).await? {
        // Older than the webhooks that are remembered, and here all the same.
        return tx.roll_back().await;
    }
    match answerable(&from) {
        Some(phone) => {
            tx.publish_of(&received(phone, &text), context, text.created_at)?;
        }
        None => count_unanswerable(from.untextable),
    }
    tracing::info!(
        tenant_id = %tx.tenant(),
        correlation_id = %text.correlation,
        sms.id = %text.id,
        sms.provider_ref = text.provider_ref,
        sms.keyword = text.keyword.map(|keyword| format!("{keyword:?}")),
        sms.media_count = text.media.len(),
        sms.untextable = from.untextable.map(Untextable::as_str),
        "a text came in"
    );
    tx.commit().await
}

/// That of what the caller did shortly before, or a new one. Of two first texts at the same moment each may get its own.
async fn correlation(telephony: &Telephony, tx: &mut Tx, from: &Caller) -> Result<CorrelationId, DbError> {
    let recent = match &from.phone {
        Some(phone) => store::correlation::recent(tx, phone, telephony.settings.correlation_reuse_window).await?,
        None => None,
    };
    Ok(recent.unwrap_or_else(|| tx.ids().next()))
}

/// What a text asks for, where the whole of it does.
#[derive(Clone, Copy)]
struct Wish {
    keyword: Keyword,
    /// Twilio has acted on it and answered.
    answered_by_provider: bool,
}

/// The number to answer to. Whether a text may go there is Compliance's to say; a toll-free number can at least read it.
fn answerable(from: &Caller) -> Option<&E164> {
    from.phone.as_ref().filter(|_| from.untextable != Some(Untextable::OwnNumber))
}

/// Records STOP and START; they hold from this transaction's commit on. Twilio's own reading comes first: with Advanced
/// Opt-Out the words are the account's to choose (<https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out>).
///
/// A START that is found late takes nothing back: a STOP may have been written since, and whoever wants texts can say so
/// again.
async fn record_wish(
    telephony: &Telephony,
    tx: &mut Tx,
    phone: &E164,
    webhook: &InboundSms,
    is_late: bool,
    context: Context,
) -> Result<Option<Wish>, DbError> {
    let (compliance, body) = (&telephony.compliance, &webhook.body);
    let keyword = match &webhook.opt_out_type {
        Some(OptOutType::Stop) => {
            compliance.record_opt_out(tx, phone, body, OptOutSource::Provider, context).await?;
            Keyword::Stop
        }
        Some(OptOutType::Start) if is_late => Keyword::Start,
        Some(OptOutType::Start) => {
            compliance.revoke_opt_out(tx, phone, body, OptOutSource::Provider, context).await?;
            Keyword::Start
        }
        Some(OptOutType::Help) => Keyword::Help,
        Some(OptOutType::Other(_)) | None if is_late && keyword(body) != Some(Keyword::Stop) => {
            return Ok(keyword(body).map(|keyword| Wish { keyword, answered_by_provider: false }));
        }
        Some(OptOutType::Other(_)) | None => {
            let keyword = compliance.record_keyword(tx, phone, body, context).await?;
            return Ok(keyword.map(|keyword| Wish { keyword, answered_by_provider: false }));
        }
    };
    Ok(Some(Wish { keyword, answered_by_provider: true }))
}

fn received(phone: &E164, text: &InboundText<'_>) -> InboundSmsReceived {
    InboundSmsReceived {
        message_id: text.id,
        from_phone: phone.clone(),
        to_phone: text.to.clone(),
        body: text.body.to_owned(),
        media_count: u16::try_from(text.media.len()).unwrap_or(u16::MAX),
        provider_ref: text.provider_ref.to_owned(),
        keyword: text.keyword,
        answered_by_provider: text.answered_by_provider,
    }
}

fn count_unanswerable(why: Option<Untextable>) {
    let reason = why.map_or("unknown", Untextable::as_str);
    metrics::counter!(INBOUND_SMS_UNANSWERABLE_TOTAL, "reason" => reason).increment(1);
}
