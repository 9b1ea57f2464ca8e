//! Plays a conversation that is written down, and compares.

use chrono::{Duration, NaiveDateTime};

use super::{
    super::{Act, Answer, Command, Dialogue, Step, Visit, Voice, World, check, step, word},
    office::Office,
};
use crate::model::{
    message::segments,
    understanding::{Saying, Understood, understand},
};

/// Of a turn: thoughts, and looks at the calendar in each.
const THOUGHTS_MAX: usize = 3;
const STEPS_MAX: usize = 4;

/// A conversation under way.
pub(super) struct Play {
    pub(super) office: Office,
    pub(super) dialogue: Dialogue,
    is_human: bool,
    tasks: usize,
    text: String,
}

impl Play {
    pub(super) fn new(business: &str, now: NaiveDateTime) -> Self {
        let office = Office::new(business, now);
        Self { office, dialogue: Dialogue::default(), is_human: false, tasks: 0, text: String::new() }
    }

    /// The caller writes; says the words of the acts of the answer.
    pub(super) fn caller_writes(&mut self, texts: &[&str], has_picture: bool) -> Vec<&'static str> {
        let zone = self.office.world.zone;
        let now = self.office.world.now.with_timezone(&zone).naive_local();
        let hours = &self.office.world.settings.opening_hours;
        let mut understood = understand(texts, &self.dialogue.asked(&self.office.world), now, hours);
        if has_picture {
            understood.sayings.retain(|saying| *saying != Saying::Unclear);
            understood.sayings.push(Saying::Picture);
        }
        self.turn(&understood, |_, _, _| {}).acts.iter().map(Act::word).collect()
    }

    /// A turn with what was understood; `look` sees every answer that is thought, with what it was thought from.
    pub(super) fn turn(&mut self, understood: &Understood, mut look: impl FnMut(&Dialogue, &World, &Answer)) -> Answer {
        self.office.world.lost = None;
        self.office.know_what_is_late();
        for _ in 0..THOUGHTS_MAX {
            self.office.world.found.clear();
            let answer = self.think(understood);
            look(&self.dialogue, &self.office.world, &answer);
            match self.office.carry_out(&answer.commands, answer.dialogue.clone()) {
                Ok(dialogue) => {
                    self.answered(&answer, &dialogue);
                    return answer;
                }
                Err(lost) => self.office.world.lost = Some(lost),
            }
        }
        panic!("no thought holds: {understood:?}");
    }

    fn think(&mut self, understood: &Understood) -> Answer {
        for _ in 0..STEPS_MAX {
            match step(&self.dialogue, understood, &self.office.world) {
                Step::Answer(answer) => return *answer,
                Step::Search(wish) => {
                    let found = self.office.search(wish);
                    self.office.world.found.push(found);
                }
            }
        }
        panic!("the thought comes to no end: {understood:?}");
    }

    fn answered(&mut self, answer: &Answer, dialogue: &Dialogue) {
        let voice = Voice::of(dialogue, &self.office.world);
        self.text = word(&answer.acts, &voice);
        if !answer.acts.is_empty() {
            assert_eq!(check(&self.text, &answer.acts, &voice), Ok(()), "{}", self.text);
            assert!(segments(&self.text) <= 2, "{}", self.text);
        }
        self.dialogue = Dialogue::read(Some(&dialogue.stored()));
        assert_eq!(self.dialogue, *dialogue, "what is stored is what was");
        self.office.world.after_human = false;
        self.office.world.now += Duration::minutes(1);
        self.is_human |= answer.commands.iter().any(|command| matches!(command, Command::HandOver { .. }));
        self.tasks += answer.commands.iter().filter(|command| matches!(command, Command::Task { .. })).count();
    }

    /// What happens beside the conversation.
    fn happens(&mut self, what: &str) {
        let words: Vec<&str> = what.split_whitespace().collect();
        let joined = |from: usize| words[from..].join(" ");
        match words.as_slice() {
            ["wait", minutes, ..] => self.office.world.now += Duration::minutes(minutes.parse().unwrap()),
            ["snatch", nth] => self.office.snatched = Some(self.dialogue.offers[nth.parse::<usize>().unwrap() - 1]),
            ["snatch-chosen"] => self.office.snatched = self.dialogue.chosen.as_ref().map(|chosen| chosen.slot),
            ["taken", day, from, until] => {
                let (from, until) =
                    (self.office.at(&format!("{day} {from}")), self.office.at(&format!("{day} {until}")));
                self.office.take(None, from, until);
            }
            ["taken-days", from, until] => {
                let (from, until) =
                    (self.office.at(&format!("{from} 00:00")), self.office.at(&format!("{until} 00:00")));
                self.office.take(None, from, until);
            }
            ["appointment", day, time, ..] => {
                let start = self.office.at(&format!("{day} {time}"));
                self.office.appoint(&joined(3), start);
            }
            ["price", cents, ..] => {
                let (name, cents) = (joined(2), cents.parse().unwrap());
                let item = self.office.world.items.iter_mut().find(|item| item.name == name).unwrap();
                item.price = nmc_kernel::Money::new(cents, nmc_kernel::Currency::Usd).unwrap();
            }
            ["gone", ..] => self.office.world.items.retain(|item| item.name != joined(1)),
            ["appointments-gone"] => self.office.world.appointments.clear(),
            ["hold-ends"] => self.office.end_hold(),
            ["person"] => (self.office.world.after_human, self.is_human) = (true, false),
            ["remind", nth] => self.remind(nth.parse::<usize>().unwrap() - 1),
            ["nudge"] => self.nudge(),
            ["no-bookings"] => self.office.world.can_book = false,
            ["no-hours"] => self.office.world.settings.opening_hours = nmc_identity::OpeningHours::default(),
            ["no-address"] => self.office.world.settings.address = None,
            ["asks-nothing"] => {
                let settings = &mut self.office.world.settings;
                (settings.ask_for_name, settings.ask_for_address) = (false, false);
            }
            ["spanish-too"] => self.office.spanish_too(),
            _ => panic!("what happens: {what}"),
        }
    }

    /// The caller is reminded of one of their appointments.
    fn remind(&mut self, nth: usize) {
        let appointment = &self.office.world.appointments[nth];
        let item = self.office.world.items.iter().find(|item| item.id == appointment.service_item_id);
        let visit = Visit::new(appointment, item.map(|item| item.name.as_str()));
        self.dialogue = self.dialogue.clone().reminded(appointment.id);
        self.say(&Act::Reminder { visit, introduces: false });
    }

    /// The caller has fallen silent, and is asked once more or not.
    fn nudge(&mut self) {
        let act = self.dialogue.nudge(self.office.world.now);
        self.text = String::new();
        if let Some(act) = act {
            self.dialogue = self.dialogue.clone().nudged();
            self.say(&act);
        }
    }

    fn say(&mut self, act: &Act) {
        let (acts, voice) = ([act.clone()], Voice::of(&self.dialogue, &self.office.world));
        self.text = word(&acts, &voice);
        assert_eq!(check(&self.text, &acts, &voice), Ok(()), "{}", self.text);
        self.dialogue = Dialogue::read(Some(&self.dialogue.stored()));
    }

    /// `human`, `tasks 1`, `none`, or an appointment: `2026-03-11 15:00 Leak repair`.
    fn ends(&self, expected: &[&str]) {
        let state: Vec<&str> = expected.iter().copied().filter(|line| *line == "human").collect();
        assert_eq!(self.is_human, !state.is_empty(), "who has the conversation");
        let zone = self.office.world.zone;
        let booked: Vec<String> = self
            .office
            .world
            .appointments
            .iter()
            .map(|one| {
                let item = self.office.world.items.iter().find(|item| item.id == one.service_item_id);
                let start = one.slot.start().with_timezone(&zone).format("%Y-%m-%d %H:%M");
                format!("{start} {}", item.map_or("(gone)", |item| item.name.as_str()))
            })
            .collect();
        let is_appointment = |line: &&str| line.starts_with("20");
        let wanted: Vec<&str> = expected.iter().copied().filter(is_appointment).collect();
        if expected.contains(&"none") || !wanted.is_empty() {
            assert_eq!(booked, wanted, "the appointments");
        }
        if let Some(tasks) = expected.iter().find_map(|line| line.strip_prefix("tasks ")) {
            assert_eq!(self.tasks.to_string(), tasks, "the tasks");
        }
    }
}

/// Plays all conversations of a file; there are at least so many.
pub(super) fn play(file: &str, least: usize) {
    let parts: Vec<&str> = file.split("\n== ").skip(1).collect();
    assert!(parts.len() >= least, "{} conversations", parts.len());
    let mut wrong = Vec::new();
    for part in parts {
        let (title, lines) = part.split_once('\n').unwrap();
        if let Err(why) = std::panic::catch_unwind(|| converse(lines)) {
            let why =
                why.downcast_ref::<String>().cloned().or_else(|| why.downcast_ref::<&str>().map(|&s| s.to_owned()));
            wrong.push(format!("{title}: {}", why.unwrap_or_default()));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

fn converse(lines: &str) {
    let mut play: Option<Play> = None;
    let mut acts: Vec<&str> = Vec::new();
    let mut said = "";
    let mut ends = Vec::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (sign, rest) = line.split_at(1);
        let rest = rest.trim();
        match (sign, &mut play) {
            ("@", _) => {
                let (business, now) = rest.split_once(' ').unwrap();
                let now = NaiveDateTime::parse_from_str(now, "%Y-%m-%d %H:%M").unwrap();
                play = Some(Play::new(business, now));
            }
            ("!", Some(play)) => play.happens(rest),
            (">" | "+", Some(play)) => {
                said = rest;
                let texts: Vec<&str> = rest.split(" | ").filter(|text| !text.is_empty()).collect();
                acts = play.caller_writes(&texts, sign == "+");
            }
            ("<", Some(play)) => {
                let expected: Vec<&str> = rest.split_whitespace().filter(|word| *word != "silent").collect();
                assert_eq!(acts, expected, "after {said:?}: {}", play.text);
            }
            ("~", Some(play)) if rest == "nothing" => assert_eq!(play.text, "", "after {said:?}"),
            ("~", Some(play)) => assert!(play.text.contains(rest), "after {said:?}: {:?} has no {rest:?}", play.text),
            ("^", Some(play)) => {
                let zone = play.office.world.zone;
                let starts = play.dialogue.offers.iter().map(|offer| offer.start.with_timezone(&zone));
                let offers: Vec<String> = starts.map(|start| start.format("%m-%d %H:%M").to_string()).collect();
                assert_eq!(offers.join(", "), rest, "the offers after {said:?}");
            }
            ("=", Some(_)) => ends.push(rest),
            _ => panic!("{line}"),
        }
    }
    if !ends.is_empty() {
        play.unwrap().ends(&ends);
    }
}
