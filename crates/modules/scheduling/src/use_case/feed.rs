use chrono::Duration;
use nmc_db::DbError;
use nmc_identity::TenantStatus;
use nmc_kernel::Timeslot;

use crate::{
    Scheduling,
    model::feed::{FeedAddress, FeedEvent, calendar},
    store,
};

/// So far back a calendar goes, and so long one shows what was cancelled.
const BACK: Duration = Duration::days(30);
/// As far ahead as anybody can be booked.
const AHEAD: Duration = Duration::days(366);
/// More than a dozen a day, all year: what is further ahead follows when the days before have passed.
const EVENTS_MAX: i64 = 5_000;

/// The calendar at an address that we have signed; nothing where the address is void by now, or the business is not
/// served.
pub(crate) async fn feed(scheduling: &Scheduling, address: FeedAddress) -> Result<Option<String>, DbError> {
    let mut tx = scheduling.db.read(address.tenant).await?;
    let resource = store::resource::find(&mut tx, address.resource).await?;
    let Some(resource) = resource.filter(|resource| resource.feed_version == address.version) else {
        return Ok(None);
    };
    if scheduling.identity.tenant(&mut tx).await?.status != TenantStatus::Active {
        return Ok(None);
    }
    let now = tx.now();
    // Never empty.
    let Ok(window) = Timeslot::new(now - BACK, now + AHEAD) else { return Ok(None) };
    let rows = store::feed::appointments(&mut tx, resource.id, window, now - BACK, EVENTS_MAX).await?;
    let mut items: Vec<_> = rows.iter().map(|row| row.service_item_id).collect();
    items.sort_unstable();
    items.dedup();
    let names = scheduling.catalog.names(&mut tx, &items).await?;
    tx.finish().await?;
    let events: Vec<FeedEvent> = rows
        .into_iter()
        .map(|row| FeedEvent {
            id: row.id,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            is_cancelled: row.status == "cancelled",
            version: row.version,
            changed_at: row.changed_at,
            item: names.get(&row.service_item_id).cloned(),
            customer_phone: row.customer_phone,
            customer_name: row.customer_name,
            customer_address: row.customer_address,
            notes: row.notes,
        })
        .collect();
    Ok(Some(calendar(&resource.name, &events)))
}
