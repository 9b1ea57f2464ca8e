//! The catalog as documents: a page for people and a JSON Schema per event.

use std::fmt::Write as _;

use schemars::SchemaGenerator;
use serde_json::Value;

use crate::{CATALOG, CatalogEntry};

/// The file an event's JSON Schema stands in, below `docs/events/`.
pub fn schema_file_name(entry: &CatalogEntry) -> String {
    format!("{}.v{}.json", entry.name, entry.version.major)
}

/// An event's payload as JSON Schema (draft 2020-12), pretty-printed, ending in a newline.
pub fn json_schema(entry: &CatalogEntry) -> String {
    let mut schema = (entry.schema)(&mut SchemaGenerator::default());
    schema.insert("x-event-name".to_owned(), entry.name.into());
    schema.insert("x-schema-version".to_owned(), entry.version.to_string().into());
    // Pretty-printing a schema cannot fail: its keys are text.
    format!("{:#}\n", schema.to_value())
}

/// The catalog page: the envelope in words, then every event with its payload's fields.
pub fn catalog_page() -> String {
    let mut page = String::from(PAGE_HEAD);
    for entry in CATALOG {
        let schema = (entry.schema)(&mut SchemaGenerator::default()).to_value();
        let _ = write!(
            page,
            "\n## `{}` {}\n\n{}\n\n[JSON Schema](events/{})\n\n| field | type | meaning |\n|---|---|---|\n",
            entry.name,
            entry.version,
            text(&schema, "description"),
            schema_file_name(entry),
        );
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for (field, shape) in schema["properties"].as_object().into_iter().flatten() {
            let optional = if required.contains(&field.as_str()) { "" } else { ", may be absent" };
            let _ = writeln!(
                page,
                "| `{field}` | {}{optional} | {} |",
                type_of(shape, &schema),
                text(shape, "description")
            );
        }
    }
    page
}

const PAGE_HEAD: &str = "# Event catalog

Generated from the types of `crates/platform/events` by `cargo xtask generate`; do not edit.

Every event travels in the same envelope, one column per field in `outbox_events`: `event_id` (UUID), `event_name`,
`schema_version` (semantic: minor is additive, major is breaking), `tenant_id`, `occurred_at` (UTC), `correlation_id`
(one per call or conversation), `causation_id` (the event that directly caused this one, or null) and `payload`.
Events are facts and never change; delivery is at least once and in no global order.
";

fn text<'a>(schema: &'a Value, key: &str) -> &'a str {
    schema[key].as_str().unwrap_or_default()
}

/// A short name for a field's type, following one `$ref`.
fn type_of(shape: &Value, root: &Value) -> String {
    if let Some(reference) = shape["$ref"].as_str() {
        let target = reference.trim_start_matches('#');
        return root.pointer(target).map_or_else(|| reference.to_owned(), |inner| type_of(inner, root));
    }
    if let Some(options) = shape["anyOf"].as_array() {
        return options.iter().map(|option| type_of(option, root)).collect::<Vec<_>>().join(" or ");
    }
    if let Some(options) = shape["oneOf"].as_array() {
        let words: Vec<String> = options.iter().filter_map(|o| o["const"].as_str()).map(|w| format!("`{w}`")).collect();
        return words.join(", ");
    }
    if let Some(words) = shape["enum"].as_array() {
        return words.iter().filter_map(Value::as_str).map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ");
    }
    let plain = match &shape["type"] {
        Value::String(one) => one.clone(),
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ => "any".to_owned(),
    };
    match shape["format"].as_str() {
        Some(format) => format!("{plain} ({format})"),
        None => plain,
    }
}
