//! Operators' subcommands about a business's people, numbers, callers, log and standing.

use nmc_sandbox::{ExampleTenant, example_tenant};
use nmc_testkit::TestDatabase;
use serde_json::Value;

use crate::program::{Ended, Environment, NOBODYS_ID, any_address, configuration, count, run};

const CALLER: &str = "+14155550142";

/// A business, and both programs' ways to it.
struct Office {
    database: TestDatabase,
    tenant: ExampleTenant,
    server: Environment,
    dispatcher: Environment,
}

impl Office {
    async fn new() -> Self {
        let database = TestDatabase::create().await.unwrap();
        let tenant = example_tenant(&database.app_url()).await.unwrap();
        let environment = |url| configuration(url, any_address(), any_address(), "http://127.0.0.1:9");
        let (server, dispatcher) = (environment(database.app_url()), environment(database.dispatcher_url()));
        Self { database, tenant, server, dispatcher }
    }

    fn id(&self) -> String {
        self.tenant.id.to_string()
    }

    async fn server(&self, arguments: &[&str]) -> Ended {
        run(&[&["server"], arguments].concat(), &self.server).await
    }

    async fn dispatcher(&self, arguments: &[&str]) -> Ended {
        run(&[&["dispatcher"], arguments].concat(), &self.dispatcher).await
    }

    async fn count(&self, sql: &'static str) -> i64 {
        count(&mut self.database.superuser().await.unwrap(), sql).await
    }
}

#[tokio::test]
async fn a_person_is_added_once_and_to_one_business() {
    let office = Office::new().await;
    let id = office.id();
    let add = async |tenant: &str, user: &str, role: &str| {
        let who = ["--clerk-user", user, "--email", "owner@example.com", "--role", role];
        office.server(&[&["user", "add", "--tenant", tenant], &who[..]].concat()).await
    };
    let added = add(&id, "user_example", "owner").await.succeeded();
    assert_eq!(add(&id, "user_example", "OWNER").await.succeeded(), added, "the same user again");
    let active = "select count(*) from id_users where clerk_user_id = 'user_example' and role = 'OWNER' and active";
    assert_eq!(office.count(active).await, 1);
    let log = "select count(*) from id_audit_log where action = 'user.added' and object_id in
               (select id from id_users where clerk_user_id = 'user_example')";
    assert_eq!(office.count(log).await, 1);
    let create = ["tenant", "create", "--name", "Example Roofing", "--time-zone", "America/Denver"];
    let other = office.server(&create).await.succeeded();
    let reason = add(&other, "user_example", "tech").await.refused();
    assert!(reason.contains("belongs to another business"), "{reason}");
    assert!(add(NOBODYS_ID, "user_other", "tech").await.refused().contains("there is no business"));
    for (user, role) in [("nobody", "owner"), ("user_other", "admin")] {
        assert_eq!(add(&id, user, role).await.code, Some(2), "{user} {role}");
    }
}

#[tokio::test]
async fn a_business_is_suspended_and_resumed() {
    let office = Office::new().await;
    let id = office.id();
    let missing = async || {
        let standing = office.server(&["tenant", "standing", &id]).await.json_lines().remove(0);
        standing["missing"].as_array().unwrap().iter().map(|lack| lack["code"].clone()).collect::<Vec<_>>()
    };
    for _ in 0..2 {
        assert_eq!(office.server(&["tenant", "suspend", &id]).await.succeeded(), "the business is suspended");
    }
    assert_eq!(missing().await, ["suspended"]);
    assert_eq!(office.server(&["tenant", "resume", &id]).await.succeeded(), "the business is served again");
    assert!(missing().await.is_empty());
    let log = "select count(*) from id_audit_log where action in ('tenant.suspended', 'tenant.resumed')";
    assert_eq!(office.count(log).await, 2, "the second time changed nothing");
    for action in ["suspend", "resume"] {
        let reason = office.server(&["tenant", action, NOBODYS_ID]).await.refused();
        assert!(reason.contains("there is no business"), "{action}: {reason}");
        assert_eq!(office.server(&["tenant", action, "no-id"]).await.code, Some(2), "{action}");
        assert_eq!(office.server(&["tenant", action]).await.code, Some(2), "{action}");
    }
}

#[tokio::test]
async fn a_number_that_is_asked_for_is_confirmed_rejected_and_released() {
    let office = Office::new().await;
    let id = office.id();
    let number = async |arguments: &[&str]| office.server(&[&["number"], arguments].concat()).await;
    let (asked, other) = ("+14155550177", "+14155550178");
    sqlx::query(
        "insert into comp_phone_numbers (tenant_id, id, phone, is_receiving, created_at, status)
         select $1::uuid, gen_random_uuid(), phone, false, current_timestamp, 'requested' from unnest($2::text[]) phone",
    )
    .bind(&id)
    .bind([asked, other].map(str::to_owned).to_vec())
    .execute(&mut office.database.superuser().await.unwrap())
    .await
    .unwrap();
    let requests = async || office.dispatcher(&["number-requests"]).await.json_lines();
    let listed = requests().await;
    let phones: Vec<&Value> = listed.iter().map(|request| &request["phone"]).collect();
    assert_eq!(phones, [asked, other]);
    assert!(listed.iter().all(|request| request["tenant_id"] == id && request["requested_at"].is_string()));

    for _ in 0..2 {
        let confirmed = number(&["confirm", &id, asked]).await.succeeded();
        assert_eq!(confirmed, "the number receives for the business");
    }
    let rejected = number(&["reject", &id, other, "--reason", "It is not the business's."]).await.succeeded();
    assert_eq!(rejected, "the number is not the business's");
    assert!(requests().await.is_empty());
    let routed = "select count(*) from tenant_routes where kind = 'twilio-number' and external_key = '+14155550177'";
    assert_eq!(office.count(routed).await, 1);

    assert!(number(&["reject", &id, asked, "--reason", "No."]).await.refused().contains("release it"));
    assert!(number(&["release", &id, other, "--reason", "No."]).await.refused().contains("is not active"));
    assert!(number(&["confirm", &id, "+14155550179"]).await.refused().contains("has not asked for this number"));
    assert!(number(&["release", &id, asked, "--reason", " "]).await.refused().contains("reason"));
    assert_eq!(number(&["release", &id, asked]).await.code, Some(2), "a reason has to be given");
    for _ in 0..2 {
        let released = number(&["release", &id, asked, "--reason", "The business has moved."]).await.succeeded();
        assert_eq!(released, "the number is given up");
    }
    assert_eq!(office.count(routed).await, 0);
    let log = "select count(*) from id_audit_log where actor_kind = 'operator' and action in
               ('number.confirmed', 'number.rejected', 'number.released') and object_id in
               (select id from comp_phone_numbers where phone in ('+14155550177', '+14155550178'))";
    assert_eq!(office.count(log).await, 3);
}

#[tokio::test]
async fn a_log_that_was_tampered_with_is_told() {
    let office = Office::new().await;
    let id = office.id();
    let verify = ["audit", "verify", "--tenant", &id];
    let whole = office.server(&verify).await.succeeded();
    assert!(whole.starts_with("the log is whole: ") && whole.contains(" entries, newest "), "{whole}");
    assert!(
        office.server(&["audit", "verify", "--tenant", NOBODYS_ID]).await.refused().contains("there is no business")
    );
    assert_eq!(office.server(&["audit", "verify"]).await.code, Some(2));
    sqlx::raw_sql("update id_audit_log set action = 'tenant.renamed' where seq = 2")
        .execute(&mut office.database.superuser().await.unwrap())
        .await
        .unwrap();
    let reason = office.server(&verify).await.refused();
    assert!(reason.contains("does not hold at entry 2"), "{reason}");
}

#[tokio::test]
async fn what_is_old_enough_goes_when_an_operator_says_so() {
    let office = Office::new().await;
    sqlx::raw_sql(
        "insert into webhook_events (provider, event_id, received_at, payload_hash)
         select 'twilio', name, current_timestamp - age, sha256('')
         from (values ('old', interval '91 days'), ('young', interval '89 days')) as taken(name, age)",
    )
    .execute(&mut office.database.superuser().await.unwrap())
    .await
    .unwrap();
    let swept = office.dispatcher(&["retention", "run"]).await.json_lines().remove(0);
    assert_eq!(swept["webhook_events"], 1, "{swept}");
    assert!(swept.as_object().unwrap().values().all(Value::is_u64), "{swept}");
    assert_eq!(office.count("select count(*) from webhook_events where event_id = 'young'").await, 1);
    assert_eq!(office.dispatcher(&["retention", "run"]).await.json_lines()[0]["webhook_events"], 0);
    assert_eq!(office.dispatcher(&["retention"]).await.code, Some(2));
    let incomplete = vec![("DATABASE_URL", office.database.dispatcher_url())];
    assert!(run(&["dispatcher", "retention", "run"], &incomplete).await.refused().contains("is required"));
}

#[tokio::test]
async fn a_caller_gets_their_data_and_is_forgotten() {
    let office = Office::new().await;
    let id = office.id();
    sqlx::query(
        "insert into comp_do_not_text (tenant_id, id, phone, label, created_at)
         values ($1::uuid, gen_random_uuid(), $2, 'brother', current_timestamp)",
    )
    .bind(&id)
    .bind(CALLER)
    .execute(&mut office.database.superuser().await.unwrap())
    .await
    .unwrap();
    let caller = async |action: &str, tenant: &str, phone: &str| {
        office.dispatcher(&["caller", action, "--tenant", tenant, "--phone", phone]).await
    };
    let exported = caller("export", &id, CALLER).await.json_lines().remove(0);
    assert_eq!((&exported["tenant_id"], &exported["phone"]), (&id.as_str().into(), &CALLER.into()));
    assert!(exported.to_string().contains("brother"), "{exported}");
    let erased = caller("erase", &id, CALLER).await.json_lines().remove(0);
    assert!(erased["erased"].is_object(), "{erased}");
    assert!(erased["kept"].as_str().unwrap().contains("never to text"), "{erased}");
    for action in ["export", "erase"] {
        let own = caller(action, &id, office.tenant.number.as_str()).await.refused();
        assert!(own.contains("the business's own"), "{action}: {own}");
        assert!(caller(action, NOBODYS_ID, CALLER).await.refused().contains("there is no business"), "{action}");
        assert_eq!(caller(action, &id, "555").await.code, Some(2), "{action}");
    }
    let log = "select count(*) from id_audit_log where action in ('caller.exported', 'caller.erased')";
    assert_eq!(office.count(log).await, 2);
}
