//! Why a caller got a text, or none, in one sentence for people. Programs read the words beside it.

use nmc_compliance::{BlockReason, Decision, DeferReason};
use nmc_events::conversation::MessageStatus;

use crate::{ContactOutcome, Message, model::failure::NOT_INTRODUCED};

/// What became of a missed call; `newest` is the gate's last decision about it, `greeting` the text that answers it.
pub(crate) fn call(outcome: ContactOutcome, newest: Option<&Decision>, greeting: Option<&Message>) -> String {
    match outcome {
        ContactOutcome::Greeted => match greeting {
            Some(greeting) => message(greeting, None),
            None => "A text was planned, and is not kept any more.".to_owned(),
        },
        ContactOutcome::RecentlyAnswered => {
            "No text: the caller got one less than ten minutes before, or it was on its way.".to_owned()
        }
        ContactOutcome::Human => "No text: a person of the business has the conversation.".to_owned(),
        ContactOutcome::Blocked => "No text yet: the campaign is not approved, and the call waits for that.".to_owned(),
        ContactOutcome::Task | ContactOutcome::Refused => {
            format!("No text: {}. A task asks to call back.", because(newest))
        }
        ContactOutcome::Untextable => "No text: none reaches this caller. A task asks to call back.".to_owned(),
        // Outcomes of texts; a call has none of them.
        ContactOutcome::Taken | ContactOutcome::Added | ContactOutcome::Keyword => "Taken down.".to_owned(),
    }
}

/// What became of a text that goes out; `newest` is the gate's last decision about it.
pub(crate) fn message(message: &Message, newest: Option<&Decision>) -> String {
    match message.status {
        MessageStatus::Received => "Received from the caller.".to_owned(),
        MessageStatus::Pending => match newest {
            Some(Decision::Defer { until, reason }) => {
                format!("Waits until {}: {}.", until.format("%Y-%m-%d %H:%M UTC"), wait(*reason))
            }
            _ => "On its way to the provider.".to_owned(),
        },
        MessageStatus::Queued => "Sent: the provider has it.".to_owned(),
        MessageStatus::Sent => "Sent: the carrier has it.".to_owned(),
        MessageStatus::Delivered => "Delivered to the caller's phone.".to_owned(),
        MessageStatus::Failed => match (message.error_code, message.failure.as_deref()) {
            (Some(code), _) => format!("Not delivered: the provider says {code}."),
            (None, Some(word)) => match BlockReason::from_word(word) {
                Some(reason) => format!("Not sent: {}.", refusal(reason)),
                None if word == NOT_INTRODUCED => {
                    "Not sent: no text had told the caller who writes and how to end it.".to_owned()
                }
                None => format!("Not sent: {word}."),
            },
            (None, None) => "Not delivered.".to_owned(),
        },
    }
}

fn because(newest: Option<&Decision>) -> &'static str {
    match newest {
        Some(Decision::Block { reason }) => refusal(*reason),
        Some(Decision::Defer { reason, .. }) => wait(*reason),
        Some(Decision::Allow) | None => "the time in which an answer is of use had passed",
    }
}

const fn wait(reason: DeferReason) -> &'static str {
    match reason {
        DeferReason::QuietHours => "it is night where the caller is",
        DeferReason::Paused => "sending is paused",
        DeferReason::Rate => "the number sends as fast as it may",
        DeferReason::ProviderUnavailable => "the provider takes no texts at the moment",
        DeferReason::BusinessLimit => "the business has sent as many texts as it may for now",
        DeferReason::InstallationLimit => "the service has sent as many texts as it may for now",
    }
}

const fn refusal(reason: BlockReason) -> &'static str {
    match reason {
        BlockReason::OwnNumber => "the caller's number belongs to this service",
        BlockReason::NotTextable => "nobody reads texts on the caller's number",
        BlockReason::CountryNotServed => "the business does not text to the caller's country",
        BlockReason::PremiumRate => "texts to the caller's number cost extra",
        BlockReason::OptedOut => "the caller has opted out",
        BlockReason::NoOptOut => "there is no opt-out to answer",
        BlockReason::AlreadyConfirmed => "the opt-out was confirmed before",
        BlockReason::ConfirmationTooLate => "it is too late to confirm the opt-out",
        BlockReason::DoNotText => "the number is on the business's list of numbers not to text",
        BlockReason::TenantSuspended => "the business is suspended",
        BlockReason::CampaignNotApproved => "the campaign is not approved",
        BlockReason::Loop => "the caller seems to be a machine that answers whatever it gets",
        BlockReason::CallerLimit => "the caller has got as many texts as one may in this time",
        BlockReason::NumberReleased => "the number it was to come from is not the business's any more",
        BlockReason::Superseded => "the conversation had moved on",
        BlockReason::TakenOver => "a person had taken the conversation over",
        BlockReason::ConversationClosed => "the conversation had ended",
        BlockReason::Expired => "the time in which it is of use had passed",
        BlockReason::TooMany => "the caller had as many automatic texts as one gets in a day",
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use nmc_compliance::Purpose;
    use nmc_events::conversation::{Author, Direction};
    use uuid::Uuid;

    use super::*;

    fn outbound(status: MessageStatus, error_code: Option<i32>, failure: Option<&str>) -> Message {
        Message {
            id: Uuid::nil().into(),
            conversation_id: Uuid::nil().into(),
            direction: Direction::Out,
            author: Author::Automation,
            author_user_id: None,
            purpose: Some(Purpose::Greeting),
            body: "Hi".to_owned(),
            media_count: 0,
            segments: 1,
            status,
            provider_message_id: None,
            client_dedup_key: None,
            intent_id: None,
            error_code,
            failure: failure.map(str::to_owned),
            why: serde_json::json!({}),
            answers_at: None,
            created_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn every_reason_has_its_own_sentence() {
        let mut said: Vec<String> = BlockReason::ALL
            .iter()
            .map(|reason| call(ContactOutcome::Refused, Some(&Decision::Block { reason: *reason }), None))
            .collect();
        let until: DateTime<Utc> = DateTime::UNIX_EPOCH;
        let pending = outbound(MessageStatus::Pending, None, None);
        said.extend(
            DeferReason::ALL.iter().map(|reason| message(&pending, Some(&Decision::Defer { until, reason: *reason }))),
        );
        let all = said.len();
        said.sort();
        said.dedup();
        assert_eq!(said.len(), all, "{said:#?}");
        assert!(said.iter().all(|sentence| sentence.ends_with('.')));
    }

    #[test]
    fn every_outcome_of_a_call_says_whether_there_is_a_text() {
        let greeting = outbound(MessageStatus::Delivered, None, None);
        for outcome in ContactOutcome::ALL {
            let said = call(*outcome, None, Some(&greeting));
            let expected = match outcome.as_str() {
                "greeted" => "Delivered",
                "taken" | "added" | "keyword" => "Taken down",
                _ => "No text",
            };
            assert!(said.starts_with(expected), "{}: {said}", outcome.as_str());
        }
    }

    #[test]
    fn a_failed_text_says_what_failed_it() {
        let said = |code, word| message(&outbound(MessageStatus::Failed, code, word), None);
        assert_eq!(said(Some(30_006), None), "Not delivered: the provider says 30006.");
        assert_eq!(said(None, Some("taken-over")), "Not sent: a person had taken the conversation over.");
        let introduced = "Not sent: no text had told the caller who writes and how to end it.";
        assert_eq!(said(None, Some(NOT_INTRODUCED)), introduced);
        assert_eq!(said(None, Some("bad-request")), "Not sent: bad-request.");
        assert_eq!(said(None, None), "Not delivered.");
    }
}
