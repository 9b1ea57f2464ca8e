//! What has come in to the account, whomever it was for, and what comes with it: read to find what no webhook delivered.
//!
//! A day is the finest filter Twilio has for its lists; what is older within the day is the reader's to pass over.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use reqwest::Url;
use serde::Deserialize;

use super::{ClientError, ListPage, ListedCall, ListedMessage, NextPage, TwilioClient, list::PAGE_SIZE};
use crate::twilio::{
    forms::Media,
    sid::{CallSid, MessageSid},
    webhook::WebhookForm,
};

/// A picture in the list of a message's.
#[derive(Deserialize)]
struct ListedMedia {
    /// Relative to the API's address.
    uri: String,
    content_type: Option<String>,
}

impl TwilioClient {
    /// The account's id.
    pub fn account_sid(&self) -> &str {
        self.account_sid.as_str()
    }

    /// One page of the messages of the whole account, sent and received, of this day (UTC) and later.
    /// Source: <https://www.twilio.com/docs/messaging/api/message-resource#read-multiple-message-resources>.
    pub async fn messages_since(
        &self,
        day: NaiveDate,
        next: Option<&NextPage>,
    ) -> Result<ListPage<ListedMessage>, ClientError> {
        self.page("messages.feed", self.feed_url("Messages.json", "DateSent>", day, next)?).await
    }

    /// One page of the legs of all calls of the whole account that began on this day (UTC) or later.
    /// Source: <https://www.twilio.com/docs/voice/api/call-resource#read-multiple-call-resources>.
    pub async fn calls_since(
        &self,
        day: NaiveDate,
        next: Option<&NextPage>,
    ) -> Result<ListPage<ListedCall>, ClientError> {
        self.page("calls.feed", self.feed_url("Calls.json", "StartTime>", day, next)?).await
    }

    /// The leg that a call's `<Dial>` rang, if it rang one: of several (a transfer) one that was answered, else the
    /// newest.
    pub async fn dialled_leg(&self, call: &CallSid) -> Result<Option<ListedCall>, ClientError> {
        let mut url = self.resource_url("Calls.json")?;
        url.query_pairs_mut().append_pair("ParentCallSid", call.as_str()).append_pair("PageSize", PAGE_SIZE);
        let legs: ListPage<ListedCall> = self.page("calls.legs", url).await?;
        let rank = |leg: &ListedCall| (leg.status == crate::twilio::CallStatus::Completed, leg.date_created);
        Ok(legs.items.into_iter().max_by_key(rank))
    }

    /// The pictures of a message, by reference, as its webhook names them.
    /// Source: <https://www.twilio.com/docs/messaging/api/media-resource>.
    pub async fn media_of(&self, message: &MessageSid) -> Result<Vec<Media>, ClientError> {
        let url = self.resource_url(&format!("Messages/{message}/Media.json"))?;
        let page: ListPage<ListedMedia> = self.page("media.list", url).await?;
        let media = |listed: ListedMedia| {
            // Without the ending the address leads to the picture itself.
            let url = self.base_url.join(listed.uri.trim_end_matches(".json")).ok()?;
            Some(Media { url: url.into(), content_type: listed.content_type })
        };
        Ok(page.items.into_iter().filter_map(media).collect())
    }

    fn resource_url(&self, resource: &str) -> Result<Url, ClientError> {
        Url::parse(&self.account_path(resource)).map_err(|_| ClientError::BaseUrl)
    }

    fn feed_url(
        &self,
        resource: &str,
        filter: &str,
        day: NaiveDate,
        next: Option<&NextPage>,
    ) -> Result<Url, ClientError> {
        if let Some(NextPage(url)) = next {
            return Ok(url.clone());
        }
        let mut url = self.resource_url(resource)?;
        url.query_pairs_mut().append_pair(filter, &day.to_string()).append_pair("PageSize", PAGE_SIZE);
        Ok(url)
    }
}

impl ListedCall {
    /// When it ended, where it has: as Twilio says, or reckoned from how long it lasted.
    pub fn ended_at(&self) -> Option<DateTime<Utc>> {
        let lasted = TimeDelta::seconds(self.duration.unwrap_or(0).into());
        self.status.is_final().then(|| self.end_time.unwrap_or(self.date_created + lasted))
    }

    /// The fields that the `voice-status` webhook of this status has.
    pub fn status_form(&self) -> WebhookForm {
        let duration = self.duration.map(|seconds| seconds.to_string());
        let mut fields = vec![("CallStatus", self.status.as_str())];
        fields.extend(duration.as_deref().map(|seconds| ("CallDuration", seconds)));
        self.form(&fields)
    }

    /// The fields that the `dial-status` webhook has after this call's `<Dial>` has rung `leg`. A leg ends with the
    /// words a `<Dial>` ends with (<https://www.twilio.com/docs/voice/twiml/dial#dialcallstatus-values>).
    pub fn dial_form(&self, leg: &ListedCall) -> WebhookForm {
        self.form(&[("DialCallStatus", leg.status.as_str()), ("DialCallSid", leg.sid.as_str())])
    }

    fn form(&self, more: &[(&str, &str)]) -> WebhookForm {
        let from = self.from.as_deref().unwrap_or_default();
        let to = self.to.as_deref().unwrap_or_default();
        WebhookForm::of([("CallSid", self.sid.as_str()), ("From", from), ("To", to)].iter().chain(more).copied())
    }
}

impl ListedMessage {
    /// The fields that the `sms-inbound` webhook of this message has. What Advanced Opt-Out made of it is not listed.
    pub fn inbound_form(&self, media: &[Media]) -> WebhookForm {
        let count = media.len().to_string();
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let mut fields = vec![
            ("MessageSid".to_owned(), self.sid.to_string()),
            ("From".to_owned(), text(&self.from)),
            ("To".to_owned(), text(&self.to)),
            ("Body".to_owned(), self.body.clone()),
            ("NumMedia".to_owned(), count),
        ];
        for (index, item) in media.iter().enumerate() {
            fields.push((format!("MediaUrl{index}"), item.url.clone()));
            fields.extend(item.content_type.clone().map(|kind| (format!("MediaContentType{index}"), kind)));
        }
        WebhookForm::of(fields.iter().map(|(name, value)| (name, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twilio::{DialStatusWebhook, InboundSms, VoiceStatusWebhook};

    #[test]
    fn what_is_listed_reads_like_the_webhook() {
        let entry = r#"{"sid":"CA0123456789abcdef0123456789abcdef","status":"completed","from":"+12125550123",
            "to":"+14155550100","direction":"inbound","date_created":"Fri, 20 Nov 2026 05:01:45 +0000",
            "end_time":"Fri, 20 Nov 2026 05:02:45 +0000","duration":"60","parent_call_sid":null}"#;
        let call: ListedCall = serde_json::from_str(entry).unwrap();
        assert_eq!(call.end_time.map(|time| time.timestamp() - call.date_created.timestamp()), Some(60));
        let read = VoiceStatusWebhook::try_from(&call.status_form()).unwrap();
        assert_eq!((read.call_sid.as_str(), read.call_duration_seconds), (call.sid.as_str(), Some(60)));
        let dial = DialStatusWebhook::try_from(&call.dial_form(&call)).unwrap();
        assert_eq!(dial.dial_call_status.as_str(), "completed");
        let fields = [
            ("CallSid", call.sid.as_str()),
            ("From", "+12125550123"),
            ("To", "+14155550100"),
            ("CallStatus", "completed"),
            ("Timestamp", "added"),
        ];
        let webhook = WebhookForm::of(fields);
        let core = VoiceStatusWebhook::CORE_FIELDS;
        assert_eq!(webhook.payload_hash(core), call.status_form().payload_hash(core), "the same content");
    }

    #[test]
    fn a_withheld_number_and_a_picture_alone() {
        let entry = r#"{"sid":"MM0123456789abcdef0123456789abcdef","status":"received","from":null,
            "to":"+14155550100","direction":"inbound","date_created":"Fri, 20 Nov 2026 05:01:45 +0000",
            "num_media":"1","body":null}"#;
        let message: ListedMessage = serde_json::from_str(entry).unwrap();
        assert_eq!(message.num_media, Some(1));
        let media = Media { url: "https://api.twilio.example/m".to_owned(), content_type: None };
        let read = InboundSms::try_from(&message.inbound_form(&[media])).unwrap();
        assert_eq!((read.body.as_str(), read.media.len()), ("", 1));
    }
}
