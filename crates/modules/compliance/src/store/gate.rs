use chrono::{DateTime, Duration, Utc};
use nmc_db::{DbError, ReadTx, Tx};
use nmc_events::compliance::CampaignStatus;
use nmc_kernel::E164;
use uuid::Uuid;

use super::{
    decision::Newest,
    known,
    phone_lock::{self, PhoneLock},
};
use crate::{
    OptOutAction, Subject,
    model::{campaign::status_from_word, decision::subject_from_stored, limit::Count},
};

/// What the tables know about a text that is about to be sent.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) is_own_number: bool,
    pub(crate) is_do_not_text: bool,
    /// The number to send from is one the business receives on; `false` where none was asked about.
    pub(crate) is_receiving: bool,
    pub(crate) campaign: Option<CampaignStatus>,
    pub(crate) opt_out: Option<KnownOptOut>,
    /// How many of the caller's last texts in a row looked like a machine's.
    pub(crate) like_a_machine: i16,
    /// What was let out to the caller, and by the business.
    pub(crate) caller: Count,
    pub(crate) business: Count,
    /// The subject's newest decision; nothing without a subject.
    pub(crate) newest: Option<Newest>,
}

/// The opt-out that holds.
#[derive(Debug)]
pub(crate) struct KnownOptOut {
    pub(crate) id: Uuid,
    pub(crate) recorded_at: DateTime<Utc>,
    pub(crate) confirmed_by: Option<Subject>,
}

/// The phone's lock, shared, and with it everything about a subject that is to be sent `from` a number: one round trip.
pub(crate) async fn lock_and_look_up(
    tx: &mut Tx,
    phone: &E164,
    subject: Subject,
    from: Option<&E164>,
) -> Result<Known, DbError> {
    let lock = phone_lock::of(tx, phone);
    look(tx, phone, Some(subject), from, Some(lock)).await
}

/// The same without lock or subject.
pub(crate) async fn look_up(tx: &mut ReadTx, phone: &E164) -> Result<Known, DbError> {
    look(tx, phone, None, None, None).await
}

async fn look(
    tx: &mut ReadTx,
    phone: &E164,
    subject: Option<Subject>,
    from: Option<&E164>,
    lock: Option<PhoneLock>,
) -> Result<Known, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let row = sqlx::query_file!(
        "src/store/gate_look_up.sql",
        tenant.as_uuid(),
        phone.as_str(),
        subject.map(|subject| subject.kind()),
        subject.map(|subject| subject.id()),
        now - Duration::hours(1),
        now - Duration::hours(24),
        from.map(E164::as_str),
        lock.as_ref().map(|lock| lock.class),
        lock.map(|lock| lock.subject)
    )
    .fetch_one(tx.conn().await?)
    .await?;
    let campaign = match row.campaign {
        None => None,
        Some(word) => Some(known(status_from_word(&word), "comp_campaigns.status")?),
    };
    let confirmed_by = match (row.confirmed_kind, row.confirmed_id) {
        (Some(kind), Some(id)) => {
            Some(known(subject_from_stored(&kind, id), "comp_opt_out_confirmations.subject_kind")?)
        }
        _ => None,
    };
    let opt_out = match (row.opt_out_id, row.opt_out_action, row.opted_out_at) {
        (Some(id), Some(action), Some(recorded_at)) if action == OptOutAction::OptOut.as_str() => {
            Some(KnownOptOut { id, recorded_at, confirmed_by })
        }
        _ => None,
    };
    let newest = match (row.newest_number, row.newest_outcome) {
        (Some(number), Some(outcome)) => Some(Newest { number, outcome, reason: row.newest_reason }),
        _ => None,
    };
    Ok(Known {
        is_own_number: row.is_own_number,
        is_do_not_text: row.is_do_not_text,
        is_receiving: row.is_receiving,
        campaign,
        opt_out,
        like_a_machine: row.like_a_machine.unwrap_or(0),
        caller: Count { hour: row.caller_hour, day: row.caller_day },
        business: Count { hour: row.business_hour, day: row.business_day },
        newest,
    })
}

/// What all businesses together have let out.
pub(crate) async fn let_out_by_all(tx: &mut ReadTx) -> Result<Count, DbError> {
    let now = tx.now();
    let row = sqlx::query!(
        r#"select nmc_texts_let_out($1) as "hour!", nmc_texts_let_out($2) as "day!""#,
        now - Duration::hours(1),
        now - Duration::hours(24)
    )
    .fetch_one(tx.conn().await?)
    .await?;
    Ok(Count { hour: row.hour, day: row.day })
}
