use serde::{Deserialize, Deserializer};

/// Tells a field that is null from one that is not given: for `deserialize_with`, beside `default`, on a field of a change.
#[allow(clippy::option_option, reason = "a field that is not given, one that is null, and one with a value")]
pub fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    #[allow(clippy::option_option, reason = "what is tested")]
    struct Change {
        #[serde(default, deserialize_with = "given")]
        name: Option<Option<String>>,
    }

    #[test]
    fn null_is_not_the_same_as_nothing() {
        let name = |json| serde_json::from_str::<Change>(json).unwrap().name;
        assert_eq!(name("{}"), None);
        assert_eq!(name(r#"{"name": null}"#), Some(None));
        assert_eq!(name(r#"{"name": "x"}"#), Some(Some("x".to_owned())));
    }
}
