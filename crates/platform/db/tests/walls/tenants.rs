//! What a tenant sees, and what nobody sees without one.

use nmc_db::{ConstraintKind, RouteKind};
use nmc_kernel::TenantId;
use nmc_testkit::TestDatabase;

#[tokio::test]
async fn a_tenant_sees_its_own_rows_and_nobody_sees_any_without_one() {
    let database = TestDatabase::create().await.unwrap();
    let db = database.app();
    let (ours, theirs): (TenantId, TenantId) = (db.ids().next(), db.ids().next());
    for tenant in [ours, theirs] {
        let mut tx = db.begin(tenant).await.unwrap();
        let key = tenant.to_string();
        assert!(tx.add_route(RouteKind::TwilioNumber, &key, tenant.as_uuid()).await.unwrap());
        assert!(!tx.add_route(RouteKind::TwilioNumber, &key, tenant.as_uuid()).await.unwrap(), "twice is a value");
        tx.commit().await.unwrap();
    }
    let count = "select count(*) from tenant_routes";
    let mut tx = db.read(ours).await.unwrap();
    let seen: i64 = sqlx::query_scalar(count).fetch_one(tx.conn().await.unwrap()).await.unwrap();
    assert_eq!(seen, 1, "the where clause was forgotten and the wall held");
    tx.finish().await.unwrap();

    let mut system = db.begin_system().await.unwrap();
    let seen: i64 = sqlx::query_scalar(count).fetch_one(system.conn().unwrap()).await.unwrap();
    assert_eq!(seen, 0);
    // A key that is another's cannot be had, and cannot be given up for them.
    let tx = system.enter(ours).await.unwrap();
    assert!(!tx.add_route(RouteKind::TwilioNumber, &theirs.to_string(), ours.as_uuid()).await.unwrap());
    tx.remove_route(RouteKind::TwilioNumber, &theirs.to_string()).await.unwrap();
    // A row written for another tenant is refused by the wall itself.
    let smuggled = sqlx::query("insert into tenant_routes values ('twilio-number', 'x', $1, $1, now())")
        .bind(theirs.as_uuid())
        .execute(tx.conn().await.unwrap())
        .await;
    assert!(smuggled.unwrap_err().to_string().contains("row-level security"));
    drop(system);
    assert_eq!(db.route(RouteKind::TwilioNumber, &theirs.to_string()).await.unwrap().unwrap().tenant, theirs);
    assert_eq!(db.route(RouteKind::TwilioNumber, "nobody").await.unwrap(), None);
}

#[tokio::test]
async fn constraint_violations_are_told_apart_by_name() {
    let database = TestDatabase::create().await.unwrap();
    let db = database.app();
    let tenant: TenantId = db.ids().next();
    let mut tx = db.begin(tenant).await.unwrap();
    let refused = sqlx::query("insert into tenant_routes values ('twilio-number', '', $1, $1, now())")
        .bind(tenant.as_uuid())
        .execute(tx.conn().await.unwrap())
        .await
        .map_err(nmc_db::DbError::from)
        .unwrap_err();
    assert_eq!(refused.constraint(), Some("tenant_routes_external_key_check"));
    assert!(matches!(refused, nmc_db::DbError::Constraint { kind: ConstraintKind::Check, .. }));
}
