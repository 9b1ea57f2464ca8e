//! The business's calls, each with what was decided about answering it by a text.

use chrono::{DateTime, Utc};
use nmc_db::{DbError, ReadTx};
use nmc_kernel::{Actor, CallId};

use crate::{
    Telephony,
    model::{record::Call, text_answer::TextAnswer},
    store::call_list::{self, CallFilter},
};

/// At most `limit` calls after `position`, the newest first.
pub(crate) async fn list_calls(
    telephony: &Telephony,
    actor: &Actor,
    filter: &CallFilter,
    position: Option<(DateTime<Utc>, CallId)>,
    limit: i64,
) -> Result<Vec<(Call, TextAnswer)>, DbError> {
    let mut tx = telephony.db.read(actor.tenant()).await?;
    let calls = call_list::list(&mut tx, filter, position, limit).await?;
    let answered = with_answers(telephony, &mut tx, calls).await?;
    tx.finish().await?;
    Ok(answered)
}

/// One of the business's calls; nothing where it is another's.
pub(crate) async fn find_call(
    telephony: &Telephony,
    actor: &Actor,
    id: CallId,
) -> Result<Option<(Call, TextAnswer)>, DbError> {
    let mut tx = telephony.db.read(actor.tenant()).await?;
    let call = call_list::find(&mut tx, id).await?;
    let mut answered = with_answers(telephony, &mut tx, call.into_iter().collect()).await?;
    tx.finish().await?;
    Ok(answered.pop())
}

async fn with_answers(
    telephony: &Telephony,
    tx: &mut ReadTx,
    calls: Vec<Call>,
) -> Result<Vec<(Call, TextAnswer)>, DbError> {
    let ids: Vec<CallId> = calls.iter().map(|call| call.id).collect();
    let decisions = telephony.compliance.newest_decisions_of_calls(tx, &ids).await?;
    let answered = |call: Call| {
        let answer = TextAnswer::of(&call, decisions.get(&call.id));
        (call, answer)
    };
    Ok(calls.into_iter().map(answered).collect())
}
