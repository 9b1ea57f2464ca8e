use chrono::{DateTime, Utc};
use nmc_kernel::E164;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A number the business never wants texted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "0197c0de-0000-7000-8000-000000000001", "phone": "+12125550142", "label": "brother",
    "added_at": "2026-06-10T18:00:00Z"
}))]
pub struct DoNotText {
    /// The entry.
    pub id: Uuid,
    /// The number.
    pub phone: E164,
    /// Whose it is, in the business's words.
    pub label: String,
    /// Since when it is on the list, UTC.
    pub added_at: DateTime<Utc>,
}

/// The text is no label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("label: one line of 1 to {MAX_LABEL_CHARS} characters is expected")]
pub struct LabelError;

const MAX_LABEL_CHARS: usize = 120;

/// The label without the white space around it.
pub(crate) fn label(text: &str) -> Result<&str, LabelError> {
    let label = text.trim();
    let is_line = !label.is_empty() && !label.chars().any(char::is_control);
    if is_line && label.chars().count() <= MAX_LABEL_CHARS { Ok(label) } else { Err(LabelError) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_one_line() {
        assert_eq!(label(" supplier "), Ok("supplier"));
        for bad in ["", " ", "a\nb", &"x".repeat(121)] {
            assert_eq!(label(bad), Err(LabelError), "{bad:?}");
        }
    }
}
