//! Azure Blob Storage that says 201 and tells of what was not sent. What it does is the name of the blob.

use crate::azure::{key, open, through};
use crate::conformance::bytes;
use crate::relay::{Log, Seen, relay};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use model::error::{StoreError, StoreErrorKind};
use model::ports::{BlobStore, Publish};
use std::sync::Arc;

const SIZE: usize = 1000;

/// A server of one's own, which stores nothing. It is honest about the marks of uploads.
fn liar(seen: &Seen) -> Option<Response> {
    let path = seen.path.split('?').next().unwrap();
    let name = if path.contains("/.vault-parts/") { "mark" } else { path.rsplit('/').next().unwrap() };
    let md5 =
        |bytes: &[u8]| (StatusCode::CREATED, [("content-md5", STANDARD.encode(Md5::digest(bytes)))]).into_response();
    Some(match (seen.method.as_str(), name) {
        ("DELETE", _) => StatusCode::ACCEPTED.into_response(),
        ("HEAD", "swallows") => (StatusCode::NOT_FOUND, [("x-ms-error-code", "BlobNotFound")]).into_response(),
        ("HEAD", "has-half") => [("content-length", (SIZE / 2).to_string())].into_response(),
        ("HEAD", "has-nothing") => [("content-length", "0")].into_response(),
        ("HEAD", _) => [("content-length", SIZE.to_string())].into_response(),
        (_, "swallows" | "has-half" | "has-nothing" | "tells-nothing") => StatusCode::CREATED.into_response(),
        (_, _) if seen.path.contains("comp=blocklist") => StatusCode::CREATED.into_response(),
        (_, "sum-of-nothing") => md5(b""),
        (_, "sum-of-others") => md5(b"other"),
        (_, "sum-of-half") => md5(&seen.body[..SIZE / 2]),
        (_, "refused") => (StatusCode::BAD_REQUEST, [("x-ms-error-code", "Md5Mismatch")]).into_response(),
        (_, _) => md5(&seen.body),
    })
}

async fn at_a_liar() -> (Arc<dyn BlobStore>, Log) {
    let (address, log) = relay(None, liar).await;
    (open(&through(&address)), log)
}

fn is_a_lie<T: std::fmt::Debug>(answer: Result<T, StoreError>, name: &str) {
    assert_eq!(answer.map_err(|error| error.kind).unwrap_err(), StoreErrorKind::Unconfirmed, "{name}");
}

async fn whole(store: &dyn BlobStore, name: &str) -> Result<(), StoreError> {
    let upload = store.begin(&key(name)).await.unwrap();
    let part = store.put_part(&key(name), &upload, 1, bytes(1, SIZE)).await?;
    store.complete(&key(name), &upload, &[part], Publish::Replace).await
}

#[tokio::test]
async fn no_lie_about_a_blob_is_believed() {
    let (store, _) = at_a_liar().await;
    for name in ["sum-of-nothing", "sum-of-others", "sum-of-half", "has-half", "has-nothing", "swallows"] {
        is_a_lie(store.put(&key(name), bytes(1, SIZE), Publish::Replace).await, name);
    }
}

#[tokio::test]
async fn no_lie_about_a_block_is_believed() {
    let (store, _) = at_a_liar().await;
    for name in ["sum-of-nothing", "sum-of-others", "sum-of-half"] {
        let upload = store.begin(&key(name)).await.unwrap();
        is_a_lie(store.put_part(&key(name), &upload, 1, bytes(1, SIZE)).await, name);
    }
    // What arrives damaged is told by Azure, and was not stored.
    let upload = store.begin(&key("refused")).await.unwrap();
    let refused = store.put_part(&key("refused"), &upload, 1, bytes(1, SIZE)).await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Unavailable, "{refused}");
}

#[tokio::test]
async fn no_lie_about_a_whole_is_believed() {
    let (store, _) = at_a_liar().await;
    for name in ["has-half", "has-nothing", "swallows"] {
        is_a_lie(whole(&*store, name).await, name);
    }
}

#[tokio::test]
async fn one_request_more_at_most() {
    let (store, log) = at_a_liar().await;
    let asked = || -> Vec<String> {
        std::mem::take(&mut *log.lock().unwrap()).into_iter().map(|seen| seen.method.to_string()).collect()
    };
    store.put(&key("true"), bytes(1, SIZE), Publish::Replace).await.unwrap();
    assert_eq!(asked(), ["PUT"]);
    store.put(&key("tells-nothing"), bytes(1, SIZE), Publish::Replace).await.unwrap();
    assert_eq!(asked(), ["PUT", "HEAD"]);
    whole(&*store, "true").await.unwrap();
    // Mark; block, is it marked; is it marked, commit, what is there, mark away.
    assert_eq!(asked(), ["PUT", "PUT", "HEAD", "HEAD", "PUT", "HEAD", "DELETE"]);
}
