use nmc_db::{DbError, ReadTx, Tx};
use nmc_events::{
    Context,
    conversation::{CloseReason, ConversationClosed},
};
use nmc_kernel::{ConversationId, E164};
use uuid::Uuid;

use crate::{Conversation, store::caller};

/// What erasing a caller did here.
#[derive(Clone, Debug)]
pub struct ErasedThreads {
    /// The threads that are gone. What else names them is to go as well.
    pub conversations: Vec<ConversationId>,
    /// How many rows were deleted, not counting what went along with its thread.
    pub rows: u64,
}

impl Conversation {
    /// Everything the module holds about a caller, as one JSON document. On the caller's transaction.
    pub async fn export_caller(&self, tx: &mut ReadTx, phone: &E164) -> Result<serde_json::Value, DbError> {
        caller::export(tx, phone).await
    }

    /// Deletes the threads with a caller and all that is in them; one that lives is closed by that. Locks them, so that
    /// a text that is about to be claimed finds none: call this before `nmc_effects::caller::erase`. On the caller's
    /// transaction.
    pub async fn erase_caller(&self, tx: &mut Tx, phone: &E164) -> Result<ErasedThreads, DbError> {
        let threads = caller::lock_threads(tx, phone).await?;
        for thread in threads.iter().filter(|thread| thread.is_live) {
            let closed = ConversationClosed { conversation_id: thread.id, reason: CloseReason::User };
            tx.publish(&closed, Context { correlation: thread.correlation_id, causation: None })?;
        }
        let ids: Vec<Uuid> = threads.iter().map(|thread| thread.id.as_uuid()).collect();
        nmc_timers::cancel_all(tx, &ids).await?;
        let rows = caller::erase(tx, phone, &ids).await?;
        Ok(ErasedThreads { conversations: threads.into_iter().map(|thread| thread.id).collect(), rows })
    }
}
