//! The server on a socket, and clients that do not behave.
#![allow(clippy::expect_used, reason = "a test that meets the unexpected stops there")]

use std::{
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::ConnectInfo,
    routing::{get, post},
};
use nmc_config::{HttpConfig, HttpLimits};
use nmc_kernel::{Clock, Ids, Random};
use nmc_web::{serve, standard_layers};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

/// What a test waits for something that must happen.
const PATIENCE: Duration = Duration::from_secs(20);
/// The time-outs of the server under test.
const SHORT: Duration = Duration::from_millis(150);

struct Running {
    address: SocketAddr,
    stop: CancellationToken,
    ended: JoinHandle<()>,
}

fn limits() -> HttpLimits {
    let defaults = HttpLimits::from_lookup(&|_| None).expect("the defaults are valid");
    HttpLimits { header_timeout: SHORT, request_timeout: SHORT, ..defaults }
}

async fn start(routes: Router, limits: HttpLimits) -> Running {
    let http = HttpConfig::from_lookup(&|key| (key == "PUBLIC_BASE_URL").then(|| "http://localhost".to_owned()));
    let ids = Ids::new(Clock::system(), Random::seeded(1));
    let layered = standard_layers(routes, &http.expect("valid"), &limits, ids);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let stop = CancellationToken::new();
    let token = stop.clone();
    let ended = tokio::spawn(async move { serve(listener, layered, &limits, token).await });
    Running { address, stop, ended }
}

impl Running {
    /// Sends `bytes` and returns everything the server sends until it closes the connection.
    async fn exchange(&self, bytes: &[u8]) -> String {
        read_to_end(self.send(bytes).await).await
    }

    async fn send(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.expect("a connection");
        stream.write_all(bytes).await.expect("sent");
        stream
    }

    async fn end(self) {
        self.stop.cancel();
        within(self.ended).await.expect("no panic");
    }
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("in time")
}

async fn read_to_end(mut stream: TcpStream) -> String {
    let mut received = Vec::new();
    // A reset after the answer is as good an end as a close.
    let _ = within(stream.read_to_end(&mut received)).await;
    String::from_utf8_lossy(&received).into_owned()
}

fn routes() -> Router {
    Router::new()
        .route("/v1/hello", get(async || "hello"))
        .route("/v1/peer", get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.ip().to_string()))
        .route("/v1/echo", post(async |body: Bytes| body))
}

const HELLO: &[u8] = b"GET /v1/hello HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn requests_are_answered_and_handlers_see_the_peer() {
    let server = start(routes(), limits()).await;
    let answer = server.exchange(HELLO).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("hello"), "{answer}");
    let answer = server.exchange(b"GET /v1/peer HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
    assert!(answer.ends_with("127.0.0.1"), "{answer}");
    server.end().await;
}

#[tokio::test]
async fn clients_that_do_not_finish_their_head_are_cut() {
    let server = start(routes(), limits()).await;
    let unfinished: [&[u8]; 4] = [b"", b"P", b"PRI * HTTP/2.0\r\n", b"GET /v1/hello HTTP/1.1\r\nhost: "];
    for bytes in unfinished {
        let answer = server.exchange(bytes).await;
        assert!(!answer.contains("200 OK"), "{answer}");
    }
    server.end().await;
}

#[tokio::test]
async fn a_connection_that_stays_idle_is_closed() {
    let server = start(routes(), limits()).await;
    let answer = server.exchange(b"GET /v1/hello HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    server.end().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let server = start(routes(), limits()).await;
    let answer = server.exchange(b"POST /v1/echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\nhalf").await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("request_timeout"), "{answer}");
    server.end().await;
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused_before_it_is_sent() {
    let server = start(routes(), limits()).await;
    let head = b"POST /v1/echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99999999\r\nexpect: 100-continue\r\n\r\n";
    let answer = server.exchange(head).await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("payload_too_large"), "{answer}");
    server.end().await;
}

#[tokio::test]
async fn nonsense_and_heads_that_are_too_long_are_refused() {
    let server = start(routes(), limits()).await;
    let long = format!("GET /v1/hello HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "x".repeat(100_000));
    for bytes in [b"\x16\x03\x01 not http at all, whatever it is\r\n\r\n".as_slice(), long.as_bytes()] {
        let mut stream = TcpStream::connect(server.address).await.expect("a connection");
        // The server may close before all of it is sent.
        let _ = stream.write_all(bytes).await;
        let answer = read_to_end(stream).await;
        assert!(!answer.contains("200 OK"), "{answer}");
    }
    assert!(server.exchange(HELLO).await.contains("200 OK"), "others are served");
    server.end().await;
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_room() {
    let server = start(routes(), HttpLimits { connections_max: 1, ..limits() }).await;
    let silent = server.send(b"").await;
    // Served once the silent client is cut for its silence.
    assert!(server.exchange(HELLO).await.contains("200 OK"));
    drop(silent);
    server.end().await;
}

#[tokio::test]
async fn a_request_in_flight_finishes_when_the_server_stops() {
    static ENTERED: Notify = Notify::const_new();
    static GO_ON: Notify = Notify::const_new();
    let hold = async || {
        ENTERED.notify_one();
        GO_ON.notified().await;
        "finished"
    };
    let limits = HttpLimits { request_timeout: PATIENCE, ..limits() };
    let server = start(Router::new().route("/v1/hold", get(hold)), limits).await;
    let request = server.send(b"GET /v1/hold HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    within(ENTERED.notified()).await;
    server.stop.cancel();
    // The listener is closed before the request is answered.
    while TcpStream::connect(server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!server.ended.is_finished());
    GO_ON.notify_one();
    let answer = read_to_end(request).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("finished"), "{answer}");
    server.end().await;
}

#[tokio::test]
async fn the_server_stops_within_its_bound_whatever_hangs() {
    static ENTERED: Notify = Notify::const_new();
    let hang = async || {
        ENTERED.notify_one();
        std::future::pending::<()>().await;
    };
    let limits = HttpLimits { request_timeout: PATIENCE * 10, ..limits() };
    let server = start(Router::new().route("/v1/hang", get(hang)), limits).await;
    let request = server.send(b"GET /v1/hang HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    within(ENTERED.notified()).await;
    // From here on only timers are waited for, so time may fly.
    tokio::time::pause();
    server.end().await;
    tokio::time::resume();
    assert_eq!(read_to_end(request).await, "");
}

/// An answer without end that tells when the server gives it up.
struct Endless(Arc<Notify>);

impl futures::Stream for Endless {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(Some(Ok(Bytes::from_static(&[b'x'; 16 * 1024]))))
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut() {
    let given_up = Arc::new(Notify::new());
    let told = given_up.clone();
    let routes = Router::new().route("/v1/endless", get(async move || Body::from_stream(Endless(told.clone()))));
    let server = start(routes, limits()).await;
    let _unread = server.send(b"GET /v1/endless HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    within(given_up.notified()).await;
    server.end().await;
}

#[tokio::test]
#[allow(clippy::disallowed_methods, reason = "the client of the test")]
async fn http_2_is_served_and_stops_gracefully() {
    static ENTERED: Notify = Notify::const_new();
    static GO_ON: Notify = Notify::const_new();
    let hold = async || {
        ENTERED.notify_one();
        GO_ON.notified().await;
        "finished"
    };
    let limits = HttpLimits { request_timeout: PATIENCE, ..limits() };
    let server = start(routes().route("/v1/hold", get(hold)), limits).await;
    let client =
        reqwest::Client::builder().http2_prior_knowledge().no_proxy().timeout(PATIENCE).build().expect("a client");
    let url = format!("http://{}/v1", server.address);
    let hello = client.get(format!("{url}/hello")).send().await.expect("an answer");
    assert_eq!(hello.version(), axum::http::Version::HTTP_2);
    let too_long = client.post(format!("{url}/echo")).body(vec![b'x'; 100_000]).send().await.expect("an answer");
    assert_eq!(too_long.status(), 413);
    let in_flight = tokio::spawn(client.get(format!("{url}/hold")).send());
    within(ENTERED.notified()).await;
    server.stop.cancel();
    GO_ON.notify_one();
    let answer = within(in_flight).await.expect("no panic").expect("an answer");
    assert_eq!(answer.text().await.expect("text"), "finished");
    server.end().await;
}
