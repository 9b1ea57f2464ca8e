//! What people of the business see and do over the API: lists, tasks, taking over, wordings, reasons.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]

mod setup;

use axum::http::StatusCode;
use chrono::Duration;
use nmc_conversation::Changed;
use nmc_identity::TenantSettings;
use nmc_kernel::E164;
use serde_json::{Value, json};
use setup::{World, bodies_sent, caller, greeted, phone, settings};
use uuid::Uuid;

#[tokio::test]
async fn lists_come_page_by_page() {
    let world = World::approved().await;
    let callers: Vec<E164> = (0..5).map(|number| phone(&format!("+1212555{:04}", 400 + number))).collect();
    for who in &callers {
        greeted(&world, who).await;
        world.wait(Duration::seconds(1));
    }
    world.text(&callers[0], "hello?").await;
    world.text(&callers[1], "STOP").await;
    world.play().await;

    let newest_first: Vec<String> = [1, 0, 4, 3, 2].map(|at: usize| callers[at].as_str().to_owned()).into();
    let mut seen = Vec::new();
    let mut path = "/conversations?limit=2".to_owned();
    loop {
        let (status, page) = world.api(world.tech(), "GET", &path, None).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        let items = page["items"].as_array().unwrap().clone();
        seen.extend(items.iter().map(|item| item["caller_phone"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        assert_eq!(items.len(), 2);
        path = format!("/conversations?limit=2&cursor={cursor}");
    }
    // The last two were written in the same moment: ids decide.
    assert_eq!(seen[2..], newest_first[2..]);
    assert!(seen[..2].contains(&newest_first[0]) && seen[..2].contains(&newest_first[1]));

    let (_, open) = world.api(world.owner(), "GET", "/conversations?state=open", None).await;
    assert_eq!(open["items"].as_array().unwrap().len(), 4);
    let one = format!("/conversations?caller_phone=%2B{}", &callers[0].as_str()[1..]);
    let (_, page) = world.api(world.owner(), "GET", &one, None).await;
    let item = &page["items"][0];
    assert_eq!((&item["state"], &item["epoch"]), (&json!("open"), &json!(0)));
    assert_eq!(item["last_message"]["body"], "hello?");
    assert!(item["waiting_since"].is_string());
    let id = item["id"].as_str().unwrap();

    let (_, first) = world.api(world.owner(), "GET", &format!("/conversations/{id}/messages?limit=1"), None).await;
    assert_eq!(first["items"][0]["body"], "hello?");
    let next = format!("/conversations/{id}/messages?limit=1&cursor={}", first["next_cursor"].as_str().unwrap());
    let (_, second) = world.api(world.owner(), "GET", &next, None).await;
    assert_eq!((&second["items"][0]["author"], &second["next_cursor"]), (&json!("automation"), &Value::Null));

    for path in
        ["/conversations?state=asleep", "/conversations?caller_phone=12", "/conversations?cursor=x", "/tasks?done=7"]
    {
        assert_eq!(world.api(world.owner(), "GET", path, None).await.0, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
    }
}

#[tokio::test]
async fn tasks_are_listed_and_ticked_off() {
    let world = World::approved().await;
    world.app.compliance.add_do_not_text(&world.owner(), &caller(), "brother", None).await.unwrap();
    for _ in 0..3 {
        world.call(&caller()).await;
        world.wait(Duration::seconds(1));
    }
    world.play().await;
    let (_, open) = world.api(world.tech(), "GET", "/tasks?limit=2", None).await;
    assert_eq!(open["items"].as_array().unwrap().len(), 2);
    let rest = format!("/tasks?cursor={}", open["next_cursor"].as_str().unwrap());
    let (_, rest) = world.api(world.tech(), "GET", &rest, None).await;
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next_cursor"]), (1, &Value::Null));
    for item in [&open["items"][0], &rest["items"][0]] {
        assert_eq!(item["kind"], "call-back");
        let path = format!("/tasks/{}/done", item["id"].as_str().unwrap());
        world.wait(Duration::seconds(1));
        assert_eq!(world.api(world.tech(), "POST", &path, None).await, (StatusCode::OK, json!({ "changed": true })));
        assert_eq!(world.api(world.tech(), "POST", &path, None).await, (StatusCode::OK, json!({ "changed": false })));
        assert_eq!(world.api(World::stranger(), "POST", &path, None).await.0, StatusCode::NOT_FOUND);
    }
    let (_, done) = world.api(world.tech(), "GET", "/tasks?done=true&limit=1", None).await;
    assert_eq!(done["items"][0]["id"], rest["items"][0]["id"]);
    assert_eq!(done["items"][0]["done_by"], Uuid::from_u128(2).to_string());
    let next = format!("/tasks?done=true&cursor={}", done["next_cursor"].as_str().unwrap());
    let (_, next) = world.api(world.tech(), "GET", &next, None).await;
    assert_eq!(next["items"][0]["id"], open["items"][0]["id"]);
    assert_eq!(world.tasks().await, ["call-back"]);
    assert_eq!(world.audited().await, ["task.done", "task.done"]);
}

#[tokio::test]
async fn people_take_over_give_back_and_end_through_the_api() {
    let world = World::approved().await;
    let id = greeted(&world, &caller()).await;
    let at = |what: &str| format!("/conversations/{id}/{what}");
    for (what, state) in [("takeover", "human"), ("release", "open"), ("close", "closed")] {
        let path = at(what);
        assert_eq!(world.api(world.tech(), "POST", &path, None).await, (StatusCode::OK, json!({ "changed": true })));
        assert_eq!(world.api(world.tech(), "POST", &path, None).await, (StatusCode::OK, json!({ "changed": false })));
        let (_, shown) = world.api(world.tech(), "GET", &format!("/conversations/{id}"), None).await;
        assert_eq!(shown["state"], state);
        // A foreign id looks like a missing one.
        let (status, foreign) = world.api(World::stranger(), "POST", &path, None).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        let missing = format!("/conversations/{}/{what}", Uuid::from_u128(98));
        assert_eq!(world.api(world.tech(), "POST", &missing, None).await, (StatusCode::NOT_FOUND, foreign));
    }
    for what in ["takeover", "release"] {
        let (status, problem) = world.api(world.tech(), "POST", &at(what), None).await;
        assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("conversation_closed")), "{what}");
    }
    for path in
        [format!("/conversations/{id}"), format!("/conversations/{id}/messages"), "/conversations/none".to_owned()]
    {
        assert_eq!(world.api(World::stranger(), "GET", &path, None).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    let (_, nothing) = world.api(World::stranger(), "GET", "/conversations", None).await;
    assert_eq!(nothing["items"], json!([]));
    assert_eq!(world.audited().await, ["conversation.taken-over", "conversation.released", "conversation.closed"]);
    let details: Vec<Value> = sqlx::query_scalar("select before || jsonb_build_object('then', after) from id_audit_log where object = 'conversation' order by seq")
        .fetch_all(&mut world.superuser().await)
        .await
        .unwrap();
    assert_eq!(details[0], json!({ "state": "open", "then": { "state": "human" } }));
}

#[tokio::test]
async fn a_person_can_end_what_waits_for_approval() {
    let world = World::with(settings(), TenantSettings::default()).await;
    let call = world.call(&caller()).await;
    world.play().await;
    let id = world.thread(&caller()).await.unwrap().id;
    assert_eq!(world.app.conversation.close(&world.owner(), id).await.unwrap(), Changed::Now);
    assert_eq!(world.why(call).await.0, "task");
    assert_eq!(world.tasks().await, ["call-back"]);
}

#[tokio::test]
async fn owners_word_the_texts_and_everybody_sees_them() {
    let world = World::approved().await;
    let (_, built_in) = world.api(world.tech(), "GET", "/templates", None).await;
    let items = built_in["items"].as_array().unwrap();
    assert_eq!(items.len(), 5);
    assert!(items.iter().all(|item| item["wording"] == "product" && item["body"] == item["built_in"]));
    let own = json!({ "body": "{business}, automated: back soon! Reply STOP to opt out" });
    let (status, problem) = world.api(world.tech(), "PUT", "/templates/greeting-call", Some(own.clone())).await;
    assert_eq!((status, &problem["code"]), (StatusCode::FORBIDDEN, &json!("owner_required")));
    let (status, set) = world.api(world.owner(), "PUT", "/templates/greeting-call", Some(own.clone())).await;
    assert_eq!((status, &set["wording"], &set["body"]), (StatusCode::OK, &json!("business"), &own["body"]));
    for (body, rule) in [
        ("", "empty"),
        ("{business}, automated, Reply STOP to opt out, {name}", "unknown-placeholder"),
        ("automated, Reply STOP to opt out", "business-missing"),
        ("{business}, Reply STOP to opt out", "not-automated"),
        ("{business}, automated", "stop-line-missing"),
        ("{business}, automated. Reply YES. Reply STOP to opt out", "invites-keyword"),
        ("{business}, automated\u{0}. Reply STOP to opt out", "control-character"),
        (&format!("{{business}}, automated. Reply STOP to opt out{}", "x".repeat(480)), "too-long"),
    ] {
        let (status, problem) =
            world.api(world.owner(), "PUT", "/templates/greeting-call", Some(json!({ "body": body }))).await;
        assert_eq!((status, &problem["errors"][0]["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("body")));
        assert!(problem["errors"][0]["message"].as_str().unwrap().starts_with(rule), "{problem}");
    }
    greeted(&world, &caller()).await;
    assert_eq!(bodies_sent(&world, &caller()), ["Example Plumbing, automated: back soon! Reply STOP to opt out"]);
    assert_eq!(world.api(world.tech(), "DELETE", "/templates/greeting-call", None).await.0, StatusCode::FORBIDDEN);
    let (status, reset) = world.api(world.owner(), "DELETE", "/templates/greeting-call", None).await;
    assert_eq!((status, &reset), (StatusCode::OK, items.iter().find(|item| item["key"] == "greeting-call").unwrap()));
    assert_eq!(world.api(world.owner(), "DELETE", "/templates/joke", None).await.0, StatusCode::NOT_FOUND);
    assert_eq!(world.audited().await, ["template.changed", "template.changed"]);
}

#[tokio::test]
async fn why_a_call_got_a_text_or_none_is_told_in_words() {
    let world = World::approved().await;
    let greeted = world.call(&caller()).await;
    let again = world.call(&caller()).await;
    let stopped = phone("+12125550177");
    world.opt_out(&stopped).await;
    let refused = world.call(&stopped).await;
    let withheld = world.missed(None, Some(nmc_kernel::Untextable::Withheld)).await;
    world.play().await;
    let cases = [
        (greeted, "greeted", "Sent: the provider has it."),
        (again, "recently-answered", "No text: the caller got one less than ten minutes before, or it was on its way."),
        (refused, "refused", "No text: the caller has opted out. A task asks to call back."),
        (withheld, "untextable", "No text: none reaches this caller. A task asks to call back."),
    ];
    for (call, outcome, text) in cases {
        let (status, why) = world.api(world.tech(), "GET", &format!("/calls/{call}/why"), None).await;
        assert_eq!((status, &why["outcome"], &why["text"]), (StatusCode::OK, &json!(outcome), &json!(text)));
        assert_eq!(
            world.api(World::stranger(), "GET", &format!("/calls/{call}/why"), None).await.0,
            StatusCode::NOT_FOUND
        );
    }
    let calls = [greeted, again, refused, withheld];
    let mut tx = world.app.db.read(world.tenant).await.unwrap();
    let whys = world.app.conversation.why_calls(&mut tx, &calls).await.unwrap();
    assert_eq!(whys.len(), 4);
    for (call, _, text) in cases {
        let why = whys.iter().find(|why| why.contact.id == call.as_uuid()).unwrap();
        assert_eq!(why.text(), text);
    }
}
