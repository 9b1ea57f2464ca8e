//! Pure: no I/O, no clock.

/// Defines an enum whose variants are stored and shown as words that never change.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        pub enum $name { $($(#[$variant_doc])* #[serde(rename = $word)] #[schema(rename = $word)] $variant),+ }

        impl $name {
            /// Every one there is.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The stable word, as stored and shown.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// What is stored and shown as `word`, if it is one of these.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == word)
            }
        }
    };
}

pub(crate) mod area_zones;
pub(crate) mod campaign;
pub(crate) mod decision;
pub(crate) mod destination;
pub(crate) mod do_not_text;
pub(crate) mod gate;
mod in_words;
pub(crate) mod keyword;
pub(crate) mod limit;
pub(crate) mod machine;
pub(crate) mod number;
pub(crate) mod opt_out;
pub(crate) mod quiet_hours;
pub(crate) mod registration;
pub(crate) mod standing;
pub(crate) mod state_hours;
pub(crate) mod wording;
mod wording_phrases;
