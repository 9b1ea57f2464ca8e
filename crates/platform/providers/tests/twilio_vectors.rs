//! Signatures made by Twilio's own libraries: each holds here, and none survives a change.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets the unexpected stops there")]

use std::collections::BTreeSet;

use nmc_providers::twilio::{AuthToken, signature};
use serde::Deserialize;

#[derive(Clone, Deserialize)]
struct Vector {
    name: String,
    kind: String,
    token: String,
    url: String,
    fields: Vec<(String, String)>,
    body: String,
    signature: String,
}

impl Vector {
    fn holds(&self) -> bool {
        let token = AuthToken::new(self.token.clone());
        if self.kind == "json" {
            return signature::verify_json(&token, &self.url, self.body.as_bytes(), &self.signature);
        }
        // The fields as a server sees them: decoded from the body.
        let fields: Vec<_> = form_urlencoded::parse(self.body.as_bytes()).collect();
        signature::verify(&token, &self.url, &fields, &self.signature)
    }

    /// The vector with its fields changed, and the body that carries them.
    fn with_fields(&self, fields: Vec<(String, String)>) -> Self {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
        Self { fields, body, ..self.clone() }
    }
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("vectors/twilio.json")).unwrap()
}

#[test]
fn every_vector_holds() {
    let vectors = vectors();
    assert!(vectors.len() > 70, "{}", vectors.len());
    for vector in vectors {
        assert!(vector.holds(), "{}", vector.name);
        if vector.kind == "form" {
            let decoded: Vec<(String, String)> = form_urlencoded::parse(vector.body.as_bytes()).into_owned().collect();
            assert_eq!(decoded, vector.fields, "{}", vector.name);
        }
    }
}

#[test]
fn we_sign_as_twilio_does() {
    let ours = |v: &Vector| signature::sign(&AuthToken::new(v.token.clone()), &v.url, &v.fields);
    for vector in vectors().iter().filter(|v| !v.name.contains("port added") && !v.name.contains("port dropped")) {
        assert_eq!(ours(vector), vector.signature, "{}", vector.name);
    }
}

#[test]
fn no_vector_survives_a_change() {
    let mut trials = 0;
    for vector in vectors() {
        for (what, tampered) in tampered(&vector) {
            assert!(!tampered.holds(), "{}: {what}", vector.name);
            trials += 1;
        }
    }
    assert!(trials > 1000, "{trials}");
}

fn tampered(vector: &Vector) -> Vec<(String, Vector)> {
    let mut out = Vec::new();
    let mut add = |what: String, v: Vector| out.push((what, v));
    add("another token".into(), Vector { token: format!("{}x", vector.token), ..vector.clone() });
    add("a longer path".into(), Vector { url: vector.url.replacen("example", "example.net", 1), ..vector.clone() });
    add("another query".into(), Vector { url: format!("{}&x=1", vector.url), ..vector.clone() });
    add("another case".into(), Vector { url: vector.url.replacen("nmc", "Nmc", 1), ..vector.clone() });
    for position in [0, vector.signature.len() / 2, vector.signature.len() - 3] {
        let mut signature: Vec<char> = vector.signature.chars().collect();
        signature[position] = if signature[position] == 'A' { 'B' } else { 'A' };
        add(
            format!("signature at {position}"),
            Vector { signature: signature.into_iter().collect(), ..vector.clone() },
        );
    }
    add("no signature".into(), Vector { signature: String::new(), ..vector.clone() });
    if vector.kind == "json" {
        add("another body".into(), Vector { body: format!("{} ", vector.body), ..vector.clone() });
        return out;
    }
    for index in 0..vector.fields.len() {
        let change = |change: fn(&mut (String, String))| {
            let mut fields = vector.fields.clone();
            change(&mut fields[index]);
            vector.with_fields(fields)
        };
        add(format!("value {index}"), change(|field| field.1.push('x')));
        add(format!("name {index}"), change(|field| field.0.push('x')));
        add(format!("case of name {index}"), change(|field| field.0.insert(0, 'Q')));
        let mut fields = vector.fields.clone();
        fields.remove(index);
        add(format!("without {index}"), vector.with_fields(fields));
    }
    let mut more = vector.fields.clone();
    more.push(("Added".into(), "1".into()));
    add("one more".into(), vector.with_fields(more));
    // The values of a repeated name are a set: a change within it is the one the scheme cannot see.
    let set = |v: &Vector| v.fields.iter().cloned().collect::<BTreeSet<_>>();
    out.retain(|(_, v)| v.fields == vector.fields || set(v) != set(vector));
    out
}
