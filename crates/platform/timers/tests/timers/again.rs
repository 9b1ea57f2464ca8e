//! What is done again and again, and what every business has.

use chrono::Duration as Span;
use nmc_kernel::{Random, TenantId};
use nmc_timers::set_for_every_tenant;

use crate::house::House;

const KIND: &str = "test.for-every-tenant";

#[tokio::test]
async fn a_firing_that_sets_its_timer_again_happened_and_comes_again() {
    let house = House::new().await;
    let timers = house.timers();
    let subject = house.subject("again", Span::zero()).await;
    for fired in 1..=3 {
        assert_eq!(timers.fire_due().await.unwrap(), 1);
        assert_eq!(timers.fire_due().await.unwrap(), 0);
        assert_eq!(house.fired(subject).await, fired);
        let row = house.row(subject).await.unwrap();
        assert_eq!((row.due_at, row.leased_until, row.attempts), (house.clock.now() + Span::seconds(60), None, 0));
        house.clock.advance(Span::seconds(60));
    }
    house.execute("update test_subjects set does = 'work'").await;
    assert_eq!(timers.fire_due().await.unwrap(), 1);
    assert_eq!(house.row(subject).await, None);
}

#[tokio::test]
async fn every_business_gets_one_and_keeps_the_one_it_has() {
    const BUSINESSES: usize = 450;
    let house = House::new().await;
    let (db, random) = (house.db(), Random::seeded(1));
    assert_eq!(set_for_every_tenant(&db, KIND, Span::days(1), &random).await.unwrap(), 0, "there is no business");
    house
        .execute(
            "insert into id_tenants (tenant_id, id, name, time_zone, settings, status, created_at, updated_at)
         select id, id, 'Business', 'UTC', '{\"version\": 1}', 'active', now(), now()
         from (select gen_random_uuid() as id from generate_series(1, 450)) made",
        )
        .await;
    assert_eq!(set_for_every_tenant(&db, KIND, Span::days(1), &random).await.unwrap(), BUSINESSES);
    assert_eq!(set_for_every_tenant(&db, KIND, Span::days(1), &random).await.unwrap(), 0);
    let spread = "select count(distinct width_bucket(extract(epoch from due_at - created_at), 0, 86400, 24))
                  from timers where kind = 'test.for-every-tenant' and ref_id = tenant_id
                    and due_at >= created_at and due_at < created_at + interval '1 day'";
    assert_eq!(house.count(spread).await, 24, "they are spread over the day");

    // One that fired for good is set anew; the others stay as they are.
    house.execute("delete from timers where (tenant_id, kind, ref_id) in (select tenant_id, kind, ref_id from timers limit 1)").await;
    assert_eq!(set_for_every_tenant(&db, KIND, Span::days(1), &random).await.unwrap(), 1);
}

#[tokio::test]
async fn the_server_cannot_list_the_businesses() {
    let house = House::new().await;
    let mut tx = house.database.app().begin(TenantId::from(uuid::Uuid::nil())).await.unwrap();
    let refused = sqlx::query("select nmc_tenants()").fetch_all(tx.conn().await.unwrap()).await.unwrap_err();
    assert!(refused.to_string().contains("permission denied"), "{refused}");
}
