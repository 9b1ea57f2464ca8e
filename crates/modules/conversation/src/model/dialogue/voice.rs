use chrono_tz::Tz;
use nmc_identity::{Language, Tenant, TenantSettings};

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
        let language = language(&world.settings, dialogue.language);
        Self { language, zone: world.zone, business: world.business.clone() }
    }

    /// That in which a business writes to somebody who speaks this language.
    pub(crate) fn of_business(tenant: &Tenant, spoken: Option<Language>) -> Self {
        let business = tenant.name.as_str().to_owned();
        Self { language: language(&tenant.settings, spoken), zone: tenant.time_zone, business }
    }

    /// That in which people of the business are told, whatever their callers speak.
    pub(crate) fn to_people(zone: Tz, business: &str) -> Self {
        Self { language: Language::En, zone, business: business.to_owned() }
    }
}

/// The language to write in.
fn language(settings: &TenantSettings, spoken: Option<Language>) -> Language {
    let languages = &settings.languages;
    let first = languages.first().copied().unwrap_or(Language::En);
    spoken.filter(|spoken| languages.contains(spoken)).unwrap_or(first)
}
