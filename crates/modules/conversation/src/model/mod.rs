//! Pure: no I/O, no clock.

/// Defines an enum whose variants are stored and shown as words that never change.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, sqlx::Type, utoipa::ToSchema)]
        #[sqlx(type_name = "text")]
        pub enum $name {
            $(
                $(#[$variant_doc])*
                #[serde(rename = $word)]
                #[schema(rename = $word)]
                #[sqlx(rename = $word)]
                $variant
            ),+
        }

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

pub(crate) mod contact;
pub(crate) mod delivery;
pub(crate) mod dialogue;
pub(crate) mod explain;
pub(crate) mod failure;
pub(crate) mod greeting;
pub(crate) mod message;
pub(crate) mod reminder;
pub(crate) mod state;
pub(crate) mod stretch;
pub(crate) mod task;
pub(crate) mod template;
pub(crate) mod turn;
pub(crate) mod understanding;
pub(crate) mod written;
