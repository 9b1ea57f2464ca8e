//! What is asked of Clerk: to invite somebody, and to take an invitation back. The intents name the invitation and
//! nothing personal; the address is read when it is needed.

mod revoke_invitation;
mod send_invitation;

use chrono::Duration;
use nmc_db::{DbError, Tx};
use nmc_effects::{EffectKind, NewIntent};
use nmc_events::Context;
use nmc_kernel::InvitationId;
use serde::{Deserialize, Serialize};

pub use revoke_invitation::RevokeClerkInvitation;
pub use send_invitation::SendClerkInvitation;

use crate::model::invitation::OPEN_FOR;

/// An invitation that Clerk has not taken within a day is given up, and its owner sees that: they may try again.
const SEND_USEFUL_FOR: Duration = Duration::days(1);

/// Which invitation.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct InvitationRequest {
    /// It.
    pub invitation_id: InvitationId,
}

/// What is asked about one invitation keeps its order.
pub(crate) fn order_key(id: InvitationId) -> String {
    format!("invitation:{id}")
}

/// Has Clerk invite somebody.
pub(crate) async fn plan_invitation(tx: &mut Tx, id: InvitationId) -> Result<(), DbError> {
    plan::<SendClerkInvitation>(tx, id, SEND_USEFUL_FOR).await
}

/// Has Clerk take an invitation back: worth a try as long as its link could lead anywhere.
pub(crate) async fn plan_revocation(tx: &mut Tx, id: InvitationId) -> Result<(), DbError> {
    plan::<RevokeClerkInvitation>(tx, id, OPEN_FOR).await
}

async fn plan<K: EffectKind<Request = InvitationRequest>>(
    tx: &mut Tx,
    id: InvitationId,
    useful_for: Duration,
) -> Result<(), DbError> {
    let now = tx.now();
    let intent = NewIntent {
        id: tx.ids().next(),
        purpose_key: format!("{}:{id}", K::KIND),
        order_key: order_key(id),
        available_at: now,
        useful_until: now + useful_for,
        context: Context { correlation: tx.ids().next(), causation: None },
        request: InvitationRequest { invitation_id: id },
    };
    nmc_effects::plan::<K>(tx, &intent).await?;
    Ok(())
}
