//! The OpenAPI document, as these tests read it.

use serde_json::Value;

use crate::harness::App;

/// One operation under `/v1`.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) method: String,
    /// As a template, such as `/v1/tasks/{id}/done`.
    pub(crate) path: String,
    document: Value,
    value: Value,
}

/// The composed application's document.
pub(crate) fn document(app: &App) -> Value {
    serde_json::to_value(app.modules.routes().split_for_parts().1).unwrap()
}

/// Every operation under `/v1`.
pub(crate) fn operations(app: &App) -> Vec<Operation> {
    let document = document(app);
    let paths = document["paths"].as_object().unwrap();
    let under_v1 = paths.iter().filter(|(path, _)| path.starts_with("/v1/"));
    let operations = under_v1.flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(|(method, operation)| Operation {
            method: method.to_uppercase(),
            path: path.clone(),
            document: document.clone(),
            value: operation.clone(),
        })
    });
    operations.collect()
}

impl Operation {
    /// `POST /v1/tasks/{id}/done`.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(reference) => self.document.pointer(reference.trim_start_matches('#')).unwrap(),
            None => schema,
        }
    }

    /// Parameters by where they stand: `path`, `query`, `header`.
    pub(crate) fn parameters(&self, place: &str) -> Vec<&str> {
        let all = self.value["parameters"].as_array().into_iter().flatten();
        all.filter(|parameter| parameter["in"] == place).map(|parameter| parameter["name"].as_str().unwrap()).collect()
    }

    fn is_id(&self, schema: &Value) -> bool {
        let schema = self.resolved(schema);
        let variants = ["oneOf", "anyOf"].iter().filter_map(|key| schema[*key].as_array()).flatten();
        schema["format"] == "uuid" || variants.into_iter().any(|variant| self.is_id(variant)) || self.is_id_list(schema)
    }

    fn is_id_list(&self, schema: &Value) -> bool {
        schema["items"].is_object() && self.is_id(&schema["items"])
    }

    /// Names of everything in query and body that holds an id.
    pub(crate) fn ids_beside_the_path(&self) -> Vec<String> {
        let parameters = self.value["parameters"].as_array().into_iter().flatten();
        let in_query = parameters
            .filter(|parameter| parameter["in"] == "query" && self.is_id(&parameter["schema"]))
            .map(|parameter| parameter["name"].as_str().unwrap().to_owned());
        let body = self.body_schema();
        let properties = body.as_ref().and_then(|body| body["properties"].as_object()).into_iter().flatten();
        let in_body = properties.filter(|(_, schema)| self.is_id(schema)).map(|(name, _)| name.clone());
        in_query.chain(in_body).collect()
    }

    fn body_content(&self) -> Option<&Value> {
        self.value.pointer("/requestBody/content/application~1json")
    }

    fn body_schema(&self) -> Option<Value> {
        Some(self.resolved(&self.body_content()?["schema"]).clone())
    }

    /// The example of the request's body; nothing where the route takes none.
    pub(crate) fn example(&self) -> Option<Value> {
        let content = self.body_content()?;
        let schema = self.resolved(&content["schema"]);
        let given = [&content["example"], &schema["example"], &schema["examples"][0]];
        let example = given.into_iter().find(|example| !example.is_null());
        Some(example.unwrap_or_else(|| panic!("{}: the body has no example", self.name())).clone())
    }

    /// Whether a success is a page of a list.
    pub(crate) fn answers_with_a_page(&self) -> bool {
        let Some(content) = self.value.pointer("/responses/200/content/application~1json") else { return false };
        self.resolved(&content["schema"])["properties"]["next_cursor"].is_object()
    }

    /// Whether a success has an example, or nothing to show.
    pub(crate) fn shows_a_success(&self) -> bool {
        let responses = self.value["responses"].as_object().unwrap();
        let mut successes = responses.iter().filter(|(status, _)| status.starts_with('2'));
        successes.all(|(_, response)| {
            let content = response["content"].as_object().into_iter().flatten();
            content.into_iter().all(|(_, content)| {
                let schema = self.resolved(&content["schema"]);
                [&content["example"], &content["examples"], &schema["example"], &schema["examples"]]
                    .iter()
                    .any(|example| !example.is_null())
            })
        })
    }

    /// Whether the document says that the route may answer with this status.
    pub(crate) fn documents(&self, status: u16) -> bool {
        self.value["responses"].get(status.to_string()).is_some()
    }

    pub(crate) fn tags(&self) -> Vec<&str> {
        self.value["tags"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }

    pub(crate) fn security(&self) -> &Value {
        &self.value["security"]
    }

    pub(crate) fn has_summary(&self) -> bool {
        self.value["summary"].as_str().is_some_and(|summary| !summary.is_empty())
    }
}
