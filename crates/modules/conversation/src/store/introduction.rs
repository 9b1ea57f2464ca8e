use nmc_db::{DbError, ReadTx};
use nmc_kernel::{E164, IntentId, MessageId};

/// How a caller stands to being told by whom and how they are texted.
pub(crate) struct Introduction {
    /// The provider has, or had, a text that says so; or the text that asks is one.
    pub(crate) is_given: bool,
    /// The intents of such texts that it does not have yet as far as this table knows.
    pub(crate) planned: Vec<IntentId>,
}

impl Introduction {
    /// Whether the caller was told, or will be, and has not certainly missed it.
    pub(crate) fn is_given_or_planned(&self) -> bool {
        self.is_given || !self.planned.is_empty()
    }
}

/// What the text `asking`, of the automation, has to come after. One that is not written yet has told nobody.
pub(crate) async fn of(tx: &mut ReadTx, caller: &E164, asking: MessageId) -> Result<Introduction, DbError> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Introduction,
        r#"select coalesce(bool_or(m.id = $3 or m.status in ('queued', 'sent', 'delivered')), false) as "is_given!",
                  coalesce(array_agg(m.intent_id) filter (where m.status = 'pending' and m.intent_id is not null), '{}')
                    as "planned!: Vec<IntentId>"
           from conv_conversations c
           join conv_messages m on m.tenant_id = c.tenant_id and m.conversation_id = c.id
           where c.tenant_id = $1 and c.caller_phone = $2
             and (m.purpose = 'greeting' or m.why @> '{"introduces": true}')"#,
        tenant.as_uuid(),
        caller.as_str(),
        asking.as_uuid()
    )
    .fetch_one(tx.conn().await?)
    .await?)
}
