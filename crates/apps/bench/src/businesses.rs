//! Who calls whom.

use nmc_compliance::{CampaignSubmission, Compliance};
use nmc_db::{Db, PoolSettings, Wakes};
use nmc_identity::{CallMode, Identity, NewTenant, TenantName, TenantSettings};
use nmc_kernel::{Actor, E164};
use nmc_sandbox::Installation;
use nmc_simulators::twilio::SimulatedNumber;

use crate::BenchError;

/// Businesses the calls are spread over.
const BUSINESSES: usize = 20;
/// Area codes of the callers. Within each, 555-0100 to 555-0199 belong to nobody.
const AREA_CODES: [u16; 30] = [
    212, 213, 303, 305, 312, 313, 404, 407, 412, 469, 503, 512, 602, 612, 614, 617, 619, 702, 704, 713, 716, 720, 801,
    813, 816, 901, 904, 916, 919, 971,
];
/// Different callers there are.
pub(crate) const CALLERS: usize = AREA_CODES.len() * 100;

/// The number of one of the callers; `index` is below [`CALLERS`].
pub(crate) fn caller(index: usize) -> String {
    format!("+1{}55501{:02}", AREA_CODES[index / 100 % AREA_CODES.len()], index % 100)
}

/// A business whose calls are missed.
#[derive(Clone, Debug)]
pub(crate) struct Business {
    /// Where it is called.
    pub(crate) number: E164,
}

/// Opens the businesses, each with an approved campaign and a number.
pub(crate) async fn open(installation: &Installation) -> Result<Vec<Business>, BenchError> {
    let settings = PoolSettings { max_connections: 2, ..PoolSettings::default() };
    let db = Db::new(&installation.database.url("nmc_app"), settings, Wakes::new())?;
    let identity = Identity::new(db.clone());
    let compliance = Compliance::new(db.clone(), identity.clone());
    let forward_to = E164::parse("+14155550199").map_err(wrong)?;
    let mut businesses = Vec::new();
    for index in 0..BUSINESSES {
        let number = E164::parse(&format!("+14155550{}", 120 + index)).map_err(wrong)?;
        let settings = TenantSettings {
            call_mode: CallMode::Dial,
            forward_to: Some(forward_to.clone()),
            ..TenantSettings::default()
        };
        let name = TenantName::parse(&format!("Example Plumbing {index}")).map_err(wrong)?;
        let new = NewTenant { name, time_zone: chrono_tz::America::Los_Angeles, settings };
        let tenant = identity.create_tenant(new).await.map_err(wrong)?;
        let operator = Actor::Operator { tenant };
        let campaign = CampaignSubmission {
            legal_name: "Example Plumbing LLC".to_owned(),
            description: "Answers to people who called and were not picked up.".to_owned(),
            sample_message: "Example Plumbing: sorry we missed your call. Reply STOP to opt out.".to_owned(),
        };
        compliance.submit_campaign(&operator, &campaign).await.map_err(wrong)?;
        compliance.approve_campaign(&operator, 1).await.map_err(wrong)?;
        compliance.add_receiving_number(&operator, &number).await.map_err(wrong)?;
        installation.twilio.put_number(SimulatedNumber::at(number.clone(), &installation.base_url));
        businesses.push(Business { number });
    }
    db.close().await;
    Ok(businesses)
}

fn wrong(error: impl std::error::Error) -> BenchError {
    BenchError::Wrong(format!("a business could not be set up: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nmc_kernel::CallerNumber;

    #[test]
    fn every_caller_is_another_phone_that_can_be_texted() {
        let callers: std::collections::HashSet<String> = (0..CALLERS).map(caller).collect();
        assert_eq!(callers.len(), CALLERS);
        for phone in callers {
            assert!(matches!(CallerNumber::from_provider(&phone), CallerNumber::Textable(_)), "{phone}");
        }
    }
}
