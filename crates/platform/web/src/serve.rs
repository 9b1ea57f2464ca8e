//! The server beneath the routes. hyper's own time-outs need a timer, which `axum::serve` does not give it.

use std::{
    io::{self, Cursor},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto,
        graceful::{GracefulShutdown, Watcher},
    },
};
use nmc_config::HttpLimits;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::stall::StallLimit;

/// How long requests in flight may take to finish after a stop was asked for.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(8);
/// After a failed accept (no file descriptors left) the next try waits: the cause does not go away at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What a client begins HTTP/2 with: <https://www.rfc-editor.org/rfc/rfc9113#section-3.4>.
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// HTTP/2 connections are asked for a sign of life this often; hyper has no header time-out for them.
const HTTP2_PING_INTERVAL: Duration = Duration::from_secs(15);
/// Requests one HTTP/2 connection may have open.
const HTTP2_STREAMS_MAX: u32 = 100;
/// Bytes of a request's head at most; a bearer token takes a few thousand.
const HEAD_BYTES_MAX: u32 = 32 * 1024;

/// Serves `router` until `shutdown`, then lets the requests in flight finish, for at most 8 s.
///
/// What clients do wrong ends their connection and nothing else; handlers find the peer as `ConnectInfo<SocketAddr>`.
pub async fn serve(listener: TcpListener, router: Router, limits: &HttpLimits, shutdown: CancellationToken) {
    let room = Arc::new(Semaphore::new(limits.connections_max));
    let server = Server {
        router,
        http: http_builder(limits),
        header_timeout: limits.header_timeout,
        // A client may take as long to begin reading as a request may take to be answered.
        stall_limit: limits.request_timeout,
        shutdown,
    };
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = server.shutdown.cancelled() => break,
            Some(_ended) = connections.join_next() => {}
            (stream, peer, room) = accept(&listener, &room) => {
                let (server, watcher) = (server.clone(), graceful.watcher());
                connections.spawn(async move {
                    server.run(stream, peer, watcher).await;
                    drop(room);
                });
            }
        }
    }
    drop(listener);
    if timeout(SHUTDOWN_TIMEOUT, graceful.shutdown()).await.is_err() {
        tracing::warn!(http.connections = connections.len(), "requests were cut off by the stop");
    }
    connections.shutdown().await;
}

/// The next connection, once there is room for it.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed.
    let room = room.clone().acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, room),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn http_builder(limits: &HttpLimits) -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(HEAD_BYTES_MAX as usize)
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HTTP2_PING_INTERVAL)
        .keep_alive_timeout(limits.header_timeout)
        .max_concurrent_streams(HTTP2_STREAMS_MAX)
        .max_header_list_size(HEAD_BYTES_MAX);
    http
}

#[derive(Clone)]
struct Server {
    router: Router,
    http: auto::Builder<TokioExecutor>,
    header_timeout: Duration,
    stall_limit: Duration,
    shutdown: CancellationToken,
}

impl Server {
    /// One connection, to its end.
    async fn run(self, stream: TcpStream, peer: SocketAddr, watcher: Watcher) {
        // Answers are short: waiting to fill a packet only delays them.
        let _ = stream.set_nodelay(true);
        let begun = tokio::select! {
            () = self.shutdown.cancelled() => return,
            begun = timeout(self.header_timeout, begin(stream, self.stall_limit)) => begun,
        };
        let Ok(Ok(io)) = begun else { return };
        let service = service_fn(|request: hyper::Request<Incoming>| {
            let mut request: Request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            self.router.clone().oneshot(request)
        });
        let connection = self.http.serve_connection(TokioIo::new(io), service);
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(error, "a connection ended early");
        }
    }
}

/// Reads far enough to tell HTTP/1 from HTTP/2: hyper-util would wait for that without end.
async fn begin(stream: TcpStream, stall_limit: Duration) -> io::Result<impl AsyncRead + AsyncWrite + Unpin + Send> {
    let (mut reader, writer) = stream.into_split();
    let mut head = Vec::with_capacity(HTTP2_PREFACE.len());
    while head.len() < HTTP2_PREFACE.len() && HTTP2_PREFACE.starts_with(&head) {
        let missing = HTTP2_PREFACE.len() - head.len();
        if (&mut reader).take(missing as u64).read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(tokio::io::join(Cursor::new(head).chain(reader), StallLimit::new(writer, stall_limit)))
}
