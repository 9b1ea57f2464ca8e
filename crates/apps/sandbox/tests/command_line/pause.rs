//! A pause of all texts that no dispatcher has to be started again for.

use std::process::Stdio;

use nmc_testkit::eventually;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    time::timeout,
};

use crate::{
    program::{BOUND, count, program, run},
    stand::{Stand, ended, terminate},
};

#[tokio::test]
async fn a_pause_holds_a_running_dispatcher_and_one_that_starts_later_and_loses_nothing() {
    let stand = Stand::new().await;
    let environment = stand.dispatcher_environment();
    let mut first = program(&["dispatcher", "run"], &environment).stderr(Stdio::piped()).spawn().unwrap();
    let mut logged = BufReader::new(first.stderr.take().unwrap()).lines();
    let server = stand.serve().await;
    let mut superuser = stand.database.superuser().await.unwrap();
    assert_eq!(run(&["dispatcher", "pause"], &environment).await.succeeded(), "texts are paused");
    assert_eq!(run(&["dispatcher", "pause"], &environment).await.succeeded(), "texts were paused already");

    stand.missed_call().await;
    let pending = "select count(*) from effect_intents where state = 'pending' and attempt = 0";
    assert!(eventually(BOUND, async || count(&mut superuser, pending).await == 1).await, "nothing is planned");
    timeout(BOUND, async {
        while let Some(line) = logged.next_line().await.unwrap() {
            if line.contains("operators have paused all texts") {
                return;
            }
        }
        panic!("the dispatcher ended without a word of the pause");
    })
    .await
    .expect("the running dispatcher says that texts are paused");
    terminate(&first).await;
    assert!(ended(&mut first).await.success());
    let mut second = stand.dispatch();
    let status = run(&["dispatcher", "status"], &environment).await.json_lines().remove(0);
    assert_eq!(status["effects"]["paused"][0]["kind"], "sms", "{status}");
    assert!(status["effects"]["paused"][0]["paused_at"].is_string(), "{status}");
    assert_eq!(status["effects"]["pending"], 1, "{status}");
    assert!(stand.twilio.accepted().is_empty());

    assert_eq!(run(&["dispatcher", "resume"], &environment).await.succeeded(), "texts are sent again");
    assert_eq!(run(&["dispatcher", "resume"], &environment).await.succeeded(), "texts were not paused");
    assert!(eventually(BOUND, async || stand.twilio.accepted().len() == 1).await, "the text was lost");
    terminate(&second).await;
    assert!(ended(&mut second).await.success());
    drop(server);
}
