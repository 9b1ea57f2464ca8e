use std::fmt;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::Problem;

/// A cursor longer than this was not made by us.
const LENGTH_MAX: usize = 512;

/// Where a list goes on: a position that only the list itself understands. It grants nothing: a list looks at the
/// tenant's rows whatever the cursor says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

impl Cursor {
    /// The cursor of a position, such as the sort key of the last row shown.
    pub fn new(position: &impl Serialize) -> Self {
        // Keys are tuples of times, ids and texts, which serialise; the empty cursor is refused when it comes back.
        Self(BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(position).unwrap_or_default()))
    }

    /// The position again; 422 where the cursor is not one of this list's.
    pub fn position<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let bytes = if self.0.len() > LENGTH_MAX { None } else { BASE64_URL_SAFE_NO_PAD.decode(&self.0).ok() };
        bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or_else(Self::refused)
    }

    /// It is not one of this list's.
    pub(crate) fn refused() -> Problem {
        Problem::invalid_field("cursor", "must be a next_cursor of this list")
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
