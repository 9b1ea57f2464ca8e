use axum::{
    body::Body,
    http::{Method, Request},
};
use chrono::Duration;
use nmc_identity::TenantStatus;
use nmc_kernel::{Actor, ResourceId};
use nmc_scheduling::{CancelledReason, Details};
use serde_json::json;
use uuid::Uuid;

use crate::world::{Answer, World, answer, at, owner, tenant};

async fn url(world: &World, resource: ResourceId) -> String {
    world.scheduling.feed_url(&world.owner(), resource).await.unwrap().unwrap()
}

/// A calendar program's request.
async fn read(world: &World, url: &str) -> Answer {
    read_with(world, url, None).await
}

async fn read_with(world: &World, url: &str, etag: Option<&str>) -> Answer {
    let path = url.strip_prefix("https://api.example.com").unwrap();
    let mut request = Request::builder().uri(path);
    if let Some(etag) = etag {
        request = request.header("if-none-match", etag);
    }
    answer(world.scheduling.feed_routes().into(), request.body(Body::empty()).unwrap()).await
}

/// The lines of each event, unfolded.
fn events(text: &str) -> Vec<Vec<String>> {
    let unfolded = text.replace("\r\n ", "");
    let events = unfolded.split("BEGIN:VEVENT\r\n").skip(1);
    events
        .map(|event| event.split("\r\n").take_while(|line| *line != "END:VEVENT").map(str::to_owned).collect())
        .collect()
}

#[tokio::test]
async fn a_calendar_tells_the_appointments_and_what_became_of_them() {
    let world = World::new().await;
    let (alex, sam) = (world.resource("Alex").await, world.resource("Sam").await);
    let details = Details::new(Some("José Núñez"), Some("1 Example St, rear; gate"), Some("Ring\ntwice")).unwrap();
    let told = world.book_with(alex.id, "2026-06-12T14:00:00Z", 60, details).await;
    let cancelled = world.book(alex.id, "2026-06-12T16:00:00Z", 60).await;
    world.book(sam.id, "2026-06-12T14:00:00Z", 60).await;
    world.clock.advance(Duration::hours(1));
    world.scheduling.cancel(&world.owner(), cancelled, CancelledReason::Tenant).await.unwrap();

    let url = url(&world, alex.id).await;
    let feed = read(&world, &url).await;
    assert_eq!(feed.status, 200, "{}", feed.text);
    assert_eq!(feed.headers["content-type"], "text/calendar; charset=utf-8");
    assert_eq!(feed.headers["cache-control"], "private, no-store");
    assert!(feed.text.starts_with("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:"), "{}", feed.text);
    assert!(feed.text.ends_with("END:VCALENDAR\r\n"));
    assert!(feed.text.split("\r\n").all(|line| line.len() <= 75 && !line.contains('\n')));
    let shown = events(&feed.text);
    assert_eq!(shown.len(), 2);
    assert_eq!(
        shown[0],
        [
            &format!("UID:{told}"),
            "DTSTAMP:20260610T180000Z",
            "SEQUENCE:0",
            "DTSTART:20260612T140000Z",
            "DTEND:20260612T150000Z",
            "STATUS:CONFIRMED",
            "TRANSP:OPAQUE",
            "SUMMARY:Drain\\, kitchen\\, José Núñez",
            "LOCATION:1 Example St\\, rear\\; gate",
            "DESCRIPTION:+12125550142\\nRing\\ntwice",
        ]
    );
    assert_eq!(shown[1][..3], [format!("UID:{cancelled}"), "DTSTAMP:20260610T190000Z".into(), "SEQUENCE:1".into()]);
    assert!(shown[1].contains(&"STATUS:CANCELLED".to_owned()));

    // What was cancelled is told for thirty days, what was kept for thirty days after it.
    world.clock.advance(at("2026-07-10T19:00:00Z") - world.clock.now());
    assert_eq!(events(&read(&world, &url).await.text).len(), 2);
    world.clock.advance(Duration::seconds(1));
    assert_eq!(events(&read(&world, &url).await.text).len(), 1);
    world.clock.advance(at("2026-07-12T14:00:01Z") - world.clock.now());
    assert_eq!(events(&read(&world, &url).await.text).len(), 0);
}

#[tokio::test]
async fn a_calendar_that_is_known_is_not_sent_again_until_it_changes() {
    let world = World::new().await;
    let alex = world.resource("Alex").await;
    let url = url(&world, alex.id).await;
    let etag = read(&world, &url).await.headers["etag"].to_str().unwrap().to_owned();
    for known in [etag.clone(), format!("\"x\", {etag}"), etag[2..].to_owned(), "*".to_owned()] {
        let answer = read_with(&world, &url, Some(&known)).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (304, ""), "{known}");
        assert_eq!(answer.headers["etag"], etag.as_str());
    }
    world.book(alex.id, "2026-06-12T14:00:00Z", 60).await;
    assert_eq!(read_with(&world, &url, Some(&etag)).await.status, 200);
}

#[tokio::test]
async fn only_the_address_as_it_was_given_leads_anywhere() {
    let world = World::new().await;
    let (alex, sam) = (world.resource("Alex").await, world.resource("Sam").await);
    let other = tenant(&world.identity, "Example Roofing").await;
    let url = url(&world, alex.id).await;
    let signature = url.rsplit('/').next().unwrap();
    let (version, rest) = signature.split_once('.').unwrap();
    let tampered = rest.replacen(&rest[..1], if rest.starts_with('A') { "B" } else { "A" }, 1);
    let at = |tenant: String, resource: String, file: String| {
        format!("https://api.example.com/calendar-feeds/{tenant}/{resource}/{file}")
    };
    let (ours, alex_id) = (world.tenant.to_string(), alex.id.to_string());
    let wrong = [
        at(ours.clone(), alex_id.clone(), format!("{version}.{tampered}")),
        at(ours.clone(), alex_id.clone(), format!("2.{rest}")),
        at(ours.clone(), alex_id.clone(), "1.ics".to_owned()),
        at(ours.clone(), alex_id.clone(), signature.trim_end_matches(".ics").to_owned()),
        at(ours.clone(), sam.id.to_string(), signature.to_owned()),
        at(ours.clone(), Uuid::from_u128(9).to_string(), signature.to_owned()),
        at(other.to_string(), alex_id.clone(), signature.to_owned()),
        at(ours, "nonsense".to_owned(), signature.to_owned()),
    ];
    // A database that cannot be reached would be 503: it is not asked.
    world.db.close().await;
    for url in &wrong {
        assert_eq!(read(&world, url).await.problem(), (404, "not_found".to_owned()), "{url}");
    }
    assert_eq!(read(&world, &url).await.status, 503);
}

#[tokio::test]
async fn another_address_makes_the_one_before_void() {
    let world = World::new().await;
    let alex = world.resource("Alex").await;
    let address = format!("/scheduling/resources/{}/feed", alex.id);
    let rotate = format!("{address}/rotate");
    let shown = world.send(world.tech(), Method::GET, &address, None).await.body()["url"].as_str().unwrap().to_owned();
    assert_eq!(shown, url(&world, alex.id).await);
    assert_eq!(read(&world, &shown).await.status, 200);
    let refused = world.send(world.tech(), Method::POST, &rotate, None).await;
    assert_eq!(refused.problem(), (403, "owner_required".to_owned()));
    let rotated =
        world.send(world.owner(), Method::POST, &rotate, None).await.body()["url"].as_str().unwrap().to_owned();
    assert_eq!(read(&world, &shown).await.problem(), (404, "not_found".to_owned()));
    assert_eq!(read(&world, &rotated).await.status, 200);
    assert_eq!(url(&world, alex.id).await, rotated);
    assert_eq!(world.logged("resource.feed-rotated").await, [(json!({"feed_version": 1}), json!({"feed_version": 2}))]);
    let other = owner(tenant(&world.identity, "Example Roofing").await);
    assert_eq!(world.send(other, Method::GET, &address, None).await.status, 404);
    assert_eq!(world.send(other, Method::POST, &rotate, None).await.status, 404);
}

#[tokio::test]
async fn a_business_that_is_not_served_has_no_calendar() {
    let world = World::new().await;
    let alex = world.resource("Alex").await;
    let url = url(&world, alex.id).await;
    let operator = Actor::Operator { tenant: world.tenant };
    world.identity.set_status(&operator, TenantStatus::Suspended).await.unwrap();
    assert_eq!(read(&world, &url).await.problem(), (404, "not_found".to_owned()));
    world.identity.set_status(&operator, TenantStatus::Active).await.unwrap();
    assert_eq!(read(&world, &url).await.status, 200);
}
