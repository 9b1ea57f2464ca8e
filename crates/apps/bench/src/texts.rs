//! Callers who text, from the missed call to the appointment, and how long each waits for its answer beyond the time
//! for which the automation waits itself, so that who writes in pieces is answered once.

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, Datelike as _, Days, NaiveDate, Utc, Weekday};
use chrono_tz::America::Los_Angeles;
use nmc_conversation::SETTLES_AFTER;
use nmc_sandbox::SandboxError;
use nmc_simulators::twilio::{TextRequest, TwilioSimulator, WebhookAnswer};
use sqlx::Connection as _;
use tokio::{task::JoinSet, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::{
    BenchError,
    businesses::BUSINESSES,
    calls::{Bench, DATABASE, Load, Missed},
    cluster::Cluster,
    cost::{ROLES, enter},
    disk,
    proxy::CountingProxy,
    report::Report,
    stats::{Summary, millis, shown},
};

/// What each caller writes: the day is filled in.
const SCRIPT: [&str; 5] =
    ["Hi, my kitchen sink is leaking, can you come on {day}?", "2", "Ann Example", "5 Elm St", "1"];
/// Texts a second.
const RATE: u32 = 20;
/// So many conversations for a minute of texts.
const CONVERSATIONS: usize = 240;
/// Fewer, for pools, statements and caches.
const WARM_UP: usize = 100;
/// The missed calls that open them.
const CALLS_PER_SECOND: usize = 50;
/// Conversations whose round trips are counted, and how many texts they write a second: none shares anything with
/// another.
const COUNTED: usize = 30;
const COUNTED_RATE: u32 = 5;
/// What is not answered by then never is.
const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);

/// The load in words, for the head of the table.
pub(crate) const SETTINGS: &str =
    "20 texts/s for a minute, open loop, 240 callers of 20 businesses book by five texts each";

/// What came of a load.
struct Outcome {
    /// From when each answer was due to its acceptance by Twilio.
    from_due: Vec<Duration>,
    /// From when Twilio had the text to the same, without the wait.
    from_text: Vec<Duration>,
    commits: Vec<Duration>,
}

/// Measures on one cluster.
pub(crate) async fn measure(cluster: &Cluster, report: &mut Report) -> Result<(), BenchError> {
    let mut bench = Bench::start(cluster, None).await?;
    let measured = run(&mut bench, cluster, report).await;
    bench.stop(cluster).await?;
    measured
}

async fn run(bench: &mut Bench, cluster: &Cluster, report: &mut Report) -> Result<(), BenchError> {
    warm_up(bench, cluster).await?;
    let Outcome { from_due, from_text, commits } = play(bench, cluster, CONVERSATIONS, RATE).await?;
    let medium = cluster.medium;
    let line = |what: &str| format!("{RATE} texts/s: {what}, P50 / P95 / max");
    let goal = "P95 <= 25 ms, max <= 400 ms";
    report.put(medium, line("answer due -> Twilio accepted"), goal, shown(Summary::of(from_due)));
    let from_text = shown(Summary::of(from_text));
    report.put(medium, line("text sent -> Twilio accepted, without the 2.5 s of waiting"), "", from_text);
    report.put(medium, line("one commit beside it"), "", shown(Summary::of(commits)));
    let dispatcher = &mut bench.installation.dispatcher;
    dispatcher.stop().await.map_err(SandboxError::from)?;
    dispatcher.start().map_err(SandboxError::from)?;
    bench.installation.wait_until_ready().await?;
    let first = play(bench, cluster, 1, RATE).await?.from_due;
    let first = first.into_iter().max().map_or_else(|| "-".to_owned(), millis);
    let line = "a caller alone after a start: the slowest answer, due -> Twilio accepted";
    report.put(medium, line, "<= 400 ms", format!("{first} ms"));
    Ok(())
}

/// Counts what a text asks of Postgres; on a cluster of its own, whose roles have a password.
pub(crate) async fn count(cluster: &Cluster, report: &mut Report) -> Result<(), BenchError> {
    let proxy = CountingProxy::start(cluster.postgres.socket_dir().join(".s.PGSQL.5432")).await?;
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres?sslmode=disable", proxy.port);
    let mut bench = Bench::start(cluster, Some(url)).await?;
    let counted = counted(&mut bench, cluster, &proxy, report).await;
    bench.stop(cluster).await?;
    counted
}

async fn counted(
    bench: &mut Bench,
    cluster: &Cluster,
    proxy: &CountingProxy,
    report: &mut Report,
) -> Result<(), BenchError> {
    warm_up(bench, cluster).await?;
    let callers = called(bench, COUNTED).await?;
    let before = ROLES.map(|(role, _)| proxy.asked_by(role));
    write(bench, callers, COUNTED_RATE).await?;
    let texts = u64::try_from(COUNTED * SCRIPT.len()).unwrap_or(u64::MAX);
    for ((role, name), before) in ROLES.iter().zip(before) {
        enter(
            report,
            cluster.medium,
            &format!("a text of a caller, {name}"),
            &proxy.asked_by(role).since(&before),
            texts,
        );
    }
    Ok(())
}

async fn warm_up(bench: &mut Bench, cluster: &Cluster) -> Result<(), BenchError> {
    bench.warm_up(cluster).await?;
    let callers = called(bench, WARM_UP).await?;
    write(bench, callers, RATE).await?;
    let mut superuser = cluster.existing(DATABASE).superuser().await?;
    sqlx::raw_sql("analyze").execute(&mut superuser).await?;
    superuser.close().await?;
    Ok(())
}

/// So many callers book by text, so many texts a second in all: how long each text took.
async fn play(bench: &mut Bench, cluster: &Cluster, callers: usize, rate: u32) -> Result<Outcome, BenchError> {
    let database = cluster.existing(DATABASE);
    let callers = called(bench, callers).await?;
    let phones: Vec<String> = callers.iter().map(|missed| missed.caller.clone()).collect();
    let stop = CancellationToken::new();
    let texts = async {
        let written = write(bench, callers, rate).await;
        stop.cancel();
        written
    };
    let (written, commits) = tokio::join!(texts, disk::probe(&database, stop.clone()));
    let (written, commits) = (written?, commits?);
    let mut superuser = database.superuser().await?;
    // Ours only: the texts of before are there as well.
    let answered: Vec<(String, String, DateTime<Utc>)> = sqlx::query_as(
        "select text.why->>'provider_ref', answer.provider_message_id, text.created_at
         from conv_conversations c
         join conv_messages answer on answer.tenant_id = c.tenant_id and answer.conversation_id = c.id
         join conv_messages text on text.tenant_id = c.tenant_id and text.id::text = answer.why->>'turn_of'
         where c.caller_phone = any($1) and answer.author = 'automation' and answer.provider_message_id is not null",
    )
    .bind(&phones)
    .fetch_all(&mut superuser)
    .await?;
    let booked: i64 = sqlx::query_scalar("select count(*) from sched_appointments where customer_phone = any($1)")
        .bind(&phones)
        .fetch_one(&mut superuser)
        .await?;
    superuser.close().await?;
    if (answered.len(), usize::try_from(booked)) != (written.len(), Ok(phones.len())) {
        let (texts, answers, callers) = (written.len(), answered.len(), phones.len());
        let what = format!("{callers} callers wrote {texts} texts, got {answers} answers and booked {booked} times");
        return Err(BenchError::Wrong(what));
    }
    let accepted: HashMap<String, DateTime<Utc>> =
        bench.installation.twilio.accepted().into_iter().map(|message| (message.sid, message.received_at)).collect();
    let since = |later: DateTime<Utc>, earlier: DateTime<Utc>| (later - earlier).to_std().unwrap_or_default();
    let (mut from_due, mut from_text) = (Vec::new(), Vec::new());
    for (text, answer, taken_at) in answered {
        let (Some(sent_at), Some(accepted_at)) = (written.get(&text).copied(), accepted.get(&answer).copied()) else {
            return Err(BenchError::Wrong("an answer is unknown to the simulator".to_owned()));
        };
        from_due.push(since(accepted_at, taken_at + SETTLES_AFTER));
        from_text.push(since(accepted_at, sent_at + SETTLES_AFTER));
    }
    Ok(Outcome { from_due, from_text, commits })
}

/// Callers who were not picked up, and have the text that says so.
async fn called(bench: &mut Bench, callers: usize) -> Result<Vec<Missed>, BenchError> {
    let before = bench.installation.twilio.summary().accepted;
    let mut missed = bench.place(Load { calls: callers, per_second: CALLS_PER_SECOND }).await?;
    // As they called, whichever was answered first: business after business.
    missed.sort_unstable_by(|one, other| one.caller.cmp(&other.caller));
    wait_for(&bench.installation.twilio, before + callers).await;
    Ok(missed)
}

/// Until so many texts are with Twilio, or will never be: whoever looks at them sees whether they are all there.
async fn wait_for(twilio: &TwilioSimulator, accepted: usize) {
    let all = async {
        while twilio.summary().accepted < accepted {
            tokio::time::sleep(POLL).await;
        }
    };
    let _ = tokio::time::timeout(PATIENCE, all).await;
    twilio.settled().await;
}

/// Each writes one text after the other, all in turn, and wants another day than the others at the same business;
/// returns when the last is answered: when Twilio had each, by its id.
async fn write(
    bench: &mut Bench,
    callers: Vec<Missed>,
    rate: u32,
) -> Result<HashMap<String, DateTime<Utc>>, BenchError> {
    let twilio = bench.installation.twilio.clone();
    let (today, before) = (bench.clock.now().with_timezone(&Los_Angeles).date_naive(), twilio.summary().accepted);
    // Whoever is alone still waits for each answer before the next text, and reads it.
    let pause = Duration::from_secs(1) / rate;
    let round = pause * u32::try_from(callers.len()).unwrap_or(1);
    let rest = Duration::from_secs(5).saturating_sub(round);
    let mut ticks = tokio::time::interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut sending = JoinSet::new();
    for line in SCRIPT {
        for (number, Missed { caller, business, .. }) in callers.iter().enumerate() {
            ticks.tick().await;
            let body =
                line.replace("{day}", &day(today, number / usize::from(BUSINESSES)).format("%B %-d").to_string());
            let (twilio, clock) = (twilio.clone(), bench.clock.clone());
            let request = TextRequest::new(caller.as_str(), business.as_str(), body);
            sending.spawn(async move {
                let sent_at = clock.now();
                (sent_at, twilio.send_text(request).await)
            });
        }
        tokio::time::sleep(rest).await;
        ticks.reset();
    }
    let mut written = HashMap::new();
    while let Some(sent) = sending.join_next().await {
        let (sent_at, result) = sent?;
        if !result.answer.as_ref().is_some_and(WebhookAnswer::is_success) {
            return Err(BenchError::Wrong(format!("a text's webhook was answered with {:?}", result.answer)));
        }
        written.insert(result.message_sid, sent_at);
    }
    wait_for(&twilio, before + written.len()).await;
    Ok(written)
}

/// The `number`th day on which somebody works, from the day after tomorrow on.
fn day(today: NaiveDate, number: usize) -> NaiveDate {
    let days = (2..).map(|days| today + Days::new(days)).filter(|day| day.weekday() != Weekday::Sun);
    days.into_iter().nth(number).unwrap_or(today)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_wanted_on_a_sunday() {
        let today = NaiveDate::from_ymd_opt(2026, 3, 12).unwrap();
        let days: Vec<String> = (0..4).map(|number| day(today, number).format("%B %-d").to_string()).collect();
        assert_eq!(days, ["March 14", "March 16", "March 17", "March 18"]);
    }
}
