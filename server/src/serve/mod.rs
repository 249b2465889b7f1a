//! Listening, and stopping without losing an upload.

mod addresses;
mod connection;

use addresses::{Addresses, Open};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Request, Response, StatusCode, Uri};
use connection::Connection;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// Read and write buffer of a connection, in bytes; also the longest head of a request. By default it would grow to 400
/// KiB while a body arrives quickly.
const BUFFER: usize = 64 * 1024;

/// Limits of connections.
#[derive(Debug, Clone)]
pub struct Options {
    /// Open at the same time; further ones wait to be accepted.
    pub max_connections: usize,
    /// Of these, open from one address; further ones are closed.
    pub max_per_address: usize,
    /// How long a request's head may take to arrive; also how long an idle connection is kept.
    pub header_timeout: Duration,
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
            write_timeout: Duration::from_secs(60),
            shutdown_timeout: Duration::from_secs(30),
        }
    }
}

/// Serves until `stop`; then accepts nothing more, lets running requests finish, and returns.
pub async fn serve(listener: TcpListener, app: Router, options: Options, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(options.max_connections));
    let addresses = Addresses::new(options.max_per_address);
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let place = places.clone().acquire_owned();
        let (stream, remote) = tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            accepted = async { (place.await, listener.accept().await) } => match accepted {
                (Ok(place), Ok((stream, remote))) => match addresses.admit(remote.ip()) {
                    Some(open) => (Placed { stream, _place: place, _open: open }, remote),
                    None => {
                        tracing::debug!(%remote, "this address has too many connections");
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
        connections.spawn(talk(stream, remote, app.clone(), options.clone(), graceful.watcher()));
    }
    drop(listener);
    tracing::info!("stopping: running requests may finish");
    if tokio::time::timeout(options.shutdown_timeout, graceful.shutdown()).await.is_err() {
        tracing::warn!(connections = connections.len(), "stopped although requests were still running");
    }
    connections.shutdown().await;
}

/// A connection, and its slot among the allowed number, of all and of its address.
struct Placed {
    stream: TcpStream,
    _place: tokio::sync::OwnedSemaphorePermit,
    _open: Open,
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
    app: Router,
    options: Options,
    watcher: hyper_util::server::graceful::Watcher,
) {
    let Placed { stream, _place, _open } = placed;
    // small answers are sent at once
    let _ = stream.set_nodelay(true);
    let unread = Arc::new(AtomicBool::new(false));
    let io = TokioIo::new(Connection::new(stream, options.write_timeout, unread.clone()));
    let service = hyper::service::service_fn(move |request| answer(app.clone(), request, remote, unread.clone()));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(options.header_timeout)
        .max_buf_size(BUFFER)
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
    unread: Arc<AtomicBool>,
) -> Result<Response<Body>, Infallible> {
    request.extensions_mut().insert(ConnectInfo(remote));
    if let Some(uri) = normalised(request.uri()) {
        *request.uri_mut() = uri;
    }
    let has_body = !request.body().is_end_stream();
    let mut response = app.oneshot(request).await?;
    // Refused before the body was read: announce that the connection ends here, and end it gently.
    if has_body && is_refusal(response.status()) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        unread.store(true, Ordering::Relaxed);
    }
    Ok(response)
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
            ("/api//storage/signed?id=1&x=//", Some("/api/storage/signed?id=1&x=//")),
            ("/api/storage", None),
            ("/media//x", None),
            ("/", None),
        ] {
            let uri: Uri = given.parse().expect("valid");
            assert_eq!(normalised(&uri).map(|u| u.to_string()).as_deref(), clean, "{given}");
        }
    }
}
