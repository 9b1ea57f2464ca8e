//! Campaign, receiving numbers and the list of numbers never to text.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

mod setup;

use nmc_compliance::{
    AddNumberError, CampaignChange, CampaignStatus, DecideCampaignError, DoNotText, DoNotTextError, SubmitCampaignError,
};
use nmc_db::RouteKind;
use nmc_identity::TenantSettings;
use nmc_kernel::Actor;
use setup::{World, caller, phone, submission, tenant};

const CHANGED: &str = "nmc.compliance.ComplianceStatusChanged";

async fn status(world: &World) -> Option<CampaignStatus> {
    let mut tx = world.dispatcher.db.read(world.tenant).await.unwrap();
    world.dispatcher.compliance.campaign(&mut tx).await.unwrap().map(|campaign| campaign.status)
}

async fn published(world: &World) -> Vec<String> {
    let statuses = world.events(CHANGED).await.into_iter();
    statuses.map(|event| event["status"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_campaign_is_submitted_decided_and_decided_again() {
    let world = World::new().await;
    let compliance = &world.app.compliance;
    assert_eq!(status(&world).await, None);
    let nothing = compliance.approve_campaign(&world.operator()).await;
    assert!(matches!(nothing, Err(DecideCampaignError::NotSubmitted)));

    let id = compliance.submit_campaign(&world.owner(), &submission()).await.unwrap();
    assert_eq!(status(&world).await, Some(CampaignStatus::Pending));
    let other = nmc_compliance::CampaignSubmission { description: "Answers".into(), ..submission() };
    assert_eq!(compliance.submit_campaign(&world.owner(), &other).await.unwrap(), id);
    let mut tx = world.app.db.read(world.tenant).await.unwrap();
    assert_eq!(compliance.campaign(&mut tx).await.unwrap().unwrap().description, "Answers");
    assert_eq!(published(&world).await, ["pending"]);

    assert_eq!(compliance.approve_campaign(&world.operator()).await.unwrap(), CampaignChange::Changed(id));
    assert_eq!(compliance.approve_campaign(&world.operator()).await.unwrap(), CampaignChange::Unchanged(id));
    assert_eq!(status(&world).await, Some(CampaignStatus::Approved));
    let again = compliance.submit_campaign(&world.owner(), &submission()).await;
    assert!(matches!(again, Err(SubmitCampaignError::AlreadyApproved)));

    assert_eq!(compliance.reject_campaign(&world.operator()).await.unwrap(), CampaignChange::Changed(id));
    assert_eq!(status(&world).await, Some(CampaignStatus::Rejected));
    assert_eq!(compliance.submit_campaign(&world.owner(), &submission()).await.unwrap(), id);
    assert_eq!(status(&world).await, Some(CampaignStatus::Pending));
    assert_eq!(published(&world).await, ["pending", "approved", "rejected", "pending"]);
    assert_eq!(world.events(CHANGED).await[0]["campaign_id"], id.to_string());
}

#[tokio::test]
async fn only_operators_decide_and_only_owners_submit() {
    let world = World::new().await;
    let compliance = &world.app.compliance;
    let system = Actor::System { tenant: world.tenant };
    for actor in [world.tech(), system] {
        let refused = compliance.submit_campaign(&actor, &submission()).await;
        assert!(matches!(refused, Err(SubmitCampaignError::Forbidden)));
    }
    compliance.submit_campaign(&world.owner(), &submission()).await.unwrap();
    for actor in [world.owner(), world.tech(), system] {
        assert!(matches!(compliance.approve_campaign(&actor).await, Err(DecideCampaignError::Forbidden)));
        assert!(matches!(compliance.reject_campaign(&actor).await, Err(DecideCampaignError::Forbidden)));
        let number = compliance.add_receiving_number(&actor, &caller()).await;
        assert!(matches!(number, Err(AddNumberError::Forbidden)));
    }
    assert_eq!(status(&world).await, Some(CampaignStatus::Pending));
    let empty = nmc_compliance::CampaignSubmission { description: String::new(), ..submission() };
    let refused = compliance.submit_campaign(&world.owner(), &empty).await;
    assert!(matches!(refused, Err(SubmitCampaignError::Submission(_))));
}

#[tokio::test]
async fn two_who_submit_at_once_make_one_campaign() {
    let world = World::new().await;
    let submissions = (0..8).map(|_| {
        let (compliance, actor) = (world.app.compliance.clone(), world.owner());
        tokio::spawn(async move { compliance.submit_campaign(&actor, &submission()).await.unwrap() })
    });
    let submissions: Vec<_> = submissions.collect();
    let mut ids = std::collections::HashSet::new();
    for submitted in submissions {
        ids.insert(submitted.await.unwrap());
    }
    assert_eq!(ids.len(), 1);
    assert_eq!(published(&world).await, ["pending"]);
}

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
    assert!(matches!(compliance.add_receiving_number(&operator, &first).await, Err(AddNumberError::Taken)));
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

#[tokio::test]
async fn the_list_of_numbers_never_to_text() {
    let world = World::new().await;
    let compliance = &world.app.compliance;
    compliance.add_do_not_text(&world.tech(), &caller(), "supplier").await.unwrap();
    compliance.add_do_not_text(&world.tech(), &caller(), " brother ").await.unwrap();
    let bad = compliance.add_do_not_text(&world.tech(), &caller(), "").await;
    assert!(matches!(bad, Err(DoNotTextError::Label(_))));
    let mut tx = world.dispatcher.db.read(world.tenant).await.unwrap();
    let listed = compliance.do_not_text(&mut tx).await.unwrap();
    assert_eq!(listed, [DoNotText { phone: caller(), label: "brother".into() }]);
    assert!(compliance.remove_do_not_text(&world.owner(), &caller()).await.unwrap());
    assert!(!compliance.remove_do_not_text(&world.owner(), &caller()).await.unwrap());
}
