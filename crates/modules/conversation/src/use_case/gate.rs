use chrono::Duration;
use nmc_compliance::{BlockReason, Decision, Purpose, Subject};
use nmc_db::{DbError, Tx};
use nmc_kernel::E164;

use crate::{Conversation, model::greeting::MAX_AUTOMATIC_PER_DAY, store};

/// Whether a text of the automation may go out, by Compliance and because the automation does not write to one caller
/// for ever. The conversation is locked.
pub(crate) async fn gate(
    conversations: &Conversation,
    tx: &mut Tx,
    phone: &E164,
    subject: Subject,
    purpose: Purpose,
) -> Result<Decision, DbError> {
    let since = tx.now() - Duration::days(1);
    let own = if store::message::automatic_since(tx, phone, since).await? < MAX_AUTOMATIC_PER_DAY {
        Decision::Allow
    } else {
        Decision::Block { reason: BlockReason::TooMany }
    };
    conversations.compliance.can_send_with(tx, subject, phone, purpose, own).await
}
