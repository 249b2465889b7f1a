//! S3 servers that are not there, do not answer, break off, or answer strange things.

use crate::conformance::bytes;
use crate::failure;
use crate::relay::{Seen, relay};
use crate::s3::{env, host, key, open, settings};
use crate::store_faults::{self, Faulty};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use model::error::StoreErrorKind;
use model::field::Settings;
use model::ports::Publish;

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
async fn the_networks_faults() {
    let at = |server: &str| open(&settings().with("endpoint", server));
    store_faults::suite(Faulty { at, host: host(), key: key("faulty.mp4"), first_answer: "authenticate" }).await;
}

#[tokio::test]
async fn bucket_and_endpoint_together_are_no_metadata_service() {
    let store = open(&at("http://169.254").with("bucket", "169.254").with("path_style", "false"));
    let error = store.put(&key("a.mp4"), bytes(1, 10), Publish::Replace).await.unwrap_err();
    assert!(error.message.contains("never connects to those"), "{error}");
    assert!(store.probe().await.failure().is_some());
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
    assert!(
        store.complete(&key, &upload, &parts, Publish::Replace).await.unwrap_err().is_not_found(),
        "nothing is there yet"
    );
    open(&settings()).complete(&key, &upload, &parts, Publish::Replace).await.unwrap();
    store.complete(&key, &upload, &parts, Publish::Replace).await.unwrap();
    assert!(log.lock().unwrap().iter().any(|s| s.method == "HEAD"), "looked at what is there");
    // Not so when another object has taken its place.
    store.put(&key, bytes(5, 200), Publish::Replace).await.unwrap();
    assert!(store.complete(&key, &upload, &parts, Publish::Replace).await.unwrap_err().is_not_found());
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
        let error = store.put(&key("a.mp4"), bytes(1, 10), Publish::Replace).await.unwrap_err();
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
