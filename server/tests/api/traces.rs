//! Traces as a collector gets them, of the program itself (docs/operations.md, "Traces").

use crate::binary::{Running, start_as};
use crate::process::{free_address, http};
use crate::support::{recording, until};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind, status::StatusCode as Outcome};
use prost::Message as _;
use reqwest::{Method, RequestBuilder};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const ACCESS_KEY: &str = "AKIAISOFGREATVALUE";
const SECRET_KEY: &str = "secret-of-great-value-0123456789";
const TOKEN: &str = "token-of-great-value";
/// Never answers.
const SILENT: u16 = 0;

/// Takes traces, and events at `/hook`.
#[derive(Clone)]
struct Collector {
    address: SocketAddr,
    status: Arc<AtomicU16>,
    asked: Arc<AtomicUsize>,
    taken: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
}

impl Collector {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let collector = Self {
            address: listener.local_addr().unwrap(),
            status: Arc::new(AtomicU16::new(200)),
            asked: Arc::default(),
            taken: Arc::default(),
        };
        let app = Router::new().fallback(answer).with_state(collector.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        collector
    }

    fn answers(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// All spans that it has taken.
    fn spans(&self) -> Vec<Span> {
        let taken = self.taken.lock().unwrap();
        let requests = taken.iter().map(|(_, body)| ExportTraceServiceRequest::decode(body.clone()).unwrap());
        let scopes = requests.flat_map(|request| request.resource_spans).flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    }

    fn named(&self, name: &str) -> Vec<Span> {
        self.spans().into_iter().filter(|span| span.name == name).collect()
    }
}

async fn answer(State(collector): State<Collector>, request: Request) -> StatusCode {
    if request.uri().path() == "/hook" {
        return StatusCode::OK;
    }
    assert_eq!((request.method().as_str(), request.uri().path()), ("POST", "/v1/traces"));
    collector.asked.fetch_add(1, Ordering::SeqCst);
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let status = collector.status.load(Ordering::SeqCst);
    if status == SILENT {
        std::future::pending::<()>().await;
    }
    if status == 200 {
        collector.taken.lock().unwrap().push((head.headers, body));
    }
    StatusCode::from_u16(status).unwrap()
}

/// The program, an agent's keys, and its folder.
struct Vault {
    running: Running,
    http: reqwest::Client,
    base: String,
    _dir: TempDir,
}

const FOLDER: &str = "kind = \"filesystem\"\npath = \"recordings\"";

impl Vault {
    /// `endpoint` is that of `[traces]`.
    fn start(provider: &str, hook: SocketAddr, endpoint: Option<String>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let text = format!(
            "[metrics]\nallow_anonymous = true\n\
             [[provider]]\nname = \"store\"\n{provider}\n\
             [[integration]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"http://{hook}/hook?of-great-value\"\n\
             secret = \"secret-of-great-value\"\nheaders = \"Authorization: Bearer {TOKEN}\"\n\
             [[account]]\nname = \"site\"\nprovider = \"store\"\nintegrations = [\"hook\"]\ndirectory = \"*\"\n\
             access_key = \"{ACCESS_KEY}\"\nsecret_key = \"{SECRET_KEY}\"\n",
        );
        std::fs::write(dir.path().join("vault.toml"), text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_kerberos-vault"));
        command.current_dir(dir.path()).args(["--config", "vault.toml"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env("VAULT_SERVER__LISTEN", "127.0.0.1:0");
        command.env("VAULT_ADMIN__PASSWORD", "password-of-great-value");
        // Meant for other programs.
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{hook}"));
        command.env("OTEL_TRACES_SAMPLER", "always_off").env("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "1");
        if let Some(endpoint) = endpoint {
            command.env("VAULT_TRACES__ENDPOINT", endpoint);
            command.env("VAULT_TRACES__HEADERS", format!("Authorization: Bearer {TOKEN}\nX-Scope-OrgID: site"));
            command.env("VAULT_TRACES__SERVICE_NAME", "vault of the site");
        }
        let (running, printed) = start_as(&mut command, "Kerberos Vault is running at ");
        let base = printed.trim().rsplit(' ').next().unwrap().to_owned();
        Self { running, http: http(), base, _dir: dir }
    }

    fn about(&self, method: Method, path: &str, file_name: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.base))
            .header("X-Kerberos-Storage-AccessKey", ACCESS_KEY)
            .header("X-Kerberos-Storage-SecretAccessKey", SECRET_KEY)
            .header("X-Kerberos-Storage-Directory", "site")
            .header("X-Kerberos-Storage-FileName", file_name)
    }

    fn upload(&self, n: u32, bytes: impl Into<reqwest::Body>) -> RequestBuilder {
        self.about(Method::POST, "/api/storage", &name(n))
            .header("X-Kerberos-Storage-Device", "cam")
            .header("Content-Type", "video/mp4")
            .body(bytes)
    }

    async fn figure(&self, name: &str) -> Option<String> {
        let figures = self.http.get(format!("{}/metrics", self.base)).send().await.unwrap().text().await.unwrap();
        let line = figures.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.trim().to_owned())
    }
}

fn name(n: u32) -> String {
    format!("16000000{n:02}_6-0_cam_0-0-1-1_1_{n}.mp4")
}

async fn ok(request: RequestBuilder) -> String {
    let answer = request.send().await.unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(status, 200, "{text}");
    text
}

fn said(span: &Span, key: &str) -> Value {
    let value = span.attributes.iter().find(|attribute| attribute.key == key).and_then(|a| a.value.clone()?.value);
    value.unwrap_or_else(|| panic!("no {key} in {span:?}"))
}

fn has_failed(span: &Span) -> bool {
    span.status.as_ref().is_some_and(|status| status.code == Outcome::Error as i32)
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_traced_unless_it_is_configured() {
    let collector = Collector::start().await;
    let vault = Vault::start(FOLDER, collector.address, None);
    ok(vault.upload(1, recording()).header("traceparent", format!("00-{TRACE}-{CALLER}-01"))).await;
    assert_eq!(vault.figure("vault_trace_spans_total").await, None);
    let (ended, log) = vault.running.stop();
    assert!(ended && log.contains("path=/api/storage") && !log.contains("trace"), "{log}");
    assert_eq!(collector.asked(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_continues_its_callers_trace_and_says_where_time_goes() {
    let collector = Collector::start().await;
    let vault = Vault::start(FOLDER, collector.address, Some(format!("http://{}/", collector.address)));
    // Parts of 512 KiB, the last not full.
    let big = Bytes::from(vec![7; 1_300_000]);
    ok(vault.upload(1, big).header("traceparent", format!("00-{TRACE}-{CALLER}-01"))).await;
    // A caller who does not trace its request, and one that says nonsense.
    let untraced = "a".repeat(32);
    ok(vault.upload(2, recording()).header("traceparent", format!("00-{untraced}-{CALLER}-00"))).await;
    ok(vault.upload(3, recording()).header("traceparent", format!("00-{}-{CALLER}-01", "B".repeat(32)))).await;
    let signed: serde_json::Value =
        serde_json::from_str(&ok(vault.about(Method::GET, "/api/storage", &format!("site/{}", name(1)))).await)
            .unwrap();
    let signed = signed["data"].as_str().unwrap().to_owned();
    ok(vault.http.get(&signed)).await;
    until("all events are delivered", async || collector.named("deliver event").len() == 3).await;
    let (ended, log) = vault.running.stop();
    assert!(ended, "{log}");

    let uploads = collector.named("POST /api/storage");
    assert_eq!(uploads.len(), 2, "{uploads:?}");
    let traced = uploads.iter().find(|span| hex::encode(&span.trace_id) == TRACE).expect("the caller's trace");
    assert_eq!((hex::encode(&traced.parent_span_id).as_str(), traced.kind), (CALLER, SpanKind::Server as i32));
    assert!(!has_failed(traced));
    for (key, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/api/storage"),
        ("url.path", "/api/storage"),
        ("client.address", "127.0.0.1"),
    ] {
        assert_eq!(said(traced, key), Value::StringValue(value.into()), "{key}");
    }
    assert_eq!(said(traced, "http.response.status_code"), Value::IntValue(200));
    let own = uploads.iter().find(|span| hex::encode(&span.trace_id) != TRACE).expect("a trace of its own");
    assert!(own.parent_span_id.is_empty());

    // Where time goes, each below what waits for it.
    let in_it: Vec<Span> = collector.spans().into_iter().filter(|span| span.trace_id == traced.trace_id).collect();
    let of = |name: &str| in_it.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name} in {in_it:?}"));
    for (name, above) in [
        ("store recording", traced),
        ("receive recording", of("store recording")),
        ("send part", of("receive recording")),
        ("publish recording", of("store recording")),
        ("commit recording", of("store recording")),
    ] {
        assert_eq!(of(name).parent_span_id, above.span_id, "{name}");
        assert!(!has_failed(of(name)), "{name}");
    }
    assert_eq!(in_it.iter().filter(|span| span.name == "send part").count(), 3, "{in_it:?}");
    assert_eq!(said(of("store recording"), "vault.provider"), Value::StringValue("store".into()));
    assert_eq!(said(of("publish recording"), "vault.bytes"), Value::IntValue(1_300_000));
    let opened = collector.named("open recording");
    let read = collector.named("GET /api/storage/signed");
    assert!(read.len() == 1 && opened.iter().any(|span| span.parent_span_id == read[0].span_id), "{read:?} {opened:?}");
    assert!(
        collector
            .named("deliver event")
            .iter()
            .all(|span| said(span, "vault.integration") == Value::StringValue("hook".into()))
    );
    let bytes = collector.taken.lock().unwrap().iter().flat_map(|(_, body)| body.to_vec()).collect::<Vec<_>>();
    let has = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
    assert!(!has(&bytes, &hex::decode(untraced).unwrap()), "a caller may ask not to be traced");

    // Nothing that is secret, no headers and no query, in the bytes or in the log.
    let signature = signed.rsplit("s=").next().unwrap();
    for secret in [ACCESS_KEY, SECRET_KEY, TOKEN, signature, "of-great-value", "f=site"] {
        assert!(!has(&bytes, secret.as_bytes()) && !log.contains(secret), "{secret}: {log}");
    }
    // No noise, none of a library's spans or events, and no path of whoever built it.
    assert!(collector.spans().iter().all(|span| span.events.is_empty()));
    for other in ["Bearer", "metrics", "health", "sqlx", "hyper", "thread.", "code.", ".rs"] {
        assert!(!has(&bytes, other.as_bytes()), "{other}");
    }
    for (headers, _) in collector.taken.lock().unwrap().iter() {
        let header = |name: &str| headers[name].to_str().unwrap();
        assert_eq!(header("authorization"), format!("Bearer {TOKEN}"));
        assert_eq!((header("x-scope-orgid"), header("content-type")), ("site", "application/x-protobuf"));
    }
    assert!(has(&bytes, b"vault of the site"));
    let line = log.lines().find(|line| line.contains("path=/api/storage ") && line.contains(TRACE));
    assert!(line.is_some_and(|line| line.contains(&format!("trace=\"{TRACE}\""))), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_marked() {
    let collector = Collector::start().await;
    let dead = format!(
        "kind = \"s3\"\nbucket = \"bucket\"\nregion = \"us-east-1\"\nendpoint = \"http://{}\"\npath_style = true\n\
         access_key = \"A\"\nsecret_key = \"secret-of-great-value\"",
        free_address()
    );
    let vault = Vault::start(&dead, collector.address, Some(format!("http://{}", collector.address)));
    let answer = vault.upload(1, recording()).send().await.unwrap();
    let failed = answer.status();
    let text = answer.text().await.unwrap();
    assert!(failed.is_server_error(), "{failed} {text}");
    let missing = vault.about(Method::GET, "/api/storage", "site/none.mp4").send().await.unwrap();
    assert!(missing.status().is_client_error(), "{missing:?}");
    // The stop sends them.
    assert!(vault.running.stop().0);
    let upload = collector.named("POST /api/storage").remove(0);
    assert!(has_failed(&upload) && has_failed(&collector.named("store recording").remove(0)), "{upload:?} {text}");
    assert_eq!(said(&upload, "error.type"), said(&upload, "vault.error"));
    let missing = collector.named("GET /api/storage").remove(0);
    said(&missing, "vault.error");
    assert!(!has_failed(&missing), "the caller's mistake: {missing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_fails_is_told_once_and_gets_what_has_waited() {
    let collector = Collector::start().await;
    collector.answers(503);
    let vault = Vault::start(FOLDER, collector.address, Some(format!("http://{}", collector.address)));
    ok(vault.upload(1, recording())).await;
    until("it was tried more than once", async || collector.asked() > 1).await;
    ok(vault.upload(2, recording())).await;
    collector.answers(200);
    until("all have come", async || collector.named("POST /api/storage").len() == 2).await;
    let sent = "vault_trace_spans_total{outcome=\"sent\"}";
    until("they are counted", async || vault.figure(sent).await.is_some()).await;
    // What it will never take is not sent again.
    collector.answers(400);
    ok(vault.upload(3, recording())).await;
    let refused = "vault_trace_spans_total{outcome=\"refused\"}";
    until("it is counted", async || vault.figure(refused).await.is_some()).await;
    let (ended, log) = vault.running.stop();
    assert!(ended, "{log}");
    assert_eq!(log.matches("the collector does not take traces").count(), 2, "once each time: {log}");
    assert_eq!(log.matches("the collector takes traces again").count(), 1, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_dead_or_hangs_slows_nothing() {
    let collector = Collector::start().await;
    collector.answers(SILENT);
    for endpoint in [collector.address, free_address()] {
        let vault = Vault::start(FOLDER, collector.address, Some(format!("http://{endpoint}")));
        for n in 0..5 {
            ok(vault.upload(n, recording())).await;
        }
        if endpoint == collector.address {
            until("it hangs", async || collector.asked() > 0).await;
        }
        let begun = Instant::now();
        let (ended, log) = vault.running.stop();
        // Less than one request may take.
        assert!(ended && begun.elapsed() < Duration::from_secs(9), "{:?} {log}", begun.elapsed());
        assert!(log.contains("stopped"), "{log}");
    }
    assert!(collector.spans().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn check_asks_the_collector_too() {
    let collector = Collector::start().await;
    for (status, says) in [(200, "traces\n  ok      send\n"), (401, "traces\n  FAILED  send: It answers 401")] {
        collector.answers(status);
        let mut check = Command::new(env!("CARGO_BIN_EXE_kerberos-vault"));
        check.arg("check").env("VAULT_TRACES__ENDPOINT", format!("http://{}", collector.address));
        check.env("VAULT_TRACES__HEADERS", format!("Authorization: Bearer {TOKEN}"));
        let output = tokio::task::spawn_blocking(move || check.output()).await.unwrap().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.success(), status == 200, "{text}");
        assert!(text.contains(says) && !text.contains(TOKEN), "{text}");
    }
    assert!(collector.spans().is_empty());
}
