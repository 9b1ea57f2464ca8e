//! Examples of answers, made from their schemas where a route gives none.

use serde_json::{Map, Value, json};
use utoipa::openapi::{Components, OpenApi, RefOr};

/// Gives every successful JSON answer without an example one: the fields' own examples, and plain values for the rest.
pub(crate) fn complete(document: &mut OpenApi) {
    let schemas = document.components.as_ref().map(schemas).unwrap_or_default();
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        for operation in operations.into_iter().flatten() {
            for (status, response) in &mut operation.responses.responses {
                let RefOr::T(response) = response else { continue };
                for (kind, content) in &mut response.content {
                    let RefOr::T(content) = content else { continue };
                    let schema = serde_json::to_value(&content.schema).unwrap_or_default();
                    let is_given = content.example.is_some() || !content.examples.is_empty();
                    if status.starts_with('2') && kind == "application/json" && !is_given && schema.is_object() {
                        content.example = Some(example(&schema, &schemas));
                    }
                }
            }
        }
    }
}

fn schemas(components: &Components) -> Value {
    serde_json::to_value(&components.schemas).unwrap_or_default()
}

/// A value the schema accepts. Schemas of answers do not contain themselves.
fn example(schema: &Value, schemas: &Value) -> Value {
    let given = [&schema["example"], &schema["examples"][0], &schema["const"], &schema["enum"][0], &schema["default"]];
    if let Some(given) = given.into_iter().find(|given| !given.is_null()) {
        return given.clone();
    }
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return example(&schemas[name], schemas);
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let parts = parts.iter().filter_map(|part| example(part, schemas).as_object().cloned());
        return Value::Object(parts.flatten().collect());
    }
    if let Some(variants) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
        let absent = variants.iter().find(|variant| variant["type"] == "null");
        return absent.or(variants.first()).map_or(Value::Null, |variant| example(variant, schemas));
    }
    let types = schema["type"].as_array();
    if types.is_some_and(|types| types.iter().any(|kind| kind == "null")) {
        return Value::Null;
    }
    match schema["type"].as_str().unwrap_or_default() {
        "object" => {
            let properties = schema["properties"].as_object().into_iter().flatten();
            let properties = properties.map(|(name, property)| (name.clone(), example(property, schemas)));
            Value::Object(properties.collect::<Map<_, _>>())
        }
        "array" => json!([example(&schema["items"], schemas)]),
        "string" => json!(match schema["format"].as_str() {
            Some("uuid") => "0190a0a0-0000-7000-8000-000000000001",
            Some("date-time") => "2026-06-10T18:05:00Z",
            Some("date") => "2026-06-10",
            _ => "text",
        }),
        "integer" | "number" => json!(schema["minimum"].as_i64().unwrap_or(1)),
        "boolean" => json!(true),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_is_what_the_fields_say_and_plain_where_they_say_nothing() {
        let schemas = json!({
            "Person": { "type": "object", "properties": {
                "id": { "type": "string", "format": "uuid" },
                "name": { "type": "string", "example": "Ann" },
                "role": { "type": "string", "enum": ["OWNER", "TECH"] },
                "phone": { "type": ["string", "null"] },
            }},
        });
        let page = json!({ "type": "object", "properties": {
            "items": { "type": "array", "items": { "$ref": "#/components/schemas/Person" } },
            "next_cursor": { "oneOf": [{ "type": "null" }, { "type": "string" }] },
        }});
        assert_eq!(
            example(&page, &schemas),
            json!({
                "items": [{
                    "id": "0190a0a0-0000-7000-8000-000000000001", "name": "Ann", "role": "OWNER", "phone": null,
                }],
                "next_cursor": null,
            })
        );
    }
}
