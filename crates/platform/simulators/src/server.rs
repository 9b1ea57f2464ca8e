//! An HTTP server whose handlers can break the connection they answer on, as a network does.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    path::PathBuf,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{Router, body::Body, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// A simulator could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken, or may not be used.
    #[error("the simulator cannot listen on {address}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The snapshot file cannot be read or written.
    #[error("the simulator cannot use its file {}: mend it, or remove it and what it remembers", path.display())]
    Snapshot {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// No HTTP client could be made.
    #[error("the simulator's HTTP client could not be built")]
    Client(#[source] reqwest::Error),
}

impl StartError {
    pub(crate) fn snapshot(path: Option<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Snapshot { path: path.unwrap_or_default(), source }
    }
}

/// Where a simulator listens, until this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    address: SocketAddr,
    shutdown: CancellationToken,
}

impl Running {
    /// Serves `router` until `shutdown`.
    pub(crate) fn start(
        (listener, address): (TcpListener, SocketAddr),
        router: Router,
        shutdown: CancellationToken,
    ) -> Self {
        tokio::spawn(serve(listener, router, shutdown.clone()));
        Self { address, shutdown }
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops listening, drops open connections and work in the background.
    pub(crate) fn stop(&self) {
        self.shutdown.cancel();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Takes `address`; says which it is, where any port would do.
pub(crate) async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// The connection a request came on; every request carries one as an extension.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connection {
    reset: Arc<AtomicBool>,
    closed: CancellationToken,
}

impl Connection {
    /// Breaks the connection with a TCP reset. Never returns: the handler is dropped with the connection.
    pub(crate) async fn reset(&self) -> Infallible {
        self.reset.store(true, Ordering::SeqCst);
        self.closed.cancel();
        std::future::pending().await
    }
}

/// Serves until `shutdown`; open connections are dropped then.
async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let _ = stream.set_nodelay(true);
                tokio::spawn(serve_connection(stream, router.clone(), shutdown.clone()));
            }
            // Out of file descriptors, or the peer has gone already: a moment for connections to close.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn serve_connection(stream: TcpStream, router: Router, shutdown: CancellationToken) {
    let connection = Connection::default();
    let closed = connection.closed.clone();
    let io = TokioIo::new(Resettable { stream, reset: connection.reset.clone() });
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(connection.clone());
        router.clone().oneshot(request)
    });
    tokio::select! {
        _ = http1::Builder::new().serve_connection(io, service) => {}
        () = closed.cancelled() => {}
        () = shutdown.cancelled() => {}
    }
}

/// A stream that is closed with a reset instead of a farewell, once told so.
struct Resettable {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Drop for Resettable {
    fn drop(&mut self) {
        if self.reset.load(Ordering::SeqCst) {
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Resettable {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Resettable {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
