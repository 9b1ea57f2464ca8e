//! What holds for any conversation at all: whatever is said, in any order, with any calendar.

use chrono::{Duration, NaiveDate, NaiveDateTime, NaiveTime};
use nmc_catalog::Quote;
use nmc_identity::Language;
use nmc_kernel::AppointmentId;
use nmc_providers::twilio::segments::{Encoding, Segments};
use nmc_scheduling::{Held, Slot};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    super::{
        Act, Answer, Chosen, Command, Dialogue, Lost, Step, Voice, World, check,
        spread::{nearest, spread},
        state::{Change, ChangeKind, STORED_BYTES_MAX},
        step, word,
        world::{Found, SEARCHES_MAX},
    },
    office::Office,
    script::Play,
};
use crate::model::understanding::{AskedAbout, LocalWindow, Pick, Question, Saying, Understood, When};

fn begin() -> NaiveDateTime {
    NaiveDate::from_ymd_opt(2026, 3, 10).unwrap().and_hms_opt(9, 12, 0).unwrap()
}

/// Minutes from the begin, a little before to two months after.
fn moment() -> impl Strategy<Value = NaiveDateTime> {
    (-2_000_i64..90_000).prop_map(|minutes| begin() + Duration::minutes(minutes))
}

fn when() -> impl Strategy<Value = When> {
    let window = (moment(), 1_i64..30_000).prop_map(|(from, minutes)| (from, from + Duration::minutes(minutes)));
    (prop::collection::vec(window, 0..6), any::<bool>()).prop_map(|(mut windows, asap)| {
        windows.sort();
        let windows = windows.into_iter().map(|(from, until)| LocalWindow { from, until }).collect();
        When { windows, asap }
    })
}

fn pick() -> impl Strategy<Value = Pick> {
    prop_oneof![
        4 => (0_usize..5).prop_map(Pick::Nth),
        1 => (8_u32..18).prop_map(|hour| Pick::Time(NaiveTime::from_hms_opt(hour, 0, 0).unwrap())),
        1 => moment().prop_map(|at| Pick::Day(at.date())),
        1 => moment().prop_map(Pick::DayAndTime),
        1 => prop::sample::select(vec![Pick::Earliest, Pick::Latest, Pick::Any, Pick::Unsure]),
    ]
}

fn words() -> impl Strategy<Value = String> {
    let known =
        ["leak", "toilet", "clogged drain", "water heater", "drain or faucet", "roof", "sewer", "", "it is urgent"];
    prop_oneof![4 => prop::sample::select(known.to_vec()).prop_map(str::to_owned), 1 => "\\PC{0,40}"]
}

fn saying() -> impl Strategy<Value = Saying> {
    let question = prop_oneof![
        prop::sample::select(vec![
            Question::Price,
            Question::Discount,
            Question::Hours,
            Question::Place,
            Question::HowLong,
            Question::Who,
            Question::Other,
        ]),
        words().prop_map(Question::DoYouDo),
    ];
    prop_oneof![
        1 => prop::sample::select(vec![Saying::Emergency, Saying::Person, Saying::CallMe, Saying::Angry]),
        1 => prop::sample::select(vec![Saying::WrongNumber, Saying::Picture]),
        4 => prop::sample::select(vec![Saying::Cancel, Saying::Reschedule]),
        8 => words().prop_map(Saying::Job),
        8 => when().prop_map(Saying::When),
        10 => pick().prop_map(Saying::Pick),
        3 => (any::<bool>(), any::<bool>()).prop_map(|(later, earlier)| Saying::Neither { later, earlier }),
        4 => question.prop_map(Saying::Ask),
        10 => prop::sample::select(vec![Saying::Yes, Saying::Yes, Saying::No]),
        4 => "[ A-Za-zéüñ]{0,80}".prop_map(Saying::Name),
        1 => "\\PC{0,200}".prop_map(Saying::Name),
        4 => "[ 0-9A-Za-zó.,]{0,200}".prop_map(Saying::Address),
        3 => prop::sample::select(vec![Saying::Thanks, Saying::Greeting, Saying::Later, Saying::Unclear]),
        2 => prop::sample::select(vec![Saying::NeverMind, Saying::SameTime]),
        2 => (-100_000_i32..100_000).prop_map(Saying::Shift),
    ]
}

fn understood() -> impl Strategy<Value = Understood> {
    let language = prop::sample::select(vec![None, None, Some(Language::En), Some(Language::Es)]);
    (prop::collection::vec(saying(), 0..4), language).prop_map(|(sayings, language)| Understood { sayings, language })
}

/// What happens beside the conversation before a turn.
#[derive(Clone, Debug)]
enum Event {
    Nothing,
    Wait(i64),
    Snatch(usize),
    HoldEnds,
    Person,
    Price(usize, i64),
    Gone(usize),
    Closed(bool),
    AppointmentsGone,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        12 => Just(Event::Nothing),
        2 => (1_i64..3_000).prop_map(Event::Wait),
        2 => (0_usize..3).prop_map(Event::Snatch),
        1 => Just(Event::HoldEnds),
        1 => Just(Event::Person),
        1 => (0_usize..8, 0_i64..200_000).prop_map(|(item, cents)| Event::Price(item, cents)),
        1 => (0_usize..20).prop_map(Event::Gone),
        1 => any::<bool>().prop_map(Event::Closed),
        1 => Just(Event::AppointmentsGone),
    ]
}

fn happens(play: &mut Play, event: &Event) {
    let world = &mut play.office.world;
    match event {
        Event::Nothing => {}
        Event::Wait(minutes) => world.now += Duration::minutes(*minutes),
        Event::Snatch(nth) => play.office.snatched = play.dialogue.offers.get(*nth).copied(),
        Event::HoldEnds => play.office.end_hold(),
        Event::Person => world.after_human = true,
        Event::Price(item, cents) => {
            if let Some(item) = world.items.get_mut(*item) {
                item.price = nmc_kernel::Money::new(*cents, nmc_kernel::Currency::Usd).unwrap();
            }
        }
        Event::Gone(item) => {
            if *item < world.items.len() {
                world.items.remove(*item);
            }
        }
        Event::Closed(is_closed) => world.can_book = !is_closed,
        Event::AppointmentsGone => world.appointments.clear(),
    }
}

fn office(appointments: u8, busy: u8, asks: (bool, bool), spanish: bool) -> Play {
    let mut play = Play::new("plumber", begin());
    let office = &mut play.office;
    for nth in 0..i64::from(appointments) {
        let start = office.at("2026-03-12 10:00") + Duration::days(nth);
        office.appoint(if nth == 1 { "Camera inspection" } else { "Leak repair" }, start);
    }
    let now = office.world.now;
    match busy {
        1 => office.take(None, now, now + Duration::days(3)),
        2 => office.take(None, now, now + Duration::days(80)),
        _ => {}
    }
    (office.world.settings.ask_for_name, office.world.settings.ask_for_address) = asks;
    if spanish {
        office.spanish_too();
    }
    play
}

/// All that an answer promises, whatever it was thought from.
fn holds(before: &Dialogue, understood: &Understood, world: &World, answer: &Answer) {
    let Answer { acts, commands, dialogue } = answer;
    let says = |saying: &Saying| understood.sayings.contains(saying);

    // Nothing is offered or held but what is free or was offered.
    let is_known = |slot: &Slot| {
        world.found.iter().any(|found| found.slots.contains(slot))
            || before.offers.contains(slot)
            || before.chosen.as_ref().is_some_and(|chosen| chosen.slot == *slot)
    };
    for act in acts {
        if let Act::Offer(offers) | Act::AskPick(offers) = act {
            assert!((1..=3).contains(&offers.len()) && offers.iter().all(is_known), "{act:?}");
            assert_eq!(&dialogue.offers, offers, "a pick is one of what was told");
        }
    }

    // What is booked is held, at the price that was told, and agreed to.
    let mut is_held = before.chosen.as_ref().is_some_and(|chosen| chosen.held.is_some());
    for command in commands {
        match command {
            Command::Hold { slot, moving, quote } => {
                assert!(is_known(slot), "{command:?}");
                assert!(moving.is_some() || quotes(world).contains(quote), "{command:?}");
                is_held = true;
            }
            Command::Book { .. } => {
                assert!(is_held && says(&Saying::Yes) && before.about == AskedAbout::Confirm, "{command:?}");
                let chosen = before.chosen.as_ref().unwrap();
                let booked = Act::Booked { quote: chosen.quote.clone(), slot: chosen.slot };
                assert!(acts.contains(&booked), "what is booked is what was agreed to: {acts:?}");
            }
            Command::Reschedule(id) => {
                assert!(
                    is_held && before.change.and_then(|change| change.appointment) == Some(*id)
                        || world.appointments.len() == 1
                );
                assert!(understood.sayings.iter().any(|saying| matches!(saying, Saying::Pick(_) | Saying::Yes)));
            }
            Command::Cancel(id) => {
                assert_eq!(before.change, Some(Change { appointment: Some(*id), kind: ChangeKind::Cancel }));
                assert!(before.about == AskedAbout::CancelConfirm && (says(&Saying::Yes) || says(&Saying::Cancel)));
            }
            Command::Release(id) => {
                let held = before.chosen.as_ref().and_then(|chosen| chosen.held);
                assert_eq!(held.map(|held| held.hold_id), Some(*id));
            }
            Command::HandOver { .. } | Command::Task { .. } => {}
        }
    }

    // Every price is the catalog's, an appointment's, or that of a hold.
    let told = acts.iter().flat_map(|act| match act {
        Act::StatePrice(quote)
        | Act::KeepPrice(Some(quote))
        | Act::AskConfirm { quote, .. }
        | Act::Booked { quote, .. } => vec![quote.clone()],
        Act::AskWhich(quotes) | Act::ListItems { quotes, .. } => quotes.clone(),
        _ => vec![],
    });
    let held = before.chosen.as_ref().map(|chosen| chosen.quote.clone());
    for quote in told {
        let is_booked = world
            .appointments
            .iter()
            .any(|one| one.price == quote.price && one.slot.end() - one.slot.start() == quote.duration.duration());
        assert!(quotes(world).contains(&quote) || held.as_ref() == Some(&quote) || is_booked, "{quote:?}");
    }

    // Who gives the conversation away asks nothing; who asks, asks one thing.
    let asks = acts.iter().filter(|act| act.asks()).count();
    let hands_over = commands.iter().filter(|command| matches!(command, Command::HandOver { .. })).count();
    assert!(hands_over <= 1 && asks <= 1 && asks + hands_over <= 1, "{acts:?}");
    let says_so = |act: &Act| matches!(act, Act::HandOver { .. } | Act::TooLate(_) | Act::Emergency);
    assert_eq!(hands_over == 1, acts.iter().any(says_so));
    // What begins soon is left alone.
    assert!(!commands.iter().any(|command| is_change_of(command, &world.late)), "{commands:?}");
    let is_wanted = [Saying::Emergency, Saying::Person, Saying::CallMe, Saying::Angry].iter().any(says);
    assert!(!is_wanted || hands_over == 1);
    assert!(
        !says(&Saying::Emergency)
            || !understood.sayings.iter().any(|saying| matches!(saying, Saying::Person))
            || hands_over == 1
    );
    assert!(before.not_understood == 0 || world.after_human || !acts.contains(&Act::NotUnderstood));
    assert!(!before.is_parted || world.after_human || !acts.contains(&Act::Thanks) || before.change.is_some());

    // The text has its facts and nothing else, and is short.
    let voice = Voice::of(dialogue, world);
    let text = word(acts, &voice);
    if !acts.is_empty() {
        assert_eq!(check(&text, acts, &voice), Ok(()), "{text}");
        let Segments { encoding, parts, .. } = Segments::of(&text);
        assert!(parts <= 2, "{text}");
        let address = dialogue.address.as_deref().unwrap_or_default();
        assert!(encoding == Encoding::Gsm7 || !address.is_ascii(), "{text}");
    }

    // What is stored is short, and is what was.
    let stored = dialogue.stored();
    assert!(stored.to_string().len() <= STORED_BYTES_MAX, "{stored}");
    assert_eq!(Dialogue::read(Some(&stored)), *dialogue);
}

fn quotes(world: &World) -> Vec<Quote> {
    world.items.iter().map(nmc_catalog::ServiceItem::quote).collect()
}

fn slot() -> impl Strategy<Value = Slot> {
    (0_i64..50_000, 0_u128..3).prop_map(|(minutes, resource)| {
        let start = (begin() + Duration::minutes(minutes)).and_utc();
        Slot { resource_id: Uuid::from_u128(resource).into(), start, end: start + Duration::minutes(60) }
    })
}

/// A dialogue that no conversation may lead to.
fn dialogue() -> impl Strategy<Value = Dialogue> {
    let about = prop::sample::select(vec![
        AskedAbout::Nothing,
        AskedAbout::Job,
        AskedAbout::WhichJob,
        AskedAbout::When,
        AskedAbout::Pick,
        AskedAbout::Name,
        AskedAbout::Address,
        AskedAbout::Confirm,
        AskedAbout::CancelConfirm,
        AskedAbout::WhichAppointment,
        AskedAbout::Reminder,
    ]);
    let id = || (0_u128..105).prop_map(Uuid::from_u128);
    let ids = || prop::collection::vec(id(), 0..9);
    let change = prop::option::of((prop::option::of(id()), any::<bool>()).prop_map(|(id, moves)| Change {
        appointment: id.map(Into::into),
        kind: if moves { ChangeKind::Move } else { ChangeKind::Cancel },
    }));
    let chosen = prop::option::of((slot(), prop::option::of(-50_i64..50), 0_usize..8));
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), 0_u8..3, 0_u8..6);
    let slots = || prop::collection::vec(slot(), 0..4);
    let lists = (slots(), slots(), ids(), ids(), prop::option::of(when()));
    (about, prop::option::of(id()), lists, chosen, change, flags, prop::option::of("\\PC{0,80}")).prop_map(
        |(about, item, (offers, passed, choices, appointments, wish), chosen, change, flags, name)| {
            let items = Office::new("plumber", begin()).world.items;
            Dialogue {
                about,
                item: item.map(Into::into),
                told: items.first().map(nmc_catalog::ServiceItem::quote),
                choices: choices.into_iter().map(Into::into).collect(),
                wish,
                offers,
                passed,
                chosen: chosen.map(|(slot, minutes, nth)| Chosen {
                    slot,
                    quote: items[nth].quote(),
                    held: minutes.map(|minutes| Held {
                        hold_id: Uuid::from_u128(7).into(),
                        expires_at: begin().and_utc() + Duration::minutes(minutes),
                    }),
                }),
                change,
                appointments: appointments.into_iter().map(Into::into).collect(),
                address: name.clone(),
                name,
                is_done: flags.0,
                is_wrong_number: flags.1,
                is_parted: flags.2,
                not_understood: flags.3,
                circles: flags.4,
                ..Dialogue::default()
            }
        },
    )
}

fn is_change_of(command: &Command, appointments: &[AppointmentId]) -> bool {
    matches!(command, Command::Cancel(id) | Command::Reschedule(id) if appointments.contains(id))
}

proptest! {
    #[test]
    fn any_conversation_keeps_every_promise(
        turns in prop::collection::vec((event(), understood()), 1..16),
        appointments in 0_u8..4,
        busy in 0_u8..4,
        asks in any::<(bool, bool)>(),
        spanish in any::<bool>(),
    ) {
        let mut play = office(appointments, busy, asks, spanish);
        for (event, understood) in turns {
            happens(&mut play, &event);
            play.turn(&understood, |before, world, answer| holds(before, &understood, world, answer));
        }
    }

    #[test]
    fn a_conversation_without_end_is_handed_over(understood in understood(), appointments in 0_u8..3) {
        let mut play = office(appointments, 0, (true, true), true);
        let mut texts = 0;
        for _ in 0..40 {
            let answer = play.turn(&understood, |_, _, _| {});
            if answer.commands.iter().any(|command| matches!(command, Command::HandOver { .. })) {
                return Ok(());
            }
            texts = if answer.acts.is_empty() { 0 } else { texts + 1 };
        }
        prop_assert_eq!(texts, 0, "a machine that always says {:?} is answered for ever", understood);
    }

    #[test]
    fn any_dialogue_at_all_has_an_answer(
        dialogue in dialogue(),
        understood in understood(),
        lost in prop::sample::select(vec![
            None,
            Some(Lost::SlotTaken),
            Some(Lost::HoldExpired),
            Some(Lost::PriceChanged),
            Some(Lost::ItemGone),
            Some(Lost::AppointmentGone),
            Some(Lost::BookingClosed),
        ]),
        after_human in any::<bool>(),
        (is_unread, are_offers_unread) in any::<(bool, bool)>(),
        (appointments, late) in (0_u8..3, 0_usize..3),
        found in prop::collection::vec(slot(), 0..20),
        nothing_sold in 0_u8..8,
    ) {
        let mut play = office(appointments, 0, (true, true), true);
        let world = &mut play.office.world;
        world.late = world.appointments.iter().take(late).map(|appointment| appointment.id).collect();
        (world.lost, world.after_human) = (lost, after_human);
        (world.is_unread, world.are_offers_unread) = (is_unread, are_offers_unread);
        if nothing_sold == 0 {
            world.items.clear();
        }
        for _ in 0..=SEARCHES_MAX {
            let first = step(&dialogue, &understood, world);
            prop_assert_eq!(&first, &step(&dialogue, &understood, world));
            match first {
                Step::Answer(answer) => {
                    prop_assert!(Dialogue::read(Some(&answer.dialogue.stored())) == answer.dialogue);
                    prop_assert!(answer.dialogue.stored().to_string().len() <= STORED_BYTES_MAX);
                    prop_assert!(!answer.commands.iter().any(|command| is_change_of(command, &world.late)));
                    let slot = |dialogue: &Dialogue| dialogue.chosen.as_ref().map(|chosen| chosen.slot);
                    let is_picked = slot(&answer.dialogue).is_some() && slot(&answer.dialogue) != slot(&dialogue);
                    prop_assert!(!are_offers_unread || !is_picked, "a time is picked from a list that was not read");
                    let voice = Voice::of(&answer.dialogue, world);
                    let text = word(&answer.acts, &voice);
                    prop_assert!(answer.acts.is_empty() || check(&text, &answer.acts, &voice).is_ok(), "{text}");
                    return Ok(());
                }
                Step::Search(wish) => {
                    let length = nmc_kernel::Minutes::new(480).unwrap();
                    for stretch in wish.stretches(world.zone, length) {
                        prop_assert!(stretch.end() - stretch.start() <= nmc_scheduling::WINDOW_MAX);
                    }
                    let slots = found.iter().filter(|slot| wish.has(slot, world.zone)).copied().collect();
                    world.found.push(Found { wish, slots });
                }
            }
        }
        prop_assert!(false, "no answer");
    }

    #[test]
    fn two_or_three_of_what_is_free_are_offered(
        mut slots in prop::collection::vec(slot(), 0..60),
        refused in prop::collection::vec(moment(), 0..4),
        wish in when(),
    ) {
        slots.sort_by_key(|slot| (slot.start, slot.resource_id));
        let zone = chrono_tz::America::New_York;
        let starts: std::collections::BTreeSet<_> = slots.iter().map(|slot| slot.start).collect();
        for offers in [spread(&slots, &[], &wish, zone), spread(&slots, &refused, &wish, zone), nearest(&slots, &refused, &wish, zone)] {
            prop_assert!(offers.len() <= 3 && offers.iter().all(|offer| slots.contains(offer)));
            prop_assert!(offers.windows(2).all(|pair| pair[0].start < pair[1].start), "{offers:?}");
        }
        prop_assert!(spread(&slots, &[], &wish, zone).len() >= starts.len().min(2));
        prop_assert!(nearest(&slots, &refused, &wish, zone).len() >= starts.len().min(1));
        if wish.asap {
            prop_assert_eq!(spread(&slots, &[], &wish, zone).first().map(|first| first.start), starts.first().copied());
        }
    }

    #[test]
    fn what_nobody_has_written_begins_anew(garbage in "\\PC{0,60}", version in 2_u16..9) {
        let of_another_version = json!({ "version": version, "name": "Ann" });
        for stored in [Value::String(garbage), json!([1]), json!({ "version": 1, "offers": "no" }), Value::Null, of_another_version] {
            prop_assert_eq!(Dialogue::read(Some(&stored)), Dialogue::default());
        }
        prop_assert_eq!(Dialogue::read(None), Dialogue::default());
    }
}
