//! The people of a business and its settings, through the API: who may change what, and that an owner is always left.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

mod setup;

use nmc_identity::{ChangeUserError, TenantStatus, UserChange};
use nmc_kernel::{Actor, Role};
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Value, json};
use setup::{Member, World};

const fn to(role: Option<Role>, active: Option<bool>) -> UserChange {
    UserChange { role, active }
}

async fn active_owners(world: &World, actor: &Actor) -> usize {
    let users = world.identity.users(actor, None, 200).await.unwrap();
    users.iter().filter(|user| user.is_active && user.role == Role::Owner).count()
}

#[tokio::test]
async fn the_last_owner_stays() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let owner = world.member(tenant, "owner", Role::Owner).await;
    let tech = world.member(tenant, "tech", Role::Tech).await;
    let line = |user: &Member| format!("/users/{}", user.user);
    for (method, body) in
        [("DELETE", None), ("PATCH", Some(json!({"role": "TECH"}))), ("PATCH", Some(json!({"active": false})))]
    {
        let refused = world.ask(&owner.clerk, &format!("{method} {}", line(&owner)), body.clone()).await;
        assert_eq!(refused.refusal(), (409, "last_owner"), "{method} {body:?}");
    }
    // An owner who may do nothing is no owner.
    let patch =
        async |user: &Member, body: Value| world.ask(&owner.clerk, &format!("PATCH {}", line(user)), Some(body)).await;
    assert_eq!(patch(&tech, json!({"role": "OWNER", "active": false})).await.status, 200);
    assert_eq!(patch(&owner, json!({"role": "TECH"})).await.refusal(), (409, "last_owner"));
    let changed = patch(&tech, json!({"active": true})).await;
    assert_eq!((changed.body["role"].as_str(), changed.body["active"].as_bool()), (Some("OWNER"), Some(true)));
    // Doing it twice is a value; nothing is written twice.
    assert_eq!(patch(&tech, json!({"active": true})).await.body, changed.body);
    assert_eq!(patch(&tech, json!({})).await.body, changed.body);
    assert_eq!(patch(&owner, json!({"role": "TECH"})).await.status, 200);
    assert_eq!(patch(&tech, json!({"role": "TECH"})).await.refusal(), (403, "owner_required"));
    let log = world.log(tenant).await;
    assert_eq!(log.iter().filter(|line| *line == "user user.changed").count(), 3);
    let delete = format!("DELETE {}", line(&owner));
    assert_eq!(world.ask(&tech.clerk, &delete, None).await.status, 204);
    assert_eq!(world.ask(&tech.clerk, &delete, None).await.status, 204);
    assert_eq!(world.ask(&owner.clerk, "GET /me", None).await.refusal(), (403, "user_inactive"));
}

#[tokio::test]
async fn owners_who_demote_each_other_at_once_leave_one() {
    let world = World::start().await;
    for round in 0..10 {
        let tenant = world.tenant().await;
        let mut owners = Vec::new();
        for name in ["a", "b", "c"] {
            owners.push(world.member(tenant, &format!("{name}{round}"), Role::Owner).await);
        }
        let demote = |by: usize, whom: usize| {
            let (actor, id) = (owners[by].actor(), owners[whom].user);
            let identity = world.identity.clone();
            async move { identity.change_user(&actor, id, to(Some(Role::Tech), None)).await }
        };
        let (a, b, c) = tokio::join!(demote(0, 1), demote(1, 2), demote(2, 0));
        let refused =
            [a, b, c].into_iter().filter(|result| matches!(result, Err(ChangeUserError::LastOwner(_)))).count();
        assert_eq!((refused, active_owners(&world, &owners[0].actor()).await), (1, 1));
    }
}

#[test]
fn any_sequence_of_changes_leaves_an_owner() {
    let change = (0_usize..3, prop::option::of(any::<bool>()), prop::option::of(any::<bool>()));
    let sequences = prop::collection::vec(change, 1..15);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = runtime.block_on(World::start());
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
    let case = std::cell::Cell::new(0);
    let outcome = TestRunner::new(config).run(&sequences, |sequence| {
        runtime.block_on(async {
            case.set(case.get() + 1);
            let tenant = world.tenant().await;
            let operator = Actor::Operator { tenant };
            let mut people = Vec::new();
            for (name, role) in [("x", Role::Owner), ("y", Role::Tech), ("z", Role::Owner)] {
                people.push(world.member(tenant, &format!("{name}{}", case.get()), role).await.user);
            }
            for (who, owner, active) in sequence {
                let role = owner.map(|owner| if owner { Role::Owner } else { Role::Tech });
                match world.identity.change_user(&operator, people[who], to(role, active)).await {
                    Ok(_) | Err(ChangeUserError::LastOwner(_)) => {}
                    Err(error) => return Err(TestCaseError::fail(error.to_string())),
                }
                prop_assert!(active_owners(&world, &operator).await >= 1);
            }
            Ok(())
        })
    });
    // The database is dropped on the runtime it was made on.
    runtime.block_on(async move { drop(world) });
    outcome.unwrap();
}

#[tokio::test]
async fn a_neighbour_s_people_and_invitations_look_like_none() {
    let world = World::start().await;
    let (ours, theirs) = (world.tenant().await, world.tenant().await);
    let owner = world.member(ours, "owner", Role::Owner).await;
    let foreign = world.member(theirs, "foreign", Role::Owner).await;
    let invite = json!({"email": "tech@example.com", "role": "TECH"});
    let invited = world.ask(&foreign.clerk, "POST /users/invite", Some(invite)).await;
    let nobody = "019502b6-0000-7000-8000-000000000000".to_owned();
    for (line, id) in [
        ("DELETE /users/", foreign.user.to_string()),
        ("PATCH /users/", foreign.user.to_string()),
        ("DELETE /invitations/", invited.body["id"].as_str().unwrap().to_owned()),
    ] {
        let body = line.starts_with("PATCH").then(|| json!({"active": false}));
        let at_neighbour = world.ask(&owner.clerk, &format!("{line}{id}"), body.clone()).await;
        let at_nobody = world.ask(&owner.clerk, &format!("{line}{nobody}"), body.clone()).await;
        let at_nonsense = world.ask(&owner.clerk, &format!("{line}nonsense"), body).await;
        assert_eq!(at_neighbour.refusal(), (404, "not_found"), "{line}");
        assert_eq!((&at_nobody.body, &at_nonsense.body), (&at_neighbour.body, &at_neighbour.body), "{line}");
    }
    for line in ["GET /users", "GET /invitations"] {
        let list = world.ask(&owner.clerk, line, None).await;
        assert!(!list.body.to_string().contains("foreign@") && !list.body.to_string().contains("tech@"), "{line}");
    }
    assert_eq!(world.ask(&foreign.clerk, "GET /me", None).await.status, 200);
}

#[tokio::test]
async fn people_are_listed_page_by_page() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let owner = world.member(tenant, "owner", Role::Owner).await;
    for name in ["a", "b", "c", "d"] {
        world.wait(chrono::Duration::seconds(i64::from(name != "b")));
        world.member(tenant, name, Role::Tech).await;
    }
    let (mut seen, mut next) = (Vec::new(), String::new());
    loop {
        let page = world.ask(&owner.clerk, &format!("GET /users?limit=2{next}"), None).await;
        let items = page.body["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        seen.extend(items.iter().map(|user| user["email"].as_str().unwrap().split('@').next().unwrap().to_owned()));
        match page.body["next_cursor"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    // Two joined at the same moment, in either order.
    seen[1..3].sort();
    assert_eq!(seen, ["owner", "a", "b", "c", "d"]);
    assert_eq!(world.ask(&owner.clerk, "GET /users?limit=0", None).await.refusal(), (422, "invalid_input"));
    assert_eq!(world.ask(&owner.clerk, "GET /users?cursor=x", None).await.refusal(), (422, "invalid_input"));
}

#[tokio::test]
async fn owners_change_the_business_field_by_field() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let owner = world.member(tenant, "owner", Role::Owner).await;
    let patch = async |body: Value| world.ask(&owner.clerk, "PATCH /tenant", Some(body)).await;
    let before = world.ask(&owner.clerk, "GET /tenant", None).await.body;
    assert_eq!(patch(json!({})).await.body, before);

    let hours = json!([{"opens": "08:00:00", "closes": "12:00:00"}, {"opens": "13:00:00", "closes": "17:00:00"}]);
    let changed = patch(json!({
        "name": "New Name", "time_zone": "America/Denver",
        "settings": {"opening_hours": {"monday": hours}, "languages": ["es", "en"], "address": " 1 Example Street ",
                     "quiet_hours": {"start": "20:00:00"}},
    }))
    .await;
    let mut expected = before.clone();
    expected["name"] = json!("New Name");
    expected["time_zone"] = json!("America/Denver");
    expected["settings"]["opening_hours"]["monday"] = hours;
    expected["settings"]["languages"] = json!(["es", "en"]);
    expected["settings"]["address"] = json!("1 Example Street");
    expected["settings"]["quiet_hours"]["start"] = json!("20:00:00");
    assert_eq!((changed.status.as_u16(), &changed.body), (200, &expected));
    assert_eq!(world.ask(&owner.clerk, "GET /tenant", None).await.body, expected);

    for (body, field) in [
        (json!({"nane": "x"}), "nane"),
        (json!({"name": ""}), "name"),
        (json!({"time_zone": "Mars/Olympus"}), "time_zone"),
        (json!({"status": "suspended"}), "status"),
        (json!({"settings": {"greeting_template": "hi"}}), "settings.greeting_template"),
        (json!({"settings": {"version": 1}}), "settings.version"),
        (json!({"settings": {"dial_timeout_seconds": 4}}), "settings.dial_timeout_seconds"),
        (json!({"settings": {"dial_timeout_seconds": "long"}}), "settings.dial_timeout_seconds"),
        (json!({"settings": {"call_mode": "dial"}}), "settings.forward_to"),
        (json!({"settings": {"call_mode": "pigeon"}}), "settings.call_mode"),
        (json!({"settings": {"forward_to": "nobody"}}), "settings.forward_to"),
        (json!({"settings": {"languages": []}}), "settings.languages"),
        (json!({"settings": {"languages": ["tlh"]}}), "settings.languages[0]"),
        (json!({"settings": {"countries": ["usa"]}}), "settings.countries"),
        (json!({"settings": {"countries": ["US", "GB"]}}), "settings.countries"),
        (json!({"settings": {"address": ""}}), "settings.address"),
        (json!({"settings": {"opening_hours": {"funday": []}}}), "settings.opening_hours.funday"),
        (
            json!({"settings": {"opening_hours": {"monday": [{"opens": "17:00:00", "closes": "08:00:00"}]}}}),
            "settings.opening_hours",
        ),
        (json!({"settings": {"quiet_hours": {"start": "08:00:00"}}}), "settings.quiet_hours"),
    ] {
        let refused = patch(body.clone()).await;
        assert_eq!(
            (refused.refusal(), refused.body["errors"][0]["field"].as_str()),
            ((422, "invalid_input"), Some(field)),
            "{body}"
        );
    }
    assert_eq!(world.ask(&owner.clerk, "GET /tenant", None).await.body, expected);
    let mut tx = world.database.app().read(tenant).await.unwrap();
    let logged: Vec<(Value, Value)> =
        sqlx::query_as("select before, after from id_audit_log where action = 'tenant.changed' order by seq")
            .fetch_all(tx.conn().await.unwrap())
            .await
            .unwrap();
    assert_eq!(logged.len(), 1);
    assert!(!logged[0].1.to_string().contains("Example Street") && logged[0].1["languages"] == json!(["es", "en"]));
}

#[tokio::test]
async fn changes_at_once_of_different_fields_are_both_kept() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let owner = world.member(tenant, "owner", Role::Owner).await;
    let patches = [
        json!({"name": "New Name"}),
        json!({"settings": {"whisper": false}}),
        json!({"settings": {"ask_for_name": false}}),
        json!({"settings": {"nudge": false}}),
        json!({"settings": {"reminder": false}}),
    ];
    let line = "PATCH /tenant";
    futures::future::join_all(patches.map(|body| world.ask(&owner.clerk, line, Some(body)))).await;
    let tenant = world.ask(&owner.clerk, "GET /tenant", None).await.body;
    assert_eq!(tenant["name"], "New Name");
    for switch in ["whisper", "ask_for_name", "nudge", "reminder"] {
        assert_eq!(tenant["settings"][switch], false, "{switch}");
    }
}

#[tokio::test]
async fn everybody_says_what_they_want_to_hear() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let tech = world.member(tenant, "tech", Role::Tech).await;
    let before = world.ask(&tech.clerk, "GET /me", None).await.body;
    let change = json!({"notifications": {"booking": {"sms": false, "email": true}}});
    let after = world.ask(&tech.clerk, "PATCH /me", Some(change)).await.body;
    let mut expected = before;
    expected["user"]["notifications"]["booking"] = json!({"sms": false, "email": true});
    assert_eq!(after, expected);
    assert_eq!(world.ask(&tech.clerk, "GET /me", None).await.body, expected);
    let refused = world.ask(&tech.clerk, "PATCH /me", Some(json!({"role": "OWNER"}))).await;
    assert_eq!(refused.refusal(), (422, "invalid_input"));
}

#[tokio::test]
async fn only_operators_suspend_a_business() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let owner = world.member(tenant, "owner", Role::Owner).await;
    assert!(world.identity.set_status(&owner.actor(), TenantStatus::Suspended).await.is_err());
    let operator = Actor::Operator { tenant };
    for _ in 0..2 {
        world.identity.set_status(&operator, TenantStatus::Suspended).await.unwrap();
        assert_eq!(world.ask(&owner.clerk, "GET /tenant", None).await.body["status"], "suspended");
    }
    world.identity.set_status(&operator, TenantStatus::Active).await.unwrap();
    let log = world.log(tenant).await;
    assert_eq!(log[2..], ["operator tenant.suspended", "operator tenant.resumed"]);
}
