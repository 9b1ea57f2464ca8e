//! The composed application's stream ends with the right to hear it.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;

use crate::{
    table::Kind,
    world::{World, must, user_id},
};

/// A person is looked at every five seconds.
const BOUND: Duration = Duration::from_secs(20);

async fn open(world: &World, token: &str) -> reqwest::Response {
    #[expect(clippy::disallowed_methods, reason = "a browser")]
    let request = reqwest::Client::new().get(format!("{}/v1/stream", world.app.base_url)).bearer_auth(token);
    let mut stream = request.send().await.unwrap();
    assert_eq!(stream.status(), 200);
    let ready = stream.chunk().await.unwrap().expect("a greeting");
    assert!(String::from_utf8_lossy(&ready).contains("event: ready"));
    stream
}

/// What still comes, to the end.
async fn rest(mut stream: reqwest::Response) -> Option<String> {
    let read = async {
        let mut rest = String::new();
        while let Some(chunk) = stream.chunk().await.unwrap() {
            rest += &String::from_utf8_lossy(&chunk);
        }
        rest
    };
    tokio::time::timeout(BOUND, read).await.ok()
}

#[tokio::test]
async fn a_persons_stream_ends_when_they_are_deactivated() {
    let world = World::start().await;
    let stream = open(&world, &world.people.tech.token()).await;
    let conversation = world.ours.id(Kind::Conversation);
    let close = format!("/v1/conversations/{conversation}/close");
    must(&world.app, &world.people.owner, "POST", &close, None).await;
    let tech = user_id(&world.app, &world.people.tech).await;
    let change = Some(json!({ "active": false }));
    must(&world.app, &world.people.owner, "PATCH", &format!("/v1/users/{tech}"), change).await;
    let rest = rest(stream).await.expect("a deactivated person's stream ends");
    assert!(rest.contains("event: nmc.conversation.ConversationClosed") && rest.contains(&conversation.to_string()));
}

#[tokio::test]
async fn a_stream_ends_when_its_token_does() {
    let world = World::start().await;
    let stream = open(&world, &world.people.tech.token_for(TimeDelta::seconds(2))).await;
    assert!(rest(stream).await.is_some(), "the token is over and the stream is not");
}
