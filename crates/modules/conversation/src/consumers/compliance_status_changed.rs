use nmc_db::Tx;
use nmc_events::{
    Envelope,
    compliance::{CampaignStatus, ComplianceStatusChanged},
};
use nmc_outbox::{ConsumeError, Consumer};
use uuid::Uuid;

use crate::timers::unblock_all::UnblockAllTimer;

/// The campaign is approved: every blocked conversation falls due. There may be many, so each is worked on alone; one
/// that is not blocked any more, or blocked again, is left as it is.
pub(crate) struct OnComplianceStatusChanged;

impl Consumer for OnComplianceStatusChanged {
    type Event = ComplianceStatusChanged;
    const NAME: &'static str = "conversation.unblock";

    async fn consume(&self, tx: &mut Tx, event: &ComplianceStatusChanged, _: &Envelope) -> Result<(), ConsumeError> {
        if event.status != CampaignStatus::Approved {
            return Ok(());
        }
        Ok(UnblockAllTimer::next(tx, Uuid::nil()).await?)
    }
}
