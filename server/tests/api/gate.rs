//! A gate in front of the S3 test server: passes requests on until the one a test chose, then does what a server in
//! trouble does until it is mended.

use crate::process::http;
use axum::body::{Body, Bytes, to_bytes};
use http::{Method, Request, Response, Uri};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use model::connection::{ConnectionForm, Family};
use model::field::Settings;
use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// The request at which the trouble begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Put,
    Begin,
    Part(u32),
    Complete,
}

/// What the server has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It is gone: every connection is cut, and no new one lasts.
    Down,
    /// It takes no such request from these credentials.
    Denies,
    /// It has no room.
    Full,
    /// It does what it is asked, and is gone before it can say so.
    LosesAnswer,
    /// It says that it has stored what it was sent, and tells of an empty object.
    Lies,
}

/// A gate; open to begin with.
pub(crate) struct Gate {
    address: String,
    shared: Arc<Shared>,
}

struct Shared {
    client: reqwest::Client,
    trouble: Mutex<Option<(Step, Trouble)>>,
    down: Mutex<bool>,
    /// Parts that the server has taken.
    parts: watch::Sender<u32>,
    /// Multipart uploads that were begun, and neither completed nor aborted.
    unfinished: Mutex<BTreeSet<String>>,
}

impl Gate {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shared = Arc::new(Shared {
            client: http(),
            trouble: Mutex::default(),
            down: Mutex::default(),
            parts: watch::Sender::new(0),
            unfinished: Mutex::default(),
        });
        tokio::spawn(listen(listener, shared.clone()));
        Self { address, shared }
    }

    /// Has the trouble begin with the next such request.
    pub(crate) fn set(&self, step: Step, trouble: Trouble) {
        *self.shared.trouble.lock().unwrap() = Some((step, trouble));
    }

    pub(crate) fn mend(&self) {
        *self.shared.trouble.lock().unwrap() = None;
        *self.shared.down.lock().unwrap() = false;
    }

    /// Parts that lie at the server for uploads which came to no end.
    pub(crate) fn unfinished(&self) -> usize {
        self.shared.unfinished.lock().unwrap().len()
    }

    /// The server behind the gate, as a provider of this name.
    pub(crate) fn provider(&self, name: &str) -> ConnectionForm {
        ConnectionForm {
            id: None,
            family: Family::Provider,
            kind: "s3".into(),
            name: name.into(),
            enabled: true,
            settings: settings(&format!("http://{}", self.address)),
            cleared: Vec::new(),
        }
    }
}

/// How the test server is reached at an address.
pub(crate) fn settings(endpoint: &str) -> Settings {
    Settings::new()
        .with("endpoint", endpoint)
        .with("bucket", s3("BUCKET"))
        .with("region", "us-east-1")
        .with("path_style", "true")
        .with("access_key", s3("ACCESS_KEY"))
        .with("secret_key", s3("SECRET_KEY"))
}

/// What the test runner says of the S3 server.
pub(crate) fn s3(name: &str) -> String {
    let name = format!("VAULT_TEST_S3_{name}");
    #[expect(clippy::disallowed_methods, reason = "how the test runner says where servers are")]
    std::env::var(&name).unwrap_or_else(|_| panic!("{name} is not set: run make test, or scripts/services start s3"))
}

async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        if *shared.down.lock().unwrap() {
            continue;
        }
        let shared = shared.clone();
        tokio::spawn(async move {
            let pass = service_fn(|request| pass(&shared, request));
            // An error is how a connection is cut.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), pass).await;
        });
    }
}

async fn pass(shared: &Shared, request: Request<Incoming>) -> io::Result<Response<Body>> {
    let (head, body) = request.into_parts();
    let body = to_bytes(Body::new(body), 64 << 20).await.map_err(io::Error::other)?;
    let step = step(&head.method, &head.uri);
    if let (Some(Step::Part(number)), true) = (step, shared.begins(step)) {
        // In the middle of the upload means that something has come before.
        shared.parts.subscribe().wait_for(|taken| *taken + 1 >= number).await.map_err(io::Error::other)?;
    }
    match shared.trouble_at(step) {
        Some(Trouble::Down) => return Err(io::Error::other("down")),
        Some(Trouble::Denies) => return Ok(refusal(403, "AccessDenied")),
        Some(Trouble::Full) => return Ok(refusal(507, "XMinioStorageFull")),
        Some(Trouble::LosesAnswer | Trouble::Lies) | None => {}
    }
    let lies = shared.lies_about(step, &head.method, &head.uri);
    let url = format!("{}{}", s3("ENDPOINT"), head.uri);
    // The `Host` header passes unchanged: the signature covers it.
    let sent = shared.client.request(head.method.clone(), url).headers(head.headers).body(body).send().await;
    let answer = sent.map_err(io::Error::other)?;
    let mut response = Response::builder().status(answer.status());
    let (ok, mut headers) = (answer.status().is_success(), answer.headers().clone());
    let body = answer.bytes().await.map_err(io::Error::other)?;
    if ok {
        shared.note(&head.method, &head.uri, step, &body);
    }
    if *shared.down.lock().unwrap() {
        return Err(io::Error::other("down"));
    }
    headers.remove("transfer-encoding");
    if lies {
        headers.remove("x-amz-checksum-sha256");
        headers.insert("etag", "\"d41d8cd98f00b204e9800998ecf8427e\"".parse().unwrap());
        if head.method == Method::HEAD {
            headers.insert("content-length", 0.into());
        }
    }
    *response.headers_mut().unwrap() = headers;
    Ok(response.body(body.into()).unwrap())
}

impl Shared {
    fn begins(&self, step: Option<Step>) -> bool {
        self.trouble.lock().unwrap().is_some_and(|(begin, _)| step == Some(begin))
    }

    fn trouble_at(&self, step: Option<Step>) -> Option<Trouble> {
        let mut down = self.down.lock().unwrap();
        if *down {
            return Some(Trouble::Down);
        }
        let (begin, trouble) = (*self.trouble.lock().unwrap())?;
        if step != Some(begin) {
            return None;
        }
        *down = matches!(trouble, Trouble::Down | Trouble::LosesAnswer);
        Some(trouble)
    }

    /// Whether an answer is a lie. How an upload was completed is told by a HEAD.
    fn lies_about(&self, step: Option<Step>, method: &Method, uri: &Uri) -> bool {
        let (begin, told) = match *self.trouble.lock().unwrap() {
            Some((begin, Trouble::Lies)) => (begin, !uri.path().contains("/.vault-")),
            _ => return false,
        };
        told && (step == Some(begin) || begin == Step::Complete && method == Method::HEAD)
    }

    fn note(&self, method: &Method, uri: &Uri, step: Option<Step>, answer: &Bytes) {
        let mut unfinished = self.unfinished.lock().unwrap();
        let upload = parameter(uri, "uploadId");
        match (step, upload) {
            (Some(Step::Begin), _) => {
                let text = String::from_utf8_lossy(answer).into_owned();
                let id = text.split_once("<UploadId>").and_then(|(_, rest)| rest.split_once('<')).unwrap().0;
                unfinished.insert(id.to_owned());
            }
            (Some(Step::Part(_)), _) => self.parts.send_modify(|taken| *taken += 1),
            (Some(Step::Complete), Some(id)) => assert!(unfinished.remove(id), "{id}"),
            (None, Some(id)) if method == Method::DELETE => {
                unfinished.remove(id);
            }
            _ => {}
        }
    }
}

/// Which step of an upload it is, if of a recording's: the vault also tries what the server can.
fn step(method: &Method, uri: &Uri) -> Option<Step> {
    if uri.path().contains("/.vault-probe/") {
        return None;
    }
    match *method {
        Method::PUT => Some(parameter(uri, "partNumber").map_or(Step::Put, |n| Step::Part(n.parse().unwrap()))),
        Method::POST if parameter(uri, "uploadId").is_some() => Some(Step::Complete),
        Method::POST => Some(Step::Begin),
        _ => None,
    }
}

fn parameter<'a>(uri: &'a Uri, name: &str) -> Option<&'a str> {
    let pairs = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
}

fn refusal(status: u16, code: &str) -> Response<Body> {
    let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>no</Message></Error>");
    Response::builder().status(status).header("content-type", "application/xml").body(body.into()).unwrap()
}
