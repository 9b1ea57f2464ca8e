use nmc_db::{DbError, Tx};
use nmc_events::{
    Context,
    compliance::{OptOutRecorded, OptOutRevoked},
    telephony::Keyword,
};
use nmc_kernel::E164;

use crate::{
    OptOutAction, OptOutChange, OptOutRevocation, OptOutSource, keyword, keyword_when_opted_out,
    model::{
        machine::{QUICKER_THAN_A_PERSON, like_a_machine, text_hash},
        opt_out::wording,
    },
    revokes_consent, store,
};

pub(crate) async fn record_opt_out(
    tx: &mut Tx,
    phone: &E164,
    keyword: &str,
    source: OptOutSource,
    context: Context,
) -> Result<OptOutChange, DbError> {
    store::phone_lock::exclude(tx, phone).await?;
    let last = match store::opt_out::newest(tx, phone).await? {
        Some((_, OptOutAction::OptOut)) => return Ok(OptOutChange::AlreadyOut),
        Some((number, OptOutAction::OptIn)) => number,
        None => 0,
    };
    let keyword = wording(keyword, source);
    store::opt_out::append(tx, phone, last + 1, OptOutAction::OptOut, &keyword, source).await?;
    tx.publish(&OptOutRecorded { phone: phone.clone(), keyword }, context)?;
    Ok(OptOutChange::Recorded)
}

pub(crate) async fn revoke_opt_out(
    tx: &mut Tx,
    phone: &E164,
    keyword: &str,
    source: OptOutSource,
    context: Context,
) -> Result<OptOutRevocation, DbError> {
    store::phone_lock::exclude(tx, phone).await?;
    let Some((last, OptOutAction::OptOut)) = store::opt_out::newest(tx, phone).await? else {
        return Ok(OptOutRevocation::NotOut);
    };
    let keyword = wording(keyword, source);
    store::opt_out::append(tx, phone, last + 1, OptOutAction::OptIn, &keyword, source).await?;
    tx.publish(&OptOutRevoked { phone: phone.clone(), keyword }, context)?;
    Ok(OptOutRevocation::Revoked)
}

pub(crate) async fn record_keyword(
    tx: &mut Tx,
    phone: &E164,
    body: &str,
    context: Context,
) -> Result<Option<Keyword>, DbError> {
    // Only YES needs the ledger to be understood; every other text is read without a statement.
    let found = match (keyword(body), keyword_when_opted_out(body)) {
        (Some(found), _) => found,
        (None, None) => return Ok(None),
        (None, Some(found)) => {
            let is_out = matches!(store::opt_out::newest(tx, phone).await?, Some((_, OptOutAction::OptOut)));
            if !is_out {
                return Ok(None);
            }
            found
        }
    };
    match found {
        Keyword::Stop => {
            record_opt_out(tx, phone, body, OptOutSource::Keyword, context).await?;
        }
        Keyword::Start => {
            revoke_opt_out(tx, phone, body, OptOutSource::Keyword, context).await?;
        }
        Keyword::Help => {}
    }
    Ok(Some(found))
}

pub(crate) async fn record_wording(
    tx: &mut Tx,
    phone: &E164,
    body: &str,
    context: Context,
) -> Result<Option<OptOutChange>, DbError> {
    watch(tx, phone, body).await?;
    if !revokes_consent(body) {
        return Ok(None);
    }
    // The ledger is kept for ever and the caller's words are not: they stand in the message.
    record_opt_out(tx, phone, OptOutSource::Wording.as_str(), OptOutSource::Wording, context).await.map(Some)
}

/// Notes whether the text looks like a machine's: the gate asks after it.
async fn watch(tx: &mut Tx, phone: &E164, body: &str) -> Result<(), DbError> {
    let (now, text_hash) = (tx.now(), text_hash(body));
    let (before, is_quick) = store::machine::before(tx, phone, &text_hash, now - QUICKER_THAN_A_PERSON).await?;
    store::machine::save(tx, phone, like_a_machine(before, is_quick, now), &text_hash).await
}
