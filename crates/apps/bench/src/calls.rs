//! Missed calls through the whole product: the server and the dispatcher as processes of their own, Twilio's simulator
//! and its clock in this one.

use std::{
    collections::HashMap,
    ops::Range,
    path::PathBuf,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use nmc_kernel::{Clock, Random};
use nmc_sandbox::{ExampleTenant, Installation, Plan, Program};
use nmc_simulators::twilio::WebhookRequest;
use sqlx::Connection as _;
use tokio::{task::JoinSet, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::{
    BenchError,
    businesses::{self, BUSINESSES, CALLERS},
    cluster::{Cluster, Medium},
    disk,
    memory::{self, Memory},
    processor,
    report::Report,
    stats::{Summary, millis, shown},
};

pub(crate) const DATABASE: &str = "nmc_bench_calls";
/// Calls before anything is measured: pools fill, statements are prepared, caches warm up.
const WARM_UP: Load = Load { calls: 100, per_second: 50 };
/// Calls that arrive within one second.
const BURST: Load = Load { calls: 1_000, per_second: 1_000 };
/// The rates that are measured; the second is the one the goals speak of.
const RATES: [usize; 2] = [20, 100];
/// After its `voice` webhook a call rings so long before it is reported as missed.
const RING: Duration = Duration::from_millis(300);
/// What is not sent by then never is.
const SENT_TIMEOUT: Duration = Duration::from_mins(1);
/// Between two looks at whether everything is sent.
const SENT_POLL: Duration = Duration::from_millis(5);
/// After a load everything comes to rest: status callbacks, their events, the listeners.
const REST: Duration = Duration::from_millis(500);

/// The load in words, for the head of the table.
pub(crate) const SETTINGS: &str = "two webhooks a call, open loop, 20 businesses, every call another caller";

/// An open loop: calls come at their times, however the ones before fare.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) calls: usize,
    pub(crate) per_second: usize,
}

/// Measures on one cluster, for `seconds` per rate.
pub(crate) async fn measure(cluster: &Cluster, seconds: usize, report: &mut Report) -> Result<(), BenchError> {
    let mut bench = Bench::start(cluster, None).await?;
    let measured = bench.run(cluster, seconds, report).await;
    bench.stop(cluster).await?;
    measured
}

/// The product with businesses whose calls are missed.
pub(crate) struct Bench {
    pub(crate) installation: Installation,
    businesses: Vec<ExampleTenant>,
    medium: Medium,
    /// What holds the data of Postgres: its first process is named there.
    postgres: PathBuf,
    pub(crate) clock: Clock,
    random: Random,
    calls_made: usize,
    /// Which of the businesses are called.
    pub(crate) called: Range<usize>,
    /// Calls whose texts nobody waits for.
    pub(crate) held: usize,
}

/// What came of a load.
pub(crate) struct Outcome {
    acknowledged: Vec<Duration>,
    /// From the report that decides the call to the message's acceptance by Twilio.
    pub(crate) sent: Vec<Duration>,
    /// From the first report to the last acceptance.
    all_sent: Duration,
    commits: Vec<Duration>,
    /// Processor time per call: server, dispatcher, Postgres, and this process (the simulator and the load).
    processor: [Option<Duration>; 4],
}

impl Bench {
    /// An installation on the cluster, reached by `database_url` where that is given.
    pub(crate) async fn start(cluster: &Cluster, database_url: Option<String>) -> Result<Self, BenchError> {
        cluster.drop_database(DATABASE).await?;
        let plan = Plan {
            database: DATABASE,
            durable: cluster.medium == Medium::Disk,
            database_url,
            // A US long code's own rate would be the only thing measured.
            configuration: [
                ("SMS_SEGMENTS_PER_SECOND", "10000"),
                // What is measured is not how much may go out.
                ("TEXTS_PER_BUSINESS_HOUR_MAX", "1000000"),
                ("TEXTS_PER_BUSINESS_DAY_MAX", "1000000"),
                ("TEXTS_PER_HOUR_MAX", "1000000"),
            ]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .to_vec(),
            ..Plan::new(cluster.data_dir.clone(), std::env::current_exe()?)
        };
        let mut bench = Self {
            installation: Installation::start(&plan).await?,
            businesses: Vec::new(),
            medium: cluster.medium,
            postgres: cluster.postgres.data_dir().join("cluster"),
            clock: Clock::system(),
            random: Random::from_entropy(),
            calls_made: 0,
            called: 0..0,
            held: 0,
        };
        bench.businesses = bench.installation.open_businesses(BUSINESSES).await?;
        bench.called = 0..bench.businesses.len();
        Ok(bench)
    }

    /// Stops the programs and drops the database.
    pub(crate) async fn stop(self, cluster: &Cluster) -> Result<(), BenchError> {
        self.installation.stop().await?;
        cluster.drop_database(DATABASE).await
    }

    fn processor(&self) -> [Option<Duration>; 4] {
        let of = |program: &Program| processor::used_by(program.id()?);
        [
            of(&self.installation.server),
            of(&self.installation.dispatcher),
            processor::used_by_postgres(&self.postgres),
            processor::used_by(std::process::id()),
        ]
    }

    async fn run(&mut self, cluster: &Cluster, seconds: usize, report: &mut Report) -> Result<(), BenchError> {
        tokio::time::sleep(REST).await;
        let idle = self.memory();
        self.warm_up(cluster).await?;
        for per_second in RATES {
            let outcome = self.load(cluster, Load { calls: per_second * seconds, per_second }).await?;
            self.enter(&format!("{per_second} calls/s"), per_second, outcome, report);
        }
        let burst = self.load(cluster, BURST).await?;
        let line = "1,000 calls within a second: all sent after (P9)";
        report.put(self.medium, line, "<= 3 s", format!("{:.2} s", burst.all_sent.as_secs_f64()));
        let half = half_of_saturation(&burst);
        let line = "calls a second that saturate the machine, by the burst";
        report.put(self.medium, line, "", (half * 2).to_string());
        let outcome = self.load(cluster, Load { calls: half * seconds, per_second: half }).await?;
        self.enter("half of that", half, outcome, report);
        self.enter_memory(&idle, report);
        self.measure_starts(report).await
    }

    /// Fills pools and caches, and has statistics taken as autovacuum does within a minute of the first calls: a plan made
    /// while a table was empty may read all rows of a business, until then.
    pub(crate) async fn warm_up(&mut self, cluster: &Cluster) -> Result<(), BenchError> {
        self.load(cluster, WARM_UP).await?;
        let mut superuser = cluster.existing(DATABASE).superuser().await?;
        sqlx::raw_sql("analyze").execute(&mut superuser).await?;
        superuser.close().await?;
        self.load(cluster, WARM_UP).await?;
        Ok(())
    }

    fn enter(&self, load: &str, per_second: usize, outcome: Outcome, report: &mut Report) {
        let parts = outcome.processor.map(|time| time.map_or_else(|| "-".to_owned(), millis));
        let line = format!("{load}: processor a call: server / dispatcher / Postgres / simulator and load");
        report.put(self.medium, line, "", format!("{} ms", parts.join(" / ")));
        let [acknowledged, sent, commits] = [outcome.acknowledged, outcome.sent, outcome.commits].map(Summary::of);
        let (webhooks, is_goal) = (per_second * 2, per_second != RATES[0]);
        let line = |what: &str| format!("{load}: {what}, P50 / P95 / max");
        report.put(self.medium, line(&format!("webhook acknowledged ({webhooks}/s)")), "", shown(acknowledged));
        report.put(self.medium, line("one commit beside it"), "", shown(commits));
        if let (Some(acknowledged), Some(commits)) = (acknowledged, commits) {
            let ratio = acknowledged.p95.as_secs_f64() / commits.p95.as_secs_f64();
            let goal = if is_goal { "<= 3" } else { "" };
            let line = format!("{load}: acknowledged P95 / one commit's P95 (P8)");
            report.put(self.medium, line, goal, format!("{ratio:.1}"));
        }
        let goal = if is_goal { "P95 <= 10 ms" } else { "" };
        report.put(self.medium, line("missed -> Twilio accepted (P9)"), goal, shown(sent));
    }

    /// Makes the calls, waits until every caller was texted, and takes the times.
    pub(crate) async fn load(&mut self, cluster: &Cluster, load: Load) -> Result<Outcome, BenchError> {
        let database = cluster.existing(DATABASE);
        let processor_before = self.processor();
        let stop = CancellationToken::new();
        let began = self.clock.now();
        let calls = async {
            let reports = self.place(load).await;
            stop.cancel();
            reports
        };
        let (reports, commits) = tokio::join!(calls, disk::probe(&database, stop.clone()));
        let (reports, commits) = (reports?, commits?);
        self.wait_until_sent().await?;
        let accepted: HashMap<(String, String), DateTime<Utc>> =
            self.installation.twilio.accepted().into_iter().map(|m| ((m.from, m.to), m.received_at)).collect();
        let (mut acknowledged, mut sent, mut last) = (Vec::new(), Vec::new(), began);
        for missed in &reports {
            acknowledged.extend(missed.acknowledged);
            let key = (missed.business.clone(), missed.caller.clone());
            let Some(at) = accepted.get(&key).copied() else {
                return Err(BenchError::Wrong("a missed call was not answered by a text".to_owned()));
            };
            sent.push((at - missed.reported_at).to_std().unwrap_or_default());
            last = last.max(at);
        }
        let first = reports.iter().map(|missed| missed.reported_at).min().unwrap_or(began);
        self.installation.twilio.settled().await;
        tokio::time::sleep(REST).await;
        let calls = u32::try_from(load.calls).unwrap_or(u32::MAX);
        let mut processor = self.processor();
        for (after, before) in processor.iter_mut().zip(processor_before) {
            *after = after.zip(before).map(|(after, before)| after.saturating_sub(before) / calls);
        }
        Ok(Outcome { acknowledged, sent, all_sent: (last - first).to_std().unwrap_or_default(), commits, processor })
    }

    /// Makes the calls without waiting for their texts.
    pub(crate) async fn place(&mut self, load: Load) -> Result<Vec<Missed>, BenchError> {
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / u32::try_from(load.per_second).unwrap_or(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut calls = JoinSet::new();
        for _ in 0..load.calls {
            ticks.tick().await;
            calls.spawn(self.next_call().make());
        }
        let mut reports = Vec::with_capacity(load.calls);
        while let Some(call) = calls.join_next().await {
            reports.push(call??);
        }
        Ok(reports)
    }

    /// Another caller at another business each time, so that every call is a conversation of its own.
    fn next_call(&mut self) -> PlannedCall {
        let number = self.calls_made;
        self.calls_made += 1;
        let business = self.called.start + (number + number / CALLERS) % self.called.len();
        let mut sid = [0_u8; 16];
        self.random.fill(&mut sid);
        PlannedCall {
            twilio: self.installation.twilio.clone(),
            clock: self.clock.clone(),
            call_sid: sid.iter().fold("CA".to_owned(), |sid, byte| format!("{sid}{byte:02x}")),
            caller: businesses::caller(number % CALLERS),
            business: self.businesses[business].number.as_str().to_owned(),
        }
    }

    async fn wait_until_sent(&self) -> Result<(), BenchError> {
        let began = Instant::now();
        while self.installation.twilio.summary().accepted < self.calls_made - self.held {
            if began.elapsed() > SENT_TIMEOUT {
                let sent = self.installation.twilio.summary().accepted;
                return Err(BenchError::Wrong(format!("{sent} texts were sent for {} missed calls", self.calls_made)));
            }
            tokio::time::sleep(SENT_POLL).await;
        }
        Ok(())
    }

    fn memory(&self) -> [(&'static str, Option<Memory>); 2] {
        [&self.installation.server, &self.installation.dispatcher].map(|program| (program.name(), Memory::of(program)))
    }

    fn enter_memory(&self, idle: &[(&'static str, Option<Memory>); 2], report: &mut Report) {
        for ((name, idle), (_, loaded)) in idle.iter().zip(self.memory()) {
            let value = match (idle, loaded) {
                (Some(idle), Some(loaded)) => {
                    format!("{:.0} / {:.0} / {:.0} MiB", idle.resident, loaded.resident, loaded.peak)
                }
                _ => "-".to_owned(),
            };
            let line = format!("memory of the {name}: idle / after the load / at most (P12)");
            report.put(self.medium, line, "<= 40 / 80 MB", value);
        }
    }

    async fn measure_starts(&mut self, report: &mut Report) -> Result<(), BenchError> {
        let http = local_client().map_err(|error| BenchError::Wrong(error.to_string()))?;
        let ready = format!("{}/readyz", self.installation.base_url);
        let server = memory::restart(&mut self.installation.server, &http, &ready).await?;
        report.put(self.medium, "start of the server until ready (P13)", "<= 100 ms", format!("{} ms", millis(server)));
        let answering = self.installation.metrics_urls[1].clone();
        let dispatcher = memory::restart(&mut self.installation.dispatcher, &http, &answering).await?;
        let line = "start of the dispatcher until it answers (P13)";
        report.put(self.medium, line, "<= 100 ms", format!("{} ms", millis(dispatcher)));
        Ok(())
    }
}

/// Half of the calls a second that the product gets through when more come than it can take.
fn half_of_saturation(burst: &Outcome) -> usize {
    let milliseconds = usize::try_from(burst.all_sent.as_millis()).unwrap_or(usize::MAX).max(1);
    (BURST.calls * 500 / milliseconds).max(1)
}

#[expect(clippy::disallowed_methods, reason = "looks at the installation's own processes; no provider is behind this")]
fn local_client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder().no_proxy().build()
}

/// A call that will be missed.
struct PlannedCall {
    twilio: nmc_simulators::twilio::TwilioSimulator,
    clock: Clock,
    call_sid: String,
    caller: String,
    business: String,
}

/// A call that was.
pub(crate) struct Missed {
    pub(crate) caller: String,
    pub(crate) business: String,
    /// When Twilio sent the report that decides it.
    reported_at: DateTime<Utc>,
    /// How long each webhook's answer took.
    acknowledged: [Duration; 2],
}

impl PlannedCall {
    async fn make(self) -> Result<Missed, BenchError> {
        let arrived = self.webhook("voice", "ringing").await?;
        tokio::time::sleep(RING).await;
        let reported_at = self.clock.now();
        let missed = self.webhook("voice-status", "no-answer").await?;
        Ok(Missed { caller: self.caller, business: self.business, reported_at, acknowledged: [arrived, missed] })
    }

    async fn webhook(&self, route: &str, status: &str) -> Result<Duration, BenchError> {
        let fields = [
            ("CallSid", self.call_sid.as_str()),
            ("AccountSid", "AC00000000000000000000000000005a4d"),
            ("From", &self.caller),
            ("To", &self.business),
            ("CallStatus", status),
            ("Direction", "inbound"),
            ("ApiVersion", "2010-04-01"),
        ];
        let params = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let began = Instant::now();
        let answers = self.twilio.deliver(WebhookRequest::new(format!("/webhooks/twilio/{route}"), params)).await;
        let took = began.elapsed();
        match answers.first() {
            Some(answer) if answer.is_success() => Ok(took),
            answer => Err(BenchError::Wrong(format!("a webhook was answered with {answer:?}"))),
        }
    }
}
