use chrono_tz::Tz;
use nmc_identity::Language;

use super::{Dialogue, World};

/// Who speaks, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Voice {
    /// The language.
    pub(crate) language: Language,
    /// Where local times are told.
    pub(crate) zone: Tz,
    /// The business's name.
    pub(crate) business: String,
}

impl Voice {
    /// That in which an answer is given.
    pub(crate) fn of(dialogue: &Dialogue, world: &World) -> Self {
        Self { language: world.language(dialogue.language), zone: world.zone, business: world.business.clone() }
    }
}
