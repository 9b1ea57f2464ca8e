//! A good token with a bit changed, or written in another way.

use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use nmc_providers::clerk::token::MAX_TOKEN_BYTES;
use serde_json::json;

use super::Cases;
use crate::support::{Signer, claims, claims_with, encode};

/// One bit changed, everywhere.
pub(super) fn bits(cases: &mut Cases) {
    let key = Signer::clerk();
    let (header, payload) = (key.header().to_string().into_bytes(), claims().to_string().into_bytes());
    let signature = key.signature(&RSA_PKCS1_SHA256, &format!("{}.{}", encode(&header), encode(&payload)));
    let parts = [header, payload, signature];
    for part in 0..3 {
        for bit in 0..parts[part].len() * 8 {
            let mut changed = parts.clone();
            changed[part][bit / 8] ^= 1 << (bit % 8);
            let token = changed.map(|bytes| encode(&bytes)).join(".");
            cases.push((format!("bit {bit} of part {part}"), token));
        }
    }
}

/// The same token written in another way, cut, or with something around it.
pub(super) fn writing(cases: &mut Cases) {
    let token = Signer::clerk().sign(&claims());
    let parts: Vec<&str> = token.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    let mut add = |what: &str, token: String| cases.push((format!("written: {what}"), token));
    for (what, around) in [
        ("a prefix", format!("Bearer {token}")),
        ("a space before", format!(" {token}")),
        ("a space behind", format!("{token} ")),
        ("a line end", format!("{token}\n")),
        ("a NUL behind", format!("{token}\0")),
        ("a NUL before", format!("\0{token}")),
        ("a dot before", format!(".{token}")),
        ("a dot behind", format!("{token}.")),
        ("a fourth part", format!("{token}.{signature}")),
        ("five parts", format!("{header}.{payload}.{signature}.{payload}.{signature}")),
        ("an empty part between", format!("{header}..{payload}.{signature}")),
        ("twice", format!("{token}{token}")),
        ("quotes", format!("\"{token}\"")),
        ("a comma and another", format!("{token},{token}")),
        ("percent", token.replace('.', "%2E")),
        ("another dot", token.replace('.', "\u{2024}")),
        ("upper case", token.to_uppercase()),
        ("reversed", token.chars().rev().collect()),
        ("parts swapped", format!("{payload}.{header}.{signature}")),
        ("no header", format!(".{payload}.{signature}")),
        ("no payload", format!("{header}..{signature}")),
        ("no signature", format!("{header}.{payload}.")),
        ("padding", format!("{header}=.{payload}==.{signature}==")),
        ("padding of the signature", format!("{header}.{payload}.{signature}==")),
        ("a line end within", format!("{header}.{payload}.{}\n{}", &signature[..64], &signature[64..])),
        ("a space within", format!("{header}.{payload}.{} {}", &signature[..64], &signature[64..])),
        ("JSON instead", json!({"protected": header, "payload": payload, "signature": signature}).to_string()),
    ] {
        add(what, around);
    }
    let raw: Vec<Vec<u8>> = parts.iter().map(|part| decode(part)).collect();
    add("padded by the library", raw.iter().map(|bytes| URL_SAFE.encode(bytes)).collect::<Vec<_>>().join("."));
    add("the other alphabet", raw.iter().map(|bytes| STANDARD.encode(bytes)).collect::<Vec<_>>().join("."));
    add("hexadecimal", raw.iter().map(hex::encode).collect::<Vec<_>>().join("."));
    // 256 bytes leave four bits of the last character unused.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = alphabet.find(signature.chars().last().unwrap()).unwrap();
    for stray in 1..16 {
        let other = &alphabet[(last | stray)..=(last | stray)];
        add(&format!("stray bits {stray}"), format!("{header}.{payload}.{}{other}", &signature[..signature.len() - 1]));
    }
    for length in (0..token.len()).step_by(7) {
        add(&format!("cut at {length}"), token[..length].to_owned());
    }
    for odd in [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "a.b",
        "null",
        "undefined",
        "e30.e30.",
        "e30.e30.e30",
        "[object Object]",
        "\0",
        "é.é.é",
    ] {
        add(&format!("{odd:?}"), odd.to_owned());
    }
    let sizes = [MAX_TOKEN_BYTES + 1, 64 * 1024, 1024 * 1024];
    for size in sizes {
        add(&format!("{size} letters"), "a".repeat(size));
        add(&format!("{size} dots"), ".".repeat(size));
    }
    let long = Signer::clerk().sign(&claims_with("more", json!("x".repeat(MAX_TOKEN_BYTES))));
    assert!(long.len() > MAX_TOKEN_BYTES);
    add("too long and signed", long);
}

fn decode(part: &str) -> Vec<u8> {
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()
}
