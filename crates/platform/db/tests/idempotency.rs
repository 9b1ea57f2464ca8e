//! A request that is sent again with its key gets the first answer, and does nothing twice.

#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

use std::time::Duration;

use nmc_db::{Db, DbError, IdempotencyError};
use nmc_kernel::{Actor, IdempotencyKey, Role, TenantId, UserId};
use nmc_testkit::{TestDatabase, eventually};

/// What waits for another transaction gets this long on a busy machine.
const BOUND: Duration = Duration::from_secs(20);

/// Takes the key, answers with `answer` where the request is new, and keeps it.
async fn request(db: &Db, actor: &Actor, key: &IdempotencyKey, answer: &str) -> Result<String, IdempotencyError> {
    let mut tx = db.begin(actor.tenant()).await?;
    if let Some(first) = tx.first_answer(actor, Some(key)).await? {
        return Ok(first);
    }
    tx.keep_answer(actor, Some(key), &answer).await?;
    tx.commit().await?;
    Ok(answer.to_owned())
}

fn key(key: &str, body: u8) -> IdempotencyKey {
    IdempotencyKey { key: key.to_owned(), fingerprint: [body; 32] }
}

fn user(db: &Db, tenant: TenantId) -> Actor {
    Actor::User { tenant, user: db.ids().next::<UserId>(), role: Role::Tech }
}

async fn database_with_a_user() -> (TestDatabase, Actor) {
    let database = TestDatabase::create().await.unwrap();
    let actor = user(database.app(), database.app().ids().next());
    (database, actor)
}

#[tokio::test]
async fn a_repeat_gets_the_first_answer() {
    let (database, actor) = database_with_a_user().await;
    let db = database.app();
    assert_eq!(request(db, &actor, &key("k", 1), "first").await.unwrap(), "first");
    assert_eq!(request(db, &actor, &key("k", 1), "second").await.unwrap(), "first");
    assert_eq!(request(db, &actor, &key("other", 1), "third").await.unwrap(), "third");
}

#[tokio::test]
async fn the_key_of_another_request_is_refused() {
    let (database, actor) = database_with_a_user().await;
    let db = database.app();
    request(db, &actor, &key("k", 1), "first").await.unwrap();
    let reused = request(db, &actor, &key("k", 2), "second").await;
    assert!(matches!(reused, Err(IdempotencyError::KeyReused)), "{reused:?}");
    assert_eq!(request(db, &actor, &key("k", 1), "third").await.unwrap(), "first");
}

#[tokio::test]
async fn a_key_is_its_users_own() {
    let (database, actor) = database_with_a_user().await;
    let db = database.app();
    request(db, &actor, &key("k", 1), "first").await.unwrap();
    let colleague = user(db, actor.tenant());
    let stranger = user(db, db.ids().next());
    let Actor::User { user, role, .. } = actor else { unreachable!() };
    let namesake = Actor::User { tenant: db.ids().next(), user, role };
    for other in [colleague, stranger, namesake] {
        assert_eq!(request(db, &other, &key("k", 2), "theirs").await.unwrap(), "theirs");
    }
    assert_eq!(request(db, &actor, &key("k", 1), "again").await.unwrap(), "first");
}

#[tokio::test]
async fn of_two_at_once_the_later_waits_and_gets_the_firsts_answer() {
    let (database, actor) = database_with_a_user().await;
    let db = database.app().clone();
    let mut first = db.begin(actor.tenant()).await.unwrap();
    assert_eq!(first.first_answer::<String>(&actor, Some(&key("k", 1))).await.unwrap(), None);
    let later = tokio::spawn({
        let db = db.clone();
        async move { request(&db, &actor, &key("k", 1), "later").await.unwrap() }
    });
    assert!(eventually(BOUND, async || waiting(&database).await == 1).await, "the later one does not wait");
    first.keep_answer(&actor, Some(&key("k", 1)), &"first").await.unwrap();
    first.commit().await.unwrap();
    assert_eq!(later.await.unwrap(), "first");
}

#[tokio::test]
async fn a_first_attempt_that_is_rolled_back_leaves_no_trace() {
    let (database, actor) = database_with_a_user().await;
    let db = database.app().clone();
    let mut first = db.begin(actor.tenant()).await.unwrap();
    first.first_answer::<String>(&actor, Some(&key("k", 1))).await.unwrap();
    first.keep_answer(&actor, Some(&key("k", 1)), &"lost").await.unwrap();
    let later = tokio::spawn({
        let db = db.clone();
        async move { request(&db, &actor, &key("k", 2), "later").await.unwrap() }
    });
    assert!(eventually(BOUND, async || waiting(&database).await == 1).await, "the later one does not wait");
    first.roll_back().await.unwrap();
    assert_eq!(later.await.unwrap(), "later");
}

#[tokio::test]
async fn without_a_key_or_a_person_every_request_is_new() {
    let (database, actor) = database_with_a_user().await;
    let db = database.app();
    for (actor, key) in [(actor, None), (Actor::System { tenant: actor.tenant() }, Some(key("k", 1)))] {
        for _ in 0..2 {
            let mut tx = db.begin(actor.tenant()).await.unwrap();
            assert_eq!(tx.first_answer::<String>(&actor, key.as_ref()).await.unwrap(), None);
            tx.keep_answer(&actor, key.as_ref(), &"answer").await.unwrap();
            tx.commit().await.unwrap();
        }
    }
}

#[tokio::test]
async fn an_answer_that_does_not_fit_any_more_is_an_error() {
    let (database, actor) = database_with_a_user().await;
    request(database.app(), &actor, &key("k", 1), "words").await.unwrap();
    let mut tx = database.app().begin(actor.tenant()).await.unwrap();
    let unfit = tx.first_answer::<u64>(&actor, Some(&key("k", 1))).await;
    assert!(matches!(unfit, Err(IdempotencyError::Database(DbError::Payload(_)))), "{unfit:?}");
}

#[tokio::test]
async fn constraints_refuse_what_no_caller_should_get_this_far_with() {
    let (database, actor) = database_with_a_user().await;
    let keep = async |key: IdempotencyKey, times: usize| {
        let mut tx = database.app().begin(actor.tenant()).await.unwrap();
        let mut kept = Ok(());
        for _ in 0..times {
            kept = tx.keep_answer(&actor, Some(&key), &"answer").await;
        }
        kept.map_err(|error| error.constraint().unwrap_or_default().to_owned())
    };
    assert_eq!(keep(key("k", 1), 1).await, Ok(()));
    assert_eq!(keep(key("k", 1), 2).await, Err("idempotency_keys_pkey".to_owned()));
    for invisible in ["", " ", "a b", "\u{e9}", &"x".repeat(256)] {
        assert_eq!(keep(key(invisible, 1), 1).await, Err("idempotency_keys_visible".to_owned()), "{invisible:?}");
    }
    let mut tx = database.app().begin(actor.tenant()).await.unwrap();
    let short = sqlx::query(
        "insert into idempotency_keys (tenant_id, user_id, key, fingerprint, answer, created_at)
         values ($1, $1, 'k', '\\x00', 'null', $2)",
    );
    let (tenant, now) = (tx.tenant().as_uuid(), tx.now());
    let refused = short.bind(tenant).bind(now).execute(tx.conn().await.unwrap()).await.unwrap_err();
    assert_eq!(DbError::from(refused).constraint(), Some("idempotency_keys_sha256"));
}

/// How many transactions wait for an advisory lock.
async fn waiting(database: &TestDatabase) -> i64 {
    sqlx::query_scalar(
        "select count(*) from pg_locks l join pg_database d on d.oid = l.database
         where d.datname = current_database() and l.locktype = 'advisory' and not l.granted",
    )
    .fetch_one(&mut database.superuser().await.unwrap())
    .await
    .unwrap()
}
