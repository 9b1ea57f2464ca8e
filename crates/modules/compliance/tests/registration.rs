//! The registration with the carriers: submitted, decided, decided again.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets the unexpected stops there")]

mod setup;

use nmc_compliance::{
    CampaignChange, CampaignStatus, DecideCampaignError, NumberError, Registration, RegistrationSubject, SaidBy,
    SubmitCampaignError,
};
use nmc_kernel::{Actor, IdempotencyKey};
use setup::{World, caller, registration, submission};

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
    let nothing = compliance.approve_campaign(&world.operator(), world.version().await).await;
    assert!(matches!(nothing, Err(DecideCampaignError::NotSubmitted)));

    let id = compliance.submit_campaign(&world.owner(), &submission()).await.unwrap();
    assert_eq!(status(&world).await, Some(CampaignStatus::Pending));
    let other = nmc_compliance::CampaignSubmission { description: "Answers".into(), ..submission() };
    assert_eq!(compliance.submit_campaign(&world.owner(), &other).await.unwrap(), id);
    let mut tx = world.app.db.read(world.tenant).await.unwrap();
    assert_eq!(compliance.campaign(&mut tx).await.unwrap().unwrap().description, "Answers");
    assert_eq!(published(&world).await, ["pending"]);

    assert_eq!(
        compliance.approve_campaign(&world.operator(), world.version().await).await.unwrap(),
        CampaignChange::Changed(id)
    );
    assert_eq!(
        compliance.approve_campaign(&world.operator(), world.version().await).await.unwrap(),
        CampaignChange::Unchanged(id)
    );
    assert_eq!(status(&world).await, Some(CampaignStatus::Approved));
    let again = compliance.submit_campaign(&world.owner(), &submission()).await;
    assert!(matches!(again, Err(SubmitCampaignError::AlreadyApproved)));

    assert_eq!(
        compliance.reject_campaign(&world.operator(), world.version().await).await.unwrap(),
        CampaignChange::Changed(id)
    );
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
        assert!(matches!(
            compliance.approve_campaign(&actor, world.version().await).await,
            Err(DecideCampaignError::Forbidden)
        ));
        assert!(matches!(
            compliance.reject_campaign(&actor, world.version().await).await,
            Err(DecideCampaignError::Forbidden)
        ));
        let number = compliance.add_receiving_number(&actor, &caller()).await;
        assert!(matches!(number, Err(NumberError::Forbidden)));
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

fn key(of: u8) -> IdempotencyKey {
    IdempotencyKey { key: "first-try".into(), fingerprint: [of; 32] }
}

#[tokio::test]
async fn a_registration_is_kept_whole_and_a_repeat_gets_the_first_answer() {
    let world = World::new().await;
    let compliance = &world.app.compliance;
    let owner = world.owner();
    let id = compliance.register(&owner, &registration(), Some(&key(1))).await.unwrap();
    assert_eq!(compliance.register(&owner, &registration(), Some(&key(1))).await.unwrap(), id);
    let other_body = compliance.register(&owner, &registration(), Some(&key(2))).await;
    assert!(matches!(other_body, Err(SubmitCampaignError::KeyReused)));
    let bad = Registration { ein: None, description: String::new(), ..registration() };
    let Err(SubmitCampaignError::Registration(faults)) = compliance.register(&owner, &bad, None).await else {
        panic!()
    };
    assert_eq!(faults.iter().map(|fault| fault.field).collect::<Vec<_>>(), ["ein", "description"]);
    for actor in [world.tech(), Actor::System { tenant: world.tenant }] {
        let refused = compliance.register(&actor, &registration(), None).await;
        assert!(matches!(refused, Err(SubmitCampaignError::Forbidden)));
    }

    let mut tx = world.dispatcher.db.read(world.tenant).await.unwrap();
    let standing = world.dispatcher.compliance.standing(&mut tx).await.unwrap();
    let brand = standing.brand.unwrap();
    assert_eq!((brand.legal_name.as_str(), brand.status), ("Example Plumbing LLC", CampaignStatus::Pending));
    let kept: Registration = serde_json::from_value(brand.registration.unwrap()).unwrap();
    assert_eq!(kept, registration());
    let campaign = standing.campaign.unwrap();
    assert_eq!((campaign.id, campaign.sample_message), (id, registration().sample_messages.remove(0)));
    let codes: Vec<_> = standing.missing.iter().map(|missing| missing.code.as_str()).collect();
    assert_eq!(codes, ["brand-pending", "campaign-pending", "number"]);
}

/// Else what is approved could be something that nobody has read.
#[tokio::test]
async fn a_decision_is_about_the_submission_that_was_read_and_no_other() {
    let world = World::new().await;
    let compliance = &world.app.compliance;
    let operator = world.operator();
    let (brand, campaign) = (RegistrationSubject::Brand, RegistrationSubject::Campaign);
    let (approved, rejected) = (CampaignStatus::Approved, CampaignStatus::Rejected);
    assert_eq!(world.version().await, 0);
    compliance.register(&world.owner(), &registration(), Some(&key(1))).await.unwrap();
    compliance.register(&world.owner(), &registration(), Some(&key(1))).await.unwrap();
    assert_eq!(world.version().await, 1, "a repeat of a request is no other submission");
    // The operator reads it, and before the answer comes the owner submits something else.
    let other = Registration { description: "Prizes, offers, and news of a shop next door.".into(), ..registration() };
    compliance.register(&world.owner(), &other, None).await.unwrap();
    assert_eq!(world.version().await, 2);
    for (subject, decided) in [(brand, approved), (brand, rejected), (campaign, approved), (campaign, rejected)] {
        for named in [1, 3] {
            let refused = compliance.decide(&operator, subject, named, decided, None).await.unwrap_err();
            assert!(matches!(refused, DecideCampaignError::OtherVersion { current: 2, .. }), "{refused}");
            let said =
                format!("submission {named} is not the one that stands now, which is 2: read it before deciding");
            assert_eq!(refused.to_string(), said);
        }
    }
    assert_eq!(published(&world).await, ["pending"]);
    assert!(matches!(compliance.approve_campaign(&operator, 2).await.unwrap(), CampaignChange::Changed(_)));
    let log = "select count(*) from id_audit_log where action = 'registration.decided' and after ->> 'version' = '2'";
    assert_eq!(world.count(log).await, 2, "the log says which one was approved");
    // What the carriers think of later is about the same submission.
    compliance.decide(&operator, campaign, 2, rejected, Some("Spam.")).await.unwrap();
    compliance.submit_campaign(&operator, &submission()).await.unwrap();
    assert_eq!(world.version().await, 3);
    let stale = compliance.approve_campaign(&operator, 2).await;
    assert!(matches!(stale, Err(DecideCampaignError::OtherVersion { named: 2, current: 3 })));
}

#[tokio::test]
async fn the_history_says_what_was_decided_and_why() {
    let world = World::new().await;
    let compliance = &world.app.compliance;
    let operator = world.operator();
    let (brand, campaign) = (RegistrationSubject::Brand, RegistrationSubject::Campaign);
    let (pending, approved, rejected) = (CampaignStatus::Pending, CampaignStatus::Approved, CampaignStatus::Rejected);
    compliance.register(&world.owner(), &registration(), None).await.unwrap();
    compliance.decide(&operator, brand, world.version().await, approved, None).await.unwrap();
    compliance
        .decide(&operator, campaign, world.version().await, rejected, Some(" No opt-in is described. "))
        .await
        .unwrap();
    compliance.register(&world.owner(), &registration(), None).await.unwrap();
    compliance.decide(&operator, campaign, world.version().await, approved, None).await.unwrap();
    // A business that falls takes its campaign along.
    compliance
        .decide(&operator, brand, world.version().await, rejected, Some("The EIN is another company's."))
        .await
        .unwrap();
    compliance.submit_campaign(&operator, &submission()).await.unwrap();
    // A campaign is approved only together with its business.
    compliance.decide(&operator, campaign, world.version().await, approved, None).await.unwrap();
    let again = compliance.decide(&operator, brand, world.version().await, approved, None).await.unwrap();
    assert!(matches!(again, CampaignChange::Unchanged(_)));

    let mut tx = world.app.db.read(world.tenant).await.unwrap();
    let standing = compliance.standing(&mut tx).await.unwrap();
    let mut told = standing.history;
    told.reverse();
    assert!(told.iter().zip(1..).all(|(change, number)| change.number == number));
    let told: Vec<_> =
        told.iter().map(|change| (change.subject, change.status, change.reason.as_deref(), change.said_by)).collect();
    let (owner, operator) = (SaidBy::Owner, SaidBy::Operator);
    let why = Some("The EIN is another company's.");
    assert_eq!(
        told,
        [
            (brand, pending, None, owner),
            (campaign, pending, None, owner),
            (brand, approved, None, operator),
            (campaign, rejected, Some("No opt-in is described."), operator),
            (campaign, pending, None, owner),
            (campaign, approved, None, operator),
            (brand, rejected, why, operator),
            (campaign, rejected, why, operator),
            (brand, pending, None, operator),
            (campaign, pending, None, operator),
            (brand, approved, None, operator),
            (campaign, approved, None, operator),
        ]
    );
    assert_eq!(
        published(&world).await,
        ["pending", "rejected", "pending", "approved", "rejected", "pending", "approved"]
    );
    let compliance = &world.app.compliance;
    for bad in ["", "  ", &"x".repeat(501)] {
        let refused = compliance.decide(&world.operator(), campaign, world.version().await, rejected, Some(bad)).await;
        assert!(matches!(refused, Err(DecideCampaignError::Reason(_))), "{bad}");
    }
    let forbidden = compliance.decide(&world.owner(), brand, world.version().await, approved, None).await;
    assert!(matches!(forbidden, Err(DecideCampaignError::Forbidden)));
}

#[tokio::test]
async fn carriers_that_know_no_campaign_take_the_approval_back() {
    let world = World::approved().await;
    let written_at = world.clock.now();
    let hear = async |written_at| {
        let mut tx = world.dispatcher.db.begin(world.tenant).await.unwrap();
        let compliance = &world.dispatcher.compliance;
        let news = compliance.campaign_unknown(&mut tx, written_at, setup::context()).await.unwrap();
        tx.commit().await.unwrap();
        news
    };
    world.clock.advance(chrono::Duration::minutes(1));
    assert!(hear(written_at).await);
    assert!(!hear(written_at).await);
    assert_eq!(status(&world).await, Some(CampaignStatus::Pending));
    let mut tx = world.app.db.read(world.tenant).await.unwrap();
    let newest = world.app.compliance.standing(&mut tx).await.unwrap().history.remove(0);
    assert_eq!((newest.status, newest.said_by), (CampaignStatus::Pending, SaidBy::Carriers));
    // An approval that is younger than the text stands.
    world.app.compliance.approve_campaign(&world.operator(), world.version().await).await.unwrap();
    assert!(!hear(written_at).await);
}

/// Else an owner could have one company approved and send as another.
#[tokio::test]
async fn a_brand_that_is_another_one_has_to_be_approved_again() {
    let world = World::new().await;
    let compliance = &world.app.compliance;
    let brand_status = async || {
        let mut tx = world.app.db.read(world.tenant).await.unwrap();
        compliance.standing(&mut tx).await.unwrap().brand.unwrap().status
    };
    compliance.register(&world.owner(), &registration(), None).await.unwrap();
    compliance.approve_campaign(&world.operator(), world.version().await).await.unwrap();
    compliance.reject_campaign(&world.operator(), world.version().await).await.unwrap();
    compliance.register(&world.owner(), &registration(), None).await.unwrap();
    assert_eq!(brand_status().await, CampaignStatus::Approved, "the same brand stays approved");
    let other = Registration { legal_name: "Example Plumbing Holding LLC".into(), ..registration() };
    compliance.register(&world.owner(), &other, None).await.unwrap();
    assert_eq!(brand_status().await, CampaignStatus::Pending);
}

#[tokio::test]
async fn who_did_what_is_in_the_log_in_words_and_ids() {
    let world = World::new().await;
    let compliance = &world.app.compliance;
    let number = setup::phone("+12125550100");
    compliance.register(&world.owner(), &registration(), None).await.unwrap();
    compliance.approve_campaign(&world.operator(), world.version().await).await.unwrap();
    compliance.approve_campaign(&world.operator(), world.version().await).await.unwrap();
    compliance.request_number(&world.owner(), &number, None).await.unwrap();
    compliance.confirm_number(&world.operator(), &number).await.unwrap();
    compliance.release_number(&world.operator(), &number, "Moved.").await.unwrap();
    compliance.request_number(&world.owner(), &number, None).await.unwrap();
    compliance.reject_number(&world.operator(), &number, "Not yours.").await.unwrap();
    let entry = compliance.add_do_not_text(&world.tech(), &caller(), "brother", None).await.unwrap();
    compliance.remove_do_not_text(&world.tech(), entry.id).await.unwrap();
    compliance.remove_do_not_text(&world.tech(), entry.id).await.unwrap();
    let log: Vec<(String, String, serde_json::Value, serde_json::Value)> = sqlx::query_as(
        "select actor_kind, action, before, after from id_audit_log
         where tenant_id = $1 and action !~ '^tenant' order by seq",
    )
    .bind(world.tenant.as_uuid())
    .fetch_all(&mut world.superuser().await)
    .await
    .unwrap();
    let told: Vec<_> = log
        .iter()
        .map(|(by, action, before, after)| {
            let status_of = |side: &serde_json::Value| side["status"].as_str().unwrap_or("-").to_owned();
            format!("{by} {action} {} {}", status_of(before), status_of(after))
        })
        .collect();
    assert_eq!(
        told,
        [
            "user registration.submitted - pending",
            "operator registration.decided pending approved",
            "operator registration.decided pending approved",
            "user number.requested - requested",
            "operator number.confirmed requested active",
            "operator number.released active released",
            "user number.requested released requested",
            "operator number.rejected requested rejected",
            "user do-not-text.added - -",
            "user do-not-text.removed - -",
        ]
    );
    let all = format!("{log:?}");
    assert!(!all.contains("2125550") && !all.contains("brother") && !all.contains("Example"), "{all}");
}
