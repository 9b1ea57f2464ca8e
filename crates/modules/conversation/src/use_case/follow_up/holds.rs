use chrono::{DateTime, Utc};
use nmc_compliance::Purpose;
use nmc_db::{DbError, ReadTx};
use nmc_kernel::AppointmentId;
use nmc_scheduling::AppointmentStatus;

use super::nudge::has_booked_since;
use crate::{Conversation, ConversationRecord, SmsRequest, store};

/// Whether what a follow-up was written for is still so, just before it is sent; of any other text: yes. The
/// conversation is locked.
pub(crate) async fn still_holds(
    conversations: &Conversation,
    tx: &mut ReadTx,
    conversation: &ConversationRecord,
    request: &SmsRequest,
) -> Result<bool, DbError> {
    if !matches!(request.purpose, Purpose::Nudge | Purpose::Reminder) {
        return Ok(true);
    }
    let first = request.resend_of.unwrap_or(request.message_id);
    let Some(message) = store::message::find(tx, first).await? else { return Ok(false) };
    if request.purpose == Purpose::Nudge {
        let is_silent = conversation.waiting_since.is_none()
            && !store::follow_up::was_written_since(tx, conversation.id, message.created_at).await?;
        let caller = &conversation.caller_phone;
        return Ok(is_silent && !has_booked_since(conversations, tx, caller, message.created_at).await?);
    }
    let id = message.why["appointment_id"].as_str().and_then(|id| id.parse::<AppointmentId>().ok());
    let start = message.why["start"].as_str().and_then(|start| start.parse::<DateTime<Utc>>().ok());
    let (Some(id), Some(start)) = (id, start) else { return Ok(false) };
    let appointment = conversations.scheduling.appointment(tx, id).await?;
    Ok(appointment.is_some_and(|known| known.status == AppointmentStatus::Booked && known.slot.start() == start))
}
