//! Whoever has an appointment is reminded of it the day before: once, at the right time, and only a caller.

use std::{pin::Pin, task::Poll};

use chrono::{DateTime, Duration, Utc};
use nmc_compliance::Purpose;
use nmc_conversation::{ConversationState, Message, Settings, TaskKind};
use nmc_events::scheduling::CancelledReason;
use nmc_identity::{Language, TenantSettings};
use nmc_kernel::{AppointmentId, E164, HoldId, Random, ResourceId, ServiceItemId, Timeslot};
use nmc_scheduling::{AppointmentStatus, Details, NewAppointment, NewHold};
use nmc_testkit::eventually;
use nmc_timers::Timers;

use crate::{
    setup::{World, bodies_sent, business, caller, greeted, new_message, phone, settings},
    shop::{acts, brief, shop, shop_with},
};

/// 15:00 on the friday after, in New York.
const FRIDAY_AT_3: &str = "2026-06-12T19:00:00Z";

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

impl World {
    async fn only<T>(&self, sql: &'static str) -> T
    where
        T: From<uuid::Uuid>,
    {
        let id: uuid::Uuid = sqlx::query_scalar(sql).fetch_one(&mut self.superuser().await).await.unwrap();
        id.into()
    }

    /// A person holds a time, for what moves or for somebody new.
    async fn hold(&self, start: &str, moves: Option<AppointmentId>) -> HoldId {
        let (item, resource_id): (ServiceItemId, ResourceId) = (
            self.only("select id from catalog_service_items").await,
            self.only("select id from sched_resources").await,
        );
        let new = NewHold {
            resource_id,
            slot: Timeslot::new(utc(start), utc(start) + Duration::hours(1)).unwrap(),
            service_item_id: Some(item),
            conversation_id: None,
            moves_appointment_id: moves,
            is_override: true,
        };
        self.app.scheduling.hold(&self.owner(), &new, None).await.unwrap().hold_id
    }

    /// A person books for a customer.
    pub(crate) async fn book(&self, who: &E164, start: &str) -> AppointmentId {
        let new = NewAppointment {
            hold_id: self.hold(start, None).await,
            service_item_id: self.only("select id from catalog_service_items").await,
            customer_phone: who.clone(),
            details: Details::default(),
        };
        self.app.scheduling.book(&self.owner(), &new, None).await.unwrap().appointment_id
    }

    async fn moves(&self, id: AppointmentId, start: &str) {
        let hold = self.hold(start, Some(id)).await;
        self.app.scheduling.reschedule(&self.owner(), id, hold).await.unwrap();
    }

    async fn calls_off(&self, id: AppointmentId) {
        self.app.scheduling.cancel(&self.owner(), id, CancelledReason::Tenant).await.unwrap();
    }

    async fn status(&self, id: AppointmentId) -> AppointmentStatus {
        let mut tx = self.app.db.read(self.tenant).await.unwrap();
        let appointment = self.app.scheduling.appointment(&mut tx, id).await.unwrap().unwrap();
        tx.finish().await.unwrap();
        appointment.status
    }

    async fn start(&self, id: AppointmentId) -> DateTime<Utc> {
        let mut tx = self.app.db.read(self.tenant).await.unwrap();
        let appointment = self.app.scheduling.appointment(&mut tx, id).await.unwrap().unwrap();
        tx.finish().await.unwrap();
        appointment.slot.start()
    }

    /// The reminders of the caller's live or newest conversation.
    async fn reminders(&self, who: &E164) -> Vec<Message> {
        let messages = self.messages(who).await.into_iter();
        messages.filter(|message| message.purpose == Some(Purpose::Reminder)).collect()
    }

    /// What people were asked to remind of.
    async fn asked_to_remind(&self) -> Vec<String> {
        let tasks = self.app.conversation.open_tasks(&self.owner()).await.unwrap().into_iter();
        tasks.map(|task| task.text).filter(|text| text.starts_with("Remind")).collect()
    }

    async fn reminders_of_all(&self) -> i64 {
        self.count("select count(*) from conv_messages where purpose = 'reminder'").await
    }
}

#[tokio::test]
async fn who_booked_by_text_is_reminded_the_day_before() {
    let world = shop().await;
    greeted(&world, &caller()).await;
    world.says(&caller(), "leak repair friday at 3").await;
    world.says(&caller(), "the first one").await;
    assert_eq!(world.says(&caller(), "yes").await, ["booked"]);
    let id: AppointmentId = world.only("select id from sched_appointments").await;
    assert_eq!(world.start(id).await, utc(FRIDAY_AT_3));
    world.waits_until("2026-06-11T18:59:59Z").await;
    assert!(world.reminders(&caller()).await.is_empty());
    world.waits_until("2026-06-11T19:00:00Z").await;
    let reminders = world.reminders(&caller()).await;
    assert_eq!(reminders.len(), 1);
    let expected = "Example Plumbing: a reminder of your Leak repair on Friday, June 12 at 3:00 PM. Reply OK to confirm, or tell me another time.";
    assert_eq!(bodies_sent(&world, &caller()).last().unwrap(), expected);
    assert_eq!(reminders[0].why["appointment_id"], id.to_string());
    assert_eq!(acts(&reminders[0]), ["reminder"]);
    assert_eq!(world.says(&caller(), "ok").await, ["confirmed"]);
    assert_eq!(world.status(id).await, AppointmentStatus::Booked);
    assert!(world.tasks().await.is_empty());
    world.waits_until("2026-06-14T19:00:00Z").await;
    assert_eq!(world.reminders(&caller()).await.len(), 1);
}

#[tokio::test]
async fn a_conversation_that_was_closed_is_followed_by_a_new_one() {
    let world = shop().await;
    let first = greeted(&world, &caller()).await;
    world.app.conversation.close(&world.owner(), first).await.unwrap();
    // Two of them: it is about the one of the reminder.
    let other = world.book(&caller(), "2026-06-15T14:00:00Z").await;
    let id = world.book(&caller(), FRIDAY_AT_3).await;
    world.waits_until("2026-06-11T19:00:00Z").await;
    let thread = world.thread(&caller()).await.unwrap();
    assert!(thread.id != first && thread.state == ConversationState::Open);
    let sent = bodies_sent(&world, &caller());
    assert_eq!(sent.len(), 2, "it is greeted no second time: {sent:?}");
    assert!(sent[1].starts_with("Example Plumbing: a reminder of your Leak repair on Friday"), "{}", sent[1]);
    assert_eq!(world.events("conversation.ConversationStarted").await.len(), 2);
    assert_eq!(world.says(&caller(), "sorry, can't make it").await, ["ask-confirm"]);
    assert!(bodies_sent(&world, &caller())[2].contains("Friday, June 12 at 3:00 PM"));
    assert_eq!(world.says(&caller(), "yes").await, ["cancelled"]);
    assert_eq!(world.status(id).await, AppointmentStatus::Cancelled);
    assert_eq!(world.status(other).await, AppointmentStatus::Booked);
}

#[tokio::test]
async fn another_time_is_answered_with_times() {
    let world = shop().await;
    greeted(&world, &caller()).await;
    let id = world.book(&caller(), FRIDAY_AT_3).await;
    world.waits_until("2026-06-11T19:00:00Z").await;
    assert_eq!(world.says(&caller(), "can we do monday at 10 instead").await, ["offer"]);
    assert_eq!(world.says(&caller(), "the first one").await, ["moved"]);
    assert_eq!(world.start(id).await, utc("2026-06-15T14:00:00Z"));
    // And is reminded of that.
    world.waits_until("2026-06-14T14:00:00Z").await;
    assert_eq!(world.reminders(&caller()).await.len(), 2);
    assert!(bodies_sent(&world, &caller()).last().unwrap().contains("Monday, June 15 at 10:00 AM"));
}

#[tokio::test]
async fn who_has_never_called_or_written_gets_no_text() {
    let world = shop().await;
    greeted(&world, &caller()).await;
    world.book(&phone("+12125550177"), FRIDAY_AT_3).await;
    world.waits_until("2026-06-12T22:00:00Z").await;
    assert_eq!(world.reminders_of_all().await, 0);
    assert_eq!(world.thread(&phone("+12125550177")).await, None);
}

#[tokio::test]
async fn a_move_is_reminded_of_at_its_own_time_and_what_is_called_off_not_at_all() {
    let world = shop().await;
    greeted(&world, &caller()).await;
    let moved = world.book(&caller(), FRIDAY_AT_3).await;
    let gone = world.book(&caller(), "2026-06-12T14:00:00Z").await;
    world.play().await;
    world.moves(moved, "2026-06-16T15:00:00Z").await;
    world.calls_off(gone).await;
    world.waits_until("2026-06-13T00:00:00Z").await;
    assert_eq!(world.reminders_of_all().await, 0);
    world.waits_until("2026-06-15T15:00:00Z").await;
    assert_eq!(world.reminders_of_all().await, 1);
    assert!(bodies_sent(&world, &caller()).last().unwrap().contains("Tuesday, June 16 at 11:00 AM"));
    // Moved after it was reminded of: the new time is another thing to be reminded of.
    world.moves(moved, "2026-06-18T15:00:00Z").await;
    world.waits_until("2026-06-17T15:00:00Z").await;
    assert_eq!(world.reminders_of_all().await, 2);
}

/// The news of a move may be heard before that of the booking, and any of them late.
#[tokio::test]
async fn the_order_in_which_changes_are_heard_of_does_not_matter() {
    for (moved_to, reminders) in [(Some("2026-06-16T15:00:00Z"), 1), (None, 0)] {
        let world = shop().await;
        greeted(&world, &caller()).await;
        let id = world.book(&caller(), FRIDAY_AT_3).await;
        let hold_back = |name: &'static str, is_held: bool| {
            let sql = if is_held {
                "update outbox_events set dispatched_at = now() where event_name = $1"
            } else {
                "update outbox_events set dispatched_at = null where event_name = $1"
            };
            sqlx::query(sql).bind(name)
        };
        let booked = "nmc.scheduling.AppointmentBooked";
        hold_back(booked, true).execute(&mut world.superuser().await).await.unwrap();
        match moved_to {
            Some(start) => world.moves(id, start).await,
            None => world.calls_off(id).await,
        }
        world.dispatcher(41).drain().await.unwrap();
        hold_back(booked, false).execute(&mut world.superuser().await).await.unwrap();
        world.waits_until("2026-06-15T14:59:00Z").await;
        assert_eq!(world.reminders_of_all().await, 0);
        world.waits_until("2026-06-15T15:00:00Z").await;
        assert_eq!(world.reminders_of_all().await, reminders);
    }
}

#[tokio::test]
async fn whoever_was_just_told_is_not_reminded() {
    let world = shop().await;
    greeted(&world, &caller()).await;
    // Reminded would be at 15:00 of the next day: this is told 25 hours before, that one 11.
    let early = world.book(&caller(), FRIDAY_AT_3).await;
    world.waits_until("2026-06-11T09:00:00Z").await;
    world.book(&caller(), "2026-06-12T20:00:00Z").await;
    world.waits_until("2026-06-12T13:00:00Z").await;
    let reminders = world.reminders(&caller()).await;
    let of: Vec<&str> = reminders.iter().map(|reminder| reminder.why["appointment_id"].as_str().unwrap()).collect();
    assert_eq!(of, [early.to_string()]);
}

#[tokio::test]
async fn who_has_a_person_is_reminded_by_that_person() {
    // Whatever its callers speak.
    let world = shop_with(TenantSettings { languages: vec![Language::Es], ..brief() }).await;
    let id = greeted(&world, &caller()).await;
    world.book(&caller(), FRIDAY_AT_3).await;
    world.play().await;
    world.app.conversation.take_over(&world.owner(), id).await.unwrap();
    world.waits_until("2026-06-11T19:00:00Z").await;
    assert_eq!(world.reminders_of_all().await, 0);
    let tasks = world.app.conversation.open_tasks(&world.owner()).await.unwrap();
    assert_eq!(tasks.len(), 1);
    let (kind, text) = (tasks[0].kind, tasks[0].text.as_str());
    let expected = "Remind the customer, whose conversation you have: Leak repair on Friday, June 12 at 3:00 PM.";
    assert_eq!((kind, text, tasks[0].conversation_id), (TaskKind::Check, expected, Some(id)));
}

#[tokio::test]
async fn nobody_is_reminded_against_their_will_or_the_businesss() {
    for case in ["stop", "opted-out", "switched-off", "not-approved", "do-not-text"] {
        let world = shop().await;
        greeted(&world, &caller()).await;
        world.book(&caller(), FRIDAY_AT_3).await;
        world.play().await;
        match case {
            "stop" => drop(world.text(&caller(), "STOP").await),
            "opted-out" => world.opt_out(&caller()).await,
            "not-approved" => world.reject().await,
            "do-not-text" => {
                let (compliance, owner) = (&world.app.compliance, world.owner());
                compliance.add_do_not_text(&owner, &caller(), "asked not to be texted", None).await.unwrap();
            }
            _ => {
                let sql = "update id_tenants set settings = jsonb_set(settings, '{reminder}', 'false')";
                sqlx::query(sql).execute(&mut world.superuser().await).await.unwrap();
            }
        }
        world.waits_until("2026-06-11T19:00:00Z").await;
        world.waits_until("2026-06-12T19:00:00Z").await;
        assert_eq!(world.reminders_of_all().await, 0, "{case}");
        assert_eq!(world.count("select count(*) from conv_conversations").await, 1, "{case}: none is begun in vain");
        assert_eq!(world.count("select count(*) from timers where kind = 'conversation.reminder'").await, 0, "{case}");
        // Who wants to be reminded and gets no text is a person's to remind.
        let is_a_persons = ["not-approved", "do-not-text"].contains(&case);
        assert_eq!(world.asked_to_remind().await.len(), usize::from(is_a_persons), "{case}");
    }
}

#[tokio::test]
async fn who_waits_for_a_person_until_it_is_too_late_is_reminded_by_one() {
    let world = shop().await;
    greeted(&world, &caller()).await;
    world.book(&caller(), FRIDAY_AT_3).await;
    let waiting = "update conv_conversations set waiting_since = opened_at";
    sqlx::query(waiting).execute(&mut world.superuser().await).await.unwrap();
    world.waits_until("2026-06-12T16:54:59Z").await;
    assert!(world.asked_to_remind().await.is_empty());
    world.waits_until("2026-06-12T16:59:59Z").await;
    let expected = "Remind the customer, who gets no text: Leak repair on Friday, June 12 at 3:00 PM.";
    assert_eq!(world.asked_to_remind().await, [expected]);
    assert_eq!(world.reminders_of_all().await, 0);
}

/// It waits while sending is paused, and a person takes the conversation over, or ends it.
#[tokio::test]
async fn what_is_taken_back_with_all_else_is_a_persons_to_say() {
    for closes in [false, true] {
        let world = shop().await;
        let id = greeted(&world, &caller()).await;
        world.book(&caller(), FRIDAY_AT_3).await;
        world.play().await;
        let world = world.restarted(&Settings { is_paused: true, ..settings() });
        world.waits_until("2026-06-11T19:00:00Z").await;
        assert_eq!(world.reminders_of_all().await, 1);
        let (conversations, owner) = (&world.app.conversation, world.owner());
        let changed =
            if closes { conversations.close(&owner, id).await } else { conversations.take_over(&owner, id).await };
        changed.unwrap();
        world.is_silent(Duration::minutes(5)).await;
        let who = if closes { "who gets no text" } else { "whose conversation you have" };
        let expected = format!("Remind the customer, {who}: Leak repair on Friday, June 12 at 3:00 PM.");
        assert_eq!(world.asked_to_remind().await, [expected]);
        assert_eq!(world.count("select count(*) from conv_conversations").await, 1);
    }
}

#[tokio::test]
async fn a_call_after_a_reminder_is_greeted() {
    let world = shop().await;
    greeted(&world, &caller()).await;
    world.book(&caller(), FRIDAY_AT_3).await;
    world.waits_until("2026-06-11T19:00:00Z").await;
    assert_eq!(world.reminders_of_all().await, 1);
    world.wait(Duration::minutes(5));
    let call = world.call(&caller()).await;
    world.play().await;
    assert_eq!(world.why(call).await.0, "greeted");
    assert_eq!(bodies_sent(&world, &caller()).len(), 3);
}

/// The reminder that told them who writes did not arrive; the one that is sent in its place tells them as well.
#[tokio::test]
async fn a_reminder_that_is_sent_again_introduces_as_the_first() {
    let world = shop().await;
    greeted(&world, &caller()).await;
    let failed = "update conv_messages set status = 'failed' where purpose = 'greeting'";
    sqlx::query(failed).execute(&mut world.superuser().await).await.unwrap();
    world.book(&caller(), FRIDAY_AT_3).await;
    world.waits_until("2026-06-11T19:00:00Z").await;
    let reminder = world.twilio.accepted().pop().unwrap();
    let url = reminder.status_callback.unwrap();
    world.callback(&url, &reminder.sid, "undelivered", Some(30_001)).await;
    for _ in 0..8 {
        world.play().await;
        world.wait(Duration::seconds(30));
    }
    assert_eq!(world.reminders_of_all().await, 2);
    assert_eq!(world.says(&caller(), "ok").await, ["confirmed"]);
}

/// Whoever has not been told yet who writes, that it is automated, and how to end it, is told now.
#[tokio::test]
async fn who_was_never_greeted_is_told_who_writes() {
    for (language, expected) in [
        (
            Language::En,
            "Hi, this is the automated assistant of Example Plumbing with a reminder of your Leak repair on Friday, June 12 at 3:00 PM. Reply OK to confirm, or tell me another time. Reply STOP to opt out.",
        ),
        (
            Language::Es,
            "Hola, soy el asistente automatico de Example Plumbing y le recuerdo su cita: Leak repair, viernes 12 de junio, 3:00 PM. Responda OK para confirmar, o digame otro horario. Responda STOP para no recibir mas mensajes.",
        ),
    ] {
        let world = shop_with(TenantSettings { languages: vec![language], ..brief() }).await;
        greeted(&world, &caller()).await;
        let failed = "update conv_messages set status = 'failed' where purpose = 'greeting'";
        sqlx::query(failed).execute(&mut world.superuser().await).await.unwrap();
        world.book(&caller(), FRIDAY_AT_3).await;
        world.waits_until("2026-06-11T19:00:00Z").await;
        assert_eq!(bodies_sent(&world, &caller()).last().unwrap(), expected);
        // So that it is answered as well.
        assert_eq!(world.says(&caller(), "ok").await, ["confirmed"]);
    }
}

#[tokio::test]
async fn who_waits_for_an_answer_gets_that_first() {
    let world = shop().await;
    greeted(&world, &caller()).await;
    world.book(&caller(), FRIDAY_AT_3).await;
    world.waits_until("2026-06-11T18:59:59Z").await;
    world.text(&caller(), "what are your prices for a leak").await;
    world.deliver().await;
    world.wait(Duration::seconds(2));
    world.deliver().await;
    assert_eq!(world.reminders_of_all().await, 0);
    world.wait(Duration::seconds(1));
    world.play().await;
    assert_eq!(world.answers(&caller()).await.len(), 1);
    world.is_silent(Duration::minutes(5)).await;
    assert_eq!(world.reminders_of_all().await, 1);
}

/// 15:00 in New York is 9 in the morning in Honolulu; 9 in New York is 3 at night there.
#[tokio::test]
async fn the_night_is_quiet_where_the_customer_is() {
    let world = shop().await;
    let far = phone("+18085550142");
    greeted(&world, &far).await;
    world.book(&far, "2026-06-15T13:00:00Z").await;
    world.waits_until("2026-06-14T13:00:00Z").await;
    assert_eq!(world.reminders_of_all().await, 0);
    assert_eq!(world.count("select count(*) from effect_intents where state = 'pending'").await, 0);
    world.waits_until("2026-06-14T17:59:59Z").await;
    assert_eq!(world.reminders_of_all().await, 0);
    world.waits_until("2026-06-14T18:00:00Z").await;
    assert_eq!(world.reminders_of_all().await, 1);
    // Called off during the night, it is not reminded of in the morning.
    let world = shop().await;
    greeted(&world, &far).await;
    let gone = world.book(&far, "2026-06-15T13:00:00Z").await;
    world.waits_until("2026-06-14T13:00:00Z").await;
    world.calls_off(gone).await;
    world.waits_until("2026-06-15T12:00:00Z").await;
    assert_eq!(world.reminders_of_all().await, 0);
}

/// The day before is one of 23 or 25 hours, or the appointment's own is.
#[tokio::test]
async fn the_time_of_day_is_that_of_the_clocks_in_the_town() {
    let cases = [
        ("2026-11-01T18:00:00Z", "2026-10-31T17:00:00Z"),
        ("2026-11-02T18:00:00Z", "2026-11-01T18:00:00Z"),
        ("2027-03-14T17:00:00Z", "2027-03-13T18:00:00Z"),
        ("2027-03-15T17:00:00Z", "2027-03-14T17:00:00Z"),
    ];
    for (start, due) in cases {
        let world = shop().await;
        world.waits_until(&(utc(start) - Duration::days(3)).to_rfc3339()).await;
        greeted(&world, &caller()).await;
        world.book(&caller(), start).await;
        world.waits_until(&(utc(due) - Duration::seconds(1)).to_rfc3339()).await;
        assert_eq!(world.reminders_of_all().await, 0, "{start}");
        world.waits_until(due).await;
        assert_eq!(world.reminders_of_all().await, 1, "{start}");
        assert!(bodies_sent(&world, &caller()).last().unwrap().contains(" at 1:00 PM."), "{start}");
    }
}

/// What waits while sending is paused is not sent once it is not so any more.
#[tokio::test]
async fn what_has_moved_before_it_is_sent_is_not_sent() {
    for moves in [true, false] {
        let world = shop().await;
        greeted(&world, &caller()).await;
        let id = world.book(&caller(), FRIDAY_AT_3).await;
        world.play().await;
        let world = world.restarted(&Settings { is_paused: true, ..settings() });
        world.waits_until("2026-06-11T19:00:00Z").await;
        assert_eq!(world.reminders_of_all().await, 1);
        if moves {
            world.moves(id, "2026-06-16T15:00:00Z").await;
        } else {
            world.calls_off(id).await;
        }
        let world = world.restarted(&settings());
        world.wait(Duration::seconds(10));
        world.play().await;
        assert_eq!(bodies_sent(&world, &caller()).len(), 1, "the greeting alone");
        assert_eq!(world.reminders(&caller()).await[0].failure.as_deref(), Some("superseded"));
        assert!(world.tasks().await.is_empty());
        world.waits_until("2026-06-15T15:00:00Z").await;
        assert_eq!(bodies_sent(&world, &caller()).len(), 1 + usize::from(moves));
    }
}

/// A dispatcher that was down for long does not remind of what begins at once.
#[tokio::test]
async fn nobody_is_reminded_when_it_is_too_late() {
    for (back_at, reminders) in [("2026-06-12T16:59:59Z", 1), ("2026-06-12T17:00:00Z", 0)] {
        let world = shop().await;
        greeted(&world, &caller()).await;
        world.book(&caller(), FRIDAY_AT_3).await;
        world.waits_until(back_at).await;
        assert_eq!(world.reminders_of_all().await, reminders, "{back_at}");
    }
}

#[tokio::test]
async fn what_a_person_wrote_does_not_keep_the_reminder_away_once_they_give_it_back() {
    let world = shop().await;
    let id = greeted(&world, &caller()).await;
    world.says(&caller(), "leak repair monday at 10").await;
    world.app.conversation.write(&world.owner(), id, &new_message("Friday at 3 it is"), None).await.unwrap();
    world.app.conversation.release(&world.owner(), id).await.unwrap();
    let appointment = world.book(&caller(), FRIDAY_AT_3).await;
    world.waits_until("2026-06-11T19:00:00Z").await;
    assert_eq!(world.reminders_of_all().await, 1);
    // The times from before the person are offered no more.
    assert_eq!(world.says(&caller(), "1").await.iter().filter(|act| *act == "ask-confirm").count(), 0);
    assert_eq!(world.says(&caller(), "yes").await.iter().filter(|act| *act == "booked").count(), 0);
    assert_eq!(world.status(appointment).await, AppointmentStatus::Booked);
    assert_eq!(world.booked().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_dispatchers_remind_once() {
    let world = shop().await;
    let first = greeted(&world, &caller()).await;
    world.app.conversation.close(&world.owner(), first).await.unwrap();
    world.book(&caller(), FRIDAY_AT_3).await;
    world.book(&caller(), "2026-06-12T20:00:00Z").await;
    world.play().await;
    world.wait(Duration::hours(30));
    let clocks = [51, 52, 53].map(|seed| {
        let timers = Timers::new(world.dispatcher.db.clone(), nmc_timers::Settings::default(), Random::seeded(seed));
        world.dispatcher.conversation.timers(timers)
    });
    let (one, two, three) = tokio::join!(clocks[0].fire_due(), clocks[1].fire_due(), clocks[2].fire_due());
    one.and(two).and(three).unwrap();
    world.play().await;
    assert_eq!(world.reminders_of_all().await, 2, "each appointment has one");
    assert_eq!(world.count("select count(*) from conv_conversations").await, 2, "in one conversation");
    assert_eq!(bodies_sent(&world, &caller()).len(), 3);
}

/// A dispatcher that dies while it reminds: at every point at which it waits for anything.
#[tokio::test]
async fn whoever_dies_anywhere_is_followed_by_one_reminder() {
    let (world, mut deaths) = (shop().await, 0);
    for wakes in 0..200 {
        let who = phone(&format!("+1212555{:04}", 1_000 + wakes));
        greeted(&world, &who).await;
        let start = (world.now() + Duration::days(3)).to_rfc3339();
        let id = world.book(&who, &start).await;
        world.play().await;
        world.wait(Duration::days(2));
        let timers = world.timers.clone();
        let mut working = Box::pin(async move { timers.fire_due().await });
        let mut left = wakes;
        let is_done = std::future::poll_fn(|context| match Pin::as_mut(&mut working).poll(context) {
            Poll::Ready(fired) => Poll::Ready(fired.is_ok()),
            Poll::Pending if left == 0 => Poll::Ready(false),
            Poll::Pending => {
                left -= 1;
                Poll::Pending
            }
        })
        .await;
        drop(working);
        let open = "select count(*) from pg_stat_activity
                    where datname = current_database() and usename = 'nmc_dispatcher' and state <> 'idle'";
        assert!(eventually(std::time::Duration::from_secs(10), async || world.count(open).await == 0).await);
        // Longer than a timer is kept from others.
        for _ in 0..2 {
            world.wait(Duration::minutes(2));
            world.play().await;
        }
        assert_eq!(world.reminders(&who).await.len(), 1, "{wakes}");
        assert_eq!(bodies_sent(&world, &who).len(), 2, "the greeting and one reminder, {wakes}");
        world.calls_off(id).await;
        if is_done {
            break;
        }
        deaths += 1;
    }
    println!("{deaths} deaths over a reminder");
    assert!((1..200).contains(&deaths));
    assert_eq!(business(), phone("+12125550100"));
}
