//! Opens one of the example businesses for a conversation.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use nmc_catalog::{Alias, AliasText, ItemName, NewItem};
use nmc_compliance::CampaignSubmission;
use nmc_identity::{NewTenant, TenantName, TenantSettings};
use nmc_kernel::{Actor, Currency, E164, Minutes, Money, ResourceId, Role, ServiceItemId, TenantId, Timeslot, UserId};
use nmc_scheduling::{Details, NewAppointment, NewHold, NewResource};
use uuid::Uuid;

use super::{business::Business, conversation::Conversation, stage::Stage};
use crate::SandboxError;

/// The caller of every conversation, and everybody else who books; both belong to nobody.
const CALLER: &str = "+16465550142";
const NEIGHBOUR: &str = "+16465550143";
/// A hold lasts no longer.
const HOLD_MAX: TimeDelta = TimeDelta::hours(8);

/// A business that is open, and who can be booked there.
pub(super) struct Shop {
    pub(super) tenant: TenantId,
    pub(super) zone: Tz,
    pub(super) number: E164,
    pub(super) caller: E164,
    items: HashMap<String, ServiceItemId>,
    resources: HashMap<String, ResourceId>,
}

impl Shop {
    /// Opens it, a day before the conversation begins, with what is in its calendar by then.
    pub(super) async fn open(
        stage: &mut Stage,
        business: &Business,
        conversation: &Conversation,
    ) -> Result<Self, SandboxError> {
        let zone = business.time_zone;
        stage.go_to(instant(conversation.at.0, zone) - TimeDelta::days(1));
        let number = stage.next_number()?;
        let tenant = found(stage, business, &number).await?;
        let mut shop = Self {
            tenant,
            zone,
            number,
            caller: E164::parse(CALLER).map_err(SandboxError::tenant)?,
            items: HashMap::new(),
            resources: HashMap::new(),
        };
        shop.stock(stage, business).await?;
        shop.staff(stage, business).await?;
        let others = E164::parse(NEIGHBOUR).map_err(SandboxError::tenant)?;
        let any_item = shop.items.values().next().copied();
        for taken in &conversation.taken {
            let resource = shop.resource(&taken.resource)?;
            let (mut from, until) = (instant(taken.from.0, zone), instant(taken.until.0, zone));
            while from < until {
                let end = until.min(from + HOLD_MAX);
                shop.book(stage, (resource, from, end), any_item, &others).await?;
                from = end;
            }
        }
        for existing in &conversation.existing {
            let start = instant(existing.start.0, zone);
            let item = business.item(&existing.item).map_or(0, |item| item.duration_minutes);
            let slot = (shop.resource(&existing.resource)?, start, start + TimeDelta::minutes(item.into()));
            shop.book(stage, slot, shop.items.get(&existing.item).copied(), &shop.caller).await?;
        }
        Ok(shop)
    }

    /// Somebody else books this of the resource with that id.
    pub(super) async fn snatch(
        &self,
        stage: &Stage,
        slot: (ResourceId, DateTime<Utc>, DateTime<Utc>),
    ) -> Result<(), SandboxError> {
        let others = E164::parse(NEIGHBOUR).map_err(SandboxError::tenant)?;
        self.book(stage, slot, self.items.values().next().copied(), &others).await
    }

    /// The item's name.
    pub(super) fn item_name(&self, id: ServiceItemId) -> Option<&str> {
        self.items.iter().find(|(_, item)| **item == id).map(|(name, _)| name.as_str())
    }

    /// The resource's name.
    pub(super) fn resource_name(&self, id: ResourceId) -> Option<&str> {
        self.resources.iter().find(|(_, resource)| **resource == id).map(|(name, _)| name.as_str())
    }

    /// Local time.
    pub(super) fn local(&self, at: DateTime<Utc>) -> NaiveDateTime {
        at.with_timezone(&self.zone).naive_local()
    }

    /// A person of the business.
    pub(super) fn owner(&self) -> Actor {
        Actor::User { tenant: self.tenant, user: UserId::from(Uuid::from_u128(1)), role: Role::Owner }
    }

    fn resource(&self, name: &str) -> Result<ResourceId, SandboxError> {
        self.resources.get(name).copied().ok_or_else(|| SandboxError::Tenant(format!("there is no {name}")))
    }

    async fn stock(&mut self, stage: &Stage, business: &Business) -> Result<(), SandboxError> {
        for item in &business.items {
            let new = NewItem {
                name: ItemName::parse(&item.name).map_err(SandboxError::tenant)?,
                duration: Minutes::new(item.duration_minutes).map_err(SandboxError::tenant)?,
                price: Money::new(item.price_cents, Currency::Usd).map_err(SandboxError::tenant)?,
                description: None,
            };
            let (owner, catalog) = (self.owner(), &stage.modules.catalog);
            let id = catalog.create_item(&owner, &new, None).await.map_err(SandboxError::tenant)?.id;
            let alias = |text: &String| AliasText::parse(text).map(|text| Alias { text, priority: 0 });
            let aliases = item.aliases.iter().map(alias).collect::<Result<_, _>>().map_err(SandboxError::tenant)?;
            catalog.put_aliases(&owner, id, aliases).await.map_err(SandboxError::tenant)?;
            self.items.insert(item.name.clone(), id);
        }
        Ok(())
    }

    async fn staff(&mut self, stage: &Stage, business: &Business) -> Result<(), SandboxError> {
        for resource in &business.resources {
            let skills = resource.skills.as_ref();
            let new = NewResource {
                name: resource.name.clone(),
                time_zone: None,
                weekly_hours: Some(resource.hours.hours()),
                buffer_before_minutes: None,
                buffer_after_minutes: None,
                minimum_notice_minutes: None,
                horizon_days: None,
                skills: skills.map(|names| names.iter().filter_map(|name| self.items.get(name).copied()).collect()),
            };
            let created = stage.modules.scheduling.create_resource(&self.owner(), new, None).await;
            self.resources.insert(resource.name.clone(), created.map_err(SandboxError::tenant)?.id);
        }
        Ok(())
    }

    async fn book(
        &self,
        stage: &Stage,
        (resource_id, start, end): (ResourceId, DateTime<Utc>, DateTime<Utc>),
        item: Option<ServiceItemId>,
        phone: &E164,
    ) -> Result<(), SandboxError> {
        let item = item.ok_or_else(|| SandboxError::Tenant("it sells nothing".to_owned()))?;
        let new = NewHold {
            resource_id,
            slot: Timeslot::new(start, end).map_err(SandboxError::tenant)?,
            service_item_id: None,
            conversation_id: None,
            moves_appointment_id: None,
            is_override: true,
        };
        let scheduling = &stage.modules.scheduling;
        let held = scheduling.hold(&self.owner(), &new, None).await;
        let held = held.map_err(|refused| SandboxError::tenant(refused.error))?;
        let new = NewAppointment {
            hold_id: held.hold_id,
            service_item_id: item,
            customer_phone: phone.clone(),
            details: Details::default(),
        };
        let booked = scheduling.book(&self.owner(), &new, None).await;
        booked.map(|_| ()).map_err(|refused| SandboxError::tenant(refused.error))
    }
}

/// The business with its settings, an approved campaign and its number.
async fn found(stage: &Stage, business: &Business, number: &E164) -> Result<TenantId, SandboxError> {
    let settings = TenantSettings {
        opening_hours: business.opening_hours.hours(),
        address: Some(business.address.clone()),
        ask_for_name: business.ask_for_name,
        ask_for_address: business.ask_for_address,
        ..TenantSettings::default()
    };
    let name = TenantName::parse(&business.name).map_err(SandboxError::tenant)?;
    let new = NewTenant { name, time_zone: business.time_zone, settings };
    let tenant = stage.modules.identity.create_tenant(new).await.map_err(SandboxError::tenant)?;
    let (operator, compliance) = (Actor::Operator { tenant }, &stage.modules.compliance);
    let campaign = CampaignSubmission {
        legal_name: format!("{} LLC", business.name),
        description: "Answers to people who called and were not picked up.".to_owned(),
        sample_message: format!("{}: sorry we missed your call. Reply STOP to opt out.", business.name),
    };
    compliance.submit_campaign(&operator, &campaign).await.map_err(SandboxError::tenant)?;
    compliance.approve_campaign(&operator, 1).await.map_err(SandboxError::tenant)?;
    compliance.add_receiving_number(&operator, number).await.map_err(SandboxError::tenant)?;
    Ok(tenant)
}

/// The instant of a local time. One that clocks pass over is none of a test conversation's.
pub(super) fn instant(at: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    zone.from_local_datetime(&at).earliest().map_or_else(|| at.and_utc(), |at| at.with_timezone(&Utc))
}
