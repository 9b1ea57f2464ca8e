use chrono::{DateTime, Utc};
use nmc_db::{DbError, ReadTx};
use nmc_events::compliance::CampaignStatus;
use nmc_kernel::E164;
use uuid::Uuid;

use super::{decision::Newest, known};
use crate::{
    OptOutAction, Subject,
    model::{campaign::status_from_word, decision::subject_from_stored},
};

/// What the tables know about a text that is about to be sent.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) is_own_number: bool,
    pub(crate) is_do_not_text: bool,
    pub(crate) campaign: Option<CampaignStatus>,
    pub(crate) opt_out: Option<KnownOptOut>,
    /// The subject's newest decision; nothing without a subject.
    pub(crate) newest: Option<Newest>,
}

/// The opt-out that holds.
#[derive(Debug)]
pub(crate) struct KnownOptOut {
    pub(crate) id: Uuid,
    pub(crate) recorded_at: DateTime<Utc>,
    pub(crate) confirmed_by: Option<Subject>,
}

/// Everything in one round trip. `nmc_route` is asked because a number of this installation may be any tenant's.
pub(crate) async fn look_up(tx: &mut ReadTx, phone: &E164, subject: Option<Subject>) -> Result<Known, DbError> {
    let tenant = tx.tenant();
    let row = sqlx::query!(
        r#"
        select exists (select from nmc_route('twilio-number', $2)) as "is_own_number!",
               exists (select from comp_do_not_text d where d.tenant_id = $1 and d.phone = $2) as "is_do_not_text!",
               (select c.status from comp_campaigns c where c.tenant_id = $1) as campaign,
               o.id as "opt_out_id?", o.action as "opt_out_action?", o.created_at as "opted_out_at?",
               c.subject_kind as "confirmed_kind?", c.subject_id as "confirmed_id?",
               g.number as "newest_number?", g.outcome as "newest_outcome?", g.reason as "newest_reason?"
        from (select 1) as one
        left join lateral (
          select id, action, created_at from comp_opt_outs
          where tenant_id = $1 and phone = $2 order by number desc limit 1
        ) as o on true
        left join comp_opt_out_confirmations c on c.tenant_id = $1 and c.id = o.id
        left join lateral (
          select number, outcome, reason from comp_gate_decisions
          where tenant_id = $1 and subject_kind = $3 and subject_id = $4 order by number desc limit 1
        ) as g on true
        "#,
        tenant.as_uuid(),
        phone.as_str(),
        subject.map(|subject| subject.kind()),
        subject.map(|subject| subject.id())
    )
    .fetch_one(tx.conn().await?)
    .await?;
    let campaign = match row.campaign {
        None => None,
        Some(word) => Some(known(status_from_word(&word), "comp_campaigns.status")?),
    };
    let confirmed_by = match (row.confirmed_kind, row.confirmed_id) {
        (Some(kind), Some(id)) => {
            Some(known(subject_from_stored(&kind, id), "comp_opt_out_confirmations.subject_kind")?)
        }
        _ => None,
    };
    let opt_out = match (row.opt_out_id, row.opt_out_action, row.opted_out_at) {
        (Some(id), Some(action), Some(recorded_at)) if action == OptOutAction::OptOut.as_str() => {
            Some(KnownOptOut { id, recorded_at, confirmed_by })
        }
        _ => None,
    };
    let newest = match (row.newest_number, row.newest_outcome) {
        (Some(number), Some(outcome)) => Some(Newest { number, outcome, reason: row.newest_reason }),
        _ => None,
    };
    Ok(Known { is_own_number: row.is_own_number, is_do_not_text: row.is_do_not_text, campaign, opt_out, newest })
}
