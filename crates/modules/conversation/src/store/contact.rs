use nmc_db::{DbError, ReadTx, Tx};
use nmc_kernel::ConversationId;
use uuid::Uuid;

use crate::{Contact, ContactOutcome};

/// Writes a contact; `false` where it has been heard of before. Two at once are ordered by the primary key.
pub(crate) async fn insert(tx: &mut Tx, contact: &Contact) -> Result<bool, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let written = sqlx::query!(
        "insert into conv_contacts (tenant_id, id, kind, caller_phone, business_phone, outcome, occurred_at, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing",
        tenant.as_uuid(),
        contact.id,
        contact.kind.as_str(),
        contact.caller_phone.as_ref().map(nmc_kernel::E164::as_str),
        contact.business_phone.as_str(),
        contact.outcome.as_str(),
        contact.occurred_at,
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(written.rows_affected() == 1)
}

/// Says what became of a contact.
pub(crate) async fn save(
    tx: &mut Tx,
    id: Uuid,
    conversation: Option<ConversationId>,
    outcome: ContactOutcome,
) -> Result<(), DbError> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update conv_contacts set conversation_id = $3, outcome = $4 where tenant_id = $1 and id = $2",
        tenant.as_uuid(),
        id,
        conversation.map(ConversationId::as_uuid),
        outcome.as_str()
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}

/// Contacts by their calls' or texts' ids; those that are unknown are left out.
pub(crate) async fn find_all(tx: &mut ReadTx, ids: &[Uuid]) -> Result<Vec<Contact>, DbError> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Contact,
        r#"select id, kind as "kind: _", caller_phone as "caller_phone: _", business_phone as "business_phone: _",
                  conversation_id as "conversation_id: _", outcome as "outcome: _", occurred_at
           from conv_contacts where tenant_id = $1 and id = any($2)"#,
        tenant.as_uuid(),
        ids
    )
    .fetch_all(tx.conn().await?)
    .await?)
}

/// What waits in a conversation for the campaign's approval, the newest first, at most `limit`.
pub(crate) async fn waiting(
    tx: &mut ReadTx,
    conversation: ConversationId,
    limit: i64,
) -> Result<Vec<Contact>, DbError> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Contact,
        r#"select id, kind as "kind: _", caller_phone as "caller_phone: _", business_phone as "business_phone: _",
                  conversation_id as "conversation_id: _", outcome as "outcome: _", occurred_at
           from conv_contacts where tenant_id = $1 and conversation_id = $2 and outcome = 'blocked'
           order by occurred_at desc, id desc limit $3"#,
        tenant.as_uuid(),
        conversation.as_uuid(),
        limit
    )
    .fetch_all(tx.conn().await?)
    .await?)
}
