//! What holds for every conversation, whatever its file expects.

use chrono::{Datelike as _, NaiveTime};

use super::{
    business::{Business, Businesses},
    conversation::Conversation,
    judge::{Fault, Kind},
    record::{Exchange, Record, Sent, Slot},
};

/// What a text of the service may be charged as.
const PARTS_MAX: i16 = 2;

/// What of it does not hold.
pub(super) fn always(conversation: &Conversation, businesses: &Businesses, record: &Record) -> Vec<Fault> {
    let Some(business) = businesses.get(&conversation.business) else { return Vec::new() };
    let mut faults = Vec::new();
    for text in record.texts() {
        let mut fault = |kind, what: String| faults.push(Fault::at_the_end(kind, format!("{what} in {:?}", text.body)));
        for amount in amounts(&text.body).into_iter().filter(|amount| !is_price(business, *amount)) {
            fault(
                Kind::Amount,
                amount.map_or_else(|| "an unreadable amount".to_owned(), |cents| format!("{cents} cents")),
            );
        }
        let others = businesses.values().filter(|other| other.name != business.name);
        for other in others.filter(|other| text.body.contains(&other.name) || text.body.contains(&other.address)) {
            fault(Kind::OtherBusiness, other.name.clone());
        }
        if text.segments > PARTS_MAX {
            fault(Kind::TooLong, format!("{} parts", text.segments));
        }
    }
    for (nth, exchange) in record.exchanges.iter().enumerate() {
        let mut fault = |kind, what| faults.push(Fault::after(nth, kind, what));
        for text in &exchange.texts {
            for offer in text.offers.iter().filter(|offer| !is_free(business, exchange, text, offer)) {
                let start = offer.start.format("%a %Y-%m-%d %H:%M");
                fault(Kind::NotFree, format!("{} is not free at {start}", offer.resource));
            }
        }
        if exchange.is_handed_over && exchange.texts.is_empty() {
            fault(Kind::Untold, "nothing was said".to_owned());
        }
        if exchange.is_opted_out && exchange.texts.len() > unavoidable(exchange) {
            fault(Kind::AfterOptOut, format!("{} texts", exchange.texts.len()));
        }
    }
    let counted = [(Kind::NotHeld, record.not_held), (Kind::DoubleBooked, record.double_booked)];
    let counted = counted.into_iter().filter(|(_, count)| *count > 0);
    faults.extend(counted.map(|(kind, count)| Fault::at_the_end(kind, format!("{count}"))));
    faults.extend(record.errors.iter().map(|error| Fault::at_the_end(Kind::Failed, error.clone())));
    faults
}

/// The texts that may go to somebody who is opted out by now: the confirmation, once.
fn unavoidable(exchange: &Exchange) -> usize {
    usize::from(!exchange.was_opted_out && exchange.has("opted-out"))
}

/// The amounts a text names, in cents; nothing in the place of one that cannot be read.
fn amounts(body: &str) -> Vec<Option<i64>> {
    body.split('$').skip(1).map(cents).collect()
}

/// "1,350", "99.50" and whatever follows.
fn cents(text: &str) -> Option<i64> {
    let end =
        text.find(|letter: char| !letter.is_ascii_digit() && letter != ',' && letter != '.').unwrap_or(text.len());
    let figures = text.get(..end)?.trim_end_matches(['.', ',']).replace(',', "");
    let (dollars, cents) = figures.split_once('.').unwrap_or((&figures, "00"));
    let cents: i64 = if cents.len() == 2 { cents.parse().ok()? } else { return None };
    dollars.parse::<i64>().ok()?.checked_mul(100)?.checked_add(cents)
}

fn is_price(business: &Business, cents: Option<i64>) -> bool {
    cents.is_some_and(|cents| business.items.iter().any(|item| item.price_cents == cents))
}

/// Whether the resource does the job, works then, has nothing else, and there is still time. What the caller has is
/// left out: it may be what is to move.
fn is_free(business: &Business, exchange: &Exchange, text: &Sent, offer: &Slot) -> bool {
    let Some(resource) = business.resource(&offer.resource) else { return false };
    let Some(item) = text.item.as_deref().and_then(|item| business.item(item)) else { return false };
    let hours = resource.hours.hours();
    let (day, opens, closes) = (offer.start.date(), offer.start.time(), offer.end.time());
    let works = offer.end.date() == day
        && hours
            .of(day.weekday())
            .iter()
            .any(|window| window.opens <= opens && (closes <= window.closes || window.closes == NaiveTime::MIN));
    let meets = |busy: &&Slot| busy.resource == offer.resource && busy.start < offer.end && offer.start < busy.end;
    let lasts = (offer.end - offer.start).num_minutes() == i64::from(item.duration_minutes);
    resource.does(&item.name)
        && works
        && lasts
        && exchange.at < offer.start
        && exchange.busy.iter().find(meets).is_none()
}
