//! A provider that does what the request tells it, with a ledger of what it accepted that outlives our processes.

use std::{
    future::pending,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
};

use nmc_db::{Db, DbError, Tx};
use nmc_effects::{Accepted, CallOutcome, Change, Check, EffectKind, Failed, Intent, Look, settle};
use nmc_kernel::IntentId;
use serde::{Deserialize, Serialize};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::sync::Semaphore;

/// What is asked, and how everybody is to behave meanwhile.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ask {
    pub(crate) checks: Checked,
    /// What each call does, the last one for all further attempts.
    pub(crate) calls: Vec<Called>,
    pub(crate) looks: Looked,
    pub(crate) applies: Applied,
}

impl Ask {
    pub(crate) fn calls(calls: &[Called]) -> Self {
        Self { checks: Checked::Go, calls: calls.to_vec(), looks: Looked::Truth, applies: Applied::Works }
    }

    pub(crate) fn checks(self, checks: Checked) -> Self {
        Self { checks, ..self }
    }

    pub(crate) fn looks(self, looks: Looked) -> Self {
        Self { looks, ..self }
    }

    pub(crate) fn applies(self, applies: Applied) -> Self {
        Self { applies, ..self }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Checked {
    Go,
    /// Waits until a minute after it was planned.
    Wait,
    /// Waits until a time that has passed.
    WaitForThePast,
    Cancel,
    Panic,
    /// A statement fails.
    Fail,
    /// The first time, ends the session that holds the owner's lock, in the last moment before the claim commits.
    LoseOwner,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Called {
    Accept,
    AcceptThenTimeOut,
    /// Before the outcome can be recorded every connection of our pools breaks.
    AcceptThenBreakConnections,
    TimeOut,
    Refuse,
    TooMany,
    ConnectionRefused,
    Panic,
    PanicAfterSending,
    AbortBeforeSending,
    AbortAfterSending,
    KillBeforeSending,
    KillAfterSending,
    Hang,
    HangAfterSending,
    /// The status callback comes before the answer, and the answer is lost.
    SettledThenTimeOut,
    /// The status callback comes before a refusal that is about something else.
    SettledThenRefused,
    /// Accepted or refused, but not before the test has opened the attempt's gate (see [`Provider::open_gate`]).
    AcceptWhenOpen,
    RefuseWhenOpen,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Looked {
    Truth,
    /// The listing lags behind: so many looks find nothing.
    EmptyTimes(i64),
    Ambiguous,
    Unreachable,
    Panic,
    Hang,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Applied {
    Works,
    Panics,
    Fails,
}

/// The provider's and the module's tables. The provider's belong to no tenant and are written on connections of their
/// own, so that what was accepted stays accepted when our transaction or process ends.
pub(crate) const TABLES: &str = "
    create table test_ledger (entry bigint primary key generated always as identity, intent uuid not null,
                              attempt int not null, purpose text not null, order_key text not null);
    create table test_looks (intent uuid not null, empty boolean not null);
    create table test_calls (intent uuid not null, attempt int not null);
    create table test_subjects (tenant_id uuid not null, order_key text not null, primary key (tenant_id, order_key));
    create table test_sends (tenant_id uuid not null, intent uuid not null, change text not null,
                             state_then text not null);
    select nmc_protect('test_subjects'), nmc_protect('test_sends');
    grant select, insert, update on test_subjects, test_sends to nmc_app, nmc_dispatcher;";

pub(crate) struct Provider {
    ledger: PgPool,
    db: Db,
    down: AtomicBool,
    /// One for first attempts and one for later ones.
    gates: [Semaphore; 2],
}

impl Provider {
    pub(crate) fn new(superuser_url: &str, db: Db) -> Self {
        let ledger = PgPoolOptions::new().max_connections(8).connect_lazy(superuser_url).unwrap();
        Self { ledger, db, down: AtomicBool::new(false), gates: [0, 0].map(Semaphore::new) }
    }

    /// While it is down every connection is refused.
    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// Lets calls of this attempt (1, or 2 for all later ones) come to their end.
    pub(crate) fn open_gate(&self, attempt: usize) {
        // A closed semaphore keeps nobody waiting.
        self.gates[attempt - 1].close();
    }

    /// Ends the sessions that hold owners' locks in this database; says how many.
    pub(crate) async fn end_owners(&self) -> i64 {
        sqlx::query_scalar(
            "select count(pg_terminate_backend(pid, 5000)) from pg_locks where locktype = 'advisory'
             and database = (select oid from pg_database where datname = current_database())",
        )
        .fetch_one(&self.ledger)
        .await
        .unwrap()
    }

    async fn accept(&self, intent: &Intent<Ask>) -> Accepted {
        let entry: i64 = sqlx::query_scalar(
            "insert into test_ledger (intent, attempt, purpose, order_key) values ($1, $2, $3, $4) returning entry",
        )
        .bind(intent.id.as_uuid())
        .bind(attempt(intent))
        .bind(&intent.purpose_key)
        .bind(&intent.order_key)
        .fetch_one(&self.ledger)
        .await
        .unwrap();
        Accepted { provider_ref: entry.to_string() }
    }

    async fn find(&self, intent: IntentId) -> Option<Accepted> {
        let entry: Option<i64> = sqlx::query_scalar("select min(entry) from test_ledger where intent = $1")
            .bind(intent.as_uuid())
            .fetch_one(&self.ledger)
            .await
            .unwrap();
        entry.map(|entry| Accepted { provider_ref: entry.to_string() })
    }

    async fn call_back(&self, intent: &Intent<Ask>, accepted: &Accepted) {
        let mut tx = self.db.begin(intent.tenant).await.unwrap();
        lock_subject(&mut tx, &intent.order_key).await.unwrap();
        settle(&mut tx, intent.id, intent.attempt, accepted).await.unwrap();
        tx.commit().await.unwrap();
    }
}

fn attempt<R>(intent: &Intent<R>) -> i32 {
    i32::try_from(intent.attempt).unwrap()
}

/// The subject's row, made on first use.
pub(crate) async fn lock_subject(tx: &mut Tx, order_key: &str) -> Result<(), DbError> {
    let tenant = tx.tenant().as_uuid();
    sqlx::query("insert into test_subjects (tenant_id, order_key) values ($1, $2) on conflict do nothing")
        .bind(tenant)
        .bind(order_key)
        .execute(tx.conn().await?)
        .await?;
    sqlx::query("select from test_subjects where tenant_id = $1 and order_key = $2 for update")
        .bind(tenant)
        .bind(order_key)
        .execute(tx.conn().await?)
        .await?;
    Ok(())
}

/// Not even a destructor runs after this.
async fn kill_this_process() -> CallOutcome {
    let _ = Command::new("kill").args(["-9", &std::process::id().to_string()]).status();
    pending().await
}

fn time_out() -> CallOutcome {
    CallOutcome::Unknown { reason: "time-out".to_owned() }
}

fn refusal() -> CallOutcome {
    CallOutcome::Failed(Failed { code: Some(21_211), reason: "not a phone number".to_owned() })
}

/// The kind under test.
pub(crate) struct Obedient(pub(crate) std::sync::Arc<Provider>);

impl EffectKind for Obedient {
    const KIND: &'static str = "test.obedient";
    type Request = Ask;

    async fn check(&self, tx: &mut Tx, intent: &Intent<Ask>) -> Result<Check, DbError> {
        lock_subject(tx, &intent.order_key).await?;
        match intent.request.checks {
            Checked::Wait => {
                let until = intent.created_at + chrono::Duration::minutes(1);
                if tx.now() < until {
                    return Ok(Check::Wait { until, reason: "told_to_wait" });
                }
            }
            Checked::WaitForThePast => {
                return Ok(Check::Wait { until: intent.created_at, reason: "told_to_wait" });
            }
            Checked::Cancel => return Ok(Check::Cancel { reason: "told_to_cancel" }),
            Checked::Panic => panic!("told to panic"),
            Checked::Fail => {
                sqlx::query("select 1 / 0").execute(tx.conn().await?).await?;
            }
            Checked::LoseOwner if intent.attempt == 0 => {
                assert_eq!(self.0.end_owners().await, 1, "one process holds one lock");
            }
            Checked::Go | Checked::LoseOwner => {}
        }
        Ok(Check::Go)
    }

    async fn call(&self, intent: &Intent<Ask>) -> CallOutcome {
        let provider = &*self.0;
        sqlx::query("insert into test_calls (intent, attempt) values ($1, $2)")
            .bind(intent.id.as_uuid())
            .bind(attempt(intent))
            .execute(&provider.ledger)
            .await
            .unwrap();
        if provider.down.load(Ordering::SeqCst) {
            return CallOutcome::NotSent { answered: false, retry_after: None, reason: "refused".to_owned() };
        }
        let calls = &intent.request.calls;
        let number = usize::try_from(attempt(intent) - 1).unwrap();
        match calls.get(number).or(calls.last()).copied().unwrap_or(Called::Accept) {
            Called::Accept => CallOutcome::Accepted(provider.accept(intent).await),
            Called::AcceptThenTimeOut => {
                provider.accept(intent).await;
                time_out()
            }
            Called::AcceptThenBreakConnections => {
                let accepted = provider.accept(intent).await;
                sqlx::query(
                    "select pg_terminate_backend(pid, 5000) from pg_stat_activity
                     where datname = current_database() and usename = 'nmc_dispatcher'
                     and pid not in (select pid from pg_locks where locktype = 'advisory')",
                )
                .execute(&provider.ledger)
                .await
                .unwrap();
                CallOutcome::Accepted(accepted)
            }
            Called::TimeOut => time_out(),
            Called::Refuse => refusal(),
            Called::TooMany => CallOutcome::NotSent {
                answered: true,
                retry_after: Some(chrono::Duration::seconds(5)),
                reason: "too many requests".to_owned(),
            },
            Called::ConnectionRefused => {
                CallOutcome::NotSent { answered: false, retry_after: None, reason: "refused".to_owned() }
            }
            Called::Panic => panic!("told to panic"),
            Called::PanicAfterSending => {
                provider.accept(intent).await;
                panic!("told to panic")
            }
            Called::AbortBeforeSending => std::process::abort(),
            Called::AbortAfterSending => {
                provider.accept(intent).await;
                std::process::abort()
            }
            Called::KillBeforeSending => kill_this_process().await,
            Called::KillAfterSending => {
                provider.accept(intent).await;
                kill_this_process().await
            }
            Called::Hang => pending().await,
            Called::HangAfterSending => {
                provider.accept(intent).await;
                pending().await
            }
            Called::SettledThenTimeOut => {
                let accepted = provider.accept(intent).await;
                provider.call_back(intent, &accepted).await;
                time_out()
            }
            Called::SettledThenRefused => {
                let accepted = provider.accept(intent).await;
                provider.call_back(intent, &accepted).await;
                CallOutcome::Failed(Failed { code: None, reason: "too late".to_owned() })
            }
            Called::AcceptWhenOpen => {
                let _ = provider.gates[number.min(1)].acquire().await;
                CallOutcome::Accepted(provider.accept(intent).await)
            }
            Called::RefuseWhenOpen => {
                let _ = provider.gates[number.min(1)].acquire().await;
                refusal()
            }
        }
    }

    async fn look(&self, intent: &Intent<Ask>) -> Look {
        let provider = &*self.0;
        let looks: i64 = sqlx::query_scalar("select count(*) from test_looks where intent = $1")
            .bind(intent.id.as_uuid())
            .fetch_one(&provider.ledger)
            .await
            .unwrap();
        let found = match intent.request.looks {
            Looked::EmptyTimes(times) if looks < times => Look::Nothing,
            Looked::Truth | Looked::EmptyTimes(_) => {
                provider.find(intent.id).await.map_or(Look::Nothing, Look::Accepted)
            }
            Looked::Ambiguous => Look::Ambiguous { reason: "two equal texts".to_owned() },
            Looked::Unreachable => Look::Unreachable { reason: "no route".to_owned() },
            Looked::Panic => panic!("told to panic"),
            Looked::Hang => pending().await,
        };
        sqlx::query("insert into test_looks (intent, empty) values ($1, $2)")
            .bind(intent.id.as_uuid())
            .bind(found == Look::Nothing)
            .execute(&provider.ledger)
            .await
            .unwrap();
        found
    }

    async fn apply(&self, tx: &mut Tx, intent: &Intent<Ask>, change: &Change) -> Result<(), DbError> {
        lock_subject(tx, &intent.order_key).await?;
        let word = match change {
            Change::Accepted(_) => "accepted",
            Change::Failed(_) => "failed",
            Change::Cancelled { .. } => "cancelled",
            Change::Expired => "expired",
        };
        let tenant = tx.tenant().as_uuid();
        sqlx::query(
            "insert into test_sends (tenant_id, intent, change, state_then)
             select $1, $2, $3, state from effect_intents where tenant_id = $1 and id = $2",
        )
        .bind(tenant)
        .bind(intent.id.as_uuid())
        .bind(word)
        .execute(tx.conn().await?)
        .await?;
        match intent.request.applies {
            Applied::Works => Ok(()),
            Applied::Panics => panic!("told to panic"),
            Applied::Fails => {
                sqlx::query("select 1 / 0").execute(tx.conn().await?).await?;
                Ok(())
            }
        }
    }
}

/// The same under another name: another provider's calls.
pub(crate) struct Other(pub(crate) Obedient);

impl EffectKind for Other {
    const KIND: &'static str = "test.other";
    type Request = Ask;

    async fn check(&self, tx: &mut Tx, intent: &Intent<Ask>) -> Result<Check, DbError> {
        self.0.check(tx, intent).await
    }

    async fn call(&self, intent: &Intent<Ask>) -> CallOutcome {
        self.0.call(intent).await
    }

    async fn look(&self, intent: &Intent<Ask>) -> Look {
        self.0.look(intent).await
    }

    async fn apply(&self, tx: &mut Tx, intent: &Intent<Ask>, change: &Change) -> Result<(), DbError> {
        self.0.apply(tx, intent, change).await
    }
}
