//! The webhook sink against servers of our own (docs/protocol.md §9).

use crate::conformance::sink_suite;
use crate::line::Line;
use crate::relay::{Log, Seen, relay};
use crate::sink_faults::{Faulty, assert_arrived, while_the_line_is_cut, without_a_server};
use crate::{failure, pairs, sink, steps};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use backends::Backends;
use model::error::SinkErrorKind;
use model::ports::{Connector, Forgetful, NoRecording, OutgoingEvent, Purpose};
use rcgen::generate_simple_self_signed;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

fn event() -> OutgoingEvent {
    OutgoingEvent {
        id: "event-1".into(),
        device: "camera".into(),
        body: r#"{"events":["monitor"],"name":"été"}"#.into(),
        purpose: Purpose::Stored,
        recording: Arc::new(NoRecording),
        memory: Arc::new(Forgetful),
    }
}

/// Answers what the path says.
fn by_path(seen: &Seen) -> Option<Response> {
    let status = seen.path.trim_start_matches('/').parse().ok().and_then(|code| StatusCode::from_u16(code).ok());
    Some(match status {
        Some(status) if !status.is_success() => {
            (status, [("location", "/200")], "what the server says is nobody's business").into_response()
        }
        status => (status.unwrap_or(StatusCode::OK), "what the server says is nobody's business").into_response(),
    })
}

async fn receiver() -> (String, Log) {
    relay(None, by_path).await
}

fn ids(log: &Log) -> Vec<String> {
    log.lock().unwrap().iter().map(|s| s.headers["x-vault-event-id"].to_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn conforms() {
    let (address, log) = receiver().await;
    let sent = sink_suite(sink("webhook", &[("url", &format!("http://{address}/hook"))])).await;
    let mut received = ids(&log).split_off(1);
    assert_eq!(received[..5], sent[..5]);
    let mut sent = sent;
    received.sort();
    sent.sort();
    assert_eq!(received, sent);
}

/// Checked by another implementation than the one that signs.
#[tokio::test]
async fn the_signature_is_what_a_receiver_computes() {
    let (address, log) = receiver().await;
    let settings = [
        ("url", format!("http://{address}/hook")),
        ("secret", "schlüssel".into()),
        ("headers", "Authorization: Bearer t0ken\nX-Site: a".into()),
    ];
    let settings = settings.each_ref().map(|(n, v)| (*n, v.as_str()));
    sink("webhook", &settings).send(&event()).await.unwrap();
    let seen = log.lock().unwrap()[0].clone();
    let header = |name: &str| seen.headers[name].to_str().unwrap().to_owned();
    assert_eq!((seen.method.as_str(), seen.path.as_str(), &seen.body), ("POST", "/hook", &event().body));
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(
        (header("x-vault-event-id"), header("authorization"), header("x-site")),
        ("event-1".into(), "Bearer t0ken".into(), "a".into())
    );
    assert!(!seen.headers.contains_key("x-vault-test"));
    let timestamp = header("x-vault-timestamp");
    let age = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
        - timestamp.parse::<u64>().unwrap();
    assert!(age < 60);
    let signed = [timestamp.as_bytes(), b".", &seen.body].concat();
    assert_eq!(header("x-vault-signature"), format!("sha256={}", openssl_free_hmac("schlüssel".as_bytes(), &signed)));
}

/// RFC 2104, spelled out.
fn openssl_free_hmac(key: &[u8], message: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    let mut block = [0u8; 64];
    block[..key.len()].copy_from_slice(key);
    let inner = Sha256::digest([&block.map(|b| b ^ 0x36)[..], message].concat());
    hex::encode(Sha256::digest([&block.map(|b| b ^ 0x5c)[..], &inner[..]].concat()))
}

#[tokio::test]
async fn without_secret_there_is_no_signature() {
    let (address, log) = receiver().await;
    sink("webhook", &[("url", &format!("http://{address}/hook"))]).send(&event()).await.unwrap();
    assert!(!log.lock().unwrap()[0].headers.contains_key("x-vault-signature"));
}

/// A maintenance page is anything between 300 and 499, and no answer of these is final or a success. Each names another
/// place, which nobody may be sent to: what is told there is not for it.
#[tokio::test]
async fn only_2xx_is_success_and_nothing_is_final() {
    let (address, log) = receiver().await;
    let outcome =
        async |code: u16| sink("webhook", &[("url", &format!("http://{address}/{code}"))]).send(&event()).await;
    for code in [200, 201, 202, 204] {
        outcome(code).await.unwrap();
    }
    log.lock().unwrap().clear();
    let codes: Vec<u16> = (300..=499).chain([500, 502, 503, 504, 507, 599]).collect();
    for code in &codes {
        let error = outcome(*code).await.unwrap_err();
        let wanted = match code {
            401 | 403 | 407 | 410 => SinkErrorKind::Denied,
            408 | 425 | 429 | 500.. => SinkErrorKind::Down,
            _ => SinkErrorKind::Refused,
        };
        assert_eq!(error.kind, wanted, "{code}");
        assert!(!error.message.contains("business"), "{error}");
        let named = error.message.contains(&code.to_string());
        assert!(named || error.message == "The endpoint answers with a redirect, which is not followed.", "{error}");
    }
    let asked: Vec<String> = log.lock().unwrap().iter().map(|seen| format!("{} {}", seen.method, seen.path)).collect();
    let wanted: Vec<String> = codes.iter().map(|code| format!("POST /{code}")).collect();
    assert_eq!(asked, wanted, "one request each, and none to where it points");
}

#[tokio::test]
async fn validating_sends_a_marked_event() {
    let (address, log) = receiver().await;
    let report = sink("webhook", &[("url", &format!("http://{address}/hook"))]).probe().await;
    assert!(report.passed(), "{report:?}");
    assert_eq!(steps(&report), ["resolve", "connect", "send"]);
    let seen = log.lock().unwrap()[0].clone();
    assert_eq!(seen.headers["x-vault-test"], "1");
    let body: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!(body["events"], serde_json::json!(["monitor", "sequence"]));
    assert_eq!(
        (&body["provider"], &body["source"], &body["request"]),
        (&"kstorage".into(), &"".into(), &"test".into())
    );

    let report = sink("webhook", &[("url", &format!("http://{address}/301"))]).probe().await;
    assert_eq!((failure(&report).0, failure(&report).2), ("send", "Enter the final address."));
}

fn small(id: &str) -> OutgoingEvent {
    crate::event(id, "camera", "{}")
}

#[tokio::test]
async fn servers_that_are_none() {
    let at = |address: &str| sink("webhook", &[("url", &format!("http://{address}/hook"))]);
    without_a_server(&Faulty { at: &at, event: &small, first_answer: "send" }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_cut() {
    let (server, log) = receiver().await;
    let line = Line::to(&server).await;
    let at = |address: &str| sink("webhook", &[("url", &format!("http://{address}/hook"))]);
    let faulty = Faulty { at: &at, event: &small, first_answer: "send" };
    let sent = while_the_line_is_cut(&faulty, &line).await;
    assert_arrived(&ids(&log), &sent);
}

#[tokio::test]
async fn headers_of_its_own_are_not_for_others() {
    for headers in ["Host: elsewhere", "Content-Length: 0", "X-Vault-Signature: forged"] {
        let settings = pairs(&[("url", "http://127.0.0.1:1/"), ("headers", headers)]);
        let errors = Backends::new().sink("webhook", &settings).err().unwrap();
        assert_eq!(errors[0].field, "headers", "{headers}");
    }
}

/// An answer that goes on for ever is not read to its end.
#[tokio::test]
async fn an_endless_answer_is_left_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 999999999999\r\n\r\n").await.unwrap();
        while stream.write_all(&[b'x'; 65536]).await.is_ok() {}
    });
    let started = Instant::now();
    sink("webhook", &[("url", &format!("http://{address}/"))]).send(&event()).await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

/// A certificate nobody vouches for ends the handshake, in the probe and when sending.
#[tokio::test]
async fn an_untrusted_certificate_is_refused() {
    let made = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = made.signing_key.serialize_der().try_into().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let (acceptor, listener) = (TlsAcceptor::from(Arc::new(config)), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = acceptor.accept(stream).await;
        }
    });
    let sink = sink("webhook", &[("url", &format!("https://localhost:{port}/"))]);
    let report = sink.probe().await;
    assert_eq!(
        (failure(&report).0, failure(&report).1),
        ("TLS", format!("The certificate of localhost:{port} is not trusted.").as_str())
    );
    let error = sink.send(&event()).await.unwrap_err();
    assert_eq!(
        (error.kind, error.message),
        (SinkErrorKind::Down, format!("The certificate of localhost:{port} is not trusted."))
    );
}

/// While a secret is being changed, receivers that know either of the two are satisfied.
#[tokio::test]
async fn two_secrets_sign_while_one_is_being_changed() {
    let (address, log) = receiver().await;
    let url = format!("http://{address}/hook");
    let settings = [("url", url.as_str()), ("secret", "new"), ("previous_secret", "old")];
    sink("webhook", &settings).send(&event()).await.unwrap();
    let seen = log.lock().unwrap()[0].clone();
    let signed = [seen.headers["x-vault-timestamp"].as_bytes(), b".", &seen.body].concat();
    let [new, old] = [&b"new"[..], b"old"].map(|key| openssl_free_hmac(key, &signed));
    assert_eq!(seen.headers["x-vault-signature"], format!("sha256={new},sha256={old}"));

    let settings = pairs(&[("url", &url), ("previous_secret", "old")]);
    let errors = Backends::new().sink("webhook", &settings).err().unwrap();
    assert_eq!(errors[0].field, "secret");
}

/// The request, byte for byte; a fixed clock makes its signature the same every time.
#[tokio::test]
async fn the_request_changes_only_on_purpose() {
    let (address, log) = receiver().await;
    let url = format!("http://{address}/hook");
    let backends = Backends::with_clock(|| std::time::UNIX_EPOCH + Duration::from_secs(1_606_164_483));
    let settings = pairs(&[("url", &url), ("secret", "key"), ("headers", "Authorization: Bearer t0ken")]);
    backends.sink("webhook", &settings).unwrap().send(&event()).await.unwrap();
    let seen = log.lock().unwrap()[0].clone();
    let mut lines: Vec<String> = seen
        .headers
        .iter()
        .filter(|(name, _)| !["host", "user-agent", "accept"].contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    lines.sort();
    insta::assert_snapshot!(format!("{}\n\n{}", lines.join("\n"), String::from_utf8_lossy(&seen.body)));
}
