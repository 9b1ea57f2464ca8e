//! The documents that are generated from the keys.

use std::fmt::Write as _;

use crate::{Config, Key, Presence};

/// The line of `docs/operations.md` after which the generated table begins.
pub const OPERATIONS_TABLE_BEGIN: &str = "<!-- generated from the configuration: begin -->";
/// The line of `docs/operations.md` before which the generated table ends.
pub const OPERATIONS_TABLE_END: &str = "<!-- generated from the configuration: end -->";

/// The tables of all keys for `docs/operations.md`, one per group, to stand between the two markers.
pub fn operations_table() -> String {
    let mut text = String::new();
    each_key(|key, begins_group| {
        if begins_group {
            let _ = writeln!(text, "\n### {}\n\n| key | value | default | meaning |\n|---|---|---|---|", key.group);
        }
        let default = match key.presence {
            Presence::Required { .. } => "required".to_owned(),
            Presence::Optional => "not set".to_owned(),
            Presence::Default(value) => format!("`{value}`"),
        };
        let secret = if key.secret { " (secret)" } else { "" };
        let cells = [format!("`{}`", key.name), format!("{}{secret}", key.expected), default, sentence(&key)];
        let _ = writeln!(text, "| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
    });
    format!("{}\n", text.trim())
}

/// The content of `.env.example`: required keys with an example, the others commented out with their default.
pub fn env_example() -> String {
    let mut text =
        "# Copy to .env and adjust; the environment wins over this file. Generated from the configuration's code.\n"
            .to_owned();
    each_key(|key, begins_group| {
        if begins_group {
            let _ = writeln!(text, "\n# --- {} ---", key.group);
        }
        let _ = writeln!(text, "\n# {}\n# Takes {}.", sentence(&key), key.expected);
        let _ = match key.presence {
            Presence::Required { example } => writeln!(text, "{}={example}", key.name),
            Presence::Optional => writeln!(text, "#{}=", key.name),
            Presence::Default(value) => writeln!(text, "#{}={value}", key.name),
        };
    });
    text
}

fn each_key(mut show: impl FnMut(Key, bool)) {
    let mut group = "";
    for key in Config::keys() {
        let begins_group = key.group != group;
        group = key.group;
        show(key, begins_group);
    }
}

/// The description on one line.
fn sentence(key: &Key) -> String {
    key.description.split_whitespace().collect::<Vec<_>>().join(" ")
}
