//! Google Cloud Storage that says 200 and tells of what was not sent. What it does is the name of the object.

use crate::conformance::bytes;
use crate::gcs::{env, key, open, settings};
use crate::relay::{Log, Seen, relay};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use model::error::{StoreError, StoreErrorKind};
use model::ports::{BlobStore, Publish};
use std::sync::Arc;

const SIZE: usize = 1000;

/// What is told of an object of this size; CRC-32C as 8 hex digits.
fn object(size: usize, crc32c: Option<u32>, md5: Option<&[u8]>) -> Response {
    let mut told = serde_json::json!({"name": "x", "size": size.to_string(), "generation": "1"});
    if let Some(crc32c) = crc32c {
        told["crc32c"] = STANDARD.encode(crc32c.to_be_bytes()).into();
    }
    if let Some(bytes) = md5 {
        told["md5Hash"] = STANDARD.encode(Md5::digest(bytes)).into();
    }
    axum::Json(told).into_response()
}

fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, bytes) as u32
}

/// Answers uploads and joins by itself, and passes the rest on.
fn liar(seen: &Seen) -> Option<Response> {
    let joins = seen.path.ends_with("/compose");
    let is = |name: &str| seen.path.contains(name) && !seen.path.contains(".vault-parts");
    if seen.method != "POST" || !(joins || seen.path.starts_with("/upload/")) {
        return None;
    }
    let sent = if joins { &bytes(1, SIZE) } else { &seen.body };
    Some(match () {
        () if is("sum-of-nothing") => object(SIZE, Some(0), None),
        () if is("sum-of-others") => object(SIZE, Some(crc32c(b"other")), None),
        () if is("sum-of-half") => object(SIZE, Some(crc32c(&sent[..SIZE / 2])), None),
        () if is("md5-of-others") => object(SIZE, None, Some(b"other")),
        () if is("has-half") => object(SIZE / 2, None, None),
        () if is("has-nothing") => object(0, Some(0), Some(b"")),
        () if is("says-nothing") => "{}".into_response(),
        () if is("true") => object(SIZE, Some(crc32c(sent)), None),
        () => return None,
    })
}

async fn at_a_liar() -> (Arc<dyn BlobStore>, Log) {
    let (address, log) = relay(Some(&env("ENDPOINT")), liar).await;
    (open(&settings().with("endpoint", format!("http://{address}"))), log)
}

fn is_a_lie<T: std::fmt::Debug>(answer: Result<T, StoreError>, name: &str) {
    assert_eq!(answer.map_err(|error| error.kind).unwrap_err(), StoreErrorKind::Unconfirmed, "{name}");
}

/// A part is an object of its own, below a name that is no lie's; so what is told of it is altered by its length.
fn about_parts(seen: &Seen) -> Option<Response> {
    let is_part = seen.path.starts_with("/upload/") && seen.path.ends_with("00001");
    is_part.then(|| match seen.body.len() {
        1 => object(1, Some(0), None),
        2 => object(2, Some(crc32c(b"other")), None),
        _ => object(seen.body.len() / 2, None, None),
    })
}

#[tokio::test]
async fn no_lie_about_an_object_is_believed() {
    let (store, _) = at_a_liar().await;
    let lies =
        ["sum-of-nothing", "sum-of-others", "sum-of-half", "md5-of-others", "has-half", "has-nothing", "says-nothing"];
    for name in lies {
        is_a_lie(store.put(&key(name), bytes(1, SIZE), Publish::Replace).await, name);
    }
    store.put(&key("true"), bytes(1, SIZE), Publish::Replace).await.unwrap();
}

#[tokio::test]
async fn no_lie_about_a_part_is_believed() {
    let (address, _) = relay(Some(&env("ENDPOINT")), about_parts).await;
    let store = open(&settings().with("endpoint", format!("http://{address}")));
    let key = key("part.mp4");
    for size in [1, 2, SIZE] {
        let upload = store.begin(&key).await.unwrap();
        is_a_lie(store.put_part(&key, &upload, 1, bytes(1, size)).await, &size.to_string());
        store.abort(&key, &upload).await.unwrap();
    }
}

#[tokio::test]
async fn no_lie_about_a_whole_is_believed() {
    let (store, _) = at_a_liar().await;
    for name in ["sum-of-nothing", "sum-of-others", "sum-of-half", "has-half", "has-nothing", "says-nothing", "true"] {
        let key = key(name);
        let upload = store.begin(&key).await.unwrap();
        let content = bytes(1, SIZE);
        let one = store.put_part(&key, &upload, 1, content.slice(..300)).await.unwrap();
        let two = store.put_part(&key, &upload, 2, content.slice(300..)).await.unwrap();
        let answer = store.complete(&key, &upload, &[one, two], Publish::Replace).await;
        if name == "true" {
            answer.unwrap();
        } else {
            is_a_lie(answer, name);
        }
        store.abort(&key, &upload).await.unwrap();
    }
}

/// Google's answers tell of what was stored, so nothing is asked again.
#[tokio::test]
async fn no_request_more() {
    let (store, log) = at_a_liar().await;
    store.put(&key("true"), bytes(1, SIZE), Publish::Replace).await.unwrap();
    assert_eq!(log.lock().unwrap().len(), 1);
}
