//! Google Cloud Storage that is not there, does not answer, breaks off, or answers strange things.

use crate::conformance::{bytes, read};
use crate::failure;
use crate::gcs::{env, key, open, settings};
use crate::relay::{Seen, relay};
use crate::store_faults::{self, Faulty};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use model::error::StoreErrorKind;
use model::ports::Publish;

fn host() -> String {
    env("ENDPOINT").split("://").nth(1).unwrap().trim_end_matches('/').to_owned()
}

#[tokio::test]
async fn the_networks_faults() {
    let at = |server: &str| open(&settings().with("endpoint", server));
    store_faults::suite(Faulty { at, host: host(), key: key("faulty.mp4"), first_answer: "bucket" }).await;
}

#[tokio::test]
async fn a_token_server_that_does_not_exist_is_named() {
    let elsewhere = crate::gcs::service_key("vault").replace(&host(), "tokens.invalid");
    let report = open(&settings().with("service_key", elsewhere)).probe().await;
    let (step, reason, _) = failure(&report);
    assert_eq!(step, "authenticate");
    assert!(reason.contains("tokens.invalid") && reason.contains("cannot be resolved"), "{reason}");
}

#[tokio::test]
async fn a_metadata_service_gives_no_tokens() {
    let token_server = crate::gcs::service_key("vault").replace(&host(), "169.254.169.254");
    let store = open(&settings().with("service_key", token_server));
    let error = store.put(&key("a.mp4"), bytes(1, 10), Publish::Replace).await.unwrap_err();
    assert!(error.message.contains("never connects to those"), "{error}");
    assert!(store.probe().await.failure().is_some());
}

/// Does what it is asked to, and then says that it could not, once.
fn forgets_the_answer(seen: &Seen) -> Option<Response> {
    static LOST: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let composes = seen.path.ends_with("/compose");
    (composes && LOST.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0)
        .then(|| StatusCode::SERVICE_UNAVAILABLE.into_response())
}

/// Passing trouble is lived through.
#[tokio::test]
async fn passing_trouble_is_tried_again() {
    let (address, log) = relay(Some(&env("ENDPOINT")), forgets_the_answer).await;
    let store = open(&settings().with("endpoint", format!("http://{address}")));
    let key = key("again.mp4");
    let upload = store.begin(&key).await.unwrap();
    let part = store.put_part(&key, &upload, 1, bytes(4, 100)).await.unwrap();
    store.complete(&key, &upload, &[part], Publish::Replace).await.unwrap();
    assert_eq!(log.lock().unwrap().iter().filter(|s| s.path.ends_with("/compose")).count(), 2);
    assert_eq!(read(&*store, &key, None).await.unwrap(), bytes(4, 100));
    store.delete(&key).await.unwrap();
}

/// A token withdrawn before its time is replaced, once.
#[tokio::test]
async fn a_token_that_is_withdrawn() {
    fn withdraws(seen: &Seen) -> Option<Response> {
        static SEEN: std::sync::Mutex<Option<String>> = std::sync::Mutex::new(None);
        let token = seen.headers.get("authorization")?.to_str().unwrap().to_owned();
        let mut first = SEEN.lock().unwrap();
        (*first.get_or_insert_with(|| token.clone()) == token && seen.method == "POST")
            .then(|| StatusCode::UNAUTHORIZED.into_response())
    }
    let (address, log) = relay(Some(&env("ENDPOINT")), withdraws).await;
    let store = open(&settings().with("endpoint", format!("http://{address}")));
    let key = key("withdrawn.mp4");
    assert_eq!(store.head(&key).await.unwrap(), None);
    store.put(&key, bytes(1, 10), Publish::Replace).await.unwrap();
    let log = log.lock().unwrap().clone();
    let tokens: Vec<_> =
        log.iter().filter(|s| s.method == "POST").map(|s| s.headers["authorization"].clone()).collect();
    assert!(
        tokens.len() == 2 && tokens[0] != tokens[1],
        "refused with the first token, taken with another: {tokens:?}"
    );
    store.delete(&key).await.unwrap();
}

fn refusal(status: u16, reason: &str) -> Response {
    let body = format!(
        r#"{{"error":{{"code":{status},"message":"the-secret-key","errors":[{{"reason":"{reason}","message":"the-secret-key"}}]}}}}"#
    );
    (StatusCode::from_u16(status).unwrap(), [("content-type", "application/json")], body).into_response()
}

/// Answers by what stands in the bucket's place.
fn scripted(seen: &Seen) -> Option<Response> {
    let bucket = seen.path.split("/b/").nth(1)?.split('/').next().unwrap_or_default().to_owned();
    Some(match bucket.as_str() {
        "moved" => (StatusCode::TEMPORARY_REDIRECT, [("location", "http://169.254.169.254/")]).into_response(),
        "full" => refusal(403, "quotaExceeded"),
        "slow" => refusal(429, "rateLimitExceeded"),
        "large" => refusal(413, "uploadTooLarge"),
        "locked" => refusal(403, "retentionPolicyNotMet"),
        "odd" => refusal(400, "the-secret-key"),
        "own" => refusal(503, "backendError"),
        "billing" => refusal(403, "accountDisabled"),
        "unauthorised" => refusal(401, "authError"),
        "webpage" => (StatusCode::OK, [("content-type", "text/html")], "<html>the-secret-key</html>").into_response(),
        "webpage400" => (StatusCode::BAD_REQUEST, "<html>the-secret-key</html>").into_response(),
        other => panic!("no script for {other}"),
    })
}

#[tokio::test]
async fn answers_become_plain_words() {
    let (address, _) = relay(None, scripted).await;
    for (bucket, kind, words) in [
        ("moved", StoreErrorKind::Denied, "The bucket is served at another address."),
        ("full", StoreErrorKind::Full, "The store is full."),
        ("slow", StoreErrorKind::Unavailable, "The store asks to slow down."),
        ("large", StoreErrorKind::Denied, "The store does not take objects of this size."),
        ("locked", StoreErrorKind::Denied, "A retention policy or a hold keeps the object as it is."),
        ("odd", StoreErrorKind::Denied, "The store refuses the request."),
        ("own", StoreErrorKind::Unavailable, "The store has trouble of its own (status 503)."),
        ("billing", StoreErrorKind::Denied, "The bucket's project has been disabled, or its billing has."),
        ("unauthorised", StoreErrorKind::Denied, "Google does not accept the service account's token."),
    ] {
        let store = open(&settings().with("endpoint", format!("http://{address}")).with("bucket", bucket));
        let error = store.put(&key("a.mp4"), bytes(1, 10), Publish::Replace).await.unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (kind, words), "{bucket}");
    }
    for bucket in ["webpage", "webpage400"] {
        let store = open(&settings().with("endpoint", format!("http://{address}")).with("bucket", bucket));
        let report = store.probe().await;
        let (step, reason, cure) = failure(&report);
        assert_eq!(step, "bucket", "{bucket}");
        assert!(reason.contains("does not answer like Google Cloud Storage") && !cure.contains("secret"), "{reason}");
    }
}
