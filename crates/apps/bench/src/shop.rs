//! The product with a business that can be booked, asked over HTTP as its owner's app asks: signed in with Clerk, with
//! idempotency keys, and with traces going to a collector.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Router, http::StatusCode};
use chrono::{DateTime, NaiveTime, SecondsFormat, TimeDelta, Utc};
use nmc_kernel::{Clock, EventId, Ids, Random};
use nmc_sandbox::{Installation, Plan};
use nmc_simulators::clerk::TokenRequest;
use serde_json::{Value, json};
use sqlx::Connection as _;
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    BenchError,
    cluster::{Cluster, Database, Medium},
};

/// What is booked lasts so many minutes.
pub(crate) const MINUTES: i64 = 15;
/// Longer than any run.
const TOKEN_LIFETIME: TimeDelta = TimeDelta::hours(2);
/// As many as one machine can ask for: what is measured is not how much may be asked.
const REQUESTS_PER_MINUTE: &str = "1000000";
/// Resources take bookings so far ahead.
const HORIZON_DAYS: i32 = 365;

/// A business on an installation of its own.
pub(crate) struct Shop {
    pub(crate) installation: Installation,
    pub(crate) owner: Caller,
    /// The catalog's item that is booked.
    pub(crate) item: String,
    /// Who can be booked.
    pub(crate) resources: Vec<String>,
    /// Midnight after tomorrow: everybody can be booked from then on.
    pub(crate) first_day: DateTime<Utc>,
    database: &'static str,
    /// Ends with the shop.
    _collector: JoinSet<()>,
}

impl Shop {
    /// Opens it with `resources` that work from `opens` to `closes` o'clock UTC every day, on a new database of the
    /// cluster, reached by `database_url` where that is given.
    pub(crate) async fn open(
        cluster: &Cluster,
        database: &'static str,
        database_url: Option<String>,
        (opens, closes): (u32, u32),
        resources: usize,
    ) -> Result<Self, BenchError> {
        cluster.drop_database(database).await?;
        let (traces, collector) = collect_traces().await?;
        let configuration = [
            ("HTTP_ADDRESS_REQUESTS_PER_MINUTE", REQUESTS_PER_MINUTE),
            ("HTTP_TENANT_REQUESTS_PER_MINUTE", REQUESTS_PER_MINUTE),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &traces),
        ];
        let plan = Plan {
            database,
            durable: cluster.medium == Medium::Disk,
            database_url,
            configuration: configuration.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec(),
            ..Plan::new(cluster.data_dir.clone(), std::env::current_exe()?)
        };
        let installation = Installation::start(&plan).await?;
        let mut superuser = cluster.existing(database).superuser().await?;
        // Whom the example business has already would be searched as well.
        sqlx::raw_sql("delete from sched_resources").execute(&mut superuser).await?;
        let owner: String = sqlx::query_scalar("select clerk_user_id from id_users where role = 'OWNER'")
            .fetch_one(&mut superuser)
            .await?;
        superuser.close().await?;
        let owner = Caller::sign_in(&installation, &owner)?;
        let today = Clock::system().now().date_naive().and_time(NaiveTime::MIN).and_utc();
        let mut shop = Self {
            installation,
            owner,
            item: String::new(),
            resources: Vec::new(),
            first_day: today + TimeDelta::days(2),
            database,
            _collector: collector,
        };
        let price = json!({"amount_cents": 9_900, "currency": "USD"});
        let item = json!({"name": "Quick visit", "duration_minutes": MINUTES, "price": price});
        shop.item = shop.create("/v1/catalog/items", &item).await?;
        let at = |hour: u32| format!("{hour:02}:00:00");
        let windows = json!([{"opens": at(opens), "closes": at(closes)}]);
        let week = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        let hours: Value = week.into_iter().map(|day| (day.to_owned(), windows.clone())).collect();
        for number in 0..resources {
            let resource = json!({
                "name": format!("Worker {number}"), "time_zone": "Etc/UTC", "weekly_hours": hours,
                "minimum_notice_minutes": 0, "horizon_days": HORIZON_DAYS
            });
            let id = shop.create("/v1/scheduling/resources", &resource).await?;
            shop.resources.push(id);
        }
        Ok(shop)
    }

    async fn create(&self, path: &str, body: &Value) -> Result<String, BenchError> {
        let answer = self.owner.post(path, body, None).await?.expect(StatusCode::CREATED)?;
        answer.text("id")
    }

    /// The database below it.
    pub(crate) const fn database<'a>(&self, cluster: &'a Cluster) -> Database<'a> {
        cluster.existing(self.database)
    }

    /// The `number`th quarter of an hour of a resource that never closes.
    pub(crate) fn visit(&self, resource: &str, number: i64) -> Visit {
        let start = self.first_day + TimeDelta::minutes(MINUTES * number);
        Visit { resource: resource.to_owned(), item: self.item.clone(), start }
    }

    /// Stops the programs and drops the database.
    pub(crate) async fn close(self, cluster: &Cluster) -> Result<(), BenchError> {
        self.installation.stop().await?;
        cluster.drop_database(self.database).await
    }
}

/// What is to be booked.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    pub(crate) resource: String,
    pub(crate) item: String,
    pub(crate) start: DateTime<Utc>,
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    http: reqwest::Client,
    base_url: Arc<str>,
    token: Arc<str>,
    ids: Ids,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
    /// From sending the request to the last byte.
    pub(crate) took: Duration,
}

impl Caller {
    /// With a token of the simulated Clerk for the person of this id there.
    pub(crate) fn sign_in(installation: &Installation, clerk_user: &str) -> Result<Self, BenchError> {
        Ok(Self {
            http: client().map_err(wrong)?,
            base_url: installation.base_url.as_str().into(),
            token: token(installation, clerk_user)?,
            ids: Ids::new(Clock::system(), Random::from_entropy()),
        })
    }

    /// Somebody else on the same connections.
    pub(crate) fn as_another(&self, installation: &Installation, clerk_user: &str) -> Result<Self, BenchError> {
        Ok(Self { token: token(installation, clerk_user)?, ..self.clone() })
    }

    /// The same with connections of its own.
    pub(crate) fn apart(&self) -> Result<Self, BenchError> {
        Ok(Self { http: client().map_err(wrong)?, ..self.clone() })
    }

    /// Reserves a quarter of an hour.
    pub(crate) async fn hold(&self, visit: &Visit) -> Result<Answer, BenchError> {
        let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let body = json!({
            "resource_id": visit.resource, "service_item_id": visit.item, "start": time(visit.start),
            "end": time(visit.start + TimeDelta::minutes(MINUTES))
        });
        self.post("/v1/scheduling/holds", &body, Some(&self.key())).await
    }

    /// Books what is held.
    pub(crate) async fn book(&self, visit: &Visit, hold: &str) -> Result<Answer, BenchError> {
        let body = json!({
            "hold_id": hold, "service_item_id": visit.item, "customer_phone": "+12125550142",
            "customer_name": "Pat Example", "address": "1 Main St, Springfield", "notes": "The sink in the kitchen."
        });
        self.post("/v1/scheduling/book", &body, Some(&self.key())).await
    }

    /// Reserves it and books what is held: how long each took.
    pub(crate) async fn make(&self, visit: &Visit) -> Result<[Duration; 2], BenchError> {
        let held = self.hold(visit).await?.expect(StatusCode::CREATED)?;
        let booked = self.book(visit, &held.text("hold_id")?).await?.expect(StatusCode::CREATED)?;
        Ok([held.took, booked.took])
    }

    pub(crate) async fn post(&self, path: &str, body: &Value, key: Option<&str>) -> Result<Answer, BenchError> {
        let mut request = self.http.post(format!("{}{path}", self.base_url)).bearer_auth(&self.token).json(body);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let began = Instant::now();
        let answer = request.send().await.map_err(wrong)?;
        let status = answer.status();
        let bytes = answer.bytes().await.map_err(wrong)?;
        let took = began.elapsed();
        Ok(Answer { status, body: serde_json::from_slice(&bytes).unwrap_or_default(), took })
    }

    fn key(&self) -> String {
        self.ids.next::<EventId>().to_string()
    }
}

impl Answer {
    /// Fails where the answer is another.
    pub(crate) fn expect(self, status: StatusCode) -> Result<Self, BenchError> {
        if self.status == status {
            return Ok(self);
        }
        Err(BenchError::Wrong(format!("the API answered {}: {}", self.status, self.body)))
    }

    /// A text of the body.
    pub(crate) fn text(&self, field: &str) -> Result<String, BenchError> {
        let text = self.body.get(field).and_then(Value::as_str);
        text.map(str::to_owned).ok_or_else(|| BenchError::Wrong(format!("an answer has no {field}: {}", self.body)))
    }
}

fn token(installation: &Installation, clerk_user: &str) -> Result<Arc<str>, BenchError> {
    let user = clerk_user.parse().map_err(|_| BenchError::Wrong(format!("{clerk_user} is nobody's id")))?;
    let request = TokenRequest { lifetime: TOKEN_LIFETIME, ..TokenRequest::of(user) };
    Ok(installation.clerk.token(&request)?.into())
}

#[expect(clippy::disallowed_methods, reason = "calls the installation's own server; no provider is behind this")]
fn client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder().no_proxy().build()
}

#[expect(clippy::needless_pass_by_value, reason = "what `map_err` calls")]
fn wrong(error: reqwest::Error) -> BenchError {
    BenchError::Wrong(error.to_string())
}

/// A collector that takes traces and forgets them: exporting them is part of what the server does. Its address, and what
/// stops it when it is dropped.
async fn collect_traces() -> Result<(String, JoinSet<()>), BenchError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = format!("http://{}", listener.local_addr()?);
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let collector = Router::new().fallback(async || StatusCode::OK);
        // It ends with the run.
        let _ = axum::serve(listener, collector).await;
    });
    Ok((address, serving))
}
