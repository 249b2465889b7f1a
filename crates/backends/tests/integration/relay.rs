//! A relay in front of a real server: sees what goes by, and refuses or cuts what it is told to.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// What was seen of a request.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: bytes::Bytes,
}

/// Requests in the order they came.
pub(crate) type Log = Arc<Mutex<Vec<Seen>>>;

/// Decides on a request: an answer of the relay's own, or `None` to pass it on.
pub(crate) type Decide = fn(&Seen) -> Option<Response>;

#[derive(Clone)]
struct Relay {
    to: Option<String>,
    decide: Decide,
    log: Log,
    client: reqwest::Client,
}

/// Starts a relay to a server (or to none: then every request must be decided on) and tells its
/// `host:port`.
pub(crate) async fn relay(to: Option<&str>, decide: Decide) -> (String, Log) {
    let log = Log::default();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let state = Relay { to: to.map(str::to_owned), decide, log: log.clone(), client };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(pass).with_state(state)).await.unwrap() });
    (address, log)
}

/// The `Host` header passes unchanged: the signature covers it.
async fn pass(State(relay): State<Relay>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 64 << 20).await.unwrap();
    let path = head.uri.path_and_query().unwrap().to_string();
    let seen = Seen { method: head.method, path, headers: head.headers, body };
    relay.log.lock().unwrap().push(seen.clone());
    if let Some(decided) = (relay.decide)(&seen) {
        return decided;
    }
    let url = format!("{}{}", relay.to.expect("passes nothing on"), seen.path);
    let sent = relay.client.request(seen.method, url).headers(seen.headers).body(seen.body).send().await;
    let Ok(answer) = sent else { return StatusCode::BAD_GATEWAY.into_response() };
    let mut response = Response::builder().status(answer.status());
    *response.headers_mut().unwrap() = answer.headers().clone();
    response.body(Body::from_stream(answer.bytes_stream())).unwrap()
}

/// Passes bytes both ways, but cuts a connection once this many went by in one direction. Tells its
/// `host:port`.
pub(crate) async fn cutting_relay(to: &str, upstream: u64, downstream: u64) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, to) = (listener.local_addr().unwrap().to_string(), to.to_owned());
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let to = to.clone();
            tokio::spawn(async move {
                let mut far = TcpStream::connect(to).await.unwrap();
                let mut near = near;
                let (near_read, near_write) = near.split();
                let (far_read, far_write) = far.split();
                // Whichever direction is through first takes the other one with it.
                tokio::select! {
                    () = copy(near_read.take(upstream), far_write) => {}
                    () = copy(far_read.take(downstream), near_write) => {}
                }
            });
        }
    });
    address
}

async fn copy(mut from: impl tokio::io::AsyncRead + Unpin, mut to: impl tokio::io::AsyncWrite + Unpin) {
    let _ = tokio::io::copy(&mut from, &mut to).await;
    let _ = to.flush().await;
}

/// A server's TLS in front of a server that has none. Tells its port, on `localhost`, and the PEM of
/// the authority that vouches for it.
pub(crate) async fn tls_relay(to: &str) -> (u16, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = key.serialize_der().try_into().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
    let (acceptor, listener) = (TlsAcceptor::from(Arc::new(config)), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let (port, to) = (listener.local_addr().unwrap().port(), to.to_owned());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, to) = (acceptor.clone(), to.clone());
            tokio::spawn(async move {
                // Whoever does not trust the certificate hangs up here.
                let Ok(mut near) = acceptor.accept(stream).await else { return };
                let mut far = TcpStream::connect(to).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    (port, authority.pem())
}

/// Accepts connections and never says a word. Tells its `host:port`.
pub(crate) async fn mute() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    address
}

/// A port nobody listens on.
pub(crate) async fn closed() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}
