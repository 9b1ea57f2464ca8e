//! What these tests do again and again.

use axum::http::Method;
use chrono::{DateTime, Duration, Utc};
use nmc_events::Context;
use nmc_kernel::{
    Actor, ConversationId, CorrelationId, E164, HoldId, ResourceId, Role, ServiceItemId, Timeslot, UserId,
};
use nmc_scheduling::{Booked, Details, Held, HoldError, NewAppointment, NewHold, Refused, Resource};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{Answer, World, at};

/// Thursday, 10:00 in New York; the world stands on the Wednesday before.
pub(crate) const TEN: &str = "2026-06-11T14:00:00Z";
pub(crate) const CALLER: &str = "+12125550142";

pub(crate) fn slot(start: &str, minutes: i64) -> Timeslot {
    let start = at(start);
    Timeslot::new(start, start + Duration::minutes(minutes)).unwrap()
}

pub(crate) fn caller() -> E164 {
    E164::parse(CALLER).unwrap()
}

pub(crate) fn conversation(number: u128) -> ConversationId {
    Uuid::from_u128(number).into()
}

pub(crate) fn context() -> Context {
    Context { correlation: CorrelationId::from(Uuid::from_u128(77)), causation: None }
}

/// An hour of a resource, by the rules, for nothing said.
pub(crate) fn an_hour(resource: ResourceId, start: &str) -> NewHold {
    NewHold {
        resource_id: resource,
        slot: slot(start, 60),
        service_item_id: None,
        conversation_id: None,
        moves_appointment_id: None,
        is_override: false,
    }
}

pub(crate) fn booking(hold: HoldId, item: ServiceItemId) -> NewAppointment {
    NewAppointment {
        hold_id: hold,
        service_item_id: item,
        customer_phone: caller(),
        details: Details::new(Some("Pat Example"), Some("1 Main St"), Some("Ring twice")).unwrap(),
    }
}

pub(crate) fn code_of(held: Result<Held, Refused<HoldError>>) -> String {
    match held {
        Ok(_) => "held".to_owned(),
        Err(Refused { error, .. }) => nmc_web::Problem::from(error).code().to_owned(),
    }
}

impl World {
    /// A resource with 15 minutes between its appointments.
    pub(crate) async fn apart(&self, name: &str) -> Resource {
        let body = json!({ "name": name, "buffer_before_minutes": 15, "buffer_after_minutes": 15 });
        self.made(body).await
    }

    pub(crate) async fn made(&self, body: Value) -> Resource {
        let new = serde_json::from_value(body).unwrap();
        self.scheduling.create_resource(&self.owner(), new, None).await.unwrap()
    }

    pub(crate) async fn try_hold(&self, new: &NewHold) -> Result<Held, Refused<HoldError>> {
        self.scheduling.hold(&self.owner(), new, None).await
    }

    /// Books an hour by the rules.
    pub(crate) async fn booked(&self, resource: ResourceId, start: &str) -> Booked {
        let hold = self.try_hold(&an_hour(resource, start)).await.unwrap().hold_id;
        self.scheduling.book(&self.owner(), &booking(hold, self.item), None).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.owner(), Method::POST, path, Some(body)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.owner(), Method::GET, path, None).await
    }

    pub(crate) fn system(&self) -> Actor {
        Actor::System { tenant: self.tenant }
    }

    pub(crate) fn person(&self, number: u128) -> Actor {
        Actor::User { tenant: self.tenant, user: UserId::from(Uuid::from_u128(number)), role: Role::Tech }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub(crate) async fn close_gate(&self) {
        sqlx::query(
            "insert into id_feature_gates (tenant_id, id, gate, enabled, reason, created_at, updated_at)
             values ($1, gen_random_uuid(), 'booking', false, 'canceled', now(), now())",
        )
        .bind(self.tenant.as_uuid())
        .execute(&mut self.superuser().await)
        .await
        .unwrap();
    }
}
