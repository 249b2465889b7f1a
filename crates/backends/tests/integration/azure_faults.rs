//! Azure Blob Storage that is not there, does not answer, breaks off, or answers strange things.

use crate::azure::{env, key, open, server, settings, through};
use crate::conformance::bytes;
use crate::failure;
use crate::relay::{Seen, relay};
use crate::store_faults::{self, Faulty};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use backends::Backends;
use model::error::StoreErrorKind;
use model::ports::Connector;
use model::ports::Publish;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

#[tokio::test]
async fn the_networks_faults() {
    let host = server().split("://").nth(1).unwrap().to_owned();
    let at = |server: &str| open(&settings().with("endpoint", format!("{server}/{}", env("ACCOUNT"))));
    store_faults::suite(Faulty { at, host, key: key("faulty.mp4"), first_answer: "authenticate" }).await;
}

static DOWN: AtomicBool = AtomicBool::new(false);

/// Lets a commit through, and loses the answer: the client asks again, and the blocks are gone.
fn loses_answers(seen: &Seen) -> Option<Response> {
    let commits = seen.method == "PUT" && seen.path.contains("comp=blocklist");
    (commits && DOWN.load(Ordering::SeqCst)).then(|| xml(400, "InvalidBlockList"))
}

#[tokio::test]
async fn a_lost_answer_to_complete() {
    let (address, _) = relay(Some(&server()), loses_answers).await;
    let store = open(&through(&address));
    let key = key("lost-answer.mp4");
    let upload = store.begin(&key).await.unwrap();
    let parts = [store.put_part(&key, &upload, 1, bytes(4, 100)).await.unwrap()];
    DOWN.store(true, Ordering::SeqCst);
    assert_eq!(
        store.complete(&key, &upload, &parts, Publish::Replace).await.unwrap_err().kind,
        StoreErrorKind::Interrupted
    );
    open(&settings()).complete(&key, &upload, &parts, Publish::Replace).await.unwrap();
    store.complete(&key, &upload, &parts, Publish::Replace).await.unwrap();
    // Not so when another blob has taken its place.
    store.put(&key, bytes(5, 200), Publish::Replace).await.unwrap();
    assert!(store.complete(&key, &upload, &parts, Publish::Replace).await.unwrap_err().is_not_found());
    store.delete(&key).await.unwrap();
}

/// Passing trouble is lived through.
#[tokio::test]
async fn passing_trouble_is_tried_again() {
    fn busy_once(seen: &Seen) -> Option<Response> {
        static BUSY: AtomicBool = AtomicBool::new(true);
        (seen.method == "PUT" && BUSY.swap(false, Ordering::SeqCst)).then(|| xml(503, "ServerBusy"))
    }
    let (address, log) = relay(Some(&server()), busy_once).await;
    let store = open(&through(&address));
    let key = key("busy.mp4");
    store.put(&key, bytes(1, 10), Publish::Replace).await.unwrap();
    assert_eq!(log.lock().unwrap().iter().filter(|s| s.method == "PUT").count(), 2);
    store.delete(&key).await.unwrap();
}

fn xml(status: u16, code: &str) -> Response {
    let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>the-secret-key</Message></Error>");
    let status = StatusCode::from_u16(status).unwrap();
    (status, [("content-type", "application/xml"), ("x-ms-error-code", code)], body).into_response()
}

/// Answers by what stands in the container's place.
fn scripted(seen: &Seen) -> Option<Response> {
    let container = seen.path.split(['/', '?']).nth(2).unwrap_or_default().to_owned();
    Some(match container.as_str() {
        "moved" => (StatusCode::TEMPORARY_REDIRECT, [("location", "http://169.254.169.254/")]).into_response(),
        "full" => xml(409, "AccountLimitExceeded"),
        "slow" => xml(429, "TooManyRequests"),
        "large" => xml(413, "RequestBodyTooLarge"),
        "locked" => xml(409, "BlobImmutableDueToPolicy"),
        "firewall" => xml(403, "AuthorizationFailure"),
        "wrongkey" => xml(403, "AuthenticationFailed"),
        "keyless" => xml(403, "KeyBasedAuthenticationNotPermitted"),
        "odd" => xml(400, "UnsupportedHeader"),
        "webpage" => (StatusCode::OK, [("content-type", "text/html")], "<html>the-secret-key").into_response(),
        "webpage400" => (StatusCode::BAD_REQUEST, "<html>the-secret-key</html>").into_response(),
        other => panic!("no script for {other}"),
    })
}

#[tokio::test]
async fn answers_become_plain_words() {
    let (address, _) = relay(None, scripted).await;
    for (container, kind, words) in [
        ("moved", StoreErrorKind::Denied, "The container is served at another address."),
        ("full", StoreErrorKind::Full, "The store is full."),
        ("slow", StoreErrorKind::Unavailable, "The store asks to slow down."),
        ("large", StoreErrorKind::Denied, "The store does not take objects of this size."),
        ("locked", StoreErrorKind::Denied, "A policy of the container keeps the blob as it is."),
        ("firewall", StoreErrorKind::Denied, "The storage account's network rules keep the vault out."),
        ("wrongkey", StoreErrorKind::Denied, "The account key does not belong to this storage account."),
        ("keyless", StoreErrorKind::Denied, "The storage account does not allow account keys."),
        ("odd", StoreErrorKind::Denied, "The store refuses the request (UnsupportedHeader)."),
    ] {
        let store = open(&through(&address).with("container", container));
        let error = store.put(&key("a.mp4"), bytes(1, 10), Publish::Replace).await.unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (kind, words), "{container}");
    }
    for container in ["webpage", "webpage400"] {
        let report = open(&through(&address).with("container", container)).probe().await;
        let (step, reason, cure) = failure(&report);
        assert_eq!(step, "authenticate", "{container}");
        assert!(reason.contains("does not answer like Azure Blob Storage"), "{container}: {reason}");
        assert!(!format!("{reason}{cure}").contains("secret"), "{container}: {reason}");
    }
}

/// Azurite does not look at clocks. Azure refuses the signature, and its answer has a date.
#[tokio::test]
async fn a_wrong_clock_is_told() {
    let (address, _) = relay(None, scripted).await;
    let settings = through(&address).with("container", "wrongkey");
    for ahead in [true, false] {
        let shift = Duration::from_secs(3600);
        let now = move || if ahead { SystemTime::now() + shift } else { SystemTime::now() - shift };
        let report = Backends::with_clock(now).store("azure", &settings).unwrap().probe().await;
        let (step, reason, cure) = failure(&report);
        assert_eq!((step, reason), ("authenticate", "The vault's clock differs too much from the store's."));
        assert!(cure.contains("NTP"), "{cure}");
    }
}
