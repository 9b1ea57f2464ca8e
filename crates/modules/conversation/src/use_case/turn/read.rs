use chrono::Duration;
use nmc_db::{DbError, ReadTx};
use nmc_identity::{Admission, FeatureGate};
use nmc_kernel::{AppointmentId, ResourceId};
use nmc_scheduling::{Appointment, Slot};

use crate::{
    Conversation, ConversationRecord, ConversationState, Message,
    model::{
        dialogue::{Dialogue, Lost, World},
        turn::is_too_late,
        understanding::READ_TEXTS,
    },
    store::{self, turn::Claimed},
};

/// What a turn is worked out from.
pub(super) struct Read {
    pub(super) conversation: ConversationRecord,
    /// The newest of the texts that wait for an answer, and the newest of them by itself.
    pub(super) texts: Vec<Message>,
    pub(super) newest: Message,
    pub(super) dialogue: Dialogue,
    pub(super) world: World,
}

/// How soon only a person changes an appointment whose resource wants no notice.
const NOTICE: Duration = Duration::hours(2);

/// Nobody has read a text and answered it sooner.
const READ_AFTER: Duration = Duration::seconds(1);

/// Reads what there is; nothing where nobody waits for an answer of the automation.
pub(super) async fn read(
    conversations: &Conversation,
    turn: &Claimed,
    lost: Option<Lost>,
) -> Result<Option<Read>, DbError> {
    let mut tx = conversations.db.read(turn.tenant).await?;
    let Some(conversation) = store::conversation::find(&mut tx, turn.conversation_id).await? else { return Ok(None) };
    let (ConversationState::Open, Some(since)) = (conversation.state, conversation.waiting_since) else {
        return Ok(None);
    };
    let limit = i64::try_from(READ_TEXTS).unwrap_or(i64::MAX);
    let mut texts = store::turn::texts_since(&mut tx, conversation.id, since, limit).await?;
    let Some(newest) = texts.last().cloned() else { return Ok(None) };
    // What was left to a person is not said again by what follows it.
    texts.retain(|text| !is_too_late(text.created_at, newest.created_at));
    let stored = store::turn::dialogue(&mut tx, conversation.id).await?;
    let dialogue = Dialogue::read(stored.as_ref());
    let is_of_before = stored.is_some() && dialogue.epoch != conversation.epoch;
    let is_unread = is_unread(&mut tx, &conversation, &texts).await?;
    let admission = conversations.identity.admits(&mut tx, FeatureGate::Booking).await?;
    let tenant = conversations.identity.tenant(&mut tx).await?;
    let (phone, now) = (conversation.caller_phone.clone(), tx.now());
    let appointments = conversations.scheduling.appointments_of_customer(&mut tx, &phone, now).await?;
    let late = late(conversations, &mut tx, &appointments).await?;
    let world = World {
        now,
        zone: tenant.time_zone,
        settings: tenant.settings,
        business: tenant.name.as_str().to_owned(),
        items: conversations.catalog.sold(&mut tx).await?,
        appointments,
        late,
        found: Vec::new(),
        lost,
        after_human: is_of_before || store::stretch::is_newer_than_automation(&mut tx, conversation.id).await?,
        is_unread,
        are_offers_unread: is_unread && are_offers_unread(&mut tx, &conversation, &texts, &dialogue).await?,
        can_book: admission == Admission::Open,
    };
    tx.finish().await?;
    Ok(Some(Read { conversation, texts, newest, dialogue, world }))
}

/// Those of the appointments that begin before the notice is over that their resource wants.
async fn late(
    conversations: &Conversation,
    tx: &mut ReadTx,
    appointments: &[Appointment],
) -> Result<Vec<AppointmentId>, DbError> {
    if appointments.is_empty() {
        return Ok(Vec::new());
    }
    let resources: Vec<ResourceId> = appointments.iter().map(|appointment| appointment.resource_id).collect();
    let notices = conversations.scheduling.minimum_notices(tx, &resources).await?;
    let now = tx.now();
    let is_late = |appointment: &&Appointment| {
        let wanted = notices.get(&appointment.resource_id).copied().filter(|notice| *notice > Duration::zero());
        appointment.slot.start() <= now + wanted.unwrap_or(NOTICE)
    };
    Ok(appointments.iter().filter(is_late).map(|appointment| appointment.id).collect())
}

/// Whether the first of the texts was written before what the automation said last can have been read.
async fn is_unread(tx: &mut ReadTx, conversation: &ConversationRecord, texts: &[Message]) -> Result<bool, DbError> {
    let (Some(first), Some(said)) = (texts.first(), store::turn::said_last(tx, conversation.id).await?) else {
        return Ok(false);
    };
    Ok(said.is_pending || said.at + READ_AFTER > first.created_at)
}

/// Whether the times that stand are others than those that the first of the texts can be about.
async fn are_offers_unread(
    tx: &mut ReadTx,
    conversation: &ConversationRecord,
    texts: &[Message],
    dialogue: &Dialogue,
) -> Result<bool, DbError> {
    let Some(first) = texts.first() else { return Ok(false) };
    let read = store::turn::offers_read(tx, conversation.id, first.created_at - READ_AFTER).await?;
    let read = read.and_then(|offers| serde_json::from_value::<Vec<Slot>>(offers).ok());
    Ok(read.unwrap_or_default() != dialogue.offers)
}
