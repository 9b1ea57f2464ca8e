//! What a turn does with appointments, on its closing transaction.

use chrono::Duration;
use nmc_catalog::{Quote, QuoteError};
use nmc_db::{DbError, Tx};
use nmc_events::scheduling::CancelledReason;
use nmc_kernel::{Actor, AppointmentId, HoldId, ServiceItemId, Timeslot};
use nmc_scheduling::{
    Appointment, BookError, ChangeError, Details, Held, HoldError, NewAppointment, NewHold, ReleaseError,
    RescheduleError, Slot,
};

use super::TurnError;
use crate::{
    Conversation, ConversationRecord, TaskKind,
    model::{
        dialogue::{Command, Lost, Visit, Voice, World},
        task::NewTask,
    },
    use_case::raise_task::raise_task,
};

/// A change of what begins so soon is told to people by a task; of any other they read in the calendar.
const LOOKED_AT: Duration = Duration::hours(24);

/// Why commands were not carried out; the transaction is to be given up.
#[derive(Debug)]
pub(super) enum NotDone {
    /// One does not hold any more: it is to be thought again.
    Lost(Lost),
    /// One failed.
    Failed(TurnError),
}

impl From<DbError> for NotDone {
    fn from(error: DbError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<TurnError> for NotDone {
    fn from(error: TurnError) -> Self {
        Self::Failed(error)
    }
}

impl From<Lost> for NotDone {
    fn from(lost: Lost) -> Self {
        Self::Lost(lost)
    }
}

/// Carries out what concerns appointments, in its order; says what was held by it. The conversation is locked, and the
/// phone: the resources come after.
pub(super) async fn carry_out(
    conversations: &Conversation,
    tx: &mut Tx,
    conversation: &ConversationRecord,
    world: &World,
    commands: &[Command],
) -> Result<Option<Held>, NotDone> {
    let mut reserved = None;
    let turn = Commanded { conversations, conversation, world, actor: Actor::System { tenant: tx.tenant() } };
    for command in commands {
        match command {
            Command::Release(hold) => turn.release(tx, *hold).await?,
            Command::Hold { slot, quote, moving } => reserved = Some(turn.hold(tx, *slot, quote, *moving).await?),
            Command::Book { hold, item, details } => {
                turn.book(tx, hold.or(reserved.map(|held| held.hold_id)), *item, details).await?;
            }
            Command::Reschedule(appointment) => turn.reschedule(tx, *appointment, reserved).await?,
            Command::Cancel(appointment) => turn.cancel(tx, *appointment).await?,
            Command::HandOver { .. } | Command::Task { .. } => {}
        }
    }
    Ok(reserved)
}

/// Whose turn it is.
struct Commanded<'a> {
    conversations: &'a Conversation,
    conversation: &'a ConversationRecord,
    /// What was known when the commands were thought of.
    world: &'a World,
    actor: Actor,
}

impl Commanded<'_> {
    async fn release(&self, tx: &mut Tx, hold: HoldId) -> Result<(), NotDone> {
        match self.conversations.scheduling.release_in(tx, hold).await {
            // It has ended in another way: it holds nothing any more.
            Ok(()) | Err(ReleaseError::NotFound | ReleaseError::Booked) => Ok(()),
            Err(ReleaseError::Database(error)) => Err(error.into()),
        }
    }

    async fn hold(
        &self,
        tx: &mut Tx,
        slot: Slot,
        told: &Quote,
        moving: Option<AppointmentId>,
    ) -> Result<Held, NotDone> {
        match self.conversations.catalog.quote(tx, told.service_item_id).await {
            // What moves keeps its price.
            Ok(quote) if moving.is_none() && (quote.price, quote.duration) != (told.price, told.duration) => {
                return Err(Lost::PriceChanged.into());
            }
            Ok(_) => {}
            Err(QuoteError::Unknown | QuoteError::Inactive) => return Err(Lost::ItemGone.into()),
            Err(QuoteError::Database(error)) => return Err(error.into()),
        }
        let new = NewHold {
            resource_id: slot.resource_id,
            slot: Timeslot::new(slot.start, slot.end).map_err(|_| Lost::SlotTaken)?,
            service_item_id: Some(told.service_item_id),
            conversation_id: Some(self.conversation.id),
            moves_appointment_id: moving,
            is_override: false,
        };
        let context = self.conversation.context(None);
        let refused = match self.conversations.scheduling.hold_in(tx, &self.actor, &new, context).await {
            Ok(held) => return Ok(held),
            Err(refused) => refused,
        };
        Err(match refused {
            HoldError::Barred(_) => Lost::BookingClosed.into(),
            HoldError::NotFound | HoldError::AppointmentOver if moving.is_some() => Lost::AppointmentGone.into(),
            HoldError::ItemInactive => Lost::ItemGone.into(),
            HoldError::Duration(_) => Lost::PriceChanged.into(),
            HoldError::NotFound
            | HoldError::AppointmentOver
            | HoldError::Minute(_)
            | HoldError::Length
            | HoldError::LacksSkill
            | HoldError::ResourceInactive
            | HoldError::Refused(_) => Lost::SlotTaken.into(),
            HoldError::PersonRequired => TurnError::Refused("a person is required").into(),
            HoldError::KeyReused => TurnError::Refused("the key is reused").into(),
            HoldError::Database(error) => error.into(),
        })
    }

    async fn book(
        &self,
        tx: &mut Tx,
        hold: Option<HoldId>,
        item: ServiceItemId,
        details: &Details,
    ) -> Result<(), NotDone> {
        let new = NewAppointment {
            hold_id: hold.ok_or(Lost::HoldExpired)?,
            service_item_id: item,
            customer_phone: self.conversation.caller_phone.clone(),
            details: details.clone(),
        };
        let context = self.conversation.context(None);
        let Err(refused) = self.conversations.scheduling.book_in(tx, &self.actor, &new, context).await else {
            return Ok(());
        };
        Err(match refused {
            BookError::Barred(_) => Lost::BookingClosed.into(),
            BookError::NotFound
            | BookError::HoldExpired
            | BookError::HoldReleased
            | BookError::HoldBooked
            | BookError::OtherItem
            | BookError::HoldMoves => Lost::HoldExpired.into(),
            BookError::ItemInactive => Lost::ItemGone.into(),
            BookError::Duration(_) => Lost::PriceChanged.into(),
            BookError::LacksSkill | BookError::Taken => Lost::SlotTaken.into(),
            BookError::KeyReused => TurnError::Refused("the key is reused").into(),
            BookError::Database(error) => error.into(),
        })
    }

    async fn reschedule(&self, tx: &mut Tx, id: AppointmentId, reserved: Option<Held>) -> Result<(), NotDone> {
        let hold = reserved.ok_or(Lost::HoldExpired)?.hold_id;
        let context = self.conversation.context(None);
        let refused = match self.conversations.scheduling.reschedule_in(tx, &self.actor, id, hold, context).await {
            Ok(moved) => {
                let voice = self.voice();
                let to = Visit::new(&moved, None).moment_in_words(&voice);
                return self.tell_people(tx, &moved, &format!("was moved by text, to {to}")).await;
            }
            Err(refused) => refused,
        };
        Err(match refused {
            RescheduleError::Barred(_) => Lost::BookingClosed.into(),
            RescheduleError::NotFound | RescheduleError::Over => Lost::AppointmentGone.into(),
            RescheduleError::HoldExpired
            | RescheduleError::HoldReleased
            | RescheduleError::HoldBooked
            | RescheduleError::OtherItem
            | RescheduleError::HoldMoves => Lost::HoldExpired.into(),
            RescheduleError::Duration(_) | RescheduleError::LacksSkill | RescheduleError::Taken => {
                Lost::SlotTaken.into()
            }
            RescheduleError::Moved => TurnError::Interfered.into(),
            RescheduleError::Database(error) => error.into(),
        })
    }

    async fn cancel(&self, tx: &mut Tx, id: AppointmentId) -> Result<(), NotDone> {
        let (scheduling, context) = (&self.conversations.scheduling, self.conversation.context(None));
        match scheduling.cancel_in(tx, &self.actor, id, CancelledReason::User, context).await {
            Ok(cancelled) => {
                if self.known(id).is_some_and(|known| known.slot != cancelled.slot) {
                    return Err(Lost::AppointmentMoved.into());
                }
                self.tell_people(tx, &cancelled, "was called off by text").await
            }
            Err(ChangeError::NotFound | ChangeError::Over | ChangeError::NotBegun) => Err(Lost::AppointmentGone.into()),
            Err(ChangeError::Moved) => Err(TurnError::Interfered.into()),
            Err(ChangeError::Database(error)) => Err(error.into()),
        }
    }

    /// What became of an appointment that somebody reckons with for the next day is looked at by people.
    async fn tell_people(&self, tx: &mut Tx, changed: &Appointment, what: &str) -> Result<(), NotDone> {
        let Some(known) = self.known(changed.id).filter(|known| known.slot.start() - tx.now() <= LOOKED_AT) else {
            return Ok(());
        };
        let job = self.world.items.iter().find(|item| item.id == known.service_item_id);
        let visit = Visit::new(known, job.map(|job| job.name.as_str())).in_words(&self.voice());
        let whose = changed.details.name().map(|name| format!(" ({name})")).unwrap_or_default();
        let task = NewTask {
            purpose_key: format!("changed:{}:{}", changed.id, changed.version),
            kind: TaskKind::Check,
            conversation_id: Some(self.conversation.id),
            call_id: None,
            caller_phone: Some(self.conversation.caller_phone.clone()),
            text: format!("Take note: {visit}{whose} {what}."),
        };
        Ok(raise_task(tx, &task, self.conversation.context(None)).await?)
    }

    /// The appointment as it was when the commands were thought of.
    fn known(&self, id: AppointmentId) -> Option<&Appointment> {
        self.world.appointments.iter().find(|appointment| appointment.id == id)
    }

    fn voice(&self) -> Voice {
        Voice::to_people(self.world.zone, &self.world.business)
    }
}
