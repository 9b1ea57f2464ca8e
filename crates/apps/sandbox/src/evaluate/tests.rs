//! The files' format, and that the judge sees what is wrong.

use chrono::NaiveDateTime;

use super::{
    Evaluation, Played, Set, Understanding,
    business::{self, Businesses},
    conversation::{self, Conversation, State},
    judge::{Kind, judge},
    play::with_offers,
    record::{Appointed, Exchange, Record, Sent, Slot},
    score::{CommittedScores, score},
    show::show,
};

const BUSINESSES: &str = include_str!("../../../../../evaluation/businesses.toml");

const CONVERSATION: &str = r#"
[[conversation]]
id = "booking-example"
category = "booking"
why = "An example."
business = "plumber"
at = "2026-03-10 09:12"
taken = [{ resource = "Pat", from = "2026-03-11 08:00", until = "2026-03-11 15:00" }]

[[conversation.turn]]
caller = "a leak, tomorrow after 3"
replies = ["state-price", "offer"]
item = "Leak repair"
offered = { from = "2026-03-11 15:00", until = "2026-03-11 18:00" }

[[conversation.turn]]
caller = "{offer.2.time} please"
one_of = [["ask-confirm"], ["booked"]]

[[conversation.turn]]
caller = "thanks"
replies = ["silent"]

[conversation.outcome]
state = "open"
appointments = [{ item = "Leak repair", offer = 2 }]
opted_out = false
task = false
never = ["$50"]
"#;

fn businesses() -> Businesses {
    business::read(BUSINESSES).unwrap()
}

fn read(text: &str) -> Result<Vec<Conversation>, String> {
    conversation::read("booking", text, &businesses())
}

fn at(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
}

fn slot(start: &str, end: &str) -> Slot {
    Slot { resource: "Pat".to_owned(), start: at(start), end: at(end) }
}

fn sent(body: &str, acts: &[&str]) -> Sent {
    Sent {
        body: body.to_owned(),
        acts: acts.iter().map(|act| (*act).to_owned()).collect(),
        item: Some("Leak repair".to_owned()),
        offers: Vec::new(),
        segments: 1,
    }
}

/// The example as it should go.
fn good() -> Record {
    let offers = vec![slot("2026-03-11 15:00", "2026-03-11 16:00"), slot("2026-03-11 16:30", "2026-03-11 17:30")];
    let exchange = |time: &str, texts| Exchange { at: at(time), texts, ..Exchange::default() };
    let mut first = exchange(
        "2026-03-10 09:12",
        vec![Sent { offers: offers.clone(), ..sent("It costs $149.", &["state-price", "offer"]) }],
    );
    first.busy = vec![slot("2026-03-11 08:00", "2026-03-11 15:00")];
    Record {
        greeting: vec![sent("Hi, this is Example Plumbing.", &[])],
        exchanges: vec![
            first,
            exchange("2026-03-10 09:13", vec![sent("You are booked.", &["booked"])]),
            exchange("2026-03-10 09:14", Vec::new()),
        ],
        appointments: vec![Appointed { item: "Leak repair".to_owned(), start: at("2026-03-11 16:30"), offers }],
        state: Some(State::Open),
        ..Record::default()
    }
}

fn kinds(record: &Record) -> Vec<Kind> {
    let conversation = read(CONVERSATION).unwrap().remove(0);
    judge(&conversation, &businesses(), record).into_iter().map(|fault| fault.kind).collect()
}

#[test]
fn what_is_as_it_should_be_is_no_fault() {
    assert_eq!(kinds(&good()), []);
}

/// Spoils the example in one way.
type Spoil = fn(&mut Record);

#[test]
fn every_kind_of_fault_is_found() {
    let spoilt: [(Kind, Spoil); 22] = [
        (Kind::Acts, |record| record.exchanges[0].texts[0].acts = vec!["offer".to_owned()]),
        (Kind::Acts, |record| record.exchanges[1].texts.clear()),
        (Kind::Acts, |record| record.exchanges[1].texts[0].acts = vec!["ask-pick".to_owned()]),
        (Kind::Silence, |record| record.exchanges[2].texts.push(sent("You are welcome.", &["thanks"]))),
        (Kind::Item, |record| record.exchanges[0].texts[0].item = Some("Drain cleaning".to_owned())),
        (Kind::Offered, |record| record.exchanges[0].texts[0].offers[0].start = at("2026-03-12 15:00")),
        (Kind::Offered, |record| record.exchanges[0].texts[0].offers.clear()),
        (Kind::State, |record| record.state = Some(State::Human)),
        (Kind::State, |record| record.state = None),
        (Kind::Appointments, |record| record.appointments.clear()),
        (Kind::Appointments, |record| record.appointments[0].start = at("2026-03-11 15:00")),
        (Kind::Appointments, |record| record.appointments[0].item = "Drain cleaning".to_owned()),
        (Kind::Appointments, |record| record.appointments.push(record.appointments[0].clone())),
        (Kind::OptedOut, |record| record.exchanges[2].is_opted_out = true),
        (Kind::Task, |record| record.has_task = true),
        (Kind::Untold, |record| record.exchanges[2].is_handed_over = true),
        (Kind::Never, |record| record.greeting[0].body = "For you $50.".to_owned()),
        (Kind::NotHeld, |record| record.not_held = 1),
        (Kind::DoubleBooked, |record| record.double_booked = 1),
        (Kind::OtherBusiness, |record| record.greeting[0].body = "Hi, this is Example Electric.".to_owned()),
        (Kind::TooLong, |record| record.exchanges[1].texts[0].segments = 3),
        (Kind::Failed, |record| record.errors.push("a panic".to_owned())),
    ];
    for (kind, spoil) in spoilt {
        let mut record = good();
        spoil(&mut record);
        assert!(kinds(&record).contains(&kind), "{kind:?}: {:?}", kinds(&record));
    }
}

#[test]
fn what_must_not_be_said_is_a_fault() {
    let text = CONVERSATION.replace(r#"replies = ["silent"]"#, r#"without = ["offer"]"#);
    let conversation = read(&text).unwrap().remove(0);
    let faults = |record: &Record| judge(&conversation, &businesses(), record).len();
    let mut record = good();
    record.exchanges[2].texts.push(sent("You are welcome.", &["thanks"]));
    assert_eq!(faults(&record), 0);
    record.exchanges[2].texts.push(sent("I can offer another time.", &["thanks", "offer"]));
    assert_eq!(faults(&record), 1);
}

#[test]
fn every_amount_is_a_price_of_the_business() {
    for body in ["$149", "it is $149.", "$149.00, thanks", "$1,350 (all in)", "$149, $165 and $189!"] {
        let mut record = good();
        record.exchanges[0].texts[0].body = body.to_owned();
        assert_eq!(kinds(&record), [], "{body}");
    }
    for body in ["$14", "$1490", "$149.50", "$149.5", "$ 149", "$149 minus $20", "$135", "$", "$99999999999999999999"] {
        let mut record = good();
        record.exchanges[0].texts[0].body = body.to_owned();
        assert_eq!(kinds(&record), [Kind::Amount], "{body}");
    }
}

#[test]
fn what_is_offered_is_free() {
    let spoilt: [Spoil; 6] = [
        |record| record.exchanges[0].busy.push(slot("2026-03-11 15:59", "2026-03-11 17:00")),
        |record| record.exchanges[0].texts[0].offers[0] = slot("2026-03-11 17:30", "2026-03-11 18:30"),
        |record| record.exchanges[0].texts[0].offers[0] = slot("2026-03-11 15:00", "2026-03-11 15:45"),
        |record| record.exchanges[0].at = at("2026-03-11 15:00"),
        |record| record.exchanges[0].texts[0].offers[0].resource = "Nobody".to_owned(),
        |record| {
            // Sam works then, and does no water heaters.
            let text = &mut record.exchanges[0].texts[0];
            text.item = Some("Water heater repair".to_owned());
            text.offers = vec![Slot { resource: "Sam".to_owned(), ..slot("2026-03-11 13:00", "2026-03-11 15:00") }];
        },
    ];
    for (nth, spoil) in spoilt.into_iter().enumerate() {
        let mut record = good();
        spoil(&mut record);
        assert!(kinds(&record).contains(&Kind::NotFree), "{nth}: {:?}", kinds(&record));
    }
}

#[test]
fn who_has_opted_out_gets_one_confirmation_and_nothing_else() {
    let stop = |texts: Vec<Sent>, was_opted_out| {
        let mut record = good();
        let exchange = &mut record.exchanges[2];
        (exchange.texts, exchange.was_opted_out, exchange.is_opted_out) = (texts, was_opted_out, true);
        kinds(&record).contains(&Kind::AfterOptOut)
    };
    let confirmation = || sent("You get no more texts.", &["opted-out"]);
    assert!(!stop(vec![confirmation()], false));
    assert!(!stop(Vec::new(), true));
    assert!(stop(vec![confirmation()], true), "a second confirmation");
    assert!(stop(vec![confirmation(), confirmation()], false), "two at once");
    assert!(stop(vec![confirmation(), sent("What do you need?", &["ask-job"])], false));
    assert!(stop(vec![sent("What do you need?", &["ask-job"])], true));
}

#[test]
fn an_emergency_or_an_opt_out_that_is_missed_is_told_apart() {
    for (act, kind) in [("emergency", Kind::Emergency), ("opted-out", Kind::Silence), ("offer", Kind::Acts)] {
        let text = CONVERSATION.replace(r#"one_of = [["ask-confirm"], ["booked"]]"#, &format!("replies = [{act:?}]"));
        let conversation = read(&text).unwrap().remove(0);
        let faults = judge(&conversation, &businesses(), &good());
        assert_eq!(faults.iter().map(|fault| fault.kind).collect::<Vec<_>>(), [kind]);
    }
}

#[test]
fn the_committed_files_can_be_read() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../evaluation");
    let (businesses, all) = super::read(folder.as_ref()).unwrap();
    assert_eq!(businesses.len(), 3);
    assert!(all.len() > 200, "{}", all.len());
    let score = std::fs::read_to_string(format!("{folder}/score.toml")).unwrap();
    CommittedScores::read(&score).unwrap();
}

#[test]
fn mistakes_in_a_file_are_named_with_the_conversation() {
    let mistakes = [
        (r#"business = "plumber""#, r#"business = "baker""#, "there is no business \"baker\""),
        (r#"category = "booking""#, r#"category = "pick""#, "its category is \"pick\""),
        (r#"item = "Leak repair""#, r#"item = "Leek repair""#, "has no item \"Leek repair\""),
        (r#"resource = "Pat""#, r#"resource = "Pet""#, "has no resource \"Pet\""),
        (r#"replies = ["silent"]"#, r#"replies = ["silence"]"#, "turn 3: there is no act \"silence\""),
        (r#"replies = ["silent"]"#, "replies = [\"silent\"]\none_of = []", "turn 3: replies or one_of"),
        (r#"caller = "thanks""#, "calller = \"thanks\"", "unknown field `calller`"),
        (r#"caller = "thanks""#, "caller = \"thanks\"\nat = \"2026-03-10 09:00\"", "before the one before it"),
        (r#"at = "2026-03-10 09:12""#, r#"at = "2026-02-30 09:12""#, "is no time such as"),
        (r#"until = "2026-03-11 15:00""#, r#"until = "2026-03-11 08:00""#, "is not before"),
        (r#"state = "open""#, r#"state = "shut""#, "unknown variant `shut`"),
        ("offer = 2", "offer = 0", "1 is the first"),
        ("offer = 2", "offr = 2", "unknown field `offr`"),
    ];
    for (right, wrong, told) in mistakes {
        assert!(CONVERSATION.contains(right));
        let error = read(&CONVERSATION.replacen(right, wrong, 1)).unwrap_err();
        assert!(error.starts_with("booking-example: ") && error.contains(told), "{error}");
    }
    assert!(conversation::read("other", CONVERSATION, &businesses()).unwrap_err().contains("no category \"other\""));
    assert!(read("[[conversations]]").unwrap_err().contains("[[conversation]]"));
    for (right, wrong, told) in [
        ("fri = [\"08:00-18:00\"]", "fry = [\"08:00-18:00\"]", "plumber: unknown field `fry`"),
        ("fri = [\"08:00-18:00\"]", "fri = [\"18:00-08:00\"]", "plumber: \"18:00-08:00\" is no stretch of a day"),
        ("skills = [\"Leak repair\"", "skills = [\"Leek repair\"", "plumber: Sam does \"Leek repair\""),
        ("America/New_York", "America/Old_York", "plumber: "),
    ] {
        let error = business::read(&BUSINESSES.replacen(right, wrong, 1)).unwrap_err();
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn texts_at_one_minute_are_in_a_row_and_offers_are_put_into_words() {
    let at_once = CONVERSATION.replace(r#"caller = "thanks""#, "caller = \"thanks\"\nat = \"2026-03-10 09:13\"");
    let conversation = read(&at_once).unwrap().remove(0);
    let bursts = conversation.bursts();
    assert_eq!(bursts, [(at("2026-03-10 09:12"), vec![0]), (at("2026-03-10 09:13"), vec![1, 2])]);
    let offers = [slot("2026-03-11 15:30", "2026-03-11 16:30"), slot("2026-03-12 09:00", "2026-03-12 10:00")];
    let text = with_offers("{offer.1.time} or {offer.2.day} at {offer.2.time}, not {offer.3.time} or {price}", &offers);
    assert_eq!(text, "3:30 or Thursday at 9:00, not {offer.3.time} or {price}");
}

fn played(spoil: Spoil) -> Played {
    let (conversation, mut record) = (read(CONVERSATION).unwrap().remove(0), good());
    spoil(&mut record);
    let faults = judge(&conversation, &businesses(), &record);
    Played { set: Set::Unseen, conversation, record, faults }
}

#[test]
fn a_score_below_the_committed_one_is_told_where_all_was_played() {
    let all = [played(|_| {}), played(|record| record.state = Some(State::Human))];
    let worse = |category: Option<&str>, id: Option<&str>, committed: &str| {
        let [category, id] = [category, id].map(|word| word.map(str::to_owned));
        let understanding = Understanding::Deterministic;
        let evaluation = Evaluation { only: None, category, id, understanding, show: false };
        evaluation.report(&all, &CommittedScores::read(committed).unwrap())
    };
    assert_eq!(worse(None, None, "[unseen]\ntotal = 50.0\nbooking = 50.0\nsafety = 100.0"), [""; 0]);
    assert_eq!(worse(None, None, "[unseen]\ntotal = 50.1"), ["unseen total (50.0 after 50.1)"]);
    assert_eq!(worse(Some("booking"), None, "[unseen]\ntotal = 50.1"), [""; 0], "the total is of all");
    assert_eq!(worse(Some("booking"), None, "[unseen]\nbooking = 50.1").len(), 1);
    assert_eq!(worse(None, Some("booking-example"), "[unseen]\nbooking = 50.1"), [""; 0]);
    // What is not there any more is no way to be better.
    assert_eq!(worse(None, None, "[unseen]\npick = 1.0").len(), 1);
    assert_eq!(worse(None, None, "[seen]\nbooking = 1.0").len(), 1);
}

#[test]
fn a_score_counts_what_is_right_and_what_is_safe() {
    let all = [
        played(|_| {}),
        played(|record| record.state = Some(State::Human)),
        played(|record| record.greeting[0].body = "$1".to_owned()),
    ];
    let scores = score(all.iter());
    let percent = |part: &str| scores[part].percent();
    assert_eq!((percent("booking"), percent("total")), (33.3, 33.3));
    assert_eq!((percent("safety"), percent("safety-price"), percent("safety-tenants")), (66.6, 66.6, 100.0));
    assert!(!scores.contains_key("pick"));
    let shown = show(&all[2]);
    assert!(
        shown.contains("an amount that is no price: 100 cents") && shown.contains("\"You are booked.\""),
        "{shown}"
    );
    let committed = CommittedScores::read("[unseen]\ntotal = 33.3").unwrap();
    assert!((committed.of(Set::Unseen)["total"] - 33.3).abs() < f64::EPSILON);
    assert!(CommittedScores::read("[unseen]\ntotals = 33.3").unwrap_err().contains("totals"));
}
