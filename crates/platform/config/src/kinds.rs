//! The kinds of value a key can take: a parser and the words for what it accepts.

use std::{
    fmt::{self, Display},
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    str::FromStr,
    time::Duration,
};

use ipnet::IpNet;
use secrecy::SecretString;
use tracing_subscriber::EnvFilter;
use url::Url;

type Parse<T> = Box<dyn Fn(&str) -> Option<T>>;

/// A parser with the words for what it accepts.
pub(crate) struct Kind<T> {
    pub(crate) expected: String,
    pub(crate) secret: bool,
    parse: Parse<T>,
}

impl<T> Kind<T> {
    fn new(expected: impl Into<String>, parse: impl Fn(&str) -> Option<T> + 'static) -> Self {
        Self { expected: expected.into(), secret: false, parse: Box::new(parse) }
    }

    fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    /// The value, or nothing where it is not as expected; text that was not Unicode never is.
    pub(crate) fn parse(&self, text: &str) -> Option<T> {
        (!text.contains(char::REPLACEMENT_CHARACTER)).then(|| (self.parse)(text))?
    }

    pub(crate) fn map<U: 'static>(self, into: fn(T) -> U) -> Kind<U>
    where
        T: 'static,
    {
        let parse = self.parse;
        Kind { expected: self.expected, secret: self.secret, parse: Box::new(move |text| parse(text).map(into)) }
    }
}

/// A whole number in a range.
pub(crate) fn integer<T>(range: RangeInclusive<T>) -> Kind<T>
where
    T: FromStr + PartialOrd + Display + 'static,
{
    let expected = format!("a whole number from {} to {}", range.start(), range.end());
    Kind::new(expected, move |text| text.parse().ok().filter(|number| range.contains(number)))
}

/// One of a few whole numbers.
pub(crate) fn one_of(allowed: &'static [i32]) -> Kind<i32> {
    let words: Vec<String> = allowed.iter().map(i32::to_string).collect();
    Kind::new(format!("one of {}", words.join(", ")), |text| {
        text.parse().ok().filter(|number| allowed.contains(number))
    })
}

fn duration(unit: &str, range: RangeInclusive<u64>, of: fn(u64) -> Duration) -> Kind<Duration> {
    let expected = format!("a whole number of {unit} from {} to {}", range.start(), range.end());
    Kind::new(expected, move |text| text.parse().ok().filter(|number| range.contains(number)).map(of))
}

pub(crate) fn milliseconds(range: RangeInclusive<u64>) -> Kind<Duration> {
    duration("milliseconds", range, Duration::from_millis)
}

pub(crate) fn seconds(range: RangeInclusive<u64>) -> Kind<Duration> {
    duration("seconds", range, Duration::from_secs)
}

pub(crate) fn minutes(range: RangeInclusive<u64>) -> Kind<Duration> {
    duration("minutes", range, Duration::from_mins)
}

pub(crate) fn hours(range: RangeInclusive<u64>) -> Kind<Duration> {
    duration("hours", range, Duration::from_hours)
}

pub(crate) fn flag() -> Kind<bool> {
    Kind::new("true or false", |text| match text.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    })
}

/// A share between nothing and all.
pub(crate) fn ratio() -> Kind<f64> {
    Kind::new("a number from 0 to 1", |text| text.parse().ok().filter(|share| (0.0..=1.0).contains(share)))
}

pub(crate) fn socket_address() -> Kind<SocketAddr> {
    Kind::new("an IP address with a port, such as 127.0.0.1:8080", |text| text.parse().ok())
}

/// An `http` or `https` address that paths are appended to.
pub(crate) fn base_url() -> Kind<BaseUrl> {
    Kind::new("an http:// or https:// URL without user, query or fragment", BaseUrl::parse)
}

/// A secret of at least `length_min` characters.
pub(crate) fn secret(length_min: usize) -> Kind<SecretString> {
    let accepts = move |text: &str| text.chars().count() >= length_min;
    Kind::new(format!("a secret of at least {length_min} characters"), move |text| {
        accepts(text).then(|| SecretString::from(text))
    })
    .secret()
}

/// A Postgres connection URL; a secret, because it holds the password.
pub(crate) fn postgres_url() -> Kind<SecretString> {
    Kind::new("a URL postgres://user:password@host:port/database", |text| {
        let url = Url::parse(text).ok()?;
        let accepted = matches!(url.scheme(), "postgres" | "postgresql");
        accepted.then(|| SecretString::from(text))
    })
    .secret()
}

/// An identifier of Twilio's: <https://www.twilio.com/docs/glossary/what-is-a-sid>.
pub(crate) fn twilio_sid(prefix: &'static str) -> Kind<String> {
    Kind::new(format!("{prefix} followed by 32 hexadecimal digits"), move |text| {
        let digits = text.strip_prefix(prefix)?;
        (digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| text.to_owned())
    })
}

/// A model's name, as servers write them: `org/model:tag`.
pub(crate) fn model_name() -> Kind<String> {
    Kind::new("a name of letters, digits and :/._-@ such as gpt-4.1-mini", |text| {
        let is_name = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":/._-@".contains(&byte));
        (is_name && text.len() <= 200).then(|| text.to_owned())
    })
}

/// Web origins, exact: what a browser sends as `Origin`.
pub(crate) fn origins() -> Kind<Vec<String>> {
    Kind::new("comma-separated origins such as https://app.example.com, without a path", |text| {
        text.split(',').map(str::trim).map(origin).collect()
    })
}

fn origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let origin = url.origin().ascii_serialization();
    (matches!(url.scheme(), "http" | "https") && origin == text).then_some(origin)
}

/// Whom a token is for: a name or an address.
pub(crate) fn audience() -> Kind<String> {
    Kind::new("an audience of letters, digits and :/._- such as https://api.example.com", |text| {
        let is_one = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":/._-".contains(&byte));
        is_one.then(|| text.to_owned())
    })
}

/// Secrets of a webhook endpoint in Svix's form: <https://docs.svix.com/receiving/verifying-payloads/how-manual>.
pub(crate) fn webhook_secrets() -> Kind<Vec<SecretString>> {
    Kind::new("one or more secrets whsec_ and base64 of at least 24 bytes, separated by commas", |text| {
        text.split(',').map(str::trim).map(webhook_secret).collect()
    })
    .secret()
}

fn webhook_secret(text: &str) -> Option<SecretString> {
    let encoded = text.strip_prefix("whsec_")?;
    let digits = encoded.trim_end_matches('=');
    let is_base64 = encoded.len() % 4 == 0
        && encoded.len() - digits.len() <= 2
        && digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte));
    (is_base64 && digits.len() >= 32).then(|| SecretString::from(text))
}

/// Countries by their ISO 3166 codes, none twice.
pub(crate) fn countries() -> Kind<Vec<String>> {
    Kind::new("comma-separated ISO 3166 codes of countries such as US,CA", |text| {
        let codes: Vec<String> = text.split(',').map(|code| code.trim().to_owned()).collect();
        let is_code = |code: &String| code.len() == 2 && code.bytes().all(|letter| letter.is_ascii_uppercase());
        let is_once = |(at, code): (usize, &String)| !codes[..at].contains(code);
        (codes.iter().all(is_code) && codes.iter().enumerate().all(is_once)).then_some(codes)
    })
}

/// Addresses and networks of machines.
pub(crate) fn networks() -> Kind<Vec<IpNet>> {
    Kind::new("comma-separated IP addresses and networks such as 10.0.0.0/8", |text| {
        text.split(',').map(str::trim).map(network).collect()
    })
}

fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// Which spans and log lines are kept, in the syntax of `tracing-subscriber`'s `EnvFilter`.
pub(crate) fn log_filter() -> Kind<String> {
    Kind::new("a log filter such as info or info,nmc_outbox=debug", |text| {
        EnvFilter::builder().parse(text).is_ok().then(|| text.to_owned())
    })
}

/// An `http` or `https` address that paths are appended to; never ends in a slash.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// Accepts an absolute URL without user, query and fragment.
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let plain = url.query().is_none() && url.fragment().is_none();
        let anonymous = url.username().is_empty() && url.password().is_none();
        let web = matches!(url.scheme(), "http" | "https") && url.host_str().is_some();
        (plain && anonymous && web).then(|| Self(url.as_str().trim_end_matches('/').to_owned()))
    }

    /// The address without a trailing slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address of `path`, which begins with a slash.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// Whether the connection is encrypted.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_loses_its_trailing_slash_and_refuses_what_paths_cannot_follow() {
        let url = BaseUrl::parse("https://example.com/nmc/").unwrap();
        assert_eq!(url.at("/webhooks/twilio/voice"), "https://example.com/nmc/webhooks/twilio/voice");
        assert!(url.is_https());
        for wrong in ["example.com", "ftp://example.com", "https://example.com/?a=b", "https://me:pw@example.com", ""] {
            assert_eq!(BaseUrl::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn webhook_secrets_have_svix_s_form() {
        let (one, padded) = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_Y2hhbmdlLW1lLWNoYW5nZS1tZS1jaGFuZ2U=");
        assert_eq!(webhook_secrets().parse(one).map(|all| all.len()), Some(1));
        assert_eq!(webhook_secrets().parse(&format!("{one}, {padded}")).map(|all| all.len()), Some(2));
        for wrong in ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_c2hvcnQ=", &one[..37], &format!("{one},")] {
            assert!(webhook_secrets().parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn origins_are_exact() {
        assert_eq!(origins().parse("https://a.example, http://localhost:5173").map(|all| all.len()), Some(2));
        for wrong in ["*", "https://a.example/", "https://a.example/path", "a.example", "https://a.example,"] {
            assert!(origins().parse(wrong).is_none(), "{wrong}");
        }
    }
}
