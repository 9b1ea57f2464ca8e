//! Plays a conversation: a missed call, the caller's texts at their times, and what comes back.

use std::collections::HashMap;

use chrono::{DateTime, Datelike as _, NaiveDateTime, TimeDelta, Utc};
use nmc_conversation::{ConversationState, SETTLES_AFTER};
use nmc_kernel::{AppointmentId, ResourceId};
use nmc_scheduling::{Appointment, AppointmentStatus};
use nmc_simulators::twilio::{CallRequest, CallScenario, TextRequest};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::{
    business::Business,
    conversation::{Conversation, State},
    record::{Appointed, Exchange, Record, Sent, Slot},
    shop::{Shop, instant},
    stage::Stage,
};
use crate::SandboxError;

/// The caller has called so long before the first text.
const CALLED_BEFORE: TimeDelta = TimeDelta::minutes(1);
/// Between two texts in a row.
const BETWEEN_TEXTS: TimeDelta = TimeDelta::seconds(1);

/// Plays it on a stage.
pub(super) async fn play(
    stage: &mut Stage,
    business: &Business,
    conversation: &Conversation,
) -> Result<Record, SandboxError> {
    let shop = Shop::open(stage, business, conversation).await?;
    let mut player = Player {
        shop,
        stage,
        seen: Vec::new(),
        offers: Vec::new(),
        appointments: HashMap::new(),
        is_opted_out: false,
        is_human: false,
    };
    player.look_at_appointments(&[]).await?;
    let mut record = Record { greeting: player.call(conversation).await?, ..Record::default() };
    for (at, turns) in conversation.bursts() {
        record.exchanges.push(player.burst(conversation, at, &turns).await?);
    }
    player.end(&mut record).await?;
    Ok(record)
}

struct Player<'a> {
    shop: Shop,
    stage: &'a mut Stage,
    /// The texts that were there before.
    seen: Vec<Uuid>,
    /// What was offered last.
    offers: Vec<Offer>,
    /// Where each of the caller's appointments is, and what had been offered last when it came there.
    appointments: HashMap<AppointmentId, (DateTime<Utc>, Appointed)>,
    is_opted_out: bool,
    is_human: bool,
}

/// An offer as the product keeps it.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Offer {
    resource_id: ResourceId,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
}

/// Body, purpose, what it follows from, parts, id.
type Row = (String, String, Value, i16, Uuid);

impl Player<'_> {
    async fn call(&mut self, conversation: &Conversation) -> Result<Vec<Sent>, SandboxError> {
        self.stage.go_to(instant(conversation.at.0, self.shop.zone) - CALLED_BEFORE);
        let call = CallRequest::new(self.shop.caller.as_str(), self.shop.number.clone(), CallScenario::NoAnswer);
        self.stage.twilio.place_call(call).await;
        self.stage.settle().await?;
        self.texts().await
    }

    /// Texts in a row, and what comes back.
    async fn burst(
        &mut self,
        conversation: &Conversation,
        at: NaiveDateTime,
        turns: &[usize],
    ) -> Result<Exchange, SandboxError> {
        let offers = self.offers.clone();
        let was_opted_out = self.is_opted_out;
        let mut caller = Vec::new();
        self.stage.go_to(instant(at, self.shop.zone).max(self.stage.now()));
        self.stage.settle().await?;
        for turn in turns.iter().filter_map(|turn| conversation.turns.get(*turn)) {
            for taken in &turn.taken_before {
                if let Some(offer) = offers.get(taken.offer.wrapping_sub(1)) {
                    self.shop.snatch(self.stage, (offer.resource_id, offer.start, offer.end)).await?;
                }
            }
            let body = with_offers(&turn.caller, &self.slots(&offers));
            let picture = |nth| (format!("https://example.com/picture-{nth}.jpg"), "image/jpeg".to_owned());
            let text = TextRequest {
                media: (0..turn.media).map(picture).collect(),
                ..TextRequest::new(self.shop.caller.as_str(), self.shop.number.as_str(), body.clone())
            };
            let taken = self.stage.twilio.send_text(text).await.answer;
            if !taken.is_some_and(|answer| answer.is_success()) {
                return Err(SandboxError::Evaluation("a text was not taken in".to_owned()));
            }
            caller.push(body);
            self.stage.hear().await?;
            self.stage.go_to(self.stage.now() + BETWEEN_TEXTS);
        }
        self.stage.go_to(self.stage.now() - BETWEEN_TEXTS + SETTLES_AFTER);
        self.stage.settle().await?;
        let texts = self.texts().await?;
        self.look_at_appointments(&offers).await?;
        let busy = self.busy().await?;
        let (was_human, is_human) = (self.is_human, self.is_with_a_person().await?);
        self.is_human = is_human;
        let is_handed_over = is_human && !was_human;
        Ok(Exchange { at, caller, texts, busy, is_handed_over, was_opted_out, is_opted_out: self.is_opted_out })
    }

    /// How things stand at the end.
    async fn end(&mut self, record: &mut Record) -> Result<(), SandboxError> {
        let (owner, conversations) = (self.shop.owner(), &self.stage.modules.conversation);
        let state = conversations.conversation_with(&owner, &self.shop.caller).await?.map(|found| found.state);
        record.state = match state {
            Some(ConversationState::Open) => Some(State::Open),
            Some(ConversationState::Human) => Some(State::Human),
            Some(ConversationState::Closed) => Some(State::Closed),
            Some(ConversationState::Blocked) | None => None,
        };
        record.has_task = !conversations.open_tasks(&owner).await?.is_empty();
        record.appointments = self.appointments.values().map(|(_, appointed)| appointed.clone()).collect();
        record.appointments.sort_by_key(|appointed| appointed.start);
        let tenant = self.shop.tenant.as_uuid();
        // Each booking and each move takes a hold along.
        let not_held = "select count(*) from sched_appointments a where tenant_id = $1
            and (select count(*) from sched_appointment_changes c where c.tenant_id = a.tenant_id
                   and c.appointment_id = a.id and c.what in ('booked', 'moved') and c.user_id is null)
              > (select count(*) from sched_ended_holds h where h.tenant_id = a.tenant_id and h.appointment_id = a.id)";
        let look = &mut self.stage.superuser;
        record.not_held = sqlx::query_scalar(not_held).bind(tenant).fetch_one(&mut *look).await?;
        let double = "select count(*) from sched_appointments a join sched_appointments b
              on b.tenant_id = a.tenant_id and b.resource_id = a.resource_id and a.id < b.id
                and a.starts_at < b.ends_at and b.starts_at < a.ends_at
            where a.tenant_id = $1 and a.status = 'booked' and b.status = 'booked'";
        record.double_booked = sqlx::query_scalar(double).bind(tenant).fetch_one(&mut *look).await?;
        let errors = "select last_error from conv_turns where tenant_id = $1 and last_error is not null
            union all select last_error from outbox_events where tenant_id = $1 and last_error is not null
            union all select last_error from timers where tenant_id = $1 and last_error is not null";
        record.errors = sqlx::query_scalar(errors).bind(tenant).fetch_all(look).await?;
        Ok(())
    }

    /// The texts that have gone out since the last look.
    async fn texts(&mut self) -> Result<Vec<Sent>, SandboxError> {
        let sql = "select body, purpose, why, segments, id from conv_messages
            where tenant_id = $1 and provider_message_id is not null and not id = any($2) order by created_at, id";
        let rows: Vec<Row> = sqlx::query_as(sql)
            .bind(self.shop.tenant.as_uuid())
            .bind(&self.seen)
            .fetch_all(&mut self.stage.superuser)
            .await?;
        self.seen.extend(rows.iter().map(|row| row.4));
        let mut texts = Vec::new();
        for (body, purpose, why, segments, _) in rows {
            let acts = acts(&purpose, &why);
            // What was offered stays known of after it was picked; here it counts where the text says it.
            let is_offer = acts.iter().any(|act| act == "offer" || act == "ask-pick");
            let offers = if is_offer { offers(&why)? } else { Vec::new() };
            if !offers.is_empty() {
                self.offers.clone_from(&offers);
            }
            let item = why["item"].as_str().and_then(|id| self.shop.item_name(id.parse().ok()?)).map(str::to_owned);
            texts.push(Sent { body, acts, item, offers: self.slots(&offers), segments });
        }
        Ok(texts)
    }

    /// Sees what was booked, moved or called off, and whether the caller wants no texts.
    async fn look_at_appointments(&mut self, offers: &[Offer]) -> Result<(), SandboxError> {
        let mut tx = self.stage.db.read(self.shop.tenant).await?;
        let since = DateTime::UNIX_EPOCH;
        let scheduling = &self.stage.modules.scheduling;
        let all = scheduling.appointments_of_customer(&mut tx, &self.shop.caller, since).await?;
        self.is_opted_out = self.stage.modules.compliance.is_opted_out(&mut tx, &self.shop.caller).await?;
        tx.finish().await?;
        let booked: Vec<&Appointment> = all.iter().filter(|one| one.status == AppointmentStatus::Booked).collect();
        self.appointments.retain(|id, (start, _)| booked.iter().any(|one| one.id == *id && one.slot.start() == *start));
        for one in booked {
            let start = one.slot.start();
            let appointed = Appointed {
                item: self.shop.item_name(one.service_item_id).unwrap_or_default().to_owned(),
                start: self.shop.local(start),
                offers: self.slots(offers),
            };
            self.appointments.entry(one.id).or_insert((start, appointed));
        }
        Ok(())
    }

    async fn is_with_a_person(&mut self) -> Result<bool, SandboxError> {
        let sql = "select exists (select from conv_conversations where tenant_id = $1 and state = 'human')";
        let is_human = sqlx::query_scalar(sql).bind(self.shop.tenant.as_uuid());
        Ok(is_human.fetch_one(&mut self.stage.superuser).await?)
    }

    /// What others have in the calendar.
    async fn busy(&mut self) -> Result<Vec<Slot>, SandboxError> {
        let sql = "select resource_id, starts_at, ends_at from sched_appointments
            where tenant_id = $1 and status = 'booked' and customer_phone <> $2";
        let rows: Vec<(Uuid, DateTime<Utc>, DateTime<Utc>)> = sqlx::query_as(sql)
            .bind(self.shop.tenant.as_uuid())
            .bind(self.shop.caller.as_str())
            .fetch_all(&mut self.stage.superuser)
            .await?;
        let offers: Vec<Offer> =
            rows.into_iter().map(|(resource, start, end)| Offer { resource_id: resource.into(), start, end }).collect();
        Ok(self.slots(&offers))
    }

    fn slots(&self, offers: &[Offer]) -> Vec<Slot> {
        let slot = |offer: &Offer| Slot {
            resource: self.shop.resource_name(offer.resource_id).unwrap_or_default().to_owned(),
            start: self.shop.local(offer.start),
            end: self.shop.local(offer.end),
        };
        offers.iter().map(slot).collect()
    }
}

/// The acts of an answer; what the service itself must answer to a keyword has none of its own.
fn acts(purpose: &str, why: &Value) -> Vec<String> {
    match purpose {
        "opt-out-confirmation" => vec!["opted-out".to_owned()],
        "help" => vec!["help".to_owned()],
        _ => why["acts"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
    }
}

fn offers(why: &Value) -> Result<Vec<Offer>, SandboxError> {
    let offers = serde_json::from_value(why["offers"].clone());
    offers.map_err(|error| SandboxError::Evaluation(format!("an answer's offers cannot be read: {error}")))
}

/// The caller's words with those of the last offers put in: "{offer.2.time}" is "3:30", "{offer.1.day}" "Wednesday".
pub(super) fn with_offers(text: &str, offers: &[Slot]) -> String {
    let mut text = text.to_owned();
    for (nth, offer) in (1..).zip(offers) {
        let time = offer.start.format("%-I:%M").to_string();
        text = text.replace(&format!("{{offer.{nth}.time}}"), &time);
        text = text.replace(&format!("{{offer.{nth}.day}}"), weekday(offer.start));
    }
    text
}

/// In full.
pub(super) fn weekday(at: NaiveDateTime) -> &'static str {
    const NAMES: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    NAMES.get(at.weekday().num_days_from_monday() as usize).copied().unwrap_or_default()
}
