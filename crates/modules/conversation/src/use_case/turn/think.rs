use nmc_kernel::TenantId;
use nmc_scheduling::{Job, Search, SearchError};

use super::{TurnError, read::Read};
use crate::{
    Conversation, TaskKind,
    model::{
        dialogue::{self, Act, Answer, Command, Found, HandOverReason, SEARCHES_MAX, SlotWish, Step, Voice},
        understanding::{Saying, Understood, understand},
    },
};

/// The answer that a turn came to, not yet given.
pub(super) struct Thought {
    /// What was understood; nothing where it did not matter.
    pub(super) understood: Option<Understood>,
    pub(super) answer: Answer,
    /// Its words; none: no text.
    pub(super) text: Option<String>,
}

impl Thought {
    /// What the automation wanted to do has failed again and again: a person takes it.
    pub(super) fn handed_over(read: &Read) -> Self {
        let answer = Answer {
            acts: vec![Act::HandOver { calls: false }],
            commands: to_a_person(),
            dialogue: read.dialogue.clone(),
        };
        Self::worded(None, answer, read)
    }

    /// With its words. Whatever they say beyond the facts of their acts is not said: a person takes the conversation.
    fn worded(understood: Option<Understood>, answer: Answer, read: &Read) -> Self {
        if answer.acts.is_empty() {
            return Self { understood, answer, text: None };
        }
        let voice = Voice::of(&answer.dialogue, &read.world);
        let text = dialogue::word(&answer.acts, &voice);
        match dialogue::check(&text, &answer.acts, &voice) {
            Ok(()) => Self { understood, answer, text: Some(text) },
            Err(unfounded) => {
                tracing::error!(conversation_id = %read.conversation.id, %unfounded, "an answer says what is not so");
                let mut commands = answer.commands;
                commands.retain(|command| matches!(command, Command::HandOver { .. } | Command::Task { .. }));
                if !commands.iter().any(|command| matches!(command, Command::HandOver { .. })) {
                    commands.extend(to_a_person());
                }
                let answer = Answer { acts: Vec::new(), commands, dialogue: read.dialogue.clone() };
                Self { understood, answer, text: None }
            }
        }
    }
}

/// The automation does not get on by itself.
fn to_a_person() -> Vec<Command> {
    let text = "Reply to the caller: the automation did not get on.".to_owned();
    vec![Command::HandOver { why: HandOverReason::Circles }, Command::Task { kind: TaskKind::Reply, text }]
}

/// Understands the texts and decides on the answer. No transaction is open but for a look at what is free.
pub(super) async fn think(
    conversations: &Conversation,
    tenant: TenantId,
    read: Read,
) -> Result<(Read, Thought), TurnError> {
    let (mut read, understood) = apart(read, hear).await?;
    for _ in 0..=SEARCHES_MAX {
        let known = understood.clone();
        let (again, thought) = apart(read, move |read| match dialogue::step(&read.dialogue, &known, &read.world) {
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

/// What the texts say. A picture says that it is one, and the words with it are heard as well.
fn hear(read: &Read) -> Understood {
    let bodies: Vec<&str> = read.texts.iter().map(|text| text.body.as_str()).collect();
    // "Tomorrow" is the day after it was written.
    let now = read.newest.created_at.with_timezone(&read.world.zone).naive_local();
    let asked = read.dialogue.asked(&read.world);
    let mut understood = understand(&bodies, &asked, now, &read.world.settings.opening_hours);
    if read.texts.iter().any(|text| text.media_count > 0) {
        if bodies.iter().all(|body| body.trim().is_empty()) {
            understood.sayings.clear();
        }
        understood.sayings.push(Saying::Picture);
    }
    understood
}

/// Runs what takes its time without waiting on a thread that may: a text can be such that its dates are read for long.
async fn apart<T: Send + 'static>(
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
