//! Reads Twilio's lists every few minutes for calls and texts that no webhook delivered.
//!
//! One account serves every business, so its lists are read once and not once per business: an entry's `To` names the
//! business. What a webhook has delivered is known by the webhook's own id and costs one look-up per page and no write;
//! the rest goes through the webhooks' own use cases under the webhooks' own ids, so that neither a late webhook nor
//! another dispatcher can do it again. Neither a timer nor an effect: both belong to one business.

use chrono::{Duration, Utc};
use nmc_db::{DbError, WebhookProvider};
use nmc_kernel::{Random, TenantId, retry};
use nmc_providers::twilio::{ClientError, ListPage, NextPage};
use nmc_telemetry::name::INBOUND_RECOVERED_TOTAL;
use tokio_util::sync::CancellationToken;

use crate::{
    Telephony,
    model::poll::Reading,
    store::{
        self,
        poll::{Lease, List},
    },
    use_case::take_found::{Found, NotTaken, take_found},
};

/// How often to look whether a list is due.
const LOOK_INTERVAL: std::time::Duration = std::time::Duration::from_secs(5);
/// How long a list is kept from others without a sign of life: a page with some entries to take, and time to spare.
const LEASE: Duration = Duration::minutes(2);
/// A list that needs more pages (of 50) in one reading is left as far as it is read, newest first: more than three days
/// of calls of the largest installation.
const MAX_PAGES: usize = 8_000;

/// The reader of Twilio's lists; several may run beside one another.
#[derive(Clone, Debug)]
pub struct Polling {
    telephony: Telephony,
    random: Random,
}

/// Why a list was not read to its end.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Twilio(#[from] ClientError),
    #[error(transparent)]
    Database(#[from] DbError),
    #[error("another process reads the list")]
    LeaseLost,
    #[error("the process stops")]
    Stopped,
}

/// The account is no business's: its rows carry the nil tenant.
fn account_owner() -> TenantId {
    uuid::Uuid::nil().into()
}

impl Polling {
    pub(crate) fn new(telephony: Telephony, random: Random) -> Self {
        Self { telephony, random }
    }

    /// Reads what is due until `stop`. No fault of Twilio's or of the database ends it.
    pub async fn run(&self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.poll(&stop).await {
                tracing::warn!(%error, "polling waits for the database");
            }
            tokio::select! { () = stop.cancelled() => {}, () = tokio::time::sleep(LOOK_INTERVAL) => {} }
        }
    }

    /// Reads each list that is due and that nobody else reads; says how many calls and texts were found.
    pub async fn poll_due(&self) -> Result<usize, DbError> {
        self.poll(&CancellationToken::new()).await
    }

    async fn poll(&self, stop: &CancellationToken) -> Result<usize, DbError> {
        let mut found = 0;
        for list in List::ALL {
            if stop.is_cancelled() {
                break;
            }
            let Some(mut lease) = self.lease(list).await? else { continue };
            match self.read(&mut lease, stop).await {
                Ok(taken) => found += taken,
                Err(Broken::Stopped) => self.give_back(&lease).await?,
                Err(Broken::LeaseLost) => {
                    tracing::warn!(poll.list = list.as_str(), "a list is read by another process");
                }
                Err(broken) => self.postpone(&lease, &broken).await?,
            }
        }
        Ok(found)
    }

    async fn lease(&self, list: List) -> Result<Option<Lease>, DbError> {
        let mut tx = self.telephony.db.begin(account_owner()).await?;
        let account = self.telephony.twilio.account_sid();
        store::poll::ensure(&mut tx, account, list, self.telephony.settings.poll_interval).await?;
        let lease = store::poll::lease(&mut tx, account, list, LEASE).await?;
        tx.commit().await?;
        Ok(lease)
    }

    /// From the newest entry to the oldest that matters, a page at a time.
    async fn read(&self, lease: &mut Lease, stop: &CancellationToken) -> Result<usize, Broken> {
        let telephony = &self.telephony;
        let tx = telephony.db.read(account_owner()).await?;
        let mut reading = Reading::begin(lease.progress, tx.now());
        // The time of the reading, not of its end: what comes in while it runs is the next one's.
        let now = tx.now();
        tx.finish().await?;
        let (mut next, mut found) = (None, 0);
        for pages in 1.. {
            let page = self.page(lease.list, &reading, next.as_ref()).await?;
            if page.unreadable > 0 {
                tracing::error!(
                    poll.list = lease.list.as_str(),
                    poll.unreadable = page.unreadable,
                    "entries of Twilio's list cannot be read"
                );
            }
            let is_past = page.items.last().is_some_and(|oldest| oldest.created_at() < reading.from);
            found += self.take_unknown(&mut reading, page.items, stop).await?;
            next = page.next;
            if next.is_none() || is_past {
                break;
            }
            if pages == MAX_PAGES {
                tracing::error!(poll.list = lease.list.as_str(), "Twilio's list is too long to be read to its end");
                break;
            }
            if stop.is_cancelled() {
                return Err(Broken::Stopped);
            }
            self.renew(lease).await?;
        }
        let mut tx = telephony.db.begin(account_owner()).await?;
        let due_at = now + telephony.settings.poll_interval;
        store::poll::finish(&mut tx, telephony.twilio.account_sid(), lease, reading.read_up_to(), due_at).await?;
        tx.commit().await?;
        Ok(found)
    }

    async fn page(
        &self,
        list: List,
        reading: &Reading,
        next: Option<&NextPage>,
    ) -> Result<ListPage<Found>, ClientError> {
        let (twilio, day) = (&self.telephony.twilio, reading.from.with_timezone(&Utc).date_naive());
        Ok(match list {
            List::Messages => twilio.messages_since(day, next).await?.map(Found::Text),
            List::Calls => twilio.calls_since(day, next).await?.map(Found::Call),
        })
    }

    /// Takes what came in, is over, and is not known by any webhook.
    async fn take_unknown(
        &self,
        reading: &mut Reading,
        page: Vec<Found>,
        stop: &CancellationToken,
    ) -> Result<usize, Broken> {
        let telephony = &self.telephony;
        let of_interest = |entry: &Found| entry.is_inbound() && entry.created_at() >= reading.from;
        let entries: Vec<Found> = page.into_iter().filter(of_interest).collect();
        let ids: Vec<String> = entries.iter().flat_map(Found::webhook_ids).collect();
        if ids.is_empty() {
            return Ok(0);
        }
        let mut tx = telephony.db.read(account_owner()).await?;
        let known = tx.recorded_webhooks(WebhookProvider::Twilio, &ids).await?;
        tx.finish().await?;
        let mut found = 0;
        for entry in entries {
            let is_known = entry.webhook_ids().any(|id| known.contains(&id));
            if is_known || !reading.takes(entry.created_at(), entry.settled_at()) {
                continue;
            }
            if stop.is_cancelled() {
                return Err(Broken::Stopped);
            }
            match take_found(telephony, &entry).await {
                Ok(true) => {
                    found += 1;
                    metrics::counter!(INBOUND_RECOVERED_TOTAL, "kind" => entry.kind()).increment(1);
                }
                Ok(false) => {}
                Err(NotTaken::Twilio(error)) => return Err(error.into()),
                Err(NotTaken::Database(error)) if error.is_transient() => return Err(error.into()),
                // One entry that cannot be stored must not hide those behind it.
                Err(error) => {
                    tracing::error!(%error, poll.entry = entry.sid(), "what no webhook delivered cannot be taken");
                }
            }
        }
        Ok(found)
    }

    async fn renew(&self, lease: &mut Lease) -> Result<(), Broken> {
        let mut tx = self.telephony.db.begin(account_owner()).await?;
        let is_ours = store::poll::renew(&mut tx, self.telephony.twilio.account_sid(), lease, LEASE).await?;
        tx.commit().await?;
        if is_ours { Ok(()) } else { Err(Broken::LeaseLost) }
    }

    /// Another process may read the list at once.
    async fn give_back(&self, lease: &Lease) -> Result<(), DbError> {
        let mut tx = self.telephony.db.begin(account_owner()).await?;
        store::poll::give_back(&mut tx, self.telephony.twilio.account_sid(), lease).await?;
        tx.commit().await
    }

    /// The list is read again soon, at least as late as Twilio asks for.
    async fn postpone(&self, lease: &Lease, broken: &Broken) -> Result<(), DbError> {
        tracing::warn!(error = %broken, poll.list = lease.list.as_str(), poll.failures = lease.failures, "Twilio's list could not be read to its end");
        let asked_for = match broken {
            Broken::Twilio(error) => error.retry_after(),
            Broken::Database(_) | Broken::LeaseLost | Broken::Stopped => None,
        };
        let wait = retry::full_jitter(lease.failures, &self.random).max(asked_for.unwrap_or_default());
        let mut tx = self.telephony.db.begin(account_owner()).await?;
        let due_at = tx.now() + Duration::from_std(wait).unwrap_or(LEASE);
        let error = broken.to_string();
        store::poll::postpone(&mut tx, self.telephony.twilio.account_sid(), lease, due_at, &error).await?;
        tx.commit().await
    }
}
