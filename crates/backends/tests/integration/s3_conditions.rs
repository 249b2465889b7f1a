//! S3 servers that do not keep what lies there when they are told to, or do so in ways of their own. Which way is the name
//! of the bucket.

use crate::conformance::{bytes, read};
use crate::relay::{Log, Seen, relay};
use crate::s3::{key, open, settings};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use md5::{Digest, Md5};
use model::ObjectKey;
use model::error::{StoreError, StoreErrorKind};
use model::ports::{BlobStore, Publish};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// By path.
static OBJECTS: Mutex<BTreeMap<String, Bytes>> = Mutex::new(BTreeMap::new());
/// The last part that was sent, by path.
static PARTS: Mutex<BTreeMap<String, Bytes>> = Mutex::new(BTreeMap::new());
/// How often something went wrong, by path.
static MISHAPS: Mutex<BTreeMap<String, u32>> = Mutex::new(BTreeMap::new());

fn xml(status: u16, code: &str) -> Response {
    let body = format!("<Error><Code>{code}</Code><Message>no</Message></Error>");
    (StatusCode::from_u16(status).unwrap(), [("content-type", "application/xml")], body).into_response()
}

/// Counts to as many; answers whether it has come so far.
fn has_happened(path: &str, times: u32) -> bool {
    let mut mishaps = MISHAPS.lock().unwrap();
    let count = mishaps.entry(path.to_owned()).or_default();
    *count += 1;
    *count > times
}

/// An object in memory, of one PUT or of one part.
fn server(seen: &Seen) -> Option<Response> {
    let (path, query) = seen.path.split_once('?').unwrap_or((&seen.path, ""));
    let in_parts = query.contains("uploadId=");
    Some(match seen.method.as_str() {
        "PUT" if in_parts => {
            PARTS.lock().unwrap().insert(path.into(), seen.body.clone());
            [("etag", format!("\"{}\"", hex::encode(Md5::digest(&seen.body))))].into_response()
        }
        "POST" if in_parts => {
            let joined = PARTS.lock().unwrap().get(path).cloned().unwrap();
            let stored = "<CompleteMultipartUploadResult><ETag>\"1\"</ETag></CompleteMultipartUploadResult>";
            store(seen, path, joined, true).unwrap_or_else(|| stored.into_response())
        }
        "POST" => {
            "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>".into_response()
        }
        "PUT" => {
            let tag = format!("\"{}\"", hex::encode(Md5::digest(&seen.body)));
            store(seen, path, seen.body.clone(), false).unwrap_or_else(|| [("etag", tag)].into_response())
        }
        "DELETE" => {
            if !in_parts {
                OBJECTS.lock().unwrap().remove(path);
            }
            StatusCode::NO_CONTENT.into_response()
        }
        _ if query.contains("uploads") => "<ListMultipartUploadsResult></ListMultipartUploadsResult>".into_response(),
        _ if !path.trim_matches('/').contains('/') => StatusCode::OK.into_response(),
        _ => match OBJECTS.lock().unwrap().get(path).cloned() {
            Some(found) => found.into_response(),
            None => xml(404, "NoSuchKey"),
        },
    })
}

/// Stores it, or answers why not.
fn store(seen: &Seen, path: &str, bytes: Bytes, in_parts: bool) -> Option<Response> {
    let there = OBJECTS.lock().unwrap().contains_key(path);
    let is_told = seen.headers.get("if-none-match").is_some_and(|value| value == "*");
    let is_probe = path.contains(".vault-probe");
    match path.trim_start_matches('/').split('/').next().unwrap() {
        "refuses" if is_told => return Some(xml(501, "NotImplemented")),
        "invalid" if is_told => return Some(xml(400, "InvalidArgument")),
        "objects-only" if is_told && there && !in_parts => return Some(xml(412, "PreconditionFailed")),
        "old-minio" if is_told && there => return Some(StatusCode::NOT_MODIFIED.into_response()),
        "contested" if is_told && !is_probe && !has_happened(path, 2) => {
            return Some(xml(409, "ConditionalRequestConflict"));
        }
        "disputed" if is_told && !is_probe => return Some(xml(409, "ConditionalRequestConflict")),
        "loses" | "contested" | "disputed" if is_told && there => return Some(xml(412, "PreconditionFailed")),
        _ => {}
    }
    OBJECTS.lock().unwrap().insert(path.into(), bytes);
    (path.starts_with("/loses/") && is_told && !has_happened(path, 1)).then(|| xml(500, "InternalError"))
}

async fn at(bucket: &str) -> (Arc<dyn BlobStore>, Log) {
    let (address, log) = relay(None, server).await;
    (open(&settings().with("endpoint", format!("http://{address}")).with("bucket", bucket)), log)
}

async fn in_parts(store: &dyn BlobStore, key: &ObjectKey, content: &Bytes) -> Result<(), StoreError> {
    let upload = store.begin(key).await.unwrap();
    let part = store.put_part(key, &upload, 1, content.clone()).await.unwrap();
    store.complete(key, &upload, &[part], Publish::New).await
}

fn kind(told: Result<(), StoreError>) -> StoreErrorKind {
    told.expect_err("is refused").kind
}

#[tokio::test]
async fn nothing_is_replaced_by_a_server_that_heeds_no_conditions() {
    for bucket in ["ignores", "refuses", "invalid", "objects-only", "old-minio"] {
        let (store, log) = at(bucket).await;
        let (theirs, ours) = (bytes(1, 500), bytes(2, 700));
        let [small, large] = [key("small.mp4"), key("large.mp4")];
        for key in [&small, &large] {
            store.put(key, theirs.clone(), Publish::Replace).await.unwrap();
        }
        for _ in 0..2 {
            assert_eq!(kind(store.put(&small, ours.clone(), Publish::New).await), StoreErrorKind::Taken, "{bucket}");
            assert_eq!(kind(in_parts(&*store, &large, &ours).await), StoreErrorKind::Taken, "{bucket}");
            for key in [&small, &large] {
                assert_eq!(read(&*store, key, None).await.unwrap(), theirs, "{bucket}");
            }
        }
        for key in [&small, &large] {
            store.delete(key).await.unwrap();
        }
        store.put(&small, ours.clone(), Publish::New).await.unwrap();
        in_parts(&*store, &large, &ours).await.unwrap();
        for key in [&small, &large] {
            assert_eq!(read(&*store, key, None).await.unwrap(), ours, "{bucket}");
        }
        let probes = log.lock().unwrap().iter().filter(|s| s.method == "DELETE" && s.path.contains("probe")).count();
        assert_eq!(probes, 3, "{bucket}: two objects and an upload in parts, and not again");
        assert!(!OBJECTS.lock().unwrap().keys().any(|path| path.starts_with(&format!("/{bucket}/.vault-probe"))));
    }
}

/// Its answer was lost, and Amazon's client sends it again. Whoever is told compares what is there.
#[tokio::test]
async fn a_request_that_is_repeated_meets_its_own_object() {
    let (store, _) = at("loses").await;
    let (key, content) = (key("lost.mp4"), bytes(3, 400));
    assert_eq!(kind(store.put(&key, content.clone(), Publish::New).await), StoreErrorKind::Taken);
    assert_eq!(read(&*store, &key, None).await.unwrap(), content);
}

/// Amazon asks for another try while something else is being stored under the name.
#[tokio::test]
async fn a_conflict_is_tried_again() {
    let (store, _) = at("contested").await;
    store.put(&key("a.mp4"), bytes(1, 100), Publish::New).await.unwrap();
    let (store, log) = at("disputed").await;
    let told = store.put(&key("a.mp4"), bytes(1, 100), Publish::New).await;
    assert_eq!(kind(told), StoreErrorKind::Unavailable);
    let tries = log.lock().unwrap().iter().filter(|s| s.method == "PUT" && s.path.contains("a.mp4")).count();
    assert_eq!(tries, 3, "not for ever");
}
