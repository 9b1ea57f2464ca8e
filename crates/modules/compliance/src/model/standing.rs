use nmc_events::compliance::CampaignStatus;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Brand, Campaign, NumberStatus, PhoneNumber, RegistrationChange, RegistrationSubject};

/// Where a business stands with everything that has to be in order before it may text.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// The business as it is registered.
    pub brand: Option<Brand>,
    /// What it registered to send.
    pub campaign: Option<Campaign>,
    /// What was submitted and decided, the newest first.
    pub history: Vec<RegistrationChange>,
    /// Its numbers.
    pub numbers: Vec<PhoneNumber>,
    /// What keeps it from texting; nothing where it may.
    pub missing: Vec<Missing>,
}

/// One thing that keeps a business from texting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Missing {
    /// `registration`, `brand-pending`, `brand-rejected`, `campaign-pending`, `campaign-rejected`, `number`,
    /// `number-requested`, `suspended`.
    pub code: String,
    /// The same for the owner to read.
    pub text: String,
}

/// What has to happen before a business can text.
pub(crate) fn missing(
    is_active: bool,
    brand: Option<&Brand>,
    campaign: Option<&Campaign>,
    history: &[RegistrationChange],
    numbers: &[PhoneNumber],
) -> Vec<Missing> {
    let mut missing = Vec::new();
    let mut add = |code: &str, text: String| missing.push(Missing { code: code.to_owned(), text });
    let because = |subject| {
        let last = history.iter().find(|change| change.subject == subject);
        last.and_then(|change| change.reason.as_deref())
            .map(|reason| format!(" They say: {reason}"))
            .unwrap_or_default()
    };
    if !is_active {
        add("suspended", "Your account is suspended. Please contact us.".to_owned());
    }
    if let (Some(brand), Some(campaign)) = (brand, campaign) {
        match brand.status {
            CampaignStatus::Approved => {}
            CampaignStatus::Pending => {
                add("brand-pending", "The carriers are checking your business. You need not do anything.".to_owned());
            }
            CampaignStatus::Rejected => {
                let why = because(RegistrationSubject::Brand);
                let text = format!("The carriers did not accept your business.{why} Correct it and submit it again.");
                add("brand-rejected", text);
            }
        }
        match campaign.status {
            CampaignStatus::Approved => {}
            CampaignStatus::Pending => {
                let text = "The carriers are checking what you want to send. You need not do anything.";
                add("campaign-pending", text.to_owned());
            }
            CampaignStatus::Rejected => {
                let why = because(RegistrationSubject::Campaign);
                let text =
                    format!("The carriers did not accept what you want to send.{why} Correct it and submit it again.");
                add("campaign-rejected", text);
            }
        }
    } else {
        let text = "Tell the carriers who you are and what you send: fill in and submit the registration.";
        add("registration", text.to_owned());
    }
    let has = |status| numbers.iter().any(|number| number.status == status);
    if !has(NumberStatus::Active) {
        if has(NumberStatus::Requested) {
            let text = "We are checking the number you asked for. You need not do anything.";
            add("number-requested", text.to_owned());
        } else {
            add("number", "Register the phone number your customers call.".to_owned());
        }
    }
    missing
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use nmc_kernel::E164;
    use uuid::Uuid;

    use super::*;
    use crate::SaidBy;

    const ALL: [CampaignStatus; 3] = [CampaignStatus::Pending, CampaignStatus::Approved, CampaignStatus::Rejected];

    fn brand(status: CampaignStatus) -> Brand {
        Brand { version: 1, legal_name: "Example".into(), status, registration: None }
    }

    fn campaign(status: CampaignStatus) -> Campaign {
        let id = Uuid::nil().into();
        Campaign { id, status, description: String::new(), sample_message: String::new() }
    }

    fn number(status: NumberStatus) -> PhoneNumber {
        let phone = E164::parse("+12125550100").unwrap();
        PhoneNumber { id: Uuid::nil().into(), phone, status, reason: None, since: DateTime::UNIX_EPOCH }
    }

    fn codes(active: bool, brand: Option<&Brand>, campaign: Option<&Campaign>, numbers: &[PhoneNumber]) -> Vec<String> {
        missing(active, brand, campaign, &[], numbers).into_iter().map(|missing| missing.code).collect()
    }

    #[test]
    fn nothing_is_missing_only_where_everything_is_there() {
        for of_brand in ALL {
            for of_campaign in ALL {
                for status in NumberStatus::ALL {
                    for active in [false, true] {
                        let codes =
                            codes(active, Some(&brand(of_brand)), Some(&campaign(of_campaign)), &[number(*status)]);
                        let wrong = [
                            !active,
                            of_brand != CampaignStatus::Approved,
                            of_campaign != CampaignStatus::Approved,
                            *status != NumberStatus::Active,
                        ];
                        assert_eq!(codes.len(), wrong.iter().filter(|wrong| **wrong).count(), "{codes:?}");
                    }
                }
            }
        }
        assert_eq!(codes(true, None, None, &[]), ["registration", "number"]);
    }

    #[test]
    fn what_the_carriers_said_is_passed_on() {
        let change = |number, subject, reason: &str| RegistrationChange {
            number,
            subject,
            status: CampaignStatus::Rejected,
            reason: Some(reason.into()),
            said_by: SaidBy::Operator,
            changed_at: DateTime::UNIX_EPOCH,
        };
        let history = [
            change(2, RegistrationSubject::Campaign, "No opt-in."),
            change(1, RegistrationSubject::Campaign, "Something older."),
        ];
        let (brand, campaign) = (brand(CampaignStatus::Approved), campaign(CampaignStatus::Rejected));
        let active = [number(NumberStatus::Active)];
        let [only] = &missing(true, Some(&brand), Some(&campaign), &history, &active)[..] else { panic!() };
        assert_eq!(only.code, "campaign-rejected");
        assert!(only.text.contains("They say: No opt-in.") && !only.text.contains("older"), "{}", only.text);
    }
}
