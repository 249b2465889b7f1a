//! S3 servers that are not there, do not answer, break off, or answer strange things.

use crate::conformance::{bytes, read};
use crate::failure;
use crate::relay::{Seen, closed, cutting_relay, mute, relay};
use crate::s3::{env, host, key, open, settings};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use model::error::StoreErrorKind;
use model::field::Settings;
use std::time::{Duration, Instant};

/// Settings for a server that needs no real keys.
fn at(endpoint: &str) -> Settings {
    Settings::new()
        .with("endpoint", endpoint)
        .with("bucket", "recordings")
        .with("region", "us-east-1")
        .with("path_style", "true")
        .with("access_key", "access")
        .with("secret_key", "the-secret-key")
}

#[tokio::test]
async fn a_server_that_is_not_there() {
    let address = closed().await;
    let store = open(&at(&format!("http://{address}")));
    let report = store.probe().await;
    let (step, reason, cure) = failure(&report);
    assert_eq!((step, reason), ("connect", format!("{address} refuses connections.").as_str()));
    assert!(cure.contains("port"), "{cure}");
    let error = store.put(&key("a.mp4"), bytes(1, 10)).await.unwrap_err();
    assert_eq!((error.kind, error.message), (StoreErrorKind::Unavailable, format!("{address} refuses connections.")));
}

#[tokio::test]
async fn a_name_that_does_not_exist() {
    let store = open(&at("http://nobody.invalid:9000"));
    let report = store.probe().await;
    assert_eq!((failure(&report).0, failure(&report).1), ("resolve", "The name nobody.invalid cannot be resolved."));
    let error = store.head(&key("a.mp4")).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unavailable, "{error}");
    assert!(error.message.contains("cannot be resolved"), "{error}");
}

#[tokio::test]
async fn a_server_that_never_answers() {
    let address = mute().await;
    let started = Instant::now();
    let report = open(&at(&format!("http://{address}"))).probe().await;
    assert_eq!((failure(&report).0, failure(&report).1), ("authenticate", "There was no answer in time."));
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[tokio::test]
async fn https_to_a_plain_port() {
    let report = open(&at(&format!("https://{}", host()))).probe().await;
    let (step, reason, cure) = failure(&report);
    assert_eq!((step, reason), ("TLS", format!("{} does not speak TLS.", host()).as_str()));
    assert!(cure.contains("SSL"), "{cure}");
    let error = open(&at(&format!("https://{}", host()))).head(&key("a.mp4")).await.unwrap_err();
    assert_eq!(error.message, format!("{} does not speak TLS.", host()));
}

#[tokio::test]
async fn metadata_services_are_refused() {
    // The last one is put together from bucket and endpoint.
    let cases = [
        at("http://169.254.169.254"),
        at("http://[fe80::1]:9000"),
        at("http://metadata.google.internal"),
        at("http://0xa9fea9fe"),
        at("http://169.254").with("bucket", "169.254").with("path_style", "false"),
    ];
    for settings in cases {
        let store = open(&settings);
        let started = Instant::now();
        let error = store.put(&key("a.mp4"), bytes(1, 10)).await.unwrap_err();
        let told = error.message.contains("never connects to those") || error.message.contains("cannot be resolved");
        assert!(told, "{settings:?}: {error}");
        assert!(started.elapsed() < Duration::from_secs(4), "refused before anything is tried");
        assert!(store.probe().await.failure().is_some());
    }
}

/// A connection that breaks in the middle of a body: an error, and no object.
#[tokio::test]
async fn a_connection_that_is_cut() {
    let content = bytes(3, 3_000_000);
    let key = key("cut.mp4");
    let cut_up = cutting_relay(&host(), 1_000_000, u64::MAX).await;
    let store = open(&settings().with("endpoint", format!("http://{cut_up}")));
    let error = store.put(&key, content.clone()).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unavailable, "{error}");
    let direct = open(&settings());
    assert_eq!(direct.head(&key).await.unwrap(), None);

    direct.put(&key, content).await.unwrap();
    let cut_down = cutting_relay(&host(), u64::MAX, 1_000_000).await;
    let store = open(&settings().with("endpoint", format!("http://{cut_down}")));
    let error = read(&*store, &key, None).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unavailable, "{error}");
    direct.delete(&key).await.unwrap();
}

/// Amazon and MinIO forget an upload once it is complete; this server would say yes again.
fn forgetful(seen: &Seen) -> Option<Response> {
    let completes = seen.method == "POST" && seen.path.contains("uploadId=");
    completes.then(|| xml(404, "NoSuchUpload"))
}

/// A recording is complete although the answer that said so got lost.
#[tokio::test]
async fn a_lost_answer_to_complete() {
    let (address, log) = relay(Some(&env("ENDPOINT")), forgetful).await;
    let store = open(&settings().with("endpoint", format!("http://{address}")));
    let key = key("lost-answer.mp4");
    let upload = store.begin(&key).await.unwrap();
    let content = bytes(4, store.part_size() + 100);
    let one = store.put_part(&key, &upload, 1, content.slice(..store.part_size())).await.unwrap();
    let two = store.put_part(&key, &upload, 2, content.slice(store.part_size()..)).await.unwrap();
    let parts = [one, two];
    assert!(store.complete(&key, &upload, &parts).await.unwrap_err().is_not_found(), "nothing is there yet");
    open(&settings()).complete(&key, &upload, &parts).await.unwrap();
    store.complete(&key, &upload, &parts).await.unwrap();
    assert!(log.lock().unwrap().iter().any(|s| s.method == "HEAD"), "looked at what is there");
    // Not so when another object has taken its place.
    store.put(&key, bytes(5, 200)).await.unwrap();
    assert!(store.complete(&key, &upload, &parts).await.unwrap_err().is_not_found());
    store.delete(&key).await.unwrap();
}

fn xml(status: u16, code: &str) -> Response {
    let body = format!(
        "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>the-secret-key expecting 'eu-west-1'</Message></Error>"
    );
    (StatusCode::from_u16(status).unwrap(), [("content-type", "application/xml")], body).into_response()
}

/// Answers by what stands in the bucket's place.
fn scripted(seen: &Seen) -> Option<Response> {
    let bucket = seen.path.trim_start_matches('/').split(['/', '?']).next().unwrap_or_default().to_owned();
    Some(match bucket.as_str() {
        "moved" => (
            StatusCode::MOVED_PERMANENTLY,
            [("x-amz-bucket-region", "eu-central-1"), ("location", "http://169.254.169.254/")],
        )
            .into_response(),
        "malformed" => xml(400, "AuthorizationHeaderMalformed"),
        "head" => (StatusCode::BAD_REQUEST, [("x-amz-bucket-region", "eu-central-1")]).into_response(),
        "kms" => xml(400, "KMS.DisabledException"),
        "class" => xml(400, "InvalidStorageClass"),
        "full" => xml(507, "XMinioStorageFull"),
        "quota" => xml(400, "QuotaExceeded"),
        "slow" => xml(503, "SlowDown"),
        "large" => xml(400, "EntityTooLarge"),
        "odd" => xml(400, "the-secret-key <b>"),
        "webpage" => (StatusCode::OK, [("content-type", "text/html")], "<html>the-secret-key</html>").into_response(),
        "webpage404" => (StatusCode::BAD_REQUEST, "<html>the-secret-key</html>").into_response(),
        other => panic!("no script for {other}"),
    })
}

#[tokio::test]
async fn answers_become_plain_words() {
    let (address, _) = relay(None, scripted).await;
    for (bucket, kind, words) in [
        ("moved", StoreErrorKind::Denied, "The bucket is in region 'eu-central-1', not in 'us-east-1'."),
        ("malformed", StoreErrorKind::Denied, "The bucket is in region 'eu-west-1', not in 'us-east-1'."),
        ("head", StoreErrorKind::Denied, "The bucket is in region 'eu-central-1', not in 'us-east-1'."),
        ("kms", StoreErrorKind::Denied, "The store cannot encrypt with this KMS key."),
        ("class", StoreErrorKind::Denied, "The store does not know this storage class."),
        ("full", StoreErrorKind::Full, "The store is full."),
        ("quota", StoreErrorKind::Full, "The store is full."),
        ("slow", StoreErrorKind::Unavailable, "The store asks to slow down."),
        ("large", StoreErrorKind::Denied, "The store does not take objects of this size."),
        ("odd", StoreErrorKind::Denied, "The store refuses the request."),
    ] {
        let store = open(&at(&format!("http://{address}")).with("bucket", bucket));
        let error = store.put(&key("a.mp4"), bytes(1, 10)).await.unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (kind, words), "{bucket}");
    }
    let report = open(&at(&format!("http://{address}")).with("bucket", "malformed")).probe().await;
    assert_eq!((failure(&report).0, failure(&report).2), ("authenticate", "Enter eu-west-1 as region."));
    for bucket in ["webpage", "webpage404"] {
        let report = open(&at(&format!("http://{address}")).with("bucket", bucket)).probe().await;
        let (step, reason, cure) = failure(&report);
        assert_eq!(step, "authenticate", "{bucket}");
        assert!(reason.contains("does not answer like an S3 server") && !cure.contains("secret"), "{bucket}: {reason}");
    }
}
