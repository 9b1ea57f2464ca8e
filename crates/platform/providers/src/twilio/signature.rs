//! `X-Twilio-Signature`: base64(HMAC-SHA1(auth token, URL and parameters)).
//!
//! Source: <https://www.twilio.com/docs/usage/webhooks/webhooks-security>. The algorithm is fixed here and never read
//! from a header, so a request cannot choose how it is checked.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "X-Twilio-Signature";

/// The query parameter that carries the hash of a JSON body.
const BODY_HASH_PARAMETER: &str = "bodySHA256";

/// An account's auth token: signs webhooks and is the password of the REST API. Never printed.
#[derive(Clone)]
pub struct AuthToken(SecretString);

impl AuthToken {
    /// Takes the token over; the text is wiped when the last clone is dropped.
    pub fn new(token: impl Into<String>) -> Self {
        Self(SecretString::from(token.into()))
    }

    /// Whether `candidate` is the token; in constant time for its length.
    pub fn matches(&self, candidate: &str) -> bool {
        self.expose().as_bytes().ct_eq(candidate.as_bytes()).into()
    }

    /// The token itself, for the one header that must carry it.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl std::fmt::Debug for AuthToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuthToken(***)")
    }
}

/// Signs a form POST, or with no parameters a GET, as Twilio does. `url` is used as it stands.
///
/// Parameters are taken in the order of their names; the values of a repeated name are a sorted set. Nothing separates
/// name and value, which is why [`super::webhook`] refuses repeated names.
pub fn sign<N: AsRef<str>, V: AsRef<str>>(token: &AuthToken, url: &str, parameters: &[(N, V)]) -> String {
    BASE64.encode(mac(token, url, &sorted(parameters)))
}

/// Whether `signature` is Twilio's for this form POST or GET; in constant time for a given request.
pub fn verify<N: AsRef<str>, V: AsRef<str>>(
    token: &AuthToken,
    url: &str,
    parameters: &[(N, V)],
    signature: &str,
) -> bool {
    let Ok(claimed) = BASE64.decode(signature) else { return false };
    let parameters = sorted(parameters);
    // Twilio signs the URL now with, now without its port; both are computed whatever the first one says.
    let [without_port, with_port] = port_variants(url);
    let matches = mac(token, &without_port, &parameters).ct_eq(&claimed)
        | mac(token, &with_port, &parameters).ct_eq(&claimed)
        | mac(token, url, &parameters).ct_eq(&claimed);
    matches.into()
}

/// Whether `signature` is Twilio's for a JSON body: the URL names the body's hash and is signed, the body matches it.
pub fn verify_json(token: &AuthToken, url: &str, body: &[u8], signature: &str) -> bool {
    let Some(hash) = body_hash_of(url) else { return false };
    let body_matches = hex::encode(Sha256::digest(body)).as_bytes().ct_eq(hash.to_ascii_lowercase().as_bytes());
    let none: [(&str, &str); 0] = [];
    verify(token, url, &none, signature) & bool::from(body_matches)
}

fn mac(token: &AuthToken, url: &str, parameters: &[(&str, &str)]) -> [u8; 20] {
    let mut mac = <Hmac<Sha1>>::new_from_slice(token.expose().as_bytes())
        .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
    mac.update(url.as_bytes());
    for (name, value) in parameters {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    mac.finalize().into_bytes().into()
}

fn sorted<N: AsRef<str>, V: AsRef<str>>(parameters: &[(N, V)]) -> Vec<(&str, &str)> {
    let mut sorted: Vec<(&str, &str)> = parameters.iter().map(|(n, v)| (n.as_ref(), v.as_ref())).collect();
    sorted.sort_unstable();
    sorted.dedup();
    sorted
}

/// The URL without a port, and with the scheme's standard port where it names none. The rest stays byte for byte:
/// a URL that is parsed and written again may come out different from the one that was signed.
fn port_variants(url: &str) -> [String; 2] {
    let Some((scheme, rest)) = url.split_once("://") else { return [url.to_owned(), url.to_owned()] };
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => (host, Some(port)),
        _ => (authority, None),
    };
    let standard = if scheme.eq_ignore_ascii_case("https") { "443" } else { "80" };
    let port = port.unwrap_or(standard);
    [format!("{scheme}://{host}{tail}"), format!("{scheme}://{host}:{port}{tail}")]
}

fn body_hash_of(url: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    let query = query.split_once('#').map_or(query, |(query, _)| query);
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == BODY_HASH_PARAMETER)
        .map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
    const CALL: [(&str, &str); 5] = [
        ("To", "+18005551212"),
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+14158675309"),
        ("Digits", "1234"),
        ("From", "+14158675309"),
    ];

    fn token() -> AuthToken {
        AuthToken::new("12345")
    }

    #[test]
    fn a_form_with_and_without_the_standard_port() {
        let signature = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
        assert_eq!(sign(&token(), URL, &CALL), signature);
        assert!(verify(&token(), URL, &CALL, signature));
        let with_port = "https://mycompany.com:443/myapp.php?foo=1&bar=2";
        assert_eq!(sign(&token(), with_port, &CALL), "kvajT1Ptam85bY51eRf/AJRuM3w=");
        assert!(verify(&token(), URL, &CALL, "kvajT1Ptam85bY51eRf/AJRuM3w="));
        assert!(verify(&token(), with_port, &CALL, signature));
    }

    #[test]
    fn a_json_body_by_its_hash() {
        let url = format!("{URL}&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620");
        let body = br#"{"property": "value", "boolean": true}"#;
        let signature = "a9nBmqA0ju/hNViExpshrM61xv4=";
        assert!(verify_json(&token(), &url, body, signature));
        assert!(!verify_json(&token(), &url, br#"{"property": "value", "boolean": false}"#, signature));
        assert!(!verify_json(&token(), URL, body, signature));
    }

    #[test]
    fn repeated_values_are_a_sorted_set() {
        let fields =
            [("Digits", "5678"), ("Digits", "1234"), ("Digits", "1234"), ("Sid", "CA123"), ("SidAccount", "AC123")];
        assert!(verify(&token(), URL, &fields, "IK+Dwps556ElfBT0I3Rgjkr1wJU="));
    }

    #[test]
    fn nonsense_is_no_signature() {
        for bad in ["", "=", "not base64!", "RSOYDt4T1cUTdK1PDd93/VVr8B8", "RSOY", "RSOYDt4T1cUTdK1PDd93/VVr8B8=\n"] {
            assert!(!verify(&token(), URL, &CALL, bad), "{bad:?}");
        }
    }

    #[test]
    fn ports_of_every_kind_of_authority() {
        let variants = |url: &str| port_variants(url).join(" ");
        assert_eq!(variants("http://h/p"), "http://h/p http://h:80/p");
        assert_eq!(variants("https://h:8443?x=a:1"), "https://h?x=a:1 https://h:8443?x=a:1");
        assert_eq!(variants("https://u:1@h/p"), "https://u:1@h/p https://u:1@h:443/p");
        assert_eq!(variants("https://[::1]:9/p"), "https://[::1]/p https://[::1]:9/p");
        assert_eq!(variants("https://[::1]/p"), "https://[::1]/p https://[::1]:443/p");
        assert_eq!(variants("/p"), "/p /p");
    }

    #[test]
    fn the_token_does_not_print() {
        assert_eq!(format!("{:?}", token()), "AuthToken(***)");
    }
}
