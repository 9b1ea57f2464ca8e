use chrono::{DateTime, NaiveDate, Utc};
use nmc_db::DbError;
use nmc_kernel::{Actor, IdempotencyKey, ResourceId, TenantId};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use crate::{
    AddedHoliday, AddedTimeOff, Holiday, HolidayError, NewHoliday, NewResource, NewTimeOff, Resource, ResourceChange,
    ResourceError, Scheduling, TimeOff, TimeOffError, WithAppointments, http,
    model::feed::FeedAddress,
    store,
    use_case::{feed, holidays, resources, time_off},
};

/// Resources, holidays, time off, calendar feeds. Each begins a transaction of its own.
impl Scheduling {
    /// The business's resources, active or not, the oldest first, from behind `after` on.
    pub async fn resources(
        &self,
        actor: &Actor,
        after: Option<(DateTime<Utc>, ResourceId)>,
        limit: i64,
    ) -> Result<Vec<Resource>, DbError> {
        let mut tx = self.db.read(actor.tenant()).await?;
        let resources = store::resource::page(&mut tx, after, limit).await?;
        tx.finish().await?;
        Ok(resources)
    }

    /// One of the business's resources.
    pub async fn resource(&self, actor: &Actor, id: ResourceId) -> Result<Option<Resource>, DbError> {
        let mut tx = self.db.read(actor.tenant()).await?;
        let resource = store::resource::find(&mut tx, id).await?;
        tx.finish().await?;
        Ok(resource)
    }

    /// Adds a resource, with what most want where nothing is said.
    pub async fn create_resource(
        &self,
        actor: &Actor,
        new: NewResource,
        key: Option<&IdempotencyKey>,
    ) -> Result<Resource, ResourceError> {
        resources::create(self, actor, new, key).await
    }

    /// Changes the fields that are given. What is booked stays as it is.
    pub async fn change_resource(
        &self,
        actor: &Actor,
        id: ResourceId,
        change: ResourceChange,
    ) -> Result<Resource, ResourceError> {
        resources::change(self, actor, id, change).await
    }

    /// Lets nobody book a resource any more; what it holds is given back. Doing it twice changes nothing.
    pub async fn deactivate_resource(
        &self,
        actor: &Actor,
        id: ResourceId,
        appointments: WithAppointments,
    ) -> Result<(), ResourceError> {
        resources::deactivate(self, actor, id, appointments).await
    }

    /// Holidays of the first day and later, before the second, in their order, from behind `after` on.
    pub async fn holidays(
        &self,
        actor: &Actor,
        dates: (Option<NaiveDate>, Option<NaiveDate>),
        after: Option<(DateTime<Utc>, Uuid)>,
        limit: i64,
    ) -> Result<Vec<Holiday>, DbError> {
        let mut tx = self.db.read(actor.tenant()).await?;
        let holidays = store::holiday::page(&mut tx, dates, after, limit).await?;
        tx.finish().await?;
        Ok(holidays)
    }

    /// Makes a day a holiday. What is booked on it stays, and is named.
    pub async fn add_holiday(
        &self,
        actor: &Actor,
        new: NewHoliday,
        key: Option<&IdempotencyKey>,
    ) -> Result<AddedHoliday, HolidayError> {
        holidays::add(self, actor, new, key).await
    }

    /// Makes a holiday a day like others; `false` where there is none.
    pub async fn remove_holiday(&self, actor: &Actor, id: Uuid) -> Result<bool, DbError> {
        holidays::remove(self, actor, id).await
    }

    /// A resource's absences that meet a window, whole, in the order of their beginning, from behind `after` on. The
    /// window begins now, and has 366 days, where nothing else is said.
    pub async fn time_off(
        &self,
        actor: &Actor,
        resource: ResourceId,
        window: (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
        after: Option<(DateTime<Utc>, Uuid)>,
        limit: i64,
    ) -> Result<Vec<TimeOff>, TimeOffError> {
        time_off::list(self, actor, resource, window, after, limit).await
    }

    /// Says that a resource is away. What is booked stays, and is named; what is held stays a promise.
    pub async fn add_time_off(
        &self,
        actor: &Actor,
        resource: ResourceId,
        new: NewTimeOff,
        key: Option<&IdempotencyKey>,
    ) -> Result<AddedTimeOff, TimeOffError> {
        time_off::add(self, actor, resource, new, key).await
    }

    /// Says that a resource is not away after all; `false` where there is no such absence.
    pub async fn remove_time_off(&self, actor: &Actor, id: Uuid) -> Result<bool, DbError> {
        time_off::remove(self, actor, id).await
    }

    /// Where a resource's calendar is read; nothing where the business has no such resource.
    pub async fn feed_url(&self, actor: &Actor, id: ResourceId) -> Result<Option<String>, DbError> {
        let resource = self.resource(actor, id).await?;
        Ok(resource.map(|resource| self.url_of(actor, &resource)))
    }

    /// Gives a resource's calendar another address; the one before is void.
    pub async fn rotate_feed(&self, actor: &Actor, id: ResourceId) -> Result<String, ResourceError> {
        let resource = resources::rotate_feed(self, actor, id).await?;
        Ok(self.url_of(actor, &resource))
    }

    /// The calendar at an address; nothing where the address is not one of ours, in which case the database is not asked,
    /// or void by now, or where the business is not served.
    pub async fn feed(&self, tenant: TenantId, resource: ResourceId, file: &str) -> Result<Option<String>, DbError> {
        match FeedAddress::verified(tenant, resource, file, &self.settings.feed_key) {
            Some(address) => feed::feed(self, address).await,
            None => Ok(None),
        }
    }

    /// What calendar programs read: outside of `/v1`, without a token.
    pub fn feed_routes(&self) -> OpenApiRouter {
        http::feed_routes(self.clone())
    }

    fn url_of(&self, actor: &Actor, resource: &Resource) -> String {
        let address = FeedAddress { tenant: actor.tenant(), resource: resource.id, version: resource.feed_version };
        format!("{}{}", self.settings.public_base_url, address.path(&self.settings.feed_key))
    }
}
