//! Forwarding to another vault, here servers of our own that answer like one (docs/protocol.md §10).

use crate::conformance::{bytes, sink_suite_about};
use crate::relay::{Log, Seen, cutting_relay, mute, relay};
use crate::sink_faults::{Faulty, out_of_reach};
use crate::{failure, hub, pairs, sink, steps, within};
use async_trait::async_trait;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use backends::Backends;
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use model::ObjectKey;
use model::error::{SinkErrorKind, StoreError, StoreErrorKind};
use model::event::Metadata;
use model::ports::{
    ByteStream, Connector, EventSink, Forgetful, NoRecording, OpenRecording, OutgoingEvent, Purpose, RecordingSource,
};
use model::wire::CustomHeaders;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const KEY: &str = "site-a/1606164482_6-818812_Été Süd_229-153-288-247_51_745.mp4";

/// A recording whose content is made anew each time it is opened.
struct Recording {
    size: u64,
    body: Box<dyn Fn() -> ByteStream + Send + Sync>,
}

/// What a stream has from this byte on.
fn from(offset: u64, content: ByteStream) -> ByteStream {
    let mut left = usize::try_from(offset).unwrap();
    Box::pin(content.map(move |bytes| {
        bytes.map(|bytes| {
            let skipped = left.min(bytes.len());
            left -= skipped;
            bytes.slice(skipped..)
        })
    }))
}

#[async_trait]
impl RecordingSource for Recording {
    async fn open(&self, offset: u64) -> Result<OpenRecording, StoreError> {
        let text = |t: &str| Some(t.to_owned());
        Ok(OpenRecording {
            key: ObjectKey::parse(KEY).unwrap(),
            size: self.size,
            sha256: String::new(),
            timestamp: 1_606_164_482_818,
            metadata: Metadata {
                capture: text("IPCamera"),
                productid: text("front door"),
                publickey: text("cloud-key"),
                duration: text("19967"),
                fps: text("25"),
                instance_name: text("Été Süd"),
                region: text("229-153-288-247"),
                changes: text("51"),
                ..Metadata::default()
            },
            custom_headers: CustomHeaders::collect(vec!["X-Site".into()], |_| "Gent, étage 2".into()).0,
            path: vec!["a1".into(), "b2".into()],
            body: from(offset, (self.body)()),
        })
    }
}

/// One of this content.
fn holding(content: &Bytes) -> Arc<dyn RecordingSource> {
    let (size, content) = (content.len() as u64, content.clone());
    Arc::new(Recording {
        size,
        body: Box::new(move || {
            let chunks: Vec<_> = content.chunks(50_000).map(|c| Ok(Bytes::copy_from_slice(c))).collect();
            Box::pin(stream::iter(chunks))
        }),
    })
}

fn event(purpose: Purpose, recording: Arc<dyn RecordingSource>) -> OutgoingEvent {
    let body = r#"{"id":"event-1"}"#.into();
    OutgoingEvent {
        id: "event-1".into(),
        device: "front door".into(),
        body,
        purpose,
        recording,
        memory: Arc::new(Forgetful),
    }
}

/// Answers as a vault does. What is sent as provider is the answer: a status and an error's code.
fn answers(seen: &Seen) -> Option<Response> {
    let header = |name: &str| seen.headers.get(name).map_or("", |v| v.to_str().unwrap());
    let known =
        header("x-kerberos-storage-accesskey") == "access" && header("x-kerberos-storage-secretaccesskey") == "s@cret";
    let error = |status: u16, code: &str| {
        let text = "x".repeat(2000);
        let body = format!(r#"{{"error":"{code}","message":"{text}","data":"{text}"}}"#);
        (StatusCode::from_u16(status).unwrap(), body).into_response()
    };
    let wanted = header("x-kerberos-storage-provider").split_once(' ');
    Some(match (seen.path.as_str(), wanted) {
        ("/api/ping" | "/api/storage", _) if !known => error(401, "storage_account_not_found"),
        ("/api/storage", Some((status, code))) => error(status.parse().unwrap(), code),
        ("/api/ping" | "/api/storage", _) => (StatusCode::OK, r#"{"data":"ok"}"#).into_response(),
        _ => error(404, "route_not_found"),
    })
}

async fn vault() -> (String, Log) {
    relay(None, answers).await
}

fn open(address: &str, more: &[(&str, &str)]) -> Arc<dyn EventSink> {
    let url = format!("http://{address}/api");
    let mut settings = vec![("vault_url", url.as_str()), ("access_key", "access"), ("secret_key", "s@cret")];
    settings.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    settings.extend_from_slice(more);
    sink("vault", &settings)
}

#[tokio::test]
async fn conforms() {
    let (address, log) = vault().await;
    let content = bytes(1, 120_000);
    let sent = sink_suite_about(open(&address, &[]), holding(&content)).await;
    let log = log.lock().unwrap();
    let stored: Vec<_> = log.iter().filter(|s| s.path == "/api/storage").collect();
    assert_eq!(stored.len(), sent.len());
    assert!(stored.iter().all(|s| s.body == content), "content differs");
}

#[tokio::test]
async fn sends_what_agents_send() {
    let (address, log) = vault().await;
    let content = bytes(2, 3_000_000);
    // with a slash at its end, as some agents have it
    let sink = open(&address, &[("vault_url", &format!("http://{address}/api/")), ("provider", "archive")]);
    sink.send(&event(Purpose::Stored, holding(&content))).await.unwrap();
    let seen = log.lock().unwrap()[0].clone();
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/api/storage"));
    assert!(seen.body == content);
    let own = |name: &str| name.starts_with("x-") || name.starts_with("content") || name.starts_with("transfer");
    let headers: std::collections::BTreeMap<String, String> = seen
        .headers
        .iter()
        .filter(|(name, _)| own(name.as_str()))
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    insta::assert_debug_snapshot!(headers);
}

#[tokio::test]
async fn a_directory_of_its_own() {
    let (address, log) = vault().await;
    let sink = open(&address, &[("directory", "edge/7")]);
    sink.send(&event(Purpose::Stored, holding(&bytes(3, 10)))).await.unwrap();
    assert_eq!(log.lock().unwrap()[0].headers["x-kerberos-storage-directory"], "edge/7");
}

#[tokio::test]
async fn answers_decide_on_another_try() {
    let (address, _) = vault().await;
    let outcome = async |answer: &str| {
        open(&address, &[("provider", answer)]).send(&event(Purpose::Stored, holding(&bytes(4, 1000)))).await
    };
    outcome("409 forward_loop").await.expect("it came from there, so it is there");
    for (answer, kind) in [
        ("201 none", SinkErrorKind::Refused),
        ("400 file_incomplete", SinkErrorKind::Refused),
        ("400 storage_directory_missing", SinkErrorKind::Refused),
        ("400 file_invalid_name", SinkErrorKind::Refused),
        ("401 storage_account_not_found", SinkErrorKind::Denied),
        ("403 storage_account_disabled", SinkErrorKind::Denied),
        ("404 storage_provider_not_found", SinkErrorKind::Refused),
        ("408 file_stalled", SinkErrorKind::Down),
        ("409 file_belongs_to_another_account", SinkErrorKind::Refused),
        ("413 file_too_large", SinkErrorKind::Refused),
        ("415 file_unsupported_media_type", SinkErrorKind::Refused),
        ("429 too_many_requests", SinkErrorKind::Down),
        ("502 storage_provider_refuses", SinkErrorKind::Down),
        ("503 storage_provider_unavailable", SinkErrorKind::Down),
        ("507 storage_provider_full", SinkErrorKind::Down),
    ] {
        let error = outcome(answer).await.unwrap_err();
        assert_eq!(error.kind, kind, "{answer}: {error}");
        assert!(error.message.contains(&answer[..3]) && !error.message.contains("xxx"), "{answer}: {error}");
    }
}

#[tokio::test]
async fn on_demand_sends_what_is_asked_for_and_tells_the_hub_of_the_rest() {
    let (address, log) = vault().await;
    let (hub_address, hub_log) = relay(None, hub::answers).await;
    let content = bytes(5, 1000);
    let quiet = open(&address, &[("forward_type", "ondemand")]);
    let told = open(
        &address,
        &[("forward_type", "ondemand"), ("url", &format!("http://{hub_address}")), ("hub_key", "the-hub-key")],
    );
    for purpose in [Purpose::Stored, Purpose::Replay] {
        quiet.send(&event(purpose, holding(&content))).await.unwrap();
        told.send(&event(purpose, holding(&content))).await.unwrap();
    }
    assert!(log.lock().unwrap().is_empty(), "nothing was asked for");
    let paths = |log: &Log| log.lock().unwrap().iter().map(|s| s.path.clone()).collect::<Vec<_>>();
    assert_eq!(paths(&hub_log), ["/queue", "/queue"]);
    for sink in [&quiet, &told] {
        sink.send(&event(Purpose::Forward, holding(&content))).await.unwrap();
    }
    assert_eq!(paths(&log), ["/api/storage", "/api/storage"]);
    assert_eq!(paths(&hub_log).len(), 2);
    told.send(&event(Purpose::Test, Arc::new(NoRecording))).await.unwrap();
    assert_eq!((paths(&log)[2].as_str(), paths(&hub_log)[2].as_str()), ("/api/ping", "/queue/test"));
}

/// What was derived from a recording is sent where every recording is; it is no news for a Hub.
#[tokio::test]
async fn an_asset_is_sent_like_its_recording_and_never_told() {
    let (address, log) = vault().await;
    let (hub_address, hub_log) = relay(None, hub::answers).await;
    let content = bytes(9, 1000);
    let told = [("url", &*format!("http://{hub_address}")), ("hub_key", "the-hub-key"), ("forward_type", "ondemand")];
    open(&address, &told).send(&event(Purpose::Asset, holding(&content))).await.unwrap();
    assert!(log.lock().unwrap().is_empty(), "nothing was asked for");
    open(&address, &[("forward_type", "continuous")]).send(&event(Purpose::Asset, holding(&content))).await.unwrap();
    open(&address, &told).send(&event(Purpose::Forward, holding(&content))).await.unwrap();
    let sent: Vec<_> = log.lock().unwrap().iter().map(|seen| (seen.path.clone(), seen.body == content)).collect();
    assert_eq!(sent, [("/api/storage".to_owned(), true), ("/api/storage".to_owned(), true)]);
    assert!(hub_log.lock().unwrap().is_empty(), "nobody is told");
    let refusing = open(&address, &[("provider", "503 storage_provider_unavailable")]);
    let error = refusing.send(&event(Purpose::Asset, holding(&content))).await.unwrap_err();
    assert_eq!(error.kind, SinkErrorKind::Down, "it is tried again");
}

#[tokio::test]
async fn a_recording_that_is_gone_is_nobodys_to_send() {
    let (address, log) = vault().await;
    open(&address, &[]).send(&event(Purpose::Stored, Arc::new(NoRecording))).await.unwrap();
    assert!(log.lock().unwrap().is_empty());
}

struct Unreadable;

#[async_trait]
impl RecordingSource for Unreadable {
    async fn open(&self, _: u64) -> Result<OpenRecording, StoreError> {
        Err(StoreError::new(StoreErrorKind::Unavailable, "The store does not answer."))
    }
}

/// Trouble on this side: in opening the recording, and in the middle of it.
#[tokio::test]
async fn a_recording_that_cannot_be_read_is_tried_again() {
    let (address, log) = vault().await;
    let broken = Recording {
        size: 100_000,
        body: Box::new(|| {
            let broke = StoreError::new(StoreErrorKind::Unavailable, "The store broke off.");
            Box::pin(stream::iter([Ok(bytes(6, 50_000)), Err(broke)]))
        }),
    };
    let sources: [(Arc<dyn RecordingSource>, &str); 2] =
        [(Arc::new(Unreadable), "The store does not answer."), (Arc::new(broken), "The store broke off.")];
    for (source, told) in sources {
        let error = open(&address, &[]).send(&event(Purpose::Stored, source)).await.unwrap_err();
        assert_eq!(
            (error.kind, error.message),
            (SinkErrorKind::Down, format!("The recording cannot be read here. {told}"))
        );
    }
    assert!(log.lock().unwrap().is_empty(), "half a recording is none");
}

#[tokio::test]
async fn a_link_that_is_cut_is_tried_again() {
    let (address, log) = vault().await;
    let cut = cutting_relay(&address, 200_000, u64::MAX).await;
    let content = bytes(7, 3_000_000);
    let error = open(&cut, &[]).send(&event(Purpose::Stored, holding(&content))).await.unwrap_err();
    assert!(error.kind == SinkErrorKind::Down, "{error}");
    assert!(log.lock().unwrap().is_empty());
    open(&address, &[]).send(&event(Purpose::Stored, holding(&content))).await.unwrap();
}

/// It tells an offset behind the recording's end: the recording is sent in one request instead.
#[tokio::test]
async fn an_offset_that_cannot_be_is_not_believed() {
    let mistaken = |seen: &Seen| {
        let offset = [("upload-offset", "99999999")];
        match (seen.method.as_str(), seen.path.as_str()) {
            ("POST", "/api/storage/tus/") => Some((StatusCode::CREATED, [("location", "x")]).into_response()),
            ("PATCH", "/api/storage/tus/x") => Some((StatusCode::NO_CONTENT, offset).into_response()),
            ("HEAD", "/api/storage/tus/x") => Some((StatusCode::OK, offset).into_response()),
            ("DELETE", "/api/storage/tus/x") => Some(StatusCode::NO_CONTENT.into_response()),
            _ => answers(seen),
        }
    };
    let (address, log) = relay(None, mistaken).await;
    let content = bytes(3, 5_000_000);
    open(&address, &[]).send(&event(Purpose::Stored, holding(&content))).await.unwrap();
    let log = log.lock().unwrap();
    assert!(log.iter().any(|seen| seen.path == "/api/storage" && seen.body == content), "{} requests", log.len());
}

/// The other vault says no after the first bytes: the rest, here without end, stays where it is.
#[tokio::test]
async fn an_early_refusal_ends_the_transfer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let reader = tokio::spawn(async move {
        let mut buffer = vec![0; 64 * 1024];
        // It knows no uploads in several requests.
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(stream.read(&mut buffer).await.unwrap() > 0);
        stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await.unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(stream.read(&mut buffer).await.unwrap() > 0);
        let answer =
            b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 37\r\n\r\n{\"error\":\"storage_account_not_found\"}";
        stream.write_all(answer).await.unwrap();
        // until the other side ends the connection
        while stream.read(&mut buffer).await.is_ok_and(|n| n > 0) {}
    });
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = taken.clone();
    let endless = Recording {
        size: u64::MAX / 2,
        body: Box::new(move || {
            let counter = counter.clone();
            let chunk = move |_| {
                counter.fetch_add(1, Ordering::Relaxed);
                Ok(Bytes::from_static(&[0; 64 * 1024]))
            };
            Box::pin(stream::repeat(()).map(chunk))
        }),
    };
    let error = open(&address, &[]).send(&event(Purpose::Stored, Arc::new(endless))).await.unwrap_err();
    assert_eq!(error.message, "The other vault answers 401: it does not accept the access key or the secret key.");
    within("the other side ends the connection", reader).await.unwrap();
    assert!(taken.load(Ordering::Relaxed) > 0);
}

#[tokio::test]
async fn validating_tries_the_credentials_and_the_hub() {
    let (address, log) = vault().await;
    let report = open(&address, &[]).probe().await;
    assert!(report.passed(), "{report:?}");
    assert_eq!(steps(&report), ["resolve", "connect", "authenticate"]);
    assert_eq!(log.lock().unwrap()[0].path, "/api/ping");

    let report = open(&address, &[("secret_key", "wrong")]).probe().await;
    let (step, reason, cure) = failure(&report);
    assert_eq!(
        (step, reason),
        ("authenticate", "The other vault answers 401: it does not accept the access key or the secret key.")
    );
    assert!(cure.contains("Copy both"), "{cure}");
    let report = open(&address, &[("vault_url", &format!("http://{address}"))]).probe().await;
    assert!(failure(&report).2.contains("/api"), "{report:?}");

    let (hub_address, _) = relay(None, hub::answers).await;
    let url = format!("http://{hub_address}");
    let with = |key| open(&address, &[("forward_type", "ondemand"), ("url", &url), ("hub_key", key)]);
    let report = with("the-hub-key").probe().await;
    assert!(report.passed(), "{report:?}");
    assert_eq!(steps(&report)[3..], ["Hub: resolve", "Hub: connect", "Hub: authenticate"]);
    assert_eq!(failure(&with("wrong").probe().await).0, "Hub: authenticate");
}

#[tokio::test]
async fn vaults_that_are_none() {
    let content = bytes(8, 10);
    let event = |id: &str| OutgoingEvent { id: id.into(), ..event(Purpose::Stored, holding(&content)) };
    let at = |address: &str| open(address, &[]);
    out_of_reach(&Faulty { at: &at, event: &event, first_answer: "authenticate" }).await;
    // A vault that has a recording whole may take minutes to store it: only Validate is in a hurry.
    let report = at(&mute().await).probe().await;
    assert_eq!((failure(&report).0, failure(&report).1), ("authenticate", "There was no answer in time."));
}

#[test]
fn settings_bound_what_runs_at_a_time_and_choose_the_order() {
    let sink = open("vault:8080", &[]);
    assert_eq!((sink.concurrency(), sink.newest_first()), (4, false));
    let sink = open("vault:8080", &[("concurrency", "12"), ("order", "newest"), ("bandwidth", "512")]);
    assert_eq!((sink.concurrency(), sink.newest_first()), (12, true));
    for (field, value) in [("concurrency", "0"), ("concurrency", "65"), ("bandwidth", "fast"), ("url", "http://hub")] {
        let mut settings = vec![("vault_url", "http://v/api"), ("access_key", "a"), ("secret_key", "s")];
        settings.push((field, value));
        let errors = Backends::new().sink("vault", &pairs(&settings)).err().unwrap();
        assert_eq!(errors[0].field, if field == "url" { "hub_key" } else { field });
    }
}
