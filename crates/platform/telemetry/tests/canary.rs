//! A phone number that must not get out, and a trace that must, seen from outside the process: the test runs itself as
//! a child, which logs the number in every way there is, and reads what came out.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected stops there")]
#![allow(clippy::disallowed_methods, reason = "the environment is how the test talks to its child")]

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Command, Output},
    thread,
};

use nmc_config::TelemetryConfig;

const NUMBER: &str = "+15005550123";
const DIGITS: &str = "15005550123";
const WORDS: &str = "Meet me at the café tonight";
const CHILD: &str = "NMC_TELEMETRY_TEST_CHILD";

/// What the child does; without the variable it is not the child.
#[test]
fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let endpoint = std::env::var("OTEL_EXPORTER_OTLP_ENDPOINT").ok();
    let config = TelemetryConfig::from_lookup(&|key| match key {
        "OTEL_EXPORTER_OTLP_ENDPOINT" => endpoint.clone(),
        "OTEL_TRACES_SAMPLER_ARG" => Some("1".to_owned()),
        _ => None,
    })
    .unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let telemetry = nmc_telemetry::init(&config, "nmc-test").unwrap();
        assert!(nmc_telemetry::init(&config, "nmc-test").is_err(), "a second start is an error");
        {
            let span = tracing::info_span!("canary-span", caller.phone = NUMBER);
            nmc_telemetry::set_parent(&span, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
            let _entered = span.enter();
            tracing::info!(phone = NUMBER, quoted = ?NUMBER, tenant_id = "t-1", "a call from {NUMBER}");
            tracing::error!("failed for {NUMBER}");
            tracing::debug!("not written");
            println!("traceparent={:?}", nmc_telemetry::current_traceparent());
            let panicked = std::panic::catch_unwind(|| panic!("lost {NUMBER}"));
            assert!(panicked.is_err());
            // Words that no masking knows: the library's own message quotes the text.
            let panicked = std::panic::catch_unwind(|| WORDS[..=WORDS.find('é').unwrap()].len());
            assert!(panicked.is_err());
            assert!(std::panic::catch_unwind(|| panic!("lost for good")).is_err());
        }
        metrics::counter!(nmc_telemetry::name::STOP_OPTOUT_TOTAL).increment(3);
        assert!(telemetry.metrics().render().contains("stop_optout_total 3"));
    });
}

fn run_child(endpoint: &str) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(CHILD, "1")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .output()
        .unwrap()
}

/// Answers one request with 200 and returns its bytes.
fn answer(mut stream: TcpStream) -> Vec<u8> {
    let (mut request, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let head = String::from_utf8_lossy(&request).to_ascii_lowercase();
        if let Some((head, _)) = head.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")).map(|n| n.parse().unwrap());
            if request.len() >= head.len() + 4 + length.unwrap_or(0) {
                break;
            }
        }
        match stream.read(&mut chunk).unwrap() {
            0 => break,
            read => request.extend_from_slice(&chunk[..read]),
        }
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
    request
}

#[test]
fn no_phone_number_leaves_through_logs_or_traces() {
    let collector = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", collector.local_addr().unwrap());
    let collected = thread::spawn(move || answer(collector.accept().unwrap().0));
    let output = run_child(&endpoint);
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}\n{stderr}");

    assert!(!stderr.contains(DIGITS), "{stderr}");
    let lines: Vec<serde_json::Value> =
        stderr.lines().filter(|line| line.starts_with('{')).map(|line| serde_json::from_str(line).unwrap()).collect();
    let line =
        |message: &str| lines.iter().find(|line| line["message"] == message).unwrap_or_else(|| panic!("{stderr}"));
    let call = line("a call from ***0123");
    assert_eq!(
        (&call["phone"], &call["tenant_id"], &call["level"]),
        (&"***0123".into(), &"t-1".into(), &"INFO".into())
    );
    assert_eq!(call["spans"][0]["caller.phone"], "***0123");
    let panics: Vec<_> = lines.iter().filter(|line| line["message"] == "panicked").collect();
    let messages: Vec<_> = panics.iter().map(|line| line["panic.message"].as_str().unwrap()).collect();
    let withheld = "withheld: it may quote data";
    assert_eq!(messages, [withheld, withheld, "lost for good"], "a panic is logged once");
    for panicked in panics {
        assert!(panicked["panic.location"].as_str().unwrap().contains("canary.rs"), "{panicked}");
    }
    assert!(!stderr.contains("Meet me"), "{stderr}");
    assert!(!stderr.contains("not written"), "{stderr}");

    assert!(stdout.contains(r#"traceparent=Some("00-0af7651916cd43dd8448eb211c80319c-"#), "{stdout}");
    let trace = collected.join().unwrap();
    let trace = String::from_utf8_lossy(&trace);
    assert!(trace.starts_with("POST /v1/traces"), "{trace}");
    assert!(trace.contains("canary-span") && trace.contains("nmc-test"), "the span arrived");
    assert!(trace.contains("***0123") && !trace.contains(DIGITS), "masked");
}

#[test]
fn a_collector_that_is_gone_does_not_hold_the_end_up() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output = run_child(&format!("http://{closed}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
