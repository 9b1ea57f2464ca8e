//! Operators' subcommands on one database.

use nmc_sandbox::example_tenant;
use nmc_testkit::TestDatabase;
use sqlx::{Connection as _, PgConnection};

use crate::program::{NOBODYS_ID, count, run, with};

#[tokio::test]
async fn operators_prepare_a_database_and_set_businesses_up() {
    let server = TestDatabase::create_on_own_server().await.unwrap();
    let url = |role| server.server().url(role, "nmc_operated");
    let superuser = vec![("DATABASE_SUPERUSER_URL", server.server().superuser_url("postgres"))];
    let environment = vec![("DATABASE_URL", url("nmc_app")), ("DATABASE_OWNER_URL", url("nmc_owner"))];
    run(&["server", "provision", "--database", "nmc_operated"], &superuser).await.succeeded();
    let reason = run(&["server", "migrate"], &with(&environment, "DATABASE_OWNER_URL", "")).await.refused();
    assert!(reason.contains("DATABASE_OWNER_URL"), "{reason}");
    for _ in 0..2 {
        assert_eq!(run(&["server", "migrate"], &environment).await.succeeded(), "the migrations are current");
    }

    let create = async |name| {
        let arguments = ["server", "tenant", "create", "--name", name, "--time-zone", "America/New_York"];
        run(&arguments, &environment).await.succeeded()
    };
    let (first, second) = (create("Example Plumbing").await, create("Example Roofing").await);
    assert_ne!(first, second);
    let approve = ["server", "tenant", "approve-campaign", &first, "--version", "2"];
    run(&approve, &environment).await.refused();
    let submission = ["server", "tenant", "submission", &first];
    assert!(run(&submission, &environment).await.refused().contains("submitted nothing"));
    let submit = ["server", "tenant", "submit-campaign", &first, "--legal-name", "Example Plumbing LLC"];
    let texts = ["--description", "Answers to missed calls.", "--sample-message", "Sorry we missed your call."];
    for _ in 0..2 {
        run(&[&submit[..], &texts].concat(), &environment).await.succeeded();
    }
    let read = run(&submission, &environment).await.json_lines().remove(0);
    assert_eq!((&read["version"], &read["brand"]["legal_name"]), (&2.into(), &"Example Plumbing LLC".into()));
    assert_eq!(read["campaign"]["sample_message"], "Sorry we missed your call.");
    for action in [&["approve-brand"][..], &["approve-campaign"], &["reject-brand", "--reason", "No."]] {
        let decide = [&["server", "tenant"], action, &[&first]].concat();
        let no_version = run(&decide, &environment).await;
        assert_eq!(no_version.code, Some(2), "who decides says about what: {no_version:?}");
        let reason = run(&[&decide[..], &["--version", "1"]].concat(), &environment).await.refused();
        assert!(reason.contains("submission 1 is not the one that stands now, which is 2"), "{reason}");
    }
    assert_eq!(run(&approve, &environment).await.succeeded(), "the campaign is approved");
    let reject = ["server", "tenant", "reject-brand", &first, "--version", "2", "--reason", "The EIN is another's."];
    assert_eq!(run(&reject, &environment).await.succeeded(), "the business and its campaign are rejected");
    let standing = ["server", "tenant", "standing", &first];
    let lacks = run(&standing, &environment).await.json_lines().remove(0);
    assert_eq!((&lacks["brand"], &lacks["campaign"]), (&"rejected".into(), &"rejected".into()), "{lacks}");
    assert!(lacks["missing"][0]["text"].as_str().unwrap().contains("The EIN is another's."), "{lacks}");
    let approve_brand = ["server", "tenant", "approve-brand", &first, "--version", "2"];
    assert_eq!(run(&approve_brand, &environment).await.succeeded(), "the business is approved");
    let lacks = run(&standing, &environment).await.json_lines().remove(0);
    assert_eq!((&lacks["brand"], &lacks["campaign"]), (&"approved".into(), &"rejected".into()), "{lacks}");

    run(&["server", "number", "add", &first, "+14155550100"], &environment).await.succeeded();
    let reason = run(&["server", "number", "add", &second, "+14155550100"], &environment).await.refused();
    assert!(reason.contains("another"), "{reason}");
    for command in [
        &["number", "add", NOBODYS_ID, "+14155550101"][..],
        &["tenant", "approve-campaign", NOBODYS_ID, "--version", "1"],
    ] {
        let reason = run(&[&["server"], command].concat(), &environment).await.refused();
        assert!(reason.contains("there is no business"), "{command:?}: {reason}");
    }
    let no_number = run(&["server", "number", "add", &second, "555"], &environment).await;
    assert_eq!(no_number.code, Some(2), "wrong arguments: {no_number:?}");

    let mut look = PgConnection::connect(&server.server().superuser_url("nmc_operated")).await.unwrap();
    let routed: String =
        sqlx::query_scalar("select tenant_id::text from tenant_routes").fetch_one(&mut look).await.unwrap();
    assert_eq!(routed, first);
}

#[tokio::test]
async fn operators_see_why_an_event_is_stuck_and_settle_dead_letters() {
    let database = TestDatabase::create().await.unwrap();
    let tenant = example_tenant(&database.app_url()).await.unwrap();
    let environment = vec![("DATABASE_URL", database.dispatcher_url())];
    let mut superuser = database.superuser().await.unwrap();
    // Setting the business up has left events that nobody has delivered yet. One of them fails again and again.
    let (event, occurred_at): (String, String) = sqlx::query_as(
        "update outbox_events set lane = 1, attempts = 3, last_error = 'the consumer panicked',
                occurred_at = occurred_at - interval '90 seconds', available_at = available_at + interval '1 hour'
         where id = (select id from outbox_events where tenant_id = $1::uuid order by seq limit 1)
         returning id::text, to_json(occurred_at)#>>'{}'",
    )
    .bind(tenant.id.to_string())
    .fetch_one(&mut superuser)
    .await
    .unwrap();
    let status = run(&["dispatcher", "status"], &environment).await.json_lines().remove(0);
    assert_eq!(status["outbox"]["retrying"], 1, "{status}");
    let stuck = &status["outbox"]["stuck"][0];
    assert_eq!((&stuck["event_id"], &stuck["attempts"]), (&event.as_str().into(), &3.into()), "{status}");
    assert_eq!(stuck["last_error"], "the consumer panicked");
    let until_second = "2026-01-01T00:00:00".len();
    assert_eq!(stuck["occurred_at"].as_str().unwrap()[..until_second], occurred_at[..until_second], "how old it is");
    assert!(status["effects"]["review"].is_i64() && status["timers"].is_object(), "{status}");

    // It has failed for good, for two consumers.
    sqlx::raw_sql(
        "insert into outbox_dead_letters (tenant_id, id, event_id, consumer, error, attempts, created_at, envelope)
         select tenant_id, gen_random_uuid(), id, consumer, 'told to fail', 6, occurred_at,
                jsonb_build_object('event_id', id, 'event_name', event_name, 'schema_version', schema_version,
                  'tenant_id', tenant_id, 'occurred_at', occurred_at, 'correlation_id', correlation_id,
                  'causation_id', causation_id, 'payload', payload, 'order_key', order_key)
         from outbox_events, unnest(array['example.first', 'example.second']) consumer
         where last_error is not null",
    )
    .execute(&mut superuser)
    .await
    .unwrap();
    let dead_letters =
        async |action: &[&str]| run(&[&["dispatcher", "dead-letters"], action].concat(), &environment).await;
    let letters = dead_letters(&["list"]).await.json_lines();
    assert_eq!(letters.len(), 2);
    assert!(letters.iter().all(|letter| letter["event_id"] == event.as_str() && letter["error"] == "told to fail"));
    assert!(letters.iter().all(|letter| letter["tenant_id"] == tenant.id.to_string().as_str()), "{letters:?}");
    let [first, second] = [0, 1].map(|n| letters[n]["id"].as_str().unwrap());
    let shown = dead_letters(&["show", first]).await.json_lines().remove(0);
    assert_eq!(shown["envelope"]["event_id"], event.as_str());
    assert_eq!(shown["attempts"], 6);

    dead_letters(&["discard", first]).await.succeeded();
    assert_eq!(dead_letters(&["list"]).await.json_lines().len(), 1);
    dead_letters(&["replay", second]).await.succeeded();
    assert!(dead_letters(&["list"]).await.succeeded().is_empty());
    let renewed = "select count(*) from outbox_events where lane = 1 and attempts = 0 and last_error is null";
    assert_eq!(count(&mut superuser, renewed).await, 1, "a replayed event is tried from the beginning");
    assert!(dead_letters(&["show", first]).await.succeeded().contains(&event), "a settled letter can still be read");
    let log: Vec<(String, String)> = sqlx::query_as(
        "select action, object_id::text from id_audit_log where object = 'dead-letter' and tenant_id = $1::uuid order by seq",
    )
    .bind(tenant.id.to_string())
    .fetch_all(&mut superuser)
    .await
    .unwrap();
    let [discarded, replayed] = ["dead-letter.discarded", "dead-letter.replayed"].map(str::to_owned);
    assert_eq!(log, [(discarded, first.to_owned()), (replayed, second.to_owned())], "the business's log has it");

    for (action, id) in [("replay", first), ("discard", second), ("replay", NOBODYS_ID), ("show", NOBODYS_ID)] {
        let reason = dead_letters(&[action, id]).await.refused();
        assert!(reason.contains(id), "{action}: {reason}");
    }
}
