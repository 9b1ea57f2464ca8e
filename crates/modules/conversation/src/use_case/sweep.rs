use futures::FutureExt as _;
use nmc_retention::Sweeps;

use crate::{Conversation, store::retention};

impl Conversation {
    /// Adds what the module forgets with age: what was written, later that it was written, and whole threads.
    #[must_use]
    pub fn sweeps(&self, sweeps: Sweeps) -> Sweeps {
        sweeps
            .with("conv_messages", |tx, limit| retention::delete_messages(tx, limit).boxed())
            .with("conv_contacts", |tx, limit| retention::delete_contacts(tx, limit).boxed())
            .with("conv_tasks", |tx, limit| retention::delete_tasks(tx, limit).boxed())
            .with("conv_conversations", |tx, limit| retention::delete_conversations(tx, limit).boxed())
            .with("conv_conversations, dialogue", |tx, limit| retention::forget_dialogues(tx, limit).boxed())
            .with("conv_messages, body", |tx, limit| retention::empty_messages(tx, limit).boxed())
    }
}
