//! The databases tests get.

use std::time::Instant;

use nmc_testkit::TestDatabase;
use sqlx::{Connection as _, PgConnection};

async fn current_user(url: &str) -> sqlx::Result<String> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::query_scalar("select current_user::text").fetch_one(&mut connection).await
}

#[tokio::test]
async fn a_test_gets_a_migrated_database_and_the_services_roles() {
    let database = TestDatabase::create().await.unwrap();
    assert!(nmc_db::migrations_current(database.app()).await.unwrap());
    assert!(nmc_db::migrations_current(database.dispatcher()).await.unwrap());
    assert_eq!(current_user(&database.app_url()).await.unwrap(), "nmc_app");
    assert_eq!(current_user(&database.dispatcher_url()).await.unwrap(), "nmc_dispatcher");
    assert_eq!(current_user(&database.owner_url()).await.unwrap(), "nmc_owner");
    assert_eq!(current_user(&database.superuser_url()).await.unwrap(), "postgres");
}

#[tokio::test]
async fn databases_are_apart_and_go_with_their_test() {
    let (first, second) = tokio::join!(TestDatabase::create(), TestDatabase::create());
    let (first, second) = (first.unwrap(), second.unwrap());
    let mut connection = first.superuser().await.unwrap();
    sqlx::raw_sql("create table only_here (n int)").execute(&mut connection).await.unwrap();

    let mut other = second.superuser().await.unwrap();
    let seen: bool =
        sqlx::query_scalar("select to_regclass('only_here') is not null").fetch_one(&mut other).await.unwrap();
    assert!(!seen);

    first.app().ping().await.unwrap();
    let name: String = sqlx::query_scalar("select current_database()::text").fetch_one(&mut connection).await.unwrap();
    drop(first);
    let left: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(name)
        .fetch_one(&mut other)
        .await
        .unwrap();
    assert!(!left, "dropped although sessions were open");
}

#[tokio::test]
async fn making_and_dropping_a_database_is_quick() {
    let warm_up = TestDatabase::create().await.unwrap();
    let began = Instant::now();
    let database = TestDatabase::create().await.unwrap();
    let created = began.elapsed();
    let began = Instant::now();
    drop(database);
    let dropped = began.elapsed();
    println!("created in {created:?}, dropped in {dropped:?}");
    drop(warm_up);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_of_its_own_can_be_stopped_and_started_again() {
    let database = TestDatabase::create_on_own_server().await.unwrap();
    database.app().ping().await.unwrap();
    database.server().stop_immediately().unwrap();
    assert!(database.app().ping().await.is_err());
    database.server().start_again().unwrap();
    // The pool still holds the connection that broke.
    let recovered = nmc_postgres::wait_until(std::time::Duration::from_secs(10), || {
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(database.app().ping())).ok()
    });
    assert!(recovered.is_some());
}
