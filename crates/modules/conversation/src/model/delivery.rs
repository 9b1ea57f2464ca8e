//! How far an outbound text has come.

use nmc_events::conversation::MessageStatus;
use nmc_providers::twilio::SmsStatus;

/// The order in which a status moves: `pending < queued < sent < failed < delivered`. A received text has none.
const fn rank(status: MessageStatus) -> Option<u8> {
    match status {
        MessageStatus::Pending => Some(0),
        MessageStatus::Queued => Some(1),
        MessageStatus::Sent => Some(2),
        MessageStatus::Failed => Some(3),
        MessageStatus::Delivered => Some(4),
        MessageStatus::Received => None,
    }
}

/// The new status where `reported` is further than `current`; nothing where it comes late or again.
pub(crate) fn advanced(current: MessageStatus, reported: SmsStatus) -> Option<MessageStatus> {
    let reported = match reported {
        SmsStatus::Queued => MessageStatus::Queued,
        SmsStatus::Sent => MessageStatus::Sent,
        SmsStatus::Failed => MessageStatus::Failed,
        SmsStatus::Delivered => MessageStatus::Delivered,
    };
    (rank(reported)? > rank(current)?).then_some(reported)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REPORTS: [SmsStatus; 4] = [SmsStatus::Queued, SmsStatus::Sent, SmsStatus::Failed, SmsStatus::Delivered];

    #[test]
    fn a_received_text_has_no_delivery() {
        for report in REPORTS {
            assert_eq!(advanced(MessageStatus::Received, report), None);
        }
    }

    proptest! {
        #[test]
        fn any_order_of_reports_ends_at_the_furthest(reports in prop::collection::vec(prop::sample::select(&REPORTS[..]), 1..20)) {
            let mut status = MessageStatus::Pending;
            for report in &reports {
                if let Some(next) = advanced(status, *report) {
                    prop_assert!(rank(next) > rank(status));
                    status = next;
                }
                prop_assert_eq!(advanced(status, *report), None);
            }
            let furthest = reports.iter().max().unwrap();
            prop_assert_eq!(status, advanced(MessageStatus::Pending, *furthest).unwrap());
        }
    }
}
