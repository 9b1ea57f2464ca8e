//! A caller's data, over all modules: given out, or erased.

use nmc_compliance::NumberStatus;
use nmc_db::{Db, DbError, ReadTx};
use nmc_effects::caller::Erased;
use nmc_identity::AuditEntry;
use nmc_kernel::{Actor, E164};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Modules;

/// Why nothing was erased, or given out.
#[derive(Debug, thiserror::Error)]
pub enum EraseCallerError {
    /// A text to the caller is on its way.
    #[error(
        "a text to this caller is on its way, or it is being found out whether it arrived: try again in some minutes"
    )]
    UnderWay,
    /// The number is, or was, the business's own: what names it is about all its callers.
    #[error("the number is the business's own and no caller's")]
    OwnNumber,
    /// A statement failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl Modules {
    /// Everything there is about a caller of the actor's business, as one JSON document. Begins a transaction of its
    /// own, which writes down that it was given out. `db` is the dispatcher's role: nobody else reads its tables.
    pub async fn export_caller(&self, db: &Db, actor: &Actor, phone: &E164) -> Result<Value, EraseCallerError> {
        let mut tx = db.begin(actor.tenant()).await?;
        self.refuse_own_number(&mut tx, phone).await?;
        let exported = json!({
            "tenant_id": actor.tenant(),
            "phone": phone,
            "exported_at": tx.now(),
            "telephony": self.telephony.export_caller(&mut tx, phone).await?,
            "conversation": self.conversation.export_caller(&mut tx, phone).await?,
            "scheduling": self.scheduling.export_caller(&mut tx, phone).await?,
            "compliance": self.compliance.export_caller(&mut tx, phone).await?,
            "outbox": nmc_outbox::caller::export(&mut tx, phone).await?,
            "effects": nmc_effects::caller::export(&mut tx, phone).await?,
        });
        let entry = entry("caller.exported", tx.ids().next(), json!({}));
        self.identity.audit(&mut tx, actor, &entry).await?;
        tx.commit().await?;
        Ok(exported)
    }

    /// Erases a caller of the actor's business, everywhere and at once, and says how much it was and what stays. Doing
    /// it twice erases what came in between. Begins a transaction of its own; `db` is the dispatcher's role.
    pub async fn erase_caller(&self, db: &Db, actor: &Actor, phone: &E164) -> Result<Value, EraseCallerError> {
        let mut tx = db.begin(actor.tenant()).await?;
        self.refuse_own_number(&mut tx, phone).await?;
        // The threads first: what is about to be sent in them waits for their locks and finds them gone.
        let threads = self.conversation.erase_caller(&mut tx, phone).await?;
        let Erased::Intents(intents) = nmc_effects::caller::erase(&mut tx, phone).await? else {
            tx.roll_back().await?;
            return Err(EraseCallerError::UnderWay);
        };
        let appointments = self.scheduling.erase_caller(&mut tx, phone, &threads.conversations).await?;
        // News before what it tells of: a text that comes in between is still heard of, as one that comes after.
        let events = nmc_outbox::caller::erase(&mut tx, phone).await?;
        let calls_and_texts = self.telephony.erase_caller(&mut tx, phone).await?;
        let decisions = self.compliance.erase_caller(&mut tx, phone).await?;
        let mut words = vec![phone.as_str().to_owned()];
        words.extend(threads.conversations.iter().map(ToString::to_string));
        let answers = tx.forget_answers_naming(&words).await?;
        let keeps_stop = self.compliance.keeps_stop_of(&mut tx, phone).await?;
        let erased = json!({
            "conversations": threads.rows, "appointments": appointments, "effects": intents, "calls_and_texts": calls_and_texts,
            "decisions": decisions, "events": events, "answers": answers,
        });
        let entry = entry("caller.erased", tx.ids().next(), erased.clone());
        self.identity.audit(&mut tx, actor, &entry).await?;
        tx.commit().await?;
        Ok(json!({
            "erased": erased,
            "kept": if keeps_stop {
                "the number in the opt-outs or on the list of numbers never to text, so that it is not texted again"
            } else {
                "nothing"
            },
        }))
    }

    /// Events and intents are found by the number wherever it stands in them, and the business's own stands in all.
    async fn refuse_own_number(&self, tx: &mut ReadTx, phone: &E164) -> Result<(), EraseCallerError> {
        let numbers = self.compliance.numbers(tx).await?;
        let was_ours = |status| matches!(status, NumberStatus::Active | NumberStatus::Released);
        let is_own = numbers.iter().any(|number| number.phone == *phone && was_ours(number.status));
        if is_own { Err(EraseCallerError::OwnNumber) } else { Ok(()) }
    }
}

/// Names the deed and not the caller: the log is for ever.
fn entry(action: &'static str, id: Uuid, after: Value) -> AuditEntry {
    AuditEntry { action, object: "caller", object_id: id, before: json!({}), after }
}
