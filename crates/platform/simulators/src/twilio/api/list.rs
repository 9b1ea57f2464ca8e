//! Lists, newest first and in pages, and what they list one by one.

use axum::{
    Json,
    extract::RawQuery,
    response::{IntoResponse as _, Response},
};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use nmc_providers::twilio::CallStatus;
use serde_json::{Value, json};

use super::{Refusal, message_json, request::ApiRequest, rfc_2822};
use crate::twilio::{Account, Api, Call, Message};

const DEFAULT_PAGE_SIZE: usize = 50;
const MAX_PAGE_SIZE: usize = 1000;

type Query = Vec<(String, String)>;

pub(super) async fn messages(request: ApiRequest, RawQuery(query): RawQuery) -> Response {
    request
        .answer(Api::ListMessages, move |account| {
            let query = parsed(query);
            let until = listed_until(account);
            let state = account.state();
            let wanted = |message: &&Message| {
                message.received_at <= until
                    && matches(&query, "To", &message.to)
                    && matches(&query, "From", &message.from)
                    && in_days(&query, "DateSent", message.received_at)
            };
            let found: Vec<&Message> = match value(&query, "To") {
                Some(to) => state.ledger.messages_to(to).filter(wanted).collect(),
                None => state.ledger.messages().filter(wanted).collect(),
            };
            Ok(page(account, "Messages.json", "messages", &query, &found, |m| &m.sid, |m| message_json(account, m)))
        })
        .await
}

pub(super) async fn message(request: ApiRequest) -> Response {
    let sid = request.resource();
    request
        .answer(Api::FetchMessage, move |account| {
            let message = account.state().ledger.message(&sid).cloned().ok_or_else(Refusal::not_found)?;
            Ok(Json(message_json(account, &message)).into_response())
        })
        .await
}

/// A message's pictures: <https://www.twilio.com/docs/messaging/api/media-resource>.
pub(super) async fn media(request: ApiRequest) -> Response {
    let sid = request.resource();
    request
        .answer(Api::ListMedia, move |account| {
            let message = account.state().ledger.message(&sid).cloned().ok_or_else(Refusal::not_found)?;
            let shown = |(url, content_type): &(String, String)| {
                // Relative to the API's own address, as Twilio writes it.
                let path = url::Url::parse(url).map_or_else(|_| url.clone(), |url| url.path().to_owned());
                json!({ "parent_sid": message.sid, "content_type": content_type, "uri": format!("{path}.json") })
            };
            let media: Vec<Value> = message.media.iter().map(shown).collect();
            Ok(Json(json!({ "media_list": media, "next_page_uri": null })).into_response())
        })
        .await
}

pub(super) async fn calls(request: ApiRequest, RawQuery(query): RawQuery) -> Response {
    request
        .answer(Api::ListCalls, move |account| {
            let query = parsed(query);
            let until = listed_until(account);
            let state = account.state();
            let wanted = |call: &&Call| {
                call.started_at <= until
                    && matches(&query, "To", &call.to)
                    && matches(&query, "From", &call.from)
                    && matches(&query, "ParentCallSid", call.parent_call_sid.as_deref().unwrap_or_default())
                    && in_days(&query, "StartTime", call.started_at)
            };
            let found: Vec<&Call> = state.ledger.calls().filter(wanted).collect();
            Ok(page(account, "Calls.json", "calls", &query, &found, |c| &c.sid, |c| call_json(account, c)))
        })
        .await
}

pub(super) async fn call(request: ApiRequest) -> Response {
    let sid = request.resource();
    request
        .answer(Api::FetchCall, move |account| {
            let call = account.state().ledger.calls().find(|call| call.sid == sid).cloned();
            Ok(Json(call_json(account, &call.ok_or_else(Refusal::not_found)?)).into_response())
        })
        .await
}

fn parsed(query: Option<String>) -> Query {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect()
}

fn value<'a>(query: &'a Query, name: &str) -> Option<&'a str> {
    query.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
}

fn matches(query: &Query, name: &str, actual: &str) -> bool {
    value(query, name).is_none_or(|wanted| wanted == actual)
}

/// What was accepted later than this is not listed yet.
fn listed_until(account: &Account) -> DateTime<Utc> {
    let gap = i64::try_from(account.state().behaviour.listing_gap_millis).unwrap_or(i64::MAX);
    account.settings.clock.now() - TimeDelta::try_milliseconds(gap).unwrap_or(TimeDelta::zero())
}

/// A filter by day, GMT: `DateSent=2026-11-20`, `DateSent>=...`, `DateSent<=...`. On the wire the sign is the end of
/// the name (`DateSent>` = `2026-11-20`).
fn in_days(query: &Query, name: &str, time: DateTime<Utc>) -> bool {
    let day = |key: String| value(query, &key).and_then(|text| text.get(..10)?.parse::<NaiveDate>().ok());
    let actual = time.date_naive();
    day(name.to_owned()).is_none_or(|wanted| actual == wanted)
        && day(format!("{name}>")).is_none_or(|first| actual >= first)
        && day(format!("{name}<")).is_none_or(|last| actual <= last)
}

/// One page. The token is the id of the last entry before it, so that new entries shift nothing.
fn page<T>(
    account: &Account,
    resource: &str,
    name: &str,
    query: &Query,
    found: &[&T],
    sid: impl Fn(&T) -> &String,
    shown: impl Fn(&T) -> Value,
) -> Response {
    let size = value(query, "PageSize").and_then(|size| size.parse().ok()).unwrap_or(DEFAULT_PAGE_SIZE);
    let size = size.clamp(1, MAX_PAGE_SIZE);
    let token = value(query, "PageToken").and_then(|token| token.strip_prefix("PA"));
    let start = token.and_then(|last| found.iter().position(|item| sid(item) == last)).map_or(0, |at| at + 1);
    let items: Vec<Value> = found.iter().skip(start).take(size).map(|item| shown(item)).collect();
    let number: usize = value(query, "Page").and_then(|page| page.parse().ok()).unwrap_or(0);
    let path = format!("/2010-04-01/Accounts/{}/{resource}", account.settings.account_sid);
    let uri = |page: usize, token: Option<&str>| {
        let kept = query.iter().filter(|(key, _)| key != "Page" && key != "PageToken");
        let mut out = form_urlencoded::Serializer::new(format!("{path}?"));
        out.extend_pairs(kept).append_pair("Page", &page.to_string());
        if let Some(token) = token {
            out.append_pair("PageToken", &format!("PA{token}"));
        }
        out.finish()
    };
    let is_last = start + items.len() >= found.len();
    let next = found
        .get(start + items.len().saturating_sub(1))
        .filter(|_| !is_last)
        .map(|last| uri(number + 1, Some(sid(last))));
    Json(json!({
        name: items,
        "page": number,
        "page_size": size,
        "first_page_uri": uri(0, None),
        "next_page_uri": next,
        "previous_page_uri": null,
        "uri": uri(number, token),
    }))
    .into_response()
}

/// A call as the API shows it: <https://www.twilio.com/docs/voice/api/call-resource>.
fn call_json(account: &Account, call: &Call) -> Value {
    let is_over = CallStatus::parse(&call.status).is_ok_and(|status| status.is_final());
    json!({
        "sid": call.sid,
        "account_sid": account.settings.account_sid,
        "parent_call_sid": call.parent_call_sid,
        "from": call.from,
        "to": call.to,
        "status": call.status,
        "direction": call.direction,
        "duration": call.duration_seconds.to_string(),
        "api_version": "2010-04-01",
        "date_created": rfc_2822(call.started_at),
        "start_time": rfc_2822(call.started_at),
        "end_time": is_over.then(|| rfc_2822(call.started_at + TimeDelta::seconds(call.duration_seconds.into()))),
        "uri": format!("/2010-04-01/Accounts/{}/Calls/{}.json", account.settings.account_sid, call.sid),
    })
}
