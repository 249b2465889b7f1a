//! Listening, and stopping without losing an upload.

mod addresses;
mod connection;
mod exchange;
mod heads;
mod listeners;
mod patience;
mod unreadable;

use crate::problem::{self, ApiError};
use crate::telemetry::connections as told;
use addresses::{Addresses, Open};
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, OriginalUri};
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::IntoResponse as _;
use connection::Connection;
use exchange::{Exchange, Running};
use heads::{Head, Heads};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

pub use listeners::Listeners;

/// Most headers of a request.
const HEADERS: usize = 200;

/// How much of an answer may wait in the system until it is sent, in bytes. The system's own limit is megabytes, of which a
/// third has to be sent before it takes more: to a client that reads 20 kB/s that takes over a minute, which looks like one
/// that reads nothing. It is also memory that thousands of slow readers would take.
const UNSENT: u32 = 64 * 1024;

/// With a request whose head is longer than most may be: see [`only_uploads_have_long_heads`].
#[derive(Debug, Clone, Copy)]
struct LongHead;

/// Refuses long heads of all but uploads.
pub async fn only_uploads_have_long_heads(request: Request<Body>, next: Next) -> Response<Body> {
    let path = request.uri().path();
    let is_upload = request.method() == Method::POST && (path == UPLOADS || path.starts_with(RESUMABLE_UPLOADS));
    match request.extensions().get::<LongHead>() {
        Some(LongHead) if !is_upload => ApiError::from(&problem::HEAD_TOO_LARGE).into_response(),
        _ => next.run(request).await,
    }
}

/// Where agents store recordings, and where those do that send them in pieces.
const UPLOADS: &str = "/api/storage";
const RESUMABLE_UPLOADS: &str = "/api/storage/tus";

/// Limits of connections.
#[derive(Debug, Clone)]
pub struct Options {
    /// Open at the same time; further ones wait to be accepted.
    pub max_connections: usize,
    /// Of these, open from one address; further ones are closed.
    pub max_per_address: usize,
    /// How long a request's head that has begun may take to arrive; also how long a new connection may send nothing.
    pub header_timeout: Duration,
    /// How long a connection is kept between two requests. Longer than a load balancer keeps it (60 s, mostly), which
    /// would else send its next request just as the connection is closed, and answer 502.
    pub idle_timeout: Duration,
    /// A client that reads nothing for this long is disconnected.
    pub write_timeout: Duration,
    /// How long running requests may take to finish during a stop.
    pub shutdown_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_connections: 4096,
            max_per_address: 4096,
            header_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(75),
            // A client that takes 1 kB/s lets its system tell of 64 KiB at a time, over the loopback interface of 128.
            write_timeout: Duration::from_secs(180),
            shutdown_timeout: Duration::from_secs(30),
        }
    }
}

/// Serves until `stop`; then accepts nothing more, lets running requests finish, and returns.
pub async fn serve(listeners: impl Into<Listeners>, app: Router, options: Options, stop: CancellationToken) {
    let listeners = listeners.into();
    let places = Arc::new(Semaphore::new(options.max_connections));
    let (addresses, heads) = (Addresses::new(options.max_per_address), Heads::new());
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let place = a_place(places.clone());
        let (stream, remote) = tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            accepted = async { (place.await, listeners.accept().await) } => match accepted {
                (Ok(place), Ok((stream, remote))) => match addresses.admit(remote.ip()) {
                    Some(open) => (Placed { stream, _place: place, _open: open, _counted: told::Open::count() }, remote),
                    None => {
                        told::address_full(remote.ip());
                        continue;
                    }
                },
                (_, Err(error)) => {
                    accept_failed(&error).await;
                    continue;
                }
                (Err(_), _) => break,
            },
        };
        let head = heads.head(remote.ip());
        connections.spawn(talk(stream, remote, head, app.clone(), options.clone(), graceful.watcher()));
    }
    drop(listeners);
    tracing::info!("stopping: running requests may finish");
    if tokio::time::timeout(options.shutdown_timeout, graceful.shutdown()).await.is_err() {
        tracing::warn!(connections = connections.len(), "stopped although requests were still running");
    }
    connections.shutdown().await;
}

/// A place for another connection; waits until there is one.
async fn a_place(places: Arc<Semaphore>) -> Result<OwnedSemaphorePermit, AcquireError> {
    match places.clone().try_acquire_owned() {
        Ok(place) => Ok(place),
        Err(_) => {
            told::all_taken();
            places.acquire_owned().await
        }
    }
}

/// A connection, and its slot among the allowed number, of all and of its address.
struct Placed {
    stream: TcpStream,
    _place: OwnedSemaphorePermit,
    _open: Open,
    _counted: told::Open,
}

async fn accept_failed(error: &std::io::Error) {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        // typically out of file descriptors: retrying at once would only burn time
        tracing::error!(%error, "cannot accept connections");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn talk(
    placed: Placed,
    remote: SocketAddr,
    head: Head,
    app: Router,
    options: Options,
    watcher: hyper_util::server::graceful::Watcher,
) {
    let Placed { stream, _place, _open, _counted } = placed;
    // small answers are sent at once
    let _ = stream.set_nodelay(true);
    if let Err(error) = socket2::SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT) {
        tracing::debug!(%remote, %error, "more of an answer than needed may wait in the system");
    }
    let exchange = Exchange::default();
    let io = TokioIo::new(Connection::new(stream, remote, &options, exchange.clone(), head.clone()));
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        if head.end() {
            request.extensions_mut().insert(LongHead);
        }
        answer(app.clone(), request, remote, exchange.begin())
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // `Connection` gives up sooner; it does not see bytes that came with the request before.
        .header_read_timeout(options.idle_timeout + options.header_timeout)
        // Also the most that hyper would read of a body at once, and let wait to be sent: see `connection` and `exchange`.
        .max_buf_size(heads::LONGEST)
        .max_headers(HEADERS)
        .serve_connection(io, service);
    if let Err(error) = watcher.watch(connection).await {
        // a client that went away; its request has a log line of its own
        tracing::debug!(%remote, %error, "connection ended");
    }
}

async fn answer(
    app: Router,
    mut request: Request<Incoming>,
    remote: SocketAddr,
    running: Running,
) -> Result<Response<Body>, Infallible> {
    request.extensions_mut().insert(ConnectInfo(remote));
    let asked = OriginalUri(request.uri().clone());
    request.extensions_mut().insert(asked);
    if let Some(uri) = normalised(request.uri()) {
        *request.uri_mut() = uri;
    }
    let has_body = !request.body().is_end_stream();
    let has_long_head = request.extensions().get::<LongHead>().is_some();
    let mut response = app.oneshot(request).await?;
    // hyper keeps the head's memory until the connection's next request.
    if has_long_head {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    // Refused before the body was read: announce that the connection ends here, and end it gently.
    if has_body && is_refusal(response.status()) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        running.leave_unread();
    }
    Ok(running.until_sent(response))
}

fn is_refusal(status: StatusCode) -> bool {
    status.is_client_error() || status.is_server_error()
}

/// Agents append `/storage` to a base address that may end in a slash: `/api//storage`; some append another slash.
/// Below `/api` both are ignored.
fn normalised(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    if !(path.starts_with("/api") || path.starts_with("//api")) || !(path.contains("//") || path.ends_with('/')) {
        return None;
    }
    let mut clean: String = path.split('/').filter(|part| !part.is_empty()).flat_map(|part| ["/", part]).collect();
    if let Some(query) = uri.query() {
        clean.push('?');
        clean.push_str(query);
    }
    clean.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_are_forgiven_below_api() {
        for (given, clean) in [
            ("/api//storage", Some("/api/storage")),
            ("//api/ping", Some("/api/ping")),
            ("/api/storage/", Some("/api/storage")),
            ("/api//storage/signed?f=a/b.mp4&x=//", Some("/api/storage/signed?f=a/b.mp4&x=//")),
            ("/api/storage", None),
            ("/media//x", None),
            ("/", None),
        ] {
            let uri: Uri = given.parse().expect("valid");
            assert_eq!(normalised(&uri).map(|u| u.to_string()).as_deref(), clean, "{given}");
        }
    }
}
