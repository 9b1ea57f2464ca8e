use std::collections::HashMap;

use chrono::{DateTime, Utc};
use nmc_db::{DbError, ReadTx, Tx};
use nmc_kernel::{CallId, E164};
use serde_json::Value;
use uuid::Uuid;

use super::known;
use crate::{Decision, Purpose, StoredDecision, Subject};

/// Two may decide about one subject at once; whoever comes second looks again. Whoever loses three times has a storm to
/// wait for and begins anew.
const MAX_TRIES: usize = 3;
/// More decisions than a text can live through; the newest are shown.
const MAX_SHOWN: i64 = 200;

/// A subject's newest decision, as far as a repetition is recognised by it.
#[derive(Debug)]
pub(crate) struct Newest {
    pub(crate) number: i32,
    pub(crate) outcome: String,
    pub(crate) reason: Option<String>,
}

/// What is to be written.
pub(crate) struct NewDecision<'a> {
    pub(crate) subject: Subject,
    pub(crate) phone: &'a E164,
    pub(crate) purpose: Purpose,
    pub(crate) decision: &'a Decision,
    pub(crate) inputs: &'a Value,
}

/// A subject's newest decision.
pub(crate) async fn newest(tx: &mut ReadTx, subject: Subject) -> Result<Option<Newest>, DbError> {
    let tenant = tx.tenant();
    let newest = sqlx::query_as!(
        Newest,
        "select number, outcome, reason from comp_gate_decisions
         where tenant_id = $1 and subject_kind = $2 and subject_id = $3 order by number desc limit 1",
        tenant.as_uuid(),
        subject.kind(),
        subject.id()
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    Ok(newest)
}

/// Writes a decision unless the subject's newest says the same; `newest` is what the caller has just read.
pub(crate) async fn store(tx: &mut Tx, new: NewDecision<'_>, mut newest: Option<Newest>) -> Result<(), DbError> {
    for _ in 0..MAX_TRIES {
        if newest.as_ref().is_some_and(|old| new.decision.is_same_outcome(&old.outcome, old.reason.as_deref())) {
            return Ok(());
        }
        let number = newest.as_ref().map_or(1, |old| old.number + 1);
        if insert(tx, &new, number).await? {
            return Ok(());
        }
        newest = self::newest(tx, new.subject).await?;
    }
    Err(DbError::Collision(sqlx::Error::Protocol("a subject's next decision was another's every time".to_owned())))
}

/// `false` where another transaction has given this number away meanwhile.
async fn insert(tx: &mut Tx, new: &NewDecision<'_>, number: i32) -> Result<bool, DbError> {
    let (id, tenant, now) = (tx.ids().next::<Uuid>(), tx.tenant(), tx.now());
    let added = sqlx::query!(
        "insert into comp_gate_decisions (tenant_id, id, subject_kind, subject_id, number, purpose, phone, outcome,
                                          reason, until, inputs, decided_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         on conflict (tenant_id, subject_kind, subject_id, number) do nothing",
        tenant.as_uuid(),
        id,
        new.subject.kind(),
        new.subject.id(),
        number,
        new.purpose.as_str(),
        new.phone.as_str(),
        new.decision.outcome(),
        new.decision.reason(),
        new.decision.until(),
        new.inputs,
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(added.rows_affected() == 1)
}

/// A stored decision's columns.
struct Row {
    subject_id: Uuid,
    number: i32,
    purpose: String,
    phone: E164,
    outcome: String,
    reason: Option<String>,
    until: Option<DateTime<Utc>>,
    inputs: Value,
    decided_at: DateTime<Utc>,
}

impl TryFrom<Row> for StoredDecision {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let decision = Decision::from_stored(&row.outcome, row.reason.as_deref(), row.until);
        Ok(Self {
            number: row.number,
            purpose: known(Purpose::from_word(&row.purpose), "comp_gate_decisions.purpose")?,
            phone: row.phone,
            decision: known(decision, "comp_gate_decisions.outcome")?,
            inputs: row.inputs,
            decided_at: row.decided_at,
        })
    }
}

/// A subject's decisions in their order.
pub(crate) async fn of_subject(tx: &mut ReadTx, subject: Subject) -> Result<Vec<StoredDecision>, DbError> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Row,
        r#"
        select subject_id, number, purpose, phone as "phone: E164", outcome, reason, until, inputs, decided_at
        from comp_gate_decisions where tenant_id = $1 and subject_kind = $2 and subject_id = $3
        order by number desc limit $4
        "#,
        tenant.as_uuid(),
        subject.kind(),
        subject.id(),
        MAX_SHOWN
    )
    .fetch_all(tx.conn().await?)
    .await?;
    rows.into_iter().rev().map(StoredDecision::try_from).collect()
}

/// The newest decision about each of these calls.
pub(crate) async fn newest_of_calls(
    tx: &mut ReadTx,
    calls: &[CallId],
) -> Result<HashMap<CallId, StoredDecision>, DbError> {
    let tenant = tx.tenant();
    let ids: Vec<Uuid> = calls.iter().map(|call| call.as_uuid()).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"
        select distinct on (subject_id)
               subject_id, number, purpose, phone as "phone: E164", outcome, reason, until, inputs, decided_at
        from comp_gate_decisions where tenant_id = $1 and subject_kind = 'call' and subject_id = any($2)
        order by subject_id, number desc
        "#,
        tenant.as_uuid(),
        &ids
    )
    .fetch_all(tx.conn().await?)
    .await?;
    rows.into_iter().map(|row| Ok((row.subject_id.into(), row.try_into()?))).collect()
}
