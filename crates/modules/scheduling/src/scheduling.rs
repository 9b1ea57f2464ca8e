use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Duration, Utc};
use nmc_catalog::Catalog;
use nmc_db::{Db, DbError, ReadTx, Tx};
use nmc_events::{Context, scheduling::CancelledReason};
use nmc_identity::Identity;
use nmc_kernel::{Actor, AppointmentId, ConversationId, E164, HoldId, IdempotencyKey, ResourceId};
use nmc_timers::Timers;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    Appointment, BookError, Booked, ChangeError, CorrectError, Correction, Found, Held, HoldError, NewAppointment,
    NewHold, Refused, ReleaseError, RescheduleError, Search, SearchError, Settings, http, store,
    timers::hold_expiry::HoldExpiry,
    use_case::{
        book, cancel,
        complete::{self, Outcome},
        correct, hold, read, release, reschedule, search,
    },
};

/// The module's face; cheap to clone.
///
/// Methods that take an [`Actor`] and no transaction begin one of their own. Those that change something on the caller's
/// (`_in`) lock the resources they touch, in the order of their ids. A transaction that calls several keeps that order
/// where the first locks for all: [`Scheduling::hold_in`] with the appointment that is to move locks for
/// [`Scheduling::reschedule_in`], and for [`Scheduling::book_in`] what it holds.
#[derive(Clone, Debug)]
pub struct Scheduling {
    pub(crate) db: Db,
    pub(crate) identity: Identity,
    pub(crate) catalog: Catalog,
    pub(crate) settings: Arc<Settings>,
}

impl Scheduling {
    /// Scheduling over this database.
    pub fn new(db: Db, identity: Identity, catalog: Catalog, settings: Settings) -> Self {
        Self { db, identity, catalog, settings: Arc::new(settings) }
    }

    /// Adds what falls due by time.
    #[must_use]
    pub fn timers(&self, timers: Timers) -> Timers {
        timers.with(HoldExpiry)
    }

    /// The routes of signed-in people, without the `/v1` before them.
    pub fn v1_routes(&self) -> OpenApiRouter {
        http::v1_routes(self.clone())
    }

    /// What is free.
    pub async fn search(&self, actor: &Actor, wanted: &Search) -> Result<Found, SearchError> {
        search::search(self, actor, wanted).await
    }

    /// What is free, on the caller's transaction. Three statements: item, business, calendars.
    pub async fn search_in(&self, tx: &mut ReadTx, wanted: &Search) -> Result<Found, SearchError> {
        search::search_in(self, tx, wanted).await
    }

    /// A person reserves a timeslot. A repeat with the same `key` reserves nothing and gets the first answer.
    pub async fn hold(
        &self,
        actor: &Actor,
        new: &NewHold,
        key: Option<&IdempotencyKey>,
    ) -> Result<Held, Refused<HoldError>> {
        hold::hold(self, actor, new, key).await
    }

    /// Reserves a timeslot on the caller's transaction, which holds the conversation's row where there is one: then a
    /// refusal has written nothing. Holds the resource, that of what the conversation holds already, and that of the
    /// appointment that is to move.
    pub async fn hold_in(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        new: &NewHold,
        context: Context,
    ) -> Result<Held, HoldError> {
        hold::hold_in(self, tx, actor, new, context).await
    }

    /// A person gives a hold back. Doing it twice changes nothing.
    pub async fn release(&self, actor: &Actor, id: HoldId) -> Result<(), ReleaseError> {
        release::release(self, actor, id).await
    }

    /// Gives a hold back on the caller's transaction, and holds its resource.
    pub async fn release_in(&self, tx: &mut Tx, id: HoldId) -> Result<(), ReleaseError> {
        release::release_in(tx, id).await
    }

    /// Gives back what the automation holds for a conversation, on the caller's transaction, and holds its resource. What
    /// a person holds for it stays.
    pub async fn release_automatic_in(&self, tx: &mut Tx, conversation: ConversationId) -> Result<(), DbError> {
        release::release_automatic_in(tx, conversation).await
    }

    /// A person books what is held. Booking the same hold twice gives the same appointment.
    pub async fn book(
        &self,
        actor: &Actor,
        new: &NewAppointment,
        key: Option<&IdempotencyKey>,
    ) -> Result<Booked, Refused<BookError>> {
        book::book(self, actor, new, key).await
    }

    /// Books what is held, on the caller's transaction, and holds its resource.
    pub async fn book_in(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        new: &NewAppointment,
        context: Context,
    ) -> Result<Booked, BookError> {
        book::book_in(self, tx, actor, new, Some(context)).await
    }

    /// A person moves an appointment to what is held. Doing it twice changes nothing.
    pub async fn reschedule(
        &self,
        actor: &Actor,
        id: AppointmentId,
        hold: HoldId,
    ) -> Result<Appointment, Refused<RescheduleError>> {
        reschedule::reschedule(self, actor, id, hold).await
    }

    /// Moves an appointment on the caller's transaction. Holds the resource it moves from and the one it moves to.
    pub async fn reschedule_in(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        id: AppointmentId,
        hold: HoldId,
        context: Context,
    ) -> Result<Appointment, RescheduleError> {
        reschedule::reschedule_in(self, tx, actor, id, hold, Some(context)).await
    }

    /// A person calls an appointment off. Doing it twice changes nothing.
    pub async fn cancel(
        &self,
        actor: &Actor,
        id: AppointmentId,
        reason: CancelledReason,
    ) -> Result<Appointment, ChangeError> {
        cancel::cancel(self, actor, id, reason).await
    }

    /// Calls an appointment off on the caller's transaction, and holds its resource.
    pub async fn cancel_in(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        id: AppointmentId,
        reason: CancelledReason,
        context: Context,
    ) -> Result<Appointment, ChangeError> {
        cancel::cancel_in(tx, actor, id, reason, context).await
    }

    /// A person says that the job was done. Saying it twice changes nothing.
    pub async fn complete(&self, actor: &Actor, id: AppointmentId) -> Result<Appointment, ChangeError> {
        complete::complete(self, actor, id, Outcome::Completed).await
    }

    /// A person says that the customer was not there. Saying it twice changes nothing.
    pub async fn no_show(&self, actor: &Actor, id: AppointmentId) -> Result<Appointment, ChangeError> {
        complete::complete(self, actor, id, Outcome::NoShow).await
    }

    /// A person corrects what is known of the customer.
    pub async fn correct(
        &self,
        actor: &Actor,
        id: AppointmentId,
        correction: &Correction,
    ) -> Result<Appointment, CorrectError> {
        correct::correct(self, actor, id, correction).await
    }

    /// One of the business's appointments, wherever it stands. On the caller's transaction. One statement.
    pub async fn appointment(&self, tx: &mut ReadTx, id: AppointmentId) -> Result<Option<Appointment>, DbError> {
        store::appointment::find(tx, id).await
    }

    /// A customer's appointments that are to be kept and begin no earlier than `from`, by their start; fifty at most. On
    /// the caller's transaction. One statement.
    pub async fn appointments_of_customer(
        &self,
        tx: &mut ReadTx,
        phone: &E164,
        from: DateTime<Utc>,
    ) -> Result<Vec<Appointment>, DbError> {
        read::appointments_of_customer(tx, phone, from).await
    }

    /// How long before their beginning appointments of these resources are booked at the latest, of each that exists. On
    /// the caller's transaction. One statement.
    pub async fn minimum_notices(
        &self,
        tx: &mut ReadTx,
        resources: &[ResourceId],
    ) -> Result<HashMap<ResourceId, Duration>, DbError> {
        store::resource::minimum_notices(tx, resources).await
    }
}
