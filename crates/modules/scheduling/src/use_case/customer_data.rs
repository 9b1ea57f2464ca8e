use nmc_db::{DbError, ReadTx, Tx};
use nmc_events::scheduling::CancelledReason;
use nmc_kernel::{ConversationId, E164};
use uuid::Uuid;

use super::{read, release};
use crate::{
    AppointmentStatus, Scheduling,
    store::{self, customer},
};

impl Scheduling {
    /// Everything the module holds about a caller, as one JSON document. On the caller's transaction.
    pub async fn export_caller(&self, tx: &mut ReadTx, phone: &E164) -> Result<serde_json::Value, DbError> {
        customer::export(tx, phone).await
    }

    /// Deletes a caller's appointments, and gives back what these conversations, which are theirs, hold. What was still
    /// to come is cancelled by that, so that whoever heard of it hears that nobody comes. Resources are locked after
    /// conversations and intents. On the caller's transaction; says how many rows were deleted.
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
        for appointment in read::appointments_of_customer(tx, phone, now).await? {
            if appointment.status == AppointmentStatus::Booked {
                tx.publish(&appointment.cancelled(CancelledReason::System), appointment.context())?;
            }
        }
        Ok(ended + customer::erase(tx, phone).await?)
    }
}
