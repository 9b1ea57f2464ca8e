use nmc_db::{DbError, ReadTx, Tx};
use nmc_events::scheduling::CancelledReason;
use nmc_kernel::{ConversationId, E164};
use uuid::Uuid;

use super::release;
use crate::{
    Scheduling,
    store::{self, customer},
};

/// Appointments that are read and deleted at once.
const AT_ONCE: i64 = 200;

impl Scheduling {
    /// Everything the module holds about a caller, as one JSON document. On the caller's transaction.
    pub async fn export_caller(&self, tx: &mut ReadTx, phone: &E164) -> Result<serde_json::Value, DbError> {
        customer::export(tx, phone).await
    }

    /// Deletes a caller's appointments, and gives back what these conversations, which are theirs, hold. What was still
    /// to come, or under way, is cancelled by that, so that whoever heard of it hears that nobody comes. Resources are
    /// locked after conversations and intents. On the caller's transaction; says how many rows were deleted.
    pub async fn erase_caller(
        &self,
        tx: &mut Tx,
        phone: &E164,
        conversations: &[ConversationId],
    ) -> Result<u64, DbError> {
        let conversations: Vec<Uuid> = conversations.iter().map(|id| id.as_uuid()).collect();
        let resources = customer::resources(tx, phone, &conversations).await?;
        store::resource::lock(tx, &resources).await?;
        let mut ended = 0;
        for hold in customer::holds(tx, &conversations).await? {
            ended += u64::from(release::end(tx, hold.into()).await?);
        }
        let now = tx.now();
        loop {
            let erased = customer::erase(tx, phone, AT_ONCE).await?;
            if erased.is_empty() {
                return Ok(ended);
            }
            for appointment in erased {
                ended += 1;
                if appointment.is_to_be_kept(now) {
                    tx.publish(&appointment.cancelled(CancelledReason::System), appointment.context())?;
                }
            }
        }
    }
}
