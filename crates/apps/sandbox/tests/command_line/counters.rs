//! What the metrics page counts has happened.

use nmc_simulators::twilio::SignatureKind;

use crate::stand::{Stand, get};

/// A counter's lines on the metrics page: labels and value.
fn counters(page: &str, name: &str) -> Vec<(String, u64)> {
    let lines = page.lines().filter_map(|line| line.strip_prefix(name)?.rsplit_once(' '));
    lines.map(|(labels, value)| (labels.to_owned(), value.parse().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_webhook_counters_say_what_came() {
    let stand = Stand::new().await;
    let _server = stand.serve().await;
    let ours = stand.tenant.number.as_str();
    assert_eq!(stand.text(ours, "forged", SignatureKind::Wrong).await, Some(401));
    assert_eq!(stand.text(ours, "unsigned", SignatureKind::Missing).await, Some(401));
    assert_eq!(stand.text("+14155550177", "for nobody", SignatureKind::Correct).await, Some(200));
    let page = async || get(format!("http://{}/metrics", stand.metrics)).await.unwrap();
    let before = page().await;
    assert_eq!(stand.text(ours, "hello", SignatureKind::Correct).await, Some(200));
    assert_eq!(stand.text(ours, "hello", SignatureKind::Correct).await, Some(200));
    let repeated = page().await;
    assert_eq!(stand.text(ours, "goodbye", SignatureKind::Correct).await, Some(200));
    let altered = page().await;

    let of_twilio = r#"{provider="twilio"}"#;
    let twilio = |value| vec![(of_twilio.to_owned(), value)];
    let total = |page: &str, name| counters(page, name).iter().map(|(_, value)| value).sum::<u64>();
    assert_eq!(counters(&altered, "webhook_signature_failures_total"), twilio(2));
    let unknown = vec![(r#"{provider="twilio",endpoint="sms-inbound"}"#.to_owned(), 1)];
    assert_eq!(counters(&altered, "webhook_unknown_numbers_total"), unknown);
    assert_eq!(total(&before, "webhook_dedupe_hits_total"), 0);
    assert_eq!(counters(&repeated, "webhook_dedupe_hits_total"), twilio(1));
    assert_eq!(total(&repeated, "webhook_altered_total"), 0);
    assert_eq!(counters(&altered, "webhook_altered_total"), twilio(1));
    assert_eq!(counters(&altered, "webhook_dedupe_hits_total"), twilio(2), "an altered repeat is a repeat");
}
