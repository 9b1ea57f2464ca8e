//! A conversation as it went, for reading.

use std::fmt::Write as _;

use super::{
    Played,
    conversation::{Conversation, Range, Turn},
    judge::Fault,
    record::Sent,
};

/// All of it, with what was expected and what was found after each text.
pub(super) fn show(played: &Played) -> String {
    let Played { conversation, record, faults, .. } = played;
    let Conversation { id, category, business, why, .. } = conversation;
    let mut text = format!("\n=== {id} ({category}, {business}): {why}\n");
    for sent in &record.greeting {
        line(&mut text, "    <", &wording(sent));
    }
    for (nth, ((_, turns), exchange)) in conversation.bursts().iter().zip(&record.exchanges).enumerate() {
        line(&mut text, "---", &exchange.at.format("%a %Y-%m-%d %H:%M").to_string());
        for caller in &exchange.caller {
            line(&mut text, "    >", &format!("{caller:?}"));
        }
        for sent in &exchange.texts {
            line(&mut text, "    <", &wording(sent));
        }
        for turn in turns.iter().filter_map(|turn| conversation.turns.get(*turn)) {
            line(&mut text, "        expected:", &expectation(turn));
        }
        for fault in faults.iter().filter(|fault| fault.exchange == Some(nth)) {
            line(&mut text, "        WRONG:", &reason(fault));
        }
    }
    let appointments =
        record.appointments.iter().map(|one| format!("{} {}", one.item, one.start.format("%a %Y-%m-%d %H:%M")));
    let appointments = appointments.collect::<Vec<_>>().join(", ");
    let is_opted_out = record.exchanges.last().is_some_and(|last| last.is_opted_out);
    let end = format!(
        "state {:?}, appointments [{appointments}], opted out {is_opted_out}, task {}",
        record.state, record.has_task
    );
    line(&mut text, "--- at the end:", &end);
    line(&mut text, "        expected:", &outcome(conversation));
    for fault in faults.iter().filter(|fault| fault.exchange.is_none()) {
        line(&mut text, "        WRONG:", &reason(fault));
    }
    line(&mut text, "===", if faults.is_empty() { "as it should be" } else { "not as it should be" });
    text
}

fn line(text: &mut String, head: &str, rest: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "{head} {rest}");
}

fn wording(sent: &Sent) -> String {
    let offers =
        sent.offers.iter().map(|offer| format!(" {}@{}", offer.start.format("%a %m-%d %H:%M"), offer.resource));
    let item = sent.item.as_deref().unwrap_or("no job");
    format!("{:?}\n      [{}; {item};{}]", sent.body, sent.acts.join(" "), offers.collect::<String>())
}

fn reason(fault: &Fault) -> String {
    format!("{}: {}", fault.kind, fault.what)
}

fn expectation(turn: &Turn) -> String {
    let lists: Vec<String> = turn.expected().iter().map(|acts| acts.join(" ")).collect();
    let acts = if lists.is_empty() { "any answer".to_owned() } else { lists.join(" or ") };
    let item = turn.item.as_ref().map(|item| format!("; {item}")).unwrap_or_default();
    let ranges: Vec<String> = turn.offered.0.iter().map(Range::to_string).collect();
    let offered = if ranges.is_empty() { String::new() } else { format!("; offers {}", ranges.join(" or ")) };
    format!("{acts}{item}{offered}")
}

fn outcome(conversation: &Conversation) -> String {
    let outcome = &conversation.outcome;
    let mut parts = Vec::new();
    parts.extend(outcome.state.map(|state| format!("state {state:?}")));
    parts.extend(outcome.appointments.as_ref().map(|all| {
        let named = all.iter().map(|one| match (one.offer, one.range()) {
            (Some(offer), _) => format!("{} as offered {offer}", one.item),
            (None, range) => format!("{} {}", one.item, range.map(|range| range.to_string()).unwrap_or_default()),
        });
        format!("appointments [{}]", named.collect::<Vec<_>>().join(", "))
    }));
    parts.extend(outcome.opted_out.map(|opted_out| format!("opted out {opted_out}")));
    parts.extend(outcome.task.map(|task| format!("task {task}")));
    parts.extend(outcome.never.iter().map(|phrase| format!("never {phrase:?}")));
    parts.join(", ")
}
