use chrono::{DateTime, Utc};
use nmc_catalog::Quote;
use nmc_identity::Language;
use nmc_providers::twilio::segments::Segments;

use super::{Act, Answer, Command, Dialogue, SlotWish, Voice, World, hand_over::Why, word};
use crate::model::understanding::{AskedAbout, Saying, Understood};

/// A thought goes on, or has to know first what is free.
pub(super) type Thinking<T = ()> = Result<T, SlotWish>;

/// Texts have no more parts.
pub(super) const PARTS_MAX: usize = 2;
/// So many questions in a row that bring nothing, and a person takes the conversation: nobody gets on, or two machines
/// talk.
const CIRCLES_MAX: u8 = 5;
/// So many texts of the automation, and a person takes the conversation: a booking needs a third of them, and a few
/// more would be held back ([`crate::model::greeting::MAX_AUTOMATIC_PER_DAY`]).
const TEXTS_MAX: u8 = 18;

/// A turn being thought.
pub(super) struct Thought<'a> {
    /// Where the conversation stood.
    pub(super) before: &'a Dialogue,
    understood: &'a Understood,
    pub(super) world: &'a World,
    /// Where it stands by now.
    pub(super) dialogue: Dialogue,
    pub(super) acts: Vec<Act>,
    pub(super) commands: Vec<Command>,
    /// The start of a slot that somebody else was faster to take.
    pub(super) taken: Option<DateTime<Utc>>,
    /// Whether anything of what was said is of use.
    pub(super) is_used: bool,
    /// Whether it names what there is not: of use, yet not understood.
    pub(super) is_puzzling: bool,
    /// Whether all is said, so that nothing is asked.
    pub(super) is_complete: bool,
}

impl<'a> Thought<'a> {
    pub(super) fn new(before: &'a Dialogue, understood: &'a Understood, world: &'a World) -> Self {
        let mut dialogue = if world.after_human { before.after_human() } else { before.clone() };
        let is_served = |language: &Language| world.settings.languages.contains(language);
        dialogue.language = understood.language.filter(is_served).or(dialogue.language);
        Self {
            before,
            understood,
            world,
            dialogue,
            acts: Vec::new(),
            commands: Vec::new(),
            taken: None,
            is_used: false,
            is_puzzling: false,
            is_complete: false,
        }
    }

    /// What was said, in the order in which it matters; then what is asked next.
    pub(super) fn think(mut self) -> Thinking<Answer> {
        if let Some(why) = self.wish_for_a_person() {
            self.hand_over(why);
            return Ok(self.answer());
        }
        if self.is_wrong_number() {
            return Ok(self.answer());
        }
        self.recover();
        if self.is_dropped() {
            return Ok(self.answer());
        }
        self.pictures();
        self.details();
        self.changes();
        self.job();
        self.questions();
        self.times();
        self.courtesies();
        self.count_not_understood();
        self.next()?;
        Ok(self.answer())
    }

    /// Everything said.
    pub(super) fn sayings(&self) -> &'a [Saying] {
        &self.understood.sayings
    }

    pub(super) fn says(&self, saying: &Saying) -> bool {
        self.sayings().contains(saying)
    }

    /// What the caller was asked last.
    pub(super) fn about(&self) -> AskedAbout {
        self.before.about(self.world)
    }

    /// The job as it is sold by now.
    pub(super) fn quote(&self) -> Option<Quote> {
        Some(self.world.item(self.dialogue.item?)?.quote())
    }

    /// Asks; nothing else is asked in the same text.
    pub(super) fn ask(&mut self, act: Act, about: AskedAbout) {
        self.dialogue.about = about;
        self.acts.push(act);
        self.is_complete = true;
    }

    /// Says the last thing of a text that asks nothing.
    pub(super) fn close(&mut self, act: Act) {
        self.dialogue.about = AskedAbout::Nothing;
        self.acts.push(act);
        self.is_complete = true;
    }

    fn answer(mut self) -> Answer {
        let asks = self.acts.iter().any(Act::asks);
        let Dialogue { circles, texts, .. } = self.dialogue;
        self.dialogue.circles = if asks && self.stands_still() { circles.saturating_add(1) } else { 0 };
        self.dialogue.texts = texts.saturating_add(u8::from(!self.acts.is_empty()));
        if asks && (self.dialogue.circles >= CIRCLES_MAX || self.dialogue.texts >= TEXTS_MAX) {
            self.acts.retain(|act| matches!(act, Act::PassedOn | Act::NoPictures));
            self.commands.retain(|command| matches!(command, Command::Task { .. }));
            self.hand_over(Why::Circles);
        }
        // A question stands at the end.
        self.acts.sort_by_key(Act::asks);
        self.shorten();
        Answer { acts: self.acts, commands: self.commands, dialogue: self.dialogue }
    }

    /// Whether nothing is known that was not known before, and nothing is done.
    fn stands_still(&self) -> bool {
        let is_task = |command: &Command| matches!(command, Command::Task { .. });
        self.commands.iter().all(is_task) && self.dialogue.knows_as_much_as(self.before)
    }

    /// Leaves out what matters least of a text that is too long.
    fn shorten(&mut self) {
        let voice = Voice::of(&self.dialogue, self.world);
        while Segments::of(&word(&self.acts, &voice)).parts > PARTS_MAX {
            let Some(least) = self.acts.iter().rposition(Act::is_aside) else { return };
            self.acts.remove(least);
        }
    }
}
