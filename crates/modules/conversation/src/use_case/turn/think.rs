use nmc_kernel::TenantId;
use nmc_scheduling::{Job, Search, SearchError};

use super::{TurnError, hear::Heard, read::Read};
use crate::{
    Conversation, TaskKind,
    model::dialogue::{
        self, Act, Answer, Command, Dialogue, Found, HandOverReason, SEARCHES_MAX, SlotWish, Step, Voice,
    },
};

/// The answer that a turn came to, not yet given.
pub(super) struct Thought {
    /// What was heard; nothing where it did not matter.
    pub(super) heard: Option<Heard>,
    pub(super) answer: Answer,
    /// Its words; none: no text.
    pub(super) text: Option<String>,
}

impl Thought {
    /// What the automation wanted to do has failed again and again: a person takes it.
    pub(super) fn handed_over(heard: Option<Heard>, read: &Read) -> Self {
        let answer = Answer {
            acts: vec![Act::HandOver { calls: false }],
            commands: to_a_person(),
            dialogue: read.dialogue.clone(),
        };
        Self::worded(heard, answer, read)
    }

    /// With its words.
    fn worded(heard: Option<Heard>, answer: Answer, read: &Read) -> Self {
        if answer.acts.is_empty() {
            return Self { heard, answer, text: None };
        }
        let voice = Voice::of(&answer.dialogue, &read.world);
        let text = dialogue::word(&answer.acts, &voice);
        match dialogue::check(&text, &answer.acts, &voice) {
            Ok(()) => Self { heard, answer, text: Some(text) },
            Err(unfounded) => {
                tracing::error!(conversation_id = %read.conversation.id, %unfounded, "an answer says what is not so");
                let (answer, text) = instead(answer, read.dialogue.clone(), &voice);
                Self { heard, answer, text }
            }
        }
    }
}

/// In place of an answer that says more than the facts of its acts: nothing of it is done, a person takes the
/// conversation, and the caller hears just that.
fn instead(answer: Answer, before: Dialogue, voice: &Voice) -> (Answer, Option<String>) {
    let mut commands = answer.commands;
    commands.retain(|command| matches!(command, Command::HandOver { .. } | Command::Task { .. }));
    if !commands.iter().any(|command| matches!(command, Command::HandOver { .. })) {
        commands.extend(to_a_person());
    }
    let is_emergency = commands.contains(&Command::HandOver { why: HandOverReason::Emergency });
    let acts = vec![if is_emergency { Act::Emergency } else { Act::HandOver { calls: false } }];
    let text = dialogue::word(&acts, voice);
    let text = Some(text).filter(|text| dialogue::check(text, &acts, voice).is_ok());
    let acts = if text.is_some() { acts } else { Vec::new() };
    (Answer { acts, commands, dialogue: before }, text)
}

/// The automation does not get on by itself.
fn to_a_person() -> Vec<Command> {
    let text = "Reply to the caller: the automation did not get on.".to_owned();
    vec![Command::HandOver { why: HandOverReason::Circles }, Command::Task { kind: TaskKind::Reply, text }]
}

/// Decides on the answer to what was heard. No transaction is open but for a look at what is free.
pub(super) async fn think(
    conversations: &Conversation,
    tenant: TenantId,
    mut read: Read,
    heard: &Heard,
) -> Result<(Read, Thought), TurnError> {
    for _ in 0..=SEARCHES_MAX {
        let known = heard.clone();
        let (again, thought) =
            apart(read, move |read| match dialogue::step(&read.dialogue, &known.understood, &read.world) {
                Step::Answer(answer) => Ok(Thought::worded(Some(known), *answer, read)),
                Step::Search(wish) => Err(wish),
            })
            .await?;
        read = again;
        match thought {
            Ok(thought) => return Ok((read, thought)),
            Err(wish) => {
                let found = search(conversations, tenant, &read, wish).await?;
                read.world.found.push(found);
            }
        }
    }
    Err(TurnError::Endless)
}

/// Runs what takes its time without waiting on a thread that may: a text can be such that its dates are read for long.
pub(super) async fn apart<T: Send + 'static>(
    read: Read,
    work: impl FnOnce(&Read) -> T + Send + 'static,
) -> Result<(Read, T), TurnError> {
    let worked = tokio::task::spawn_blocking(move || {
        let done = work(&read);
        (read, done)
    });
    worked.await.map_err(|_| TurnError::Panicked)
}

/// What is free of what is wished.
async fn search(
    conversations: &Conversation,
    tenant: TenantId,
    read: &Read,
    wish: SlotWish,
) -> Result<Found, TurnError> {
    let zone = read.world.zone;
    let Some(item) = read.world.items.iter().find(|item| item.id == wish.item) else {
        return Ok(Found { wish, slots: Vec::new() });
    };
    let mut slots = Vec::new();
    let mut tx = conversations.db.read(tenant).await?;
    for window in wish.stretches(zone, item.duration) {
        let search = Search {
            resource_ids: None,
            job: Job::Item(wish.item),
            window,
            granularity: None,
            conversation_id: Some(read.conversation.id),
            moves_appointment_id: wish.moving,
        };
        match conversations.scheduling.search_in(&mut tx, &search).await {
            Ok(found) => slots.extend(found.slots),
            // It has gone since it was read: nothing of it is free.
            Err(SearchError::NotFound | SearchError::ItemInactive) => break,
            Err(SearchError::Window) => return Err(TurnError::Refused("the window is too long")),
            Err(SearchError::Database(error)) => return Err(error.into()),
        }
    }
    tx.finish().await?;
    // A stretch is as much longer than its window as the job lasts.
    slots.retain(|slot| wish.has(slot, zone));
    Ok(Found { wish, slots })
}

#[cfg(test)]
mod tests {
    use nmc_identity::Language;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn in_place_of_what_is_not_so_the_caller_hears_that_a_person_takes_it() {
        let reasons = [HandOverReason::Emergency, HandOverReason::Person, HandOverReason::Circles];
        for language in [Language::En, Language::Es] {
            let voice = Voice { language, zone: chrono_tz::America::New_York, business: "Example Plumbing".to_owned() };
            for why in reasons {
                let commands = vec![
                    Command::Cancel(Uuid::nil().into()),
                    Command::HandOver { why },
                    Command::Task { kind: TaskKind::Emergency, text: "Call".to_owned() },
                ];
                let answer =
                    Answer { acts: vec![Act::Thanks], commands: commands.clone(), dialogue: Dialogue::default() };
                let (answer, text) = instead(answer, Dialogue::default(), &voice);
                let text = text.unwrap();
                assert!(text.contains("Example Plumbing"), "{text}");
                assert_eq!(text.contains("911"), why == HandOverReason::Emergency, "{text}");
                assert_eq!(answer.commands, commands[1..], "{why:?}");
            }
            let booking = Answer {
                acts: vec![Act::Thanks],
                commands: vec![Command::Cancel(Uuid::nil().into())],
                dialogue: Dialogue::default(),
            };
            let (answer, text) = instead(booking, Dialogue::default(), &voice);
            assert!(text.is_some() && answer.commands == to_a_person(), "{answer:?}");
        }
    }
}
