//! Receiving numbers: asked for by owners, answered by operators, one business's at a time.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

mod setup;

use nmc_compliance::{DoNotTextError, NumberError, NumberStatus};
use nmc_db::RouteKind;
use nmc_identity::TenantSettings;
use nmc_kernel::{Actor, IdempotencyKey, TenantId};
use setup::{World, caller, phone, tenant};

#[tokio::test]
async fn a_number_is_one_business_s() {
    let world = World::new().await;
    let (first, second) = (phone("+12125550100"), phone("+12125550101"));
    let compliance = &world.app.compliance;
    let id = compliance.add_receiving_number(&world.operator(), &first).await.unwrap();
    world.clock.advance(chrono::Duration::seconds(1));
    compliance.add_receiving_number(&world.operator(), &second).await.unwrap();
    assert_eq!(compliance.add_receiving_number(&world.operator(), &first).await.unwrap(), id);

    let route = world.app.db.route(RouteKind::TwilioNumber, first.as_str()).await.unwrap().unwrap();
    assert_eq!((route.tenant, route.ref_id), (world.tenant, id.as_uuid()));
    let mut tx = world.dispatcher.db.read(world.tenant).await.unwrap();
    let numbers = world.dispatcher.compliance.receiving_numbers(&mut tx).await.unwrap();
    assert_eq!(numbers.iter().map(|number| &number.phone).collect::<Vec<_>>(), [&first, &second]);
    assert_eq!(world.dispatcher.compliance.sending_number(&mut tx).await.unwrap(), Some(first.clone()));

    let neighbour = tenant(&world.app, "Example Electric", TenantSettings::default()).await;
    let operator = Actor::Operator { tenant: neighbour };
    assert!(matches!(compliance.add_receiving_number(&operator, &first).await, Err(NumberError::Taken)));
    let mut tx = world.app.db.read(neighbour).await.unwrap();
    assert_eq!(compliance.receiving_numbers(&mut tx).await.unwrap(), []);
    assert_eq!(compliance.sending_number(&mut tx).await.unwrap(), None);
}

#[tokio::test]
async fn two_businesses_that_want_one_number_at_once() {
    let world = World::new().await;
    let neighbour = tenant(&world.app, "Example Electric", TenantSettings::default()).await;
    let adding: Vec<_> = (0..8)
        .map(|turn| {
            let compliance = world.app.compliance.clone();
            let tenant = if turn % 2 == 0 { world.tenant } else { neighbour };
            tokio::spawn(async move {
                let actor = Actor::Operator { tenant };
                compliance.add_receiving_number(&actor, &phone("+12125550100")).await.is_ok().then_some(tenant)
            })
        })
        .collect();
    let mut winners = std::collections::HashSet::new();
    for added in adding {
        winners.extend(added.await.unwrap());
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(world.count("select count(*) from comp_phone_numbers").await, 1);
    assert_eq!(world.count("select count(*) from tenant_routes").await, 1);
}

/// Where the business's numbers stand, in the order in which they came.
async fn standing(world: &World, tenant: TenantId) -> Vec<(String, NumberStatus, Option<String>)> {
    let mut tx = world.dispatcher.db.read(tenant).await.unwrap();
    let numbers = world.dispatcher.compliance.numbers(&mut tx).await.unwrap();
    numbers.into_iter().map(|number| (number.phone.as_str().to_owned(), number.status, number.reason)).collect()
}

async fn leads_to(world: &World, number: &str) -> Option<TenantId> {
    let route = world.app.db.route(RouteKind::TwilioNumber, number).await.unwrap();
    route.map(|route| route.tenant)
}

#[tokio::test]
async fn two_businesses_ask_for_one_number_and_an_operator_decides() {
    let world = World::new().await;
    let compliance = &world.app.compliance;
    let neighbour = tenant(&world.app, "Example Electric", TenantSettings::default()).await;
    let other_owner = Actor::Operator { tenant: neighbour };
    let number = phone("+12125550100");
    let asked = compliance.request_number(&world.owner(), &number, None).await.unwrap();
    assert_eq!((asked.status, asked.since), (NumberStatus::Requested, world.clock.now()));
    assert_eq!(compliance.request_number(&world.owner(), &number, None).await.unwrap(), asked);
    world.clock.advance(chrono::Duration::seconds(1));
    let theirs = compliance.request_number(&other_owner, &number, None).await.unwrap();
    assert_eq!(theirs.status, NumberStatus::Requested);
    assert_eq!(leads_to(&world, "+12125550100").await, None);
    let mut tx = world.app.db.read(world.tenant).await.unwrap();
    assert_eq!(compliance.receiving_numbers(&mut tx).await.unwrap(), []);
    assert!(!compliance.receives_on(&mut tx, &number).await.unwrap());

    // Operators see both, the older first; the server's role may not look across businesses.
    let requests = world.dispatcher.compliance.number_requests().await.unwrap();
    let of: Vec<_> = requests.iter().map(|request| (request.tenant, &request.phone)).collect();
    assert_eq!(of, [(world.tenant, &number), (neighbour, &number)]);
    assert!(compliance.number_requests().await.is_err());

    let operator = Actor::Operator { tenant: neighbour };
    assert_eq!(compliance.confirm_number(&operator, &number).await.unwrap(), theirs.id);
    assert_eq!(compliance.confirm_number(&operator, &number).await.unwrap(), theirs.id);
    assert_eq!(leads_to(&world, "+12125550100").await, Some(neighbour));
    // The first business's request is what it was, and cannot be confirmed any more.
    assert_eq!(standing(&world, world.tenant).await, [("+12125550100".into(), NumberStatus::Requested, None)]);
    let taken = compliance.confirm_number(&world.operator(), &number).await;
    assert!(matches!(taken, Err(NumberError::Taken)));
    assert_eq!(standing(&world, world.tenant).await[0].1, NumberStatus::Requested);
    compliance.reject_number(&world.operator(), &number, "It is another company's.").await.unwrap();
    let told = Some("It is another company's.".to_owned());
    assert_eq!(standing(&world, world.tenant).await, [("+12125550100".into(), NumberStatus::Rejected, told)]);
    assert_eq!(world.dispatcher.compliance.number_requests().await.unwrap(), []);
    // Who was refused may ask again, and nothing shows what the neighbour has.
    let again = compliance.request_number(&world.owner(), &number, None).await.unwrap();
    assert_eq!((again.id, again.status, again.reason), (asked.id, NumberStatus::Requested, None));
}

#[tokio::test]
async fn a_number_that_is_released_can_move() {
    let world = World::new().await;
    let compliance = &world.app.compliance;
    let neighbour = tenant(&world.app, "Example Electric", TenantSettings::default()).await;
    let number = phone("+12125550100");
    let id = compliance.add_receiving_number(&world.operator(), &number).await.unwrap();
    let active = compliance.reject_number(&world.operator(), &number, "No.").await;
    assert!(matches!(active, Err(NumberError::Active)));
    compliance.release_number(&world.operator(), &number, "Moved to another company.").await.unwrap();
    compliance.release_number(&world.operator(), &number, "Moved to another company.").await.unwrap();
    assert_eq!(leads_to(&world, "+12125550100").await, None);
    let mut tx = world.dispatcher.db.read(world.tenant).await.unwrap();
    assert!(!world.dispatcher.compliance.receives_on(&mut tx, &number).await.unwrap());
    assert_eq!(world.dispatcher.compliance.sending_number(&mut tx).await.unwrap(), None);
    tx.finish().await.unwrap();

    compliance.add_receiving_number(&Actor::Operator { tenant: neighbour }, &number).await.unwrap();
    assert_eq!(leads_to(&world, "+12125550100").await, Some(neighbour));
    // It does not come back by itself, and the neighbour's cannot be released for it.
    assert!(matches!(compliance.confirm_number(&world.operator(), &number).await, Err(NumberError::Taken)));
    compliance.release_number(&world.operator(), &number, "Again.").await.unwrap();
    assert_eq!(leads_to(&world, "+12125550100").await, Some(neighbour));
    compliance.release_number(&Actor::Operator { tenant: neighbour }, &number, "Moved back.").await.unwrap();
    assert_eq!(compliance.confirm_number(&world.operator(), &number).await.unwrap(), id);
    assert_eq!(leads_to(&world, "+12125550100").await, Some(world.tenant));
}

#[tokio::test]
async fn who_may_do_what_with_numbers_and_how_many() {
    let world = World::new().await;
    let compliance = &world.app.compliance;
    let number = phone("+12125550100");
    let system = Actor::System { tenant: world.tenant };
    for actor in [world.tech(), system] {
        let refused = compliance.request_number(&actor, &number, None).await;
        assert!(matches!(refused, Err(NumberError::Forbidden)));
    }
    for actor in [world.owner(), world.tech(), system] {
        assert!(matches!(compliance.confirm_number(&actor, &number).await, Err(NumberError::Forbidden)));
        assert!(matches!(compliance.reject_number(&actor, &number, "No.").await, Err(NumberError::Forbidden)));
        assert!(matches!(compliance.release_number(&actor, &number, "No.").await, Err(NumberError::Forbidden)));
    }
    let operator = world.operator();
    assert!(matches!(compliance.confirm_number(&operator, &number).await, Err(NumberError::NotRequested)));
    assert!(matches!(compliance.reject_number(&operator, &number, "No.").await, Err(NumberError::NotRequested)));
    assert!(matches!(compliance.release_number(&operator, &number, "No.").await, Err(NumberError::NotRequested)));
    assert!(matches!(compliance.reject_number(&operator, &number, " ").await, Err(NumberError::Reason(_))));
    for last in 0..20 {
        compliance.request_number(&world.owner(), &phone(&format!("+121255501{last:02}")), None).await.unwrap();
    }
    assert!(matches!(compliance.release_number(&operator, &number, "No.").await, Err(NumberError::NotActive)));
    let one_more = compliance.request_number(&world.owner(), &phone("+12125550120"), None).await;
    assert!(matches!(one_more, Err(NumberError::TooMany)));
    assert_eq!(standing(&world, world.tenant).await.len(), 20);
}

#[tokio::test]
async fn the_list_of_numbers_never_to_text() {
    let world = World::new().await;
    let compliance = &world.app.compliance;
    let key = IdempotencyKey { key: "k".into(), fingerprint: [7; 32] };
    let first = compliance.add_do_not_text(&world.tech(), &caller(), "supplier", Some(&key)).await.unwrap();
    let renamed = compliance.add_do_not_text(&world.tech(), &caller(), " brother ", None).await.unwrap();
    assert_eq!((renamed.id, renamed.label.as_str()), (first.id, "brother"));
    // A repeat gets the first answer and changes nothing.
    assert_eq!(compliance.add_do_not_text(&world.tech(), &caller(), "supplier", Some(&key)).await.unwrap(), first);
    let bad = compliance.add_do_not_text(&world.tech(), &caller(), "", None).await;
    assert!(matches!(bad, Err(DoNotTextError::Label(_))));
    let mut tx = world.dispatcher.db.read(world.tenant).await.unwrap();
    assert_eq!(compliance.do_not_text(&mut tx, None, 10).await.unwrap(), std::slice::from_ref(&renamed));
    assert_eq!(compliance.do_not_text(&mut tx, Some((renamed.added_at, renamed.id)), 10).await.unwrap(), []);
    assert!(compliance.remove_do_not_text(&world.owner(), first.id).await.unwrap());
    assert!(!compliance.remove_do_not_text(&world.owner(), first.id).await.unwrap());
    // A thousand and no more.
    let fill = "insert into comp_do_not_text (tenant_id, id, phone, label, created_at)
                select $1::uuid, gen_random_uuid(), '+1212' || 5000000 + n, 'x', '2026-06-10T18:00:00Z'
                from generate_series(1, 1000) n";
    sqlx::query(fill).bind(world.tenant.as_uuid()).execute(&mut world.superuser().await).await.unwrap();
    let one_too_many = compliance.add_do_not_text(&world.owner(), &caller(), "brother", None).await;
    assert!(matches!(one_too_many, Err(DoNotTextError::Full)));
}
