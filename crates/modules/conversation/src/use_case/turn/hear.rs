//! The one place where texts become what was understood: by the deterministic reading, and by a model where there is
//! one.

use std::time::Duration;

use nmc_kernel::{MessageId, TenantId};
use nmc_telemetry::name::TURN_UNDERSTANDING_TOTAL;
use serde_json::{Value, json};

use super::{TurnError, read::Read, think::apart};
use crate::{
    Conversation,
    model::understanding::{
        Saying, Understood,
        model::{self, Inquiry, Stakes, weigh},
        understand,
    },
    reader::{Unheard, Whose},
};

/// What the texts of a turn say.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    pub(super) understood: Understood,
    by: By,
    /// The newest of the texts.
    newest: MessageId,
}

/// Who has read them.
#[derive(Clone, Debug)]
enum By {
    /// The deterministic reading; because the model was not heard, where there is one.
    Deterministic(Option<Unheard>),
    /// The model of this name, in so long.
    Model(String, Duration),
}

impl Heard {
    /// Whether it is of these texts: nothing that changes between two thoughts changes what they say.
    pub(super) fn is_of(&self, read: &Read) -> bool {
        self.newest == read.newest.id
    }

    /// Who understood it, for whoever asks why.
    pub(super) fn why(&self) -> Value {
        match &self.by {
            By::Deterministic(None) => json!({ "by": "deterministic" }),
            By::Deterministic(Some(unheard)) => {
                json!({ "by": "deterministic", "instead_of": "model", "because": unheard.as_str() })
            }
            By::Model(name, took) => {
                json!({ "by": "model", "model": name, "prompt": model::VERSION, "took_ms": took.as_millis() })
            }
        }
    }
}

/// What the texts say. Nothing is open and nothing is locked while a model is waited for, and whatever becomes of that,
/// there is the deterministic reading.
pub(super) async fn hear(
    conversations: &Conversation,
    tenant: TenantId,
    read: Read,
) -> Result<(Read, Heard), TurnError> {
    let (read, (alone, inquiry)) = apart(read, |read| (read_alone(read), inquiry(read))).await?;
    let reader = conversations.reader.as_ref();
    // Danger waits for nobody.
    let Some(reader) = reader.filter(|_| has_words(&read) && !alone.sayings.contains(&Saying::Emergency)) else {
        return Ok(heard(read, alone, By::Deterministic(None)));
    };
    let whose = Whose { tenant, caller: &read.conversation.caller_phone };
    let (answer, took) = match reader.ask(whose, &inquiry.json()).await {
        Ok(answered) => answered,
        Err(unheard) => return Ok(heard(read, alone, By::Deterministic(Some(unheard)))),
    };
    let name = reader.name().to_owned();
    let (read, (understood, by)) = apart(read, move |read| {
        let asked = read.dialogue.asked(&read.world);
        let stakes = Stakes { asked: &asked, is_moving: read.dialogue.is_moving() };
        let both = model::read(&answer, &inquiry).and_then(|said| weigh(said, &alone, &stakes));
        match both {
            Some(understood) => (understood, By::Model(name, took)),
            None => (alone, By::Deterministic(Some(Unheard::Unclear))),
        }
    })
    .await?;
    Ok(heard(read, understood, by))
}

fn heard(read: Read, mut understood: Understood, by: By) -> (Read, Heard) {
    let (by_word, because) = match &by {
        By::Deterministic(unheard) => ("deterministic", unheard.map_or("none", Unheard::as_str)),
        By::Model(..) => ("model", "none"),
    };
    metrics::counter!(TURN_UNDERSTANDING_TOTAL, "by" => by_word, "because" => because).increment(1);
    // A picture says that it is one, and the words with it are heard as well.
    if read.texts.iter().any(|text| text.media_count > 0) {
        if !has_words(&read) {
            understood.sayings.clear();
        }
        understood.sayings.push(Saying::Picture);
    }
    let newest = read.newest.id;
    (read, Heard { understood, by, newest })
}

fn has_words(read: &Read) -> bool {
    read.texts.iter().any(|text| !text.body.trim().is_empty())
}

fn bodies(read: &Read) -> Vec<&str> {
    read.texts.iter().map(|text| text.body.as_str()).collect()
}

/// The deterministic reading. "Tomorrow" is the day after it was written.
fn read_alone(read: &Read) -> Understood {
    let now = read.newest.created_at.with_timezone(&read.world.zone).naive_local();
    understand(&bodies(read), &read.dialogue.asked(&read.world), now, &read.world.settings.opening_hours)
}

/// What a model is told: nothing but this conversation's and this business's.
fn inquiry(read: &Read) -> Inquiry {
    let (world, dialogue) = (&read.world, &read.dialogue);
    let now = read.newest.created_at.with_timezone(&world.zone).naive_local();
    let services: Vec<String> = world.items.iter().map(|item| item.name.as_str().to_owned()).collect();
    Inquiry::new(&bodies(read), &dialogue.asked(world), &dialogue.options(world), now).of_business(
        &services,
        &world.settings.languages,
        &world.settings.opening_hours,
    )
}
