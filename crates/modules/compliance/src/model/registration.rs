use chrono::{DateTime, Utc};
use nmc_events::compliance::CampaignStatus;
use nmc_kernel::E164;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::CampaignSubmission;

/// What the carriers want to know of a business that texts from a local number (A2P 10DLC): who it is, what it sends,
/// and how people come to get it. Fields and bounds are those of Twilio's brand and campaign:
/// <https://www.twilio.com/docs/messaging/compliance/a2p-10dlc/collect-business-info>,
/// <https://www.twilio.com/docs/messaging/api/usapptoperson-resource>.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "legal_name": "Example Plumbing LLC", "kind": "company", "company_type": "llc", "ein": "12-3456789",
    "website": "https://plumbing.example.com",
    "address": {"street": "1 Example Street", "city": "Springfield", "state": "IL", "postal_code": "62701", "country": "US"},
    "contact": {"first_name": "Alex", "last_name": "Example", "email": "alex@example.com", "phone": "+12175550123",
                "position": "Owner"},
    "use_case": "low-volume-mixed",
    "description": "Answers to people who called the business and were not answered; booking and confirming appointments.",
    "opt_in": "People call the business's published number. Who is not answered gets one text in reply and can answer it.",
    "sample_messages": [
        "Example Plumbing: sorry we missed your call. This is our automated assistant. Reply STOP to opt out.",
        "Example Plumbing: you are booked for Tuesday, June 9 at 10:00 AM. Reply CHANGE to move it."
    ],
    "has_links": false, "has_phone_numbers": true,
    "privacy_policy_url": null, "terms_url": null
}))]
pub struct Registration {
    /// The business's legal name as its tax papers have it, 1 to 255 characters; a sole proprietor's own name.
    pub legal_name: String,
    /// What it is before the law.
    pub kind: BusinessKind,
    /// Which kind of company; required for one, and for nobody else.
    #[serde(default)]
    pub company_type: Option<CompanyType>,
    /// The employer identification number, `12-3456789`; required for a company. A business that has one is registered
    /// as a company, so a sole proprietor gives none.
    #[serde(default)]
    pub ein: Option<String>,
    /// The website (or a page on a social network); required for a company.
    #[serde(default)]
    pub website: Option<String>,
    /// Where it is registered.
    pub address: Address,
    /// Whom the carriers may ask.
    pub contact: Contact,
    /// What the texts are for.
    pub use_case: UseCase,
    /// What is sent, and to whom; 40 to 4,096 characters.
    pub description: String,
    /// How people come to get texts; 40 to 2,048 characters.
    pub opt_in: String,
    /// Two to five texts as they will be sent, 20 to 1,024 characters each; one of them says how to opt out.
    pub sample_messages: Vec<String>,
    /// Texts have links in them.
    pub has_links: bool,
    /// Texts have phone numbers in them.
    pub has_phone_numbers: bool,
    /// Where the privacy policy is.
    #[serde(default)]
    pub privacy_policy_url: Option<String>,
    /// Where the terms of service are.
    #[serde(default)]
    pub terms_url: Option<String>,
}

/// What a business is before the law, as far as the carriers tell kinds apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BusinessKind {
    /// It has an employer identification number.
    Company,
    /// It has none: a person.
    SoleProprietor,
}

/// Kinds of companies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CompanyType {
    /// A limited liability company.
    Llc,
    /// A corporation.
    Corporation,
    /// A partnership.
    Partnership,
    /// A co-operative.
    CoOperative,
    /// A non-profit corporation.
    NonProfit,
}

/// What texts are for, as the registry names it: <https://www.twilio.com/docs/messaging/api/usapptopersonusecase-resource>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UseCase {
    /// Several uses, few texts: what a small trade has.
    LowVolumeMixed,
    /// Questions and answers with customers.
    CustomerCare,
    /// What a sole proprietor sends; the only use a sole proprietor may register.
    SoleProprietor,
}

/// A postal address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// Street and number, 1 to 200 characters.
    pub street: String,
    /// 1 to 100 characters.
    pub city: String,
    /// State or province, two letters.
    pub state: String,
    /// ZIP or postal code.
    pub postal_code: String,
    /// `US` or `CA`.
    pub country: String,
}

/// A person of the business.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// 1 to 100 characters.
    pub first_name: String,
    /// 1 to 100 characters.
    pub last_name: String,
    /// An address that is read.
    pub email: String,
    /// A number at which the person answers.
    pub phone: E164,
    /// What the person is in the business, at most 100 characters.
    #[serde(default)]
    pub position: Option<String>,
}

/// A field that the carriers would send back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The field's path.
    pub field: &'static str,
    /// What is expected of it.
    pub message: &'static str,
}

impl Registration {
    /// Everything that is wrong, so that an owner corrects it in one go.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        let is_company = self.kind == BusinessKind::Company;
        let web = |url: &Option<String>| url.as_deref().is_none_or(is_web_address);
        let tells_to_stop = |text: &String| text.to_ascii_uppercase().contains("STOP");
        [
            (chars(&self.legal_name, 1, 255), "legal_name", "1 to 255 characters are expected"),
            (
                self.company_type.is_some() == is_company,
                "company_type",
                "a company has one, a sole proprietor has none",
            ),
            (
                self.ein.is_some() == is_company,
                "ein",
                "a company has one; a business with an EIN registers as a company",
            ),
            (self.ein.as_deref().is_none_or(is_ein), "ein", "nine digits as in 12-3456789 are expected"),
            (
                self.website.is_some() || !is_company,
                "website",
                "a company needs a website or a page on a social network",
            ),
            (web(&self.website), "website", "an http or https address is expected"),
            (chars(&self.address.street, 1, 200), "address.street", "1 to 200 characters are expected"),
            (chars(&self.address.city, 1, 100), "address.city", "1 to 100 characters are expected"),
            (is_state(&self.address.state), "address.state", "two capital letters are expected"),
            (is_postal_code(&self.address), "address.postal_code", "a ZIP code or a Canadian postal code is expected"),
            (["US", "CA"].contains(&self.address.country.as_str()), "address.country", "US or CA is expected"),
            (chars(&self.contact.first_name, 1, 100), "contact.first_name", "1 to 100 characters are expected"),
            (chars(&self.contact.last_name, 1, 100), "contact.last_name", "1 to 100 characters are expected"),
            (is_email(&self.contact.email), "contact.email", "an e-mail address is expected"),
            (
                self.contact.position.as_deref().is_none_or(|position| chars(position, 1, 100)),
                "contact.position",
                "1 to 100 characters are expected",
            ),
            (
                (self.use_case == UseCase::SoleProprietor) != is_company,
                "use_case",
                "a sole proprietor registers sole-proprietor, a company another one",
            ),
            (chars(&self.description, 40, 4_096), "description", "40 to 4,096 characters are expected"),
            (chars(&self.opt_in, 40, 2_048), "opt_in", "40 to 2,048 characters are expected"),
            ((2..=5).contains(&self.sample_messages.len()), "sample_messages", "two to five texts are expected"),
            (
                self.sample_messages.iter().all(|text| chars(text, 20, 1_024)),
                "sample_messages",
                "20 to 1,024 characters are expected of each",
            ),
            (
                self.sample_messages.iter().any(tells_to_stop),
                "sample_messages",
                "one of them has to say how to opt out, as in: Reply STOP to opt out",
            ),
            (web(&self.privacy_policy_url), "privacy_policy_url", "an http or https address is expected"),
            (web(&self.terms_url), "terms_url", "an http or https address is expected"),
        ]
        .into_iter()
        .filter_map(|(holds, field, message)| (!holds).then_some(Fault { field, message }))
        .collect()
    }

    /// What is kept in columns of its own.
    pub(crate) fn submission(&self) -> CampaignSubmission {
        CampaignSubmission {
            legal_name: self.legal_name.clone(),
            description: self.description.clone(),
            sample_message: self.sample_messages.first().cloned().unwrap_or_default(),
        }
    }
}

fn chars(text: &str, least: usize, most: usize) -> bool {
    let length = text.trim().chars().count();
    (least..=most).contains(&length) && text.chars().count() <= most && !text.contains('\0')
}

fn is_ein(text: &str) -> bool {
    let digits = |part: &str, count| part.len() == count && part.bytes().all(|digit| digit.is_ascii_digit());
    text.split_once('-').is_some_and(|(prefix, number)| digits(prefix, 2) && digits(number, 7))
}

/// `http(s)://host.tld`, and whatever comes after it in one word.
fn is_web_address(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let is_host = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '-' | ':');
        text.len() <= 500
            && !text.contains(|letter: char| letter.is_whitespace() || letter.is_control())
            && host.split('.').count() >= 2
            && host.split('.').all(|part| !part.is_empty())
            && host.chars().all(is_host)
    })
}

fn is_email(text: &str) -> bool {
    text.len() <= 254
        && !text.contains(|letter: char| letter.is_whitespace() || letter.is_control())
        && text.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty()
                && !host.contains('@')
                && host.contains('.')
                && host.split('.').all(|part| !part.is_empty())
        })
}

fn is_state(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|letter| letter.is_ascii_uppercase())
}

fn is_postal_code(address: &Address) -> bool {
    let shape: String = address
        .postal_code
        .chars()
        .map(|letter| {
            if letter.is_ascii_digit() {
                '9'
            } else if letter.is_ascii_uppercase() {
                'A'
            } else {
                letter
            }
        })
        .collect();
    match address.country.as_str() {
        "CA" => matches!(shape.as_str(), "A9A 9A9" | "A9A9A9"),
        _ => matches!(shape.as_str(), "99999" | "99999-9999"),
    }
}

words! {
    /// What the registry decides about.
    RegistrationSubject {
        /// The business.
        Brand = "brand",
        /// What it sends.
        Campaign = "campaign",
    }
}

words! {
    /// Who brought a change about.
    SaidBy {
        /// An owner of the business, by submitting.
        Owner = "owner",
        /// An operator, who passes on what the registry said.
        Operator = "operator",
        /// The carriers themselves, by refusing a text for want of a campaign.
        Carriers = "carriers",
    }
}

/// One change of a registration's standing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrationChange {
    /// Counts a business's changes from 1.
    pub number: i32,
    /// What it is about.
    pub subject: RegistrationSubject,
    /// Where it stands from then on.
    pub status: CampaignStatus,
    /// Why, in the registry's words.
    pub reason: Option<String>,
    /// Who brought it about.
    pub said_by: SaidBy,
    /// When, UTC.
    pub changed_at: DateTime<Utc>,
}

/// The business as it is registered.
#[derive(Clone, Debug, PartialEq)]
pub struct Brand {
    /// Counts what was submitted from 1: who decides says which submission that is about.
    pub version: i32,
    /// Its legal name.
    pub legal_name: String,
    /// Where it stands.
    pub status: CampaignStatus,
    /// The [`Registration`] as it was submitted; nothing where an operator filed it by other means.
    pub registration: Option<Value>,
}

/// The text is no reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("reason: 1 to {MAX_REASON_CHARS} characters are expected")]
pub struct ReasonError;

const MAX_REASON_CHARS: usize = 500;

/// The reason without the white space around it.
pub(crate) fn reason(text: &str) -> Result<&str, ReasonError> {
    let reason = text.trim();
    if chars(reason, 1, MAX_REASON_CHARS) { Ok(reason) } else { Err(ReasonError) }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn company() -> Registration {
        Registration {
            legal_name: "Example Plumbing LLC".into(),
            kind: BusinessKind::Company,
            company_type: Some(CompanyType::Llc),
            ein: Some("12-3456789".into()),
            website: Some("https://plumbing.example.com/about".into()),
            address: Address {
                street: "1 Example Street".into(),
                city: "Springfield".into(),
                state: "IL".into(),
                postal_code: "62701".into(),
                country: "US".into(),
            },
            contact: Contact {
                first_name: "Alex".into(),
                last_name: "Example".into(),
                email: "alex@example.com".into(),
                phone: E164::parse("+12175550123").unwrap(),
                position: None,
            },
            use_case: UseCase::LowVolumeMixed,
            description: "Answers to people who called and were not answered, and their appointments.".into(),
            opt_in: "People call the published number; who is not answered gets one text in reply.".into(),
            sample_messages: vec![
                "Example Plumbing: sorry we missed you. Reply STOP to opt out.".into(),
                "Example Plumbing: you are booked for Tuesday at 10.".into(),
            ],
            has_links: false,
            has_phone_numbers: true,
            privacy_policy_url: None,
            terms_url: None,
        }
    }

    #[test]
    fn a_company_and_a_sole_proprietor_may_register() {
        assert_eq!(company().faults(), []);
        let person = Registration {
            kind: BusinessKind::SoleProprietor,
            company_type: None,
            ein: None,
            website: None,
            use_case: UseCase::SoleProprietor,
            ..company()
        };
        assert_eq!(person.faults(), []);
        assert_eq!(Registration { kind: BusinessKind::SoleProprietor, ..company() }.faults().len(), 3);
    }

    #[test]
    fn every_fault_is_told_by_its_field() {
        type Breaking = (&'static str, fn(&mut Registration));
        let broken: [Breaking; 26] = [
            ("legal_name", |r| r.legal_name = " ".into()),
            ("legal_name", |r| r.legal_name = "x".repeat(256)),
            ("legal_name", |r| r.legal_name = "a\0b".into()),
            ("company_type", |r| r.company_type = None),
            ("ein", |r| r.ein = None),
            ("ein", |r| r.ein = Some("123456789".into())),
            ("ein", |r| r.ein = Some("12-345678x".into())),
            ("website", |r| r.website = None),
            ("website", |r| r.website = Some("plumbing.example.com".into())),
            ("website", |r| r.website = Some("https://localhost".into())),
            ("address.street", |r| r.address.street = String::new()),
            ("address.city", |r| r.address.city = "x".repeat(101)),
            ("address.state", |r| r.address.state = "Illinois".into()),
            ("address.postal_code", |r| r.address.postal_code = "627".into()),
            ("address.country", |r| r.address.country = "FR".into()),
            ("contact.first_name", |r| r.contact.first_name = String::new()),
            ("contact.last_name", |r| r.contact.last_name = String::new()),
            ("contact.email", |r| r.contact.email = "alex at example.com".into()),
            ("contact.position", |r| r.contact.position = Some(String::new())),
            ("use_case", |r| r.use_case = UseCase::SoleProprietor),
            ("description", |r| r.description = "x".repeat(39)),
            ("opt_in", |r| r.opt_in = "x".repeat(2_049)),
            ("sample_messages", |r| r.sample_messages.truncate(1)),
            ("sample_messages", |r| r.sample_messages = vec!["Example Plumbing: hello there.".into(); 2]),
            ("privacy_policy_url", |r| r.privacy_policy_url = Some("nowhere".into())),
            ("terms_url", |r| r.terms_url = Some("ftp://example.com".into())),
        ];
        for (field, change) in broken {
            let mut registration = company();
            change(&mut registration);
            let faults = registration.faults();
            assert_eq!(faults.iter().map(|fault| fault.field).collect::<Vec<_>>(), [field]);
        }
        let canadian =
            Address { state: "ON".into(), postal_code: "K1A 0B1".into(), country: "CA".into(), ..company().address };
        assert_eq!(Registration { address: canadian, ..company() }.faults(), []);
    }

    #[test]
    fn what_is_submitted_fits_the_columns() {
        assert_eq!(company().submission().check(), Ok(()));
        let longest = Registration {
            legal_name: "x".repeat(255),
            description: "x".repeat(4_096),
            opt_in: "é".repeat(2_048),
            sample_messages: vec!["STOP ".repeat(204); 5],
            ..company()
        };
        assert_eq!(longest.faults(), []);
        assert!(serde_json::to_string(&longest).unwrap().chars().count() < 20_000);
        assert_eq!(reason(" no opt-in "), Ok("no opt-in"));
        assert_eq!(reason(" "), Err(ReasonError));
    }
}
