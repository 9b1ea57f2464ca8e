use nmc_kernel::E164;
use phonenumber::Type;

/// Where a text would go, as far as money and the business's area are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// A country the business serves, at the price of a text.
    Served,
    /// Another country, or one that cannot be told.
    CountryNotServed,
    /// A number that costs whoever calls or texts it.
    PremiumRate,
}

impl Destination {
    /// The word in a decision's inputs.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::CountryNotServed => "country-not-served",
            Self::PremiumRate => "premium-rate",
        }
    }
}

/// Area codes of +1 that are not in the United States or Canada, with their countries. Calls and texts there look
/// domestic and are billed as international. Source: <https://www.nanpa.com/reports/area-codes>.
const OTHER_COUNTRIES: [(&str, &str); 27] = [
    ("242", "BS"),
    ("246", "BB"),
    ("264", "AI"),
    ("268", "AG"),
    ("284", "VG"),
    ("340", "VI"),
    ("345", "KY"),
    ("441", "BM"),
    ("473", "GD"),
    ("649", "TC"),
    ("658", "JM"),
    ("664", "MS"),
    ("670", "MP"),
    ("671", "GU"),
    ("684", "AS"),
    ("721", "SX"),
    ("758", "LC"),
    ("767", "DM"),
    ("784", "VC"),
    ("787", "PR"),
    ("809", "DO"),
    ("829", "DO"),
    ("849", "DO"),
    ("868", "TT"),
    ("869", "KN"),
    ("876", "JM"),
    ("939", "PR"),
];

/// Area codes of +1 that belong to no place: premium (900), personal (5xx), Canadian non-geographic (6xx), carriers'
/// own (700) and government (710). Whoever holds one can share in what a text costs. Source: as above.
const NO_PLACE: [&str; 29] = [
    "900", "500", "521", "522", "523", "524", "525", "526", "527", "528", "529", "532", "533", "535", "538", "542",
    "543", "544", "566", "577", "588", "600", "622", "633", "644", "655", "677", "700", "710",
];
/// The exchange that is premium in every area code of +1.
const PREMIUM_EXCHANGE: &str = "976";

/// Judges a number against the countries a business serves (ISO 3166 codes).
pub(crate) fn destination(phone: &E164, countries: &[String]) -> Destination {
    let is_served = |country: &str| countries.iter().any(|served| served == country);
    if let Some((area, rest)) = phone.as_str().strip_prefix("+1").and_then(|digits| digits.split_at_checked(3)) {
        if NO_PLACE.contains(&area) || rest.starts_with(PREMIUM_EXCHANGE) {
            return Destination::PremiumRate;
        }
        if let Some((_, country)) = OTHER_COUNTRIES.iter().find(|(code, _)| *code == area) {
            return if is_served(country) { Destination::Served } else { Destination::CountryNotServed };
        }
    }
    match phone.country() {
        Some(country) if is_served(&country) => {
            if is_premium(phone) {
                Destination::PremiumRate
            } else {
                Destination::Served
            }
        }
        _ => Destination::CountryNotServed,
    }
}

/// Whether the number's own numbering plan says that it costs more than a call. That of +1 is in the tables above.
fn is_premium(phone: &E164) -> bool {
    if phone.as_str().starts_with("+1") {
        return false;
    }
    phonenumber::parse(None, phone.as_str()).is_ok_and(|number| {
        matches!(
            number.number_type(&phonenumber::metadata::DATABASE),
            Type::PremiumRate | Type::SharedCost | Type::PersonalNumber
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(phone: &str, countries: &[&str]) -> Destination {
        let countries: Vec<String> = countries.iter().map(|country| (*country).to_owned()).collect();
        destination(&E164::parse(phone).unwrap(), &countries)
    }

    const HOME: [&str; 2] = ["US", "CA"];

    #[test]
    fn home_is_served() {
        for phone in ["+14155550123", "+12125550100", "+12505550199", "+18085550123", "+16135550123"] {
            assert_eq!(judge(phone, &HOME), Destination::Served, "{phone}");
        }
        assert_eq!(judge("+12505550199", &["US"]), Destination::CountryNotServed);
    }

    #[test]
    fn islands_that_look_domestic_are_served_only_when_named() {
        for (area, country) in OTHER_COUNTRIES {
            let phone = format!("+1{area}2345678");
            assert_eq!(judge(&phone, &HOME), Destination::CountryNotServed, "{phone}");
            assert_eq!(judge(&phone, &["US", country]), Destination::Served, "{phone}");
        }
    }

    #[test]
    fn premium_numbers_are_never_served() {
        for area in NO_PLACE {
            assert_eq!(judge(&format!("+1{area}2345678"), &HOME), Destination::PremiumRate, "{area}");
        }
        assert_eq!(judge("+14159765678", &HOME), Destination::PremiumRate);
        // The United Kingdom's personal (070) and premium (09) numbers.
        assert_eq!(judge("+447012345678", &["GB"]), Destination::PremiumRate);
        assert_eq!(judge("+449012345678", &["GB"]), Destination::PremiumRate);
        assert_eq!(judge("+447400123456", &["GB"]), Destination::Served);
    }

    #[test]
    fn abroad_is_not_served() {
        for phone in ["+447400123456", "+4915123456789", "+5215512345678", "+881612345678"] {
            assert_eq!(judge(phone, &HOME), Destination::CountryNotServed, "{phone}");
        }
    }
}
