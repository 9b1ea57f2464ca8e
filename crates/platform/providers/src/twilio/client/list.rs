//! Asking what became of messages and calls. Lists come newest first, in pages; answers are read tolerantly: fields
//! and words Twilio adds change nothing. Source: <https://www.twilio.com/docs/usage/twilios-response>.

use std::fmt;

use chrono::{DateTime, Utc};
use nmc_kernel::E164;
use reqwest::{Method, Url};
use serde::Deserialize;

use super::{ClientError, TwilioClient};
use crate::twilio::{
    sid::{CallSid, MessageSid},
    status::{CallStatus, MessageStatus},
};

/// So that a page of the longest texts stays below the largest answer that is read.
pub(super) const PAGE_SIZE: &str = "50";
/// A question that needs more pages than this is answered as incomplete rather than for ever.
const MAX_PAGES: usize = 20;

/// Which messages to list.
#[derive(Clone, Debug)]
pub struct MessageQuery {
    /// The recipient.
    pub to: E164,
    /// The sender, where it matters.
    pub from: Option<E164>,
    /// Only those created at this time or later. Twilio's clock, so leave a margin.
    pub created_since: DateTime<Utc>,
}

/// Which calls to list.
#[derive(Clone, Debug)]
pub struct CallQuery {
    /// The number called.
    pub to: E164,
    /// The caller, where it matters.
    pub from: Option<E164>,
    /// Only those created at this time or later.
    pub created_since: DateTime<Utc>,
}

/// What a list held.
#[derive(Clone, Debug)]
pub struct Listing<T> {
    /// The entries, newest first.
    pub items: Vec<T>,
    /// Whether this is all of it. Where it is not (too many pages, an entry that could not be read), the absence of an
    /// entry proves nothing.
    pub complete: bool,
}

/// A message as Twilio has it. `Debug` shows neither numbers nor text.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct ListedMessage {
    /// The message's id.
    pub sid: MessageSid,
    /// The sender as Twilio writes it; absent while a messaging service still chooses.
    pub from: Option<String>,
    /// The recipient as Twilio writes it.
    pub to: Option<String>,
    /// The text.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub body: String,
    /// How far it is.
    pub status: MessageStatus,
    /// `inbound`, `outbound-api`, ...
    #[serde(default, deserialize_with = "null_is_empty")]
    pub direction: String,
    /// Why it failed, where it did.
    #[serde(default, deserialize_with = "number_or_text")]
    pub error_code: Option<u32>,
    /// When Twilio took it; to the second.
    #[serde(deserialize_with = "rfc_2822")]
    pub date_created: DateTime<Utc>,
    /// How many pictures it has; Twilio writes it as text.
    #[serde(default, deserialize_with = "number_or_text")]
    pub num_media: Option<u32>,
}

/// A call's leg as Twilio has it. `Debug` shows no numbers.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct ListedCall {
    /// The leg's id.
    pub sid: CallSid,
    /// Set on a dialled leg: the caller's leg.
    pub parent_call_sid: Option<CallSid>,
    /// Who called, as Twilio writes it.
    pub from: Option<String>,
    /// Who was called.
    pub to: Option<String>,
    /// How it ended, or where it is.
    pub status: CallStatus,
    /// `inbound`, `outbound-dial`, ...
    #[serde(default, deserialize_with = "null_is_empty")]
    pub direction: String,
    /// When Twilio took it; to the second.
    #[serde(deserialize_with = "rfc_2822")]
    pub date_created: DateTime<Utc>,
    /// Seconds since it was answered; Twilio writes it as text.
    #[serde(default, deserialize_with = "number_or_text")]
    pub duration: Option<u32>,
    /// When it ended; to the second.
    #[serde(default, deserialize_with = "maybe_rfc_2822")]
    pub end_time: Option<DateTime<Utc>>,
}

/// One page; its entries are read one by one, so that one odd entry does not hide the others.
#[derive(Deserialize)]
struct Page {
    #[serde(alias = "messages", alias = "calls", alias = "media_list")]
    items: Vec<serde_json::Value>,
    next_page_uri: Option<String>,
}

/// A page of a list, newest first.
#[derive(Clone, Debug)]
pub struct ListPage<T> {
    /// The entries that could be read.
    pub items: Vec<T>,
    /// How many could not.
    pub unreadable: usize,
    /// Where the older ones are; nothing on the last page.
    pub next: Option<NextPage>,
}

impl<T> ListPage<T> {
    /// The same page with each entry turned into something else.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> ListPage<U> {
        let Self { items, unreadable, next } = self;
        ListPage { items: items.into_iter().map(change).collect(), unreadable, next }
    }
}

/// The address of a list's next page. `Debug` shows none of it: it may hold a number.
#[derive(Clone)]
pub struct NextPage(pub(super) Url);

impl TwilioClient {
    /// The messages of a query.
    ///
    /// `DateSent` is not used as a filter: it is empty while a message is queued, and a message that is not found is
    /// sent again. The pages are read until they are older than asked for instead.
    pub async fn list_messages(&self, query: &MessageQuery) -> Result<Listing<ListedMessage>, ClientError> {
        let url = self.list_url("Messages.json", &query.to, query.from.as_ref())?;
        self.list("messages.list", url, query.created_since, |message: &ListedMessage| message.date_created).await
    }

    /// The calls of a query.
    pub async fn list_calls(&self, query: &CallQuery) -> Result<Listing<ListedCall>, ClientError> {
        let url = self.list_url("Calls.json", &query.to, query.from.as_ref())?;
        self.list("calls.list", url, query.created_since, |call: &ListedCall| call.date_created).await
    }

    /// One message by its id.
    pub async fn fetch_message(&self, sid: &MessageSid) -> Result<ListedMessage, ClientError> {
        self.ask("messages.fetch", self.request(Method::GET, self.account_path(&format!("Messages/{sid}.json")))).await
    }

    /// One call's leg by its id: `GET Calls/{sid}.json`.
    /// Source: <https://www.twilio.com/docs/voice/api/call-resource#fetch-a-call-resource>.
    pub async fn fetch_call(&self, sid: &CallSid) -> Result<ListedCall, ClientError> {
        self.ask("calls.fetch", self.request(Method::GET, self.account_path(&format!("Calls/{sid}.json")))).await
    }

    fn list_url(&self, resource: &str, to: &E164, from: Option<&E164>) -> Result<Url, ClientError> {
        let mut url = Url::parse(&self.account_path(resource)).map_err(|_| ClientError::BaseUrl)?;
        let mut query = url.query_pairs_mut();
        query.append_pair("To", to.as_str()).append_pair("PageSize", PAGE_SIZE);
        if let Some(from) = from {
            query.append_pair("From", from.as_str());
        }
        drop(query);
        Ok(url)
    }

    /// One page; where the next one is must be Twilio's as well.
    pub(super) async fn page<T: serde::de::DeserializeOwned>(
        &self,
        endpoint: &'static str,
        url: Url,
    ) -> Result<ListPage<T>, ClientError> {
        let page: Page = self.ask(endpoint, self.request(Method::GET, url.clone())).await?;
        let all = page.items.len();
        let items: Vec<T> = page.items.into_iter().filter_map(|item| serde_json::from_value(item).ok()).collect();
        let next = page.next_page_uri.map(|next| self.next_page(&url, &next)).transpose()?;
        Ok(ListPage { unreadable: all - items.len(), items, next: next.map(NextPage) })
    }

    async fn list<T: serde::de::DeserializeOwned>(
        &self,
        endpoint: &'static str,
        first: Url,
        since: DateTime<Utc>,
        created: impl Fn(&T) -> DateTime<Utc>,
    ) -> Result<Listing<T>, ClientError> {
        let mut listing = Listing { items: Vec::new(), complete: true };
        let mut url = first;
        for _ in 0..MAX_PAGES {
            let page: ListPage<T> = self.page(endpoint, url).await?;
            listing.complete &= page.unreadable == 0;
            // Twilio's times are whole seconds: the second of `since` is still inside.
            let mut recent = page.items;
            let all = recent.len();
            recent.retain(|item| created(item).timestamp() >= since.timestamp());
            let all_older = all > 0 && recent.is_empty();
            listing.items.append(&mut recent);
            match page.next {
                Some(NextPage(next)) if !all_older => url = next,
                _ => return Ok(listing),
            }
        }
        listing.complete = false;
        Ok(listing)
    }

    /// The address of the next page, which must be Twilio's: our credentials go with the request.
    fn next_page(&self, current: &Url, next: &str) -> Result<Url, ClientError> {
        let url = current.join(next).map_err(|_| ClientError::Unreadable)?;
        if url.origin() == self.base_url.origin() { Ok(url) } else { Err(ClientError::Unreadable) }
    }
}

fn rfc_2822<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
    let text = String::deserialize(deserializer)?;
    DateTime::parse_from_rfc2822(&text).map(|time| time.to_utc()).map_err(serde::de::Error::custom)
}

fn maybe_rfc_2822<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| DateTime::parse_from_rfc2822(&text).ok()).map(|time| time.to_utc()))
}

fn null_is_empty<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn number_or_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let value = Option::<serde_json::Value>::deserialize(deserializer)?;
    Ok(value.and_then(|value| match value {
        serde_json::Value::String(text) => text.parse().ok(),
        number => number.as_u64().and_then(|n| u32::try_from(n).ok()),
    }))
}

impl fmt::Debug for NextPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NextPage")
    }
}

impl fmt::Debug for ListedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListedMessage")
            .field("sid", &self.sid)
            .field("status", &self.status)
            .field("direction", &self.direction)
            .field("error_code", &self.error_code)
            .field("date_created", &self.date_created)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ListedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListedCall")
            .field("sid", &self.sid)
            .field("status", &self.status)
            .field("direction", &self.direction)
            .field("date_created", &self.date_created)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_tolerantly() {
        let sid = "SM0123456789abcdef0123456789abcdef";
        let entry = |more: &str| {
            let text = format!(
                r#"{{"sid":"{sid}","status":"new-word","date_created":"Fri, 20 Nov 2026 05:01:45 +0000"{more}}}"#
            );
            serde_json::from_str::<ListedMessage>(&text)
        };
        let message = entry(r#","body":null,"error_code":"30003","from":null,"to":"+14155550123","new":{}"#).unwrap();
        assert_eq!((message.body.as_str(), message.error_code), ("", Some(30_003)));
        assert_eq!(message.date_created.to_rfc3339(), "2026-11-20T05:01:45+00:00");
        assert!(!format!("{message:?}").contains("5550123"));
        assert!(entry("").is_ok());
        assert!(serde_json::from_str::<ListedMessage>(&format!(r#"{{"sid":"{sid}","status":"sent"}}"#)).is_err());
    }
}
