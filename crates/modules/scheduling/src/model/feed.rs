use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use nmc_kernel::{AppointmentId, ResourceId, TenantId};
use sha2::Sha256;

use super::icalendar::ICalendar;
use crate::FeedKey;

/// Begins what is signed, so that no other signature of the key, and no other way of writing, can be taken for this one.
const ENCODING: &[u8] = b"nmc-calendar-feed-1\0";
/// What wrote the calendar: section 3.7.3.
const PRODUCT: &str = "-//NeverMissCall//Calendar feed 1//EN";
/// How often a subscriber should look again.
const REFRESH: &str = "PT15M";

/// Where a resource's calendar is read by who was given the address: the address is all it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FeedAddress {
    pub(crate) tenant: TenantId,
    pub(crate) resource: ResourceId,
    /// The resource's own at the time the address was made: a later one makes it void.
    pub(crate) version: i32,
}

impl FeedAddress {
    /// The address of a feed, below the installation's own.
    pub(crate) fn path(&self, key: &FeedKey) -> String {
        let signature = BASE64_URL_SAFE_NO_PAD.encode(self.mac(key).finalize().into_bytes());
        format!("/calendar-feeds/{}/{}/{}.{signature}.ics", self.tenant, self.resource, self.version)
    }

    /// The address whose last part is `file`; nothing where we have not signed it. Compares in constant time.
    pub(crate) fn verified(tenant: TenantId, resource: ResourceId, file: &str, key: &FeedKey) -> Option<Self> {
        let (version, signature) = file.strip_suffix(".ics")?.split_once('.')?;
        let address = Self { tenant, resource, version: version.parse().ok()? };
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        address.mac(key).verify_slice(&signature).ok()?;
        Some(address)
    }

    /// Every field has a fixed length.
    fn mac(&self, key: &FeedKey) -> Hmac<Sha256> {
        <Hmac<Sha256>>::new_from_slice(key.bytes())
            .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"))
            .chain_update(ENCODING)
            .chain_update(self.tenant.as_uuid().as_bytes())
            .chain_update(self.resource.as_uuid().as_bytes())
            .chain_update(self.version.to_be_bytes())
    }
}

/// An appointment, as a calendar shows it; not for the eyes of developers.
#[derive(Clone)]
pub(crate) struct FeedEvent {
    pub(crate) id: AppointmentId,
    pub(crate) starts_at: DateTime<Utc>,
    pub(crate) ends_at: DateTime<Utc>,
    pub(crate) is_cancelled: bool,
    /// Raised by each change.
    pub(crate) version: i32,
    pub(crate) changed_at: DateTime<Utc>,
    /// The job, where it is still known.
    pub(crate) item: Option<String>,
    pub(crate) customer_phone: String,
    pub(crate) customer_name: Option<String>,
    pub(crate) customer_address: Option<String>,
    pub(crate) notes: Option<String>,
}

/// The calendar of a resource: the same for the same appointments, whenever it is read.
pub(crate) fn calendar(name: &str, events: &[FeedEvent]) -> String {
    let mut calendar = ICalendar::default();
    calendar.line("BEGIN", "VCALENDAR");
    calendar.line("VERSION", "2.0");
    calendar.line("PRODID", PRODUCT);
    // The name is RFC 7986's, and what programs understood before it.
    calendar.text("NAME", name);
    calendar.text("X-WR-CALNAME", name);
    calendar.line("REFRESH-INTERVAL;VALUE=DURATION", REFRESH);
    calendar.line("X-PUBLISHED-TTL", REFRESH);
    for event in events {
        event.write(&mut calendar);
    }
    calendar.line("END", "VCALENDAR");
    calendar.finish()
}

impl FeedEvent {
    fn write(&self, calendar: &mut ICalendar) {
        calendar.line("BEGIN", "VEVENT");
        calendar.line("UID", &self.id.to_string());
        calendar.time("DTSTAMP", self.changed_at);
        // The first version is revision 0: section 3.8.7.4.
        calendar.line("SEQUENCE", &(self.version - 1).to_string());
        calendar.time("DTSTART", self.starts_at);
        calendar.time("DTEND", self.ends_at);
        let (status, transparency) =
            if self.is_cancelled { ("CANCELLED", "TRANSPARENT") } else { ("CONFIRMED", "OPAQUE") };
        calendar.line("STATUS", status);
        calendar.line("TRANSP", transparency);
        let what = self.item.as_deref().unwrap_or("Appointment");
        let who = self.customer_name.as_deref().unwrap_or(&self.customer_phone);
        calendar.text("SUMMARY", &format!("{what}, {who}"));
        if let Some(address) = &self.customer_address {
            calendar.text("LOCATION", address);
        }
        let notes = self.notes.as_deref().map(|notes| format!("\n{notes}")).unwrap_or_default();
        calendar.text("DESCRIPTION", &format!("{}{notes}", self.customer_phone));
        calendar.line("END", "VEVENT");
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn key(text: &str) -> FeedKey {
        FeedKey::new(text.to_owned().into())
    }

    fn address() -> FeedAddress {
        FeedAddress { tenant: Uuid::from_u128(1).into(), resource: Uuid::from_u128(2).into(), version: 3 }
    }

    fn file(address: &FeedAddress, key: &FeedKey) -> String {
        address.path(key).rsplit('/').next().unwrap().to_owned()
    }

    #[test]
    fn an_address_holds_for_what_it_was_made_for_and_nothing_else() {
        let (key, address) = (key("k".repeat(32).as_str()), address());
        let good = file(&address, &key);
        assert_eq!(FeedAddress::verified(address.tenant, address.resource, &good, &key), Some(address));

        let other_key = self::key("another");
        assert_eq!(FeedAddress::verified(address.tenant, address.resource, &good, &other_key), None);
        assert_eq!(FeedAddress::verified(Uuid::from_u128(9).into(), address.resource, &good, &key), None);
        assert_eq!(FeedAddress::verified(address.tenant, Uuid::from_u128(9).into(), &good, &key), None);
        // Each character changed, or left out; another version.
        for at in 0..good.len() {
            let mut changed = good.clone();
            let other = if good.as_bytes()[at] == b'A' { "B" } else { "A" };
            changed.replace_range(at..=at, other);
            assert_eq!(FeedAddress::verified(address.tenant, address.resource, &changed, &key), None, "{changed}");
            changed.replace_range(at..=at, "");
            assert_eq!(FeedAddress::verified(address.tenant, address.resource, &changed, &key), None, "{changed}");
        }
        let signature = good.strip_prefix("3").unwrap();
        for bad in
            [format!("4{signature}"), format!("-3{signature}"), signature.to_owned(), ".ics".into(), "3..ics".into()]
        {
            assert_eq!(FeedAddress::verified(address.tenant, address.resource, &bad, &key), None, "{bad}");
        }
    }

    /// Two programs of different versions must agree on addresses that people have given away.
    #[test]
    fn an_address_stays_what_it_is() {
        // By Python's hmac and base64.
        let file = "3.CdB1GkAOhk9EM-ZZxOAcHo3Bs2_zEqJK759iLh5Fogw.ics";
        let resource = "00000000-0000-0000-0000-000000000001/00000000-0000-0000-0000-000000000002";
        let path = address().path(&key("k".repeat(32).as_str()));
        assert_eq!(path, format!("/calendar-feeds/{resource}/{file}"));
    }

    fn event() -> FeedEvent {
        let at = |text: &str| text.parse().unwrap();
        FeedEvent {
            id: Uuid::from_u128(7).into(),
            starts_at: at("2026-07-06T14:00:00Z"),
            ends_at: at("2026-07-06T15:30:00Z"),
            is_cancelled: false,
            version: 1,
            changed_at: at("2026-07-01T09:00:00Z"),
            item: Some("Drain, kitchen".to_owned()),
            customer_phone: "+12125550142".to_owned(),
            customer_name: Some("Pat Example".to_owned()),
            customer_address: Some("1 Example Street; rear".to_owned()),
            notes: Some("Ring twice\nEND:VEVENT".to_owned()),
        }
    }

    #[test]
    fn an_appointment_is_told_in_full() {
        let text = calendar("Alex", &[event()]);
        let unfolded = text.replace("\r\n ", "");
        let lines: Vec<&str> = unfolded.split_terminator("\r\n").collect();
        assert_eq!(
            lines,
            [
                "BEGIN:VCALENDAR",
                "VERSION:2.0",
                "PRODID:-//NeverMissCall//Calendar feed 1//EN",
                "NAME:Alex",
                "X-WR-CALNAME:Alex",
                "REFRESH-INTERVAL;VALUE=DURATION:PT15M",
                "X-PUBLISHED-TTL:PT15M",
                "BEGIN:VEVENT",
                "UID:00000000-0000-0000-0000-000000000007",
                "DTSTAMP:20260701T090000Z",
                "SEQUENCE:0",
                "DTSTART:20260706T140000Z",
                "DTEND:20260706T153000Z",
                "STATUS:CONFIRMED",
                "TRANSP:OPAQUE",
                "SUMMARY:Drain\\, kitchen\\, Pat Example",
                "LOCATION:1 Example Street\\; rear",
                "DESCRIPTION:+12125550142\\nRing twice\\nEND:VEVENT",
                "END:VEVENT",
                "END:VCALENDAR",
            ]
        );
    }

    #[test]
    fn one_that_was_cancelled_says_so_and_what_is_not_known_is_left_out() {
        let bare = FeedEvent {
            is_cancelled: true,
            version: 3,
            item: None,
            customer_name: None,
            customer_address: None,
            notes: None,
            ..event()
        };
        let text = calendar("Alex", &[bare]);
        for line in [
            "SEQUENCE:2",
            "STATUS:CANCELLED",
            "TRANSP:TRANSPARENT",
            "SUMMARY:Appointment\\, +12125550142",
            "DESCRIPTION:+12125550142",
        ] {
            assert!(text.contains(&format!("\r\n{line}\r\n")), "{line}: {text}");
        }
        assert!(!text.contains("LOCATION"));
    }
}
