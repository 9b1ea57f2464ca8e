//! Many at once.

use std::{sync::Arc, time::Duration};

use nmc_db::DbError;
use nmc_kernel::Timeslot;
use nmc_scheduling::{BookError, HoldError, NewHold, Refusal, Refused, RescheduleError, Slot};
use nmc_testkit::eventually;
use tokio::{sync::Barrier, task::JoinSet};

use crate::{
    play::{TEN, an_hour, booking, context},
    world::World,
};

const RACERS: u128 = 16;

fn sorted_out(error: &DbError) -> bool {
    error.is_collision()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_sixteen_who_want_one_slot_one_has_it_and_the_others_are_offered_another() {
    let world = Arc::new(World::new().await);
    let resource = world.apart("Alex").await.id;
    for round in ["2026-06-11T14:00:00Z", "2026-06-12T14:00:00Z", "2026-06-15T14:00:00Z"] {
        let barrier = Arc::new(Barrier::new(usize::try_from(RACERS).unwrap()));
        let mut racers = JoinSet::new();
        for racer in 0..RACERS {
            let (world, barrier) = (world.clone(), barrier.clone());
            racers.spawn(async move {
                barrier.wait().await;
                let person = world.person(100 + racer);
                match world.scheduling.hold(&person, &an_hour(resource, round), None).await {
                    Ok(held) => {
                        let new = booking(held.hold_id, world.item);
                        world.scheduling.book(&person, &new, None).await.unwrap();
                        None
                    }
                    Err(Refused { error: HoldError::Refused(Refusal::Taken), alternatives }) => Some(alternatives),
                    Err(Refused { error, .. }) => panic!("{error:?}"),
                }
            });
        }
        let lost: Vec<Vec<Slot>> = racers.join_all().await.into_iter().flatten().collect();
        assert_eq!(lost.len(), 15, "{round}");
        assert!(lost.iter().all(|alternatives| alternatives.len() == 3), "{lost:?}");
    }
    assert_eq!(world.count("select count(*) from sched_appointments").await, 3);
    assert_eq!(world.count("select count(*) from sched_holds").await, 0);
}

/// One hold, booked by many: the same appointment for all.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_hold_booked_by_many_is_one_appointment() {
    let world = Arc::new(World::new().await);
    let resource = world.resource("Alex").await.id;
    let held = world.try_hold(&an_hour(resource, TEN)).await.unwrap();
    let mut bookers = JoinSet::new();
    for booker in 0..8 {
        let world = world.clone();
        bookers.spawn(async move {
            let new = booking(held.hold_id, world.item);
            world
                .scheduling
                .book(&world.person(100 + booker), &new, None)
                .await
                .map_err(|refused| refused.error)
                .unwrap()
        });
    }
    let mut booked: Vec<_> = bookers.join_all().await.into_iter().map(|booked| booked.appointment_id).collect();
    booked.dedup();
    assert_eq!(booked.len(), 1);
    assert_eq!(world.events("nmc.scheduling.AppointmentBooked").await.len(), 1);
}

/// Two people move one appointment each to the other's resource, again and again: nobody waits in a circle.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_who_swap_resources_wait_for_each_other_in_one_order() {
    let world = Arc::new(World::new().await);
    let [alex, kim] = [world.resource("Alex").await.id, world.resource("Kim").await.id];
    let mut people = JoinSet::new();
    for (number, (home, away), hours) in [(1, (alex, kim), ["14", "15"]), (2, (kim, alex), ["17", "18"])] {
        let world = world.clone();
        people.spawn(async move {
            let start = |hour: &str| format!("2026-06-11T{hour}:00:00Z");
            let person = world.person(number);
            let reserve = async |resource, hour| {
                let held = world.scheduling.hold(&person, &an_hour(resource, &start(hour)), None).await;
                held.map_err(|refused| refused.error).unwrap().hold_id
            };
            let first = booking(reserve(home, hours[0]).await, world.item);
            let id = world.scheduling.book(&person, &first, None).await.map_err(|refused| refused.error).unwrap();
            for round in 0..20 {
                let (resource, hour) = if round % 2 == 0 { (away, hours[1]) } else { (home, hours[0]) };
                let held = reserve(resource, hour).await;
                world.scheduling.reschedule(&person, id.appointment_id, held).await.map_err(|r| r.error).unwrap();
            }
        });
    }
    people.join_all().await;
    assert_eq!(world.events("nmc.scheduling.AppointmentRescheduled").await.len(), 40);
}

/// One appointment moved and cancelled by many at once ends somewhere, and its history says how.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_appointment_that_many_move_and_one_cancels_has_one_history() {
    let world = Arc::new(World::new().await);
    let resources = [world.resource("Alex").await.id, world.resource("Kim").await.id, world.resource("Lee").await.id];
    let id = world.booked(resources[0], TEN).await.appointment_id;
    let mut people = JoinSet::new();
    for number in 0..6_usize {
        let world = world.clone();
        let resource = resources[number % 3];
        people.spawn(async move {
            let start = format!("2026-06-12T{}:00:00Z", 12 + number);
            let new = NewHold { moves_appointment_id: Some(id), ..an_hour(resource, &start) };
            let Ok(held) = world.try_hold(&new).await else { return };
            match world.scheduling.reschedule(&world.person(number as u128), id, held.hold_id).await {
                Ok(_) | Err(Refused { error: RescheduleError::Moved | RescheduleError::Over, .. }) => {}
                Err(Refused { error: RescheduleError::Database(error), .. }) => {
                    panic!("{error:?}, a deadlock: {}", sorted_out(&error))
                }
                Err(Refused { error, .. }) => panic!("{error:?}"),
            }
        });
    }
    people.join_all().await;
    let reason = nmc_scheduling::CancelledReason::Tenant;
    let cancelled = world.scheduling.cancel(&world.owner(), id, reason).await.unwrap();
    let changes = world.count("select count(*) from sched_appointment_changes").await;
    assert_eq!(changes, i64::from(cancelled.version));
}

/// Slots that touch are everybody's own: who does not meet does not wait for a refusal.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everybody_who_wants_a_slot_of_their_own_has_it() {
    let world = Arc::new(World::new().await);
    let resource = world.resource("Alex").await.id;
    let mut people = JoinSet::new();
    for number in 0..9_i32 {
        let world = world.clone();
        people.spawn(async move {
            let first = crate::world::at("2026-06-11T12:00:00Z");
            let start = first + chrono::Duration::hours(number.into());
            let slot = Timeslot::new(start, start + chrono::Duration::hours(1)).unwrap();
            let held = world.try_hold(&NewHold { slot, ..an_hour(resource, TEN) }).await.map_err(|r| r.error).unwrap();
            let booked = world.scheduling.book(&world.owner(), &booking(held.hold_id, world.item), None).await;
            match booked {
                Ok(_) => {}
                Err(Refused { error: BookError::Database(error), .. }) => panic!("{error:?}"),
                Err(Refused { error, .. }) => panic!("{error}"),
            }
        });
    }
    people.join_all().await;
    assert_eq!(world.count("select count(*) from sched_appointments").await, 9);
}

/// A move that is repeated while the first is under way is answered as that one is.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_move_that_is_repeated_meanwhile_is_the_same_move() {
    let world = Arc::new(World::new().await);
    let [alex, kim] = [world.resource("Alex").await.id, world.resource("Kim").await.id];
    let id = world.booked(alex, TEN).await.appointment_id;
    let new = NewHold { moves_appointment_id: Some(id), ..an_hour(kim, TEN) };
    let mut tx = world.db.begin(world.tenant).await.unwrap();
    let held = world.scheduling.hold_in(&mut tx, &world.owner(), &new, context()).await.unwrap().hold_id;
    // Both resources are held from here on, so that the move waits for nobody.
    let free = "select count(*) from (select from sched_resources for no key update skip locked) r";
    assert_eq!(world.count(free).await, 0);
    tx.commit().await.unwrap();

    let mut tx = world.db.begin(world.tenant).await.unwrap();
    let first = world.scheduling.reschedule_in(&mut tx, &world.owner(), id, held, context()).await.unwrap();
    let repeat = tokio::spawn({
        let world = world.clone();
        async move { world.scheduling.reschedule(&world.owner(), id, held).await }
    });
    let waiting =
        "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    assert!(eventually(Duration::from_secs(20), async || world.count(waiting).await > 0).await, "the repeat waits");
    tx.commit().await.unwrap();
    assert_eq!(repeat.await.unwrap().unwrap(), first);
    let mut tx = world.db.read(world.tenant).await.unwrap();
    assert_eq!(world.scheduling.appointment(&mut tx, id).await.unwrap(), Some(first));
    tx.finish().await.unwrap();
}
