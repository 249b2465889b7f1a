//! S3 servers that say 200 and tell of what was not sent. What they do is the name of the object.

use crate::conformance::bytes;
use crate::relay::{Log, Seen, relay};
use crate::s3::{env, key, open, settings};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use md5::{Digest, Md5};
use model::error::{StoreError, StoreErrorKind};
use model::ports::{BlobStore, Part, Publish};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

const SIZE: usize = 1000;

fn quoted(md5: &[u8]) -> String {
    format!("\"{}\"", hex::encode(md5))
}

fn header<'a>(seen: &'a Seen, name: &str) -> Option<&'a str> {
    seen.headers.get(name).map(|value| value.to_str().unwrap())
}

/// What the object is called, and whether it is the bucket that is asked for.
fn name(seen: &Seen) -> &str {
    seen.path.split('?').next().unwrap().rsplit('/').next().unwrap()
}

/// A server of one's own, which stores nothing.
fn liar(seen: &Seen) -> Option<Response> {
    let begun = "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>";
    let joined = "<CompleteMultipartUploadResult><ETag>\"1\"</ETag></CompleteMultipartUploadResult>";
    Some(match seen.method.as_str() {
        "POST" if seen.path.contains("uploadId=") => joined.into_response(),
        "POST" => begun.into_response(),
        "PUT" => stored(seen),
        "HEAD" => known(name(seen)),
        _ => StatusCode::NO_CONTENT.into_response(),
    })
}

fn stored(seen: &Seen) -> Response {
    let true_tag = quoted(&Md5::digest(&seen.body));
    let echo = header(seen, "x-amz-checksum-sha256").map(str::to_owned);
    let other = STANDARD.encode(Sha256::digest(b"other"));
    match (name(seen), echo) {
        ("tag-of-nothing", _) => [("etag", quoted(&Md5::digest(b"")))].into_response(),
        ("tag-of-others", _) => [("etag", quoted(&Md5::digest(b"other")))].into_response(),
        ("tag-of-half", _) => [("etag", quoted(&Md5::digest(&seen.body[..seen.body.len() / 2])))].into_response(),
        ("sum-of-others", Some(_)) => [("etag", true_tag), ("x-amz-checksum-sha256", other)].into_response(),
        // What a KMS key encrypts has an ETag that looks like an MD5 and is none.
        ("proven-by-sum", Some(echo)) => [("etag", quoted(&[7; 16])), ("x-amz-checksum-sha256", echo)].into_response(),
        ("encrypted", _) => {
            [("etag", quoted(&[7; 16])), ("x-amz-server-side-encryption", "aws:kms".into())].into_response()
        }
        ("refuses-sums", Some(_)) => {
            let body = "<Error><Code>InvalidRequest</Code><Message>Unsupported checksum header</Message></Error>";
            (StatusCode::BAD_REQUEST, body).into_response()
        }
        ("lacks-sums", Some(_)) => StatusCode::NOT_IMPLEMENTED.into_response(),
        ("tells-nothing" | "has-half" | "has-nothing" | "swallows", _) => [("etag", "\"0x8DB7\"")].into_response(),
        _ => [("etag", true_tag)].into_response(),
    }
}

fn known(name: &str) -> Response {
    let of = |length: usize, tag: &str| [("content-length", length.to_string()), ("etag", tag.into())].into_response();
    match name {
        "has-half" => of(SIZE / 2, "\"1\""),
        "has-nothing" => of(0, "\"d41d8cd98f00b204e9800998ecf8427e\""),
        "swallows" => StatusCode::NOT_FOUND.into_response(),
        "joins-others" => of(SIZE, &format!("\"{}-1\"", hex::encode([7; 16]))),
        "joins" => of(SIZE, &format!("\"{}-1\"", hex::encode(Md5::digest(Md5::digest(bytes(1, SIZE)))))),
        _ => of(SIZE, "\"0x8DB7\""),
    }
}

async fn at_a_liar() -> (Arc<dyn BlobStore>, Log) {
    let (address, log) = relay(None, liar).await;
    (open(&settings().with("endpoint", format!("http://{address}"))), log)
}

async fn put(store: &dyn BlobStore, name: &str) -> [Result<(), StoreError>; 2] {
    let content = bytes(1, SIZE);
    let hash = hex::encode(Sha256::digest(&content));
    [
        store.put(&key(name), content.clone(), Publish::Replace).await,
        store.put_hashed(&key(name), content, &hash, Publish::Replace).await,
    ]
}

/// As methods, in the order they came.
fn asked(log: &Log) -> Vec<String> {
    std::mem::take(&mut *log.lock().unwrap()).into_iter().map(|seen| seen.method.to_string()).collect()
}

async fn part(store: &dyn BlobStore, name: &str) -> Result<Part, StoreError> {
    let upload = store.begin(&key(name)).await.unwrap();
    store.put_part(&key(name), &upload, 1, bytes(1, SIZE)).await
}

async fn whole(store: &dyn BlobStore, name: &str) -> Result<(), StoreError> {
    let upload = store.begin(&key(name)).await.unwrap();
    let part = store.put_part(&key(name), &upload, 1, bytes(1, SIZE)).await.unwrap();
    store.complete(&key(name), &upload, &[part], Publish::Replace).await
}

fn is_a_lie<T: std::fmt::Debug>(answer: Result<T, StoreError>, name: &str) {
    assert_eq!(answer.map_err(|error| error.kind).unwrap_err(), StoreErrorKind::Unconfirmed, "{name}");
}

#[tokio::test]
async fn no_lie_about_an_object_is_believed() {
    let (store, _) = at_a_liar().await;
    for name in ["tag-of-nothing", "tag-of-others", "tag-of-half", "has-half", "has-nothing", "swallows"] {
        for answer in put(&*store, name).await {
            is_a_lie(answer, name);
        }
    }
    let [_, hashed] = put(&*store, "sum-of-others").await;
    is_a_lie(hashed, "sum-of-others");
}

#[tokio::test]
async fn no_lie_about_a_part_is_believed() {
    let (store, _) = at_a_liar().await;
    for name in ["tag-of-nothing", "tag-of-others", "tag-of-half"] {
        is_a_lie(part(&*store, name).await, name);
    }
}

#[tokio::test]
async fn no_lie_about_a_whole_is_believed() {
    let (store, _) = at_a_liar().await;
    for name in ["has-half", "has-nothing", "swallows", "joins-others"] {
        is_a_lie(whole(&*store, name).await, name);
    }
}

/// The truth costs a request only where the answer does not tell it.
#[tokio::test]
async fn one_request_more_at_most() {
    let (store, log) = at_a_liar().await;
    for (name, requests) in [
        ("true", vec!["PUT", "PUT"]),
        ("proven-by-sum", vec!["PUT"]),
        ("encrypted", vec!["PUT", "HEAD", "PUT", "HEAD"]),
        ("tells-nothing", vec!["PUT", "HEAD", "PUT", "HEAD"]),
    ] {
        let [plain, hashed] = if name == "proven-by-sum" {
            let hash = hex::encode(Sha256::digest(bytes(1, SIZE)));
            [Ok(()), store.put_hashed(&key(name), bytes(1, SIZE), &hash, Publish::Replace).await]
        } else {
            put(&*store, name).await
        };
        plain.unwrap();
        hashed.unwrap();
        assert_eq!(asked(&log), requests, "{name}");
    }
    for name in ["joins", "encrypted", "tells-nothing"] {
        whole(&*store, name).await.unwrap();
        assert_eq!(asked(&log), ["POST", "PUT", "POST", "HEAD"], "{name}");
    }
}

/// What a server with tags of its own keeps, by path.
static KEPT: Mutex<BTreeMap<String, Bytes>> = Mutex::new(BTreeMap::new());

/// Its tags look like MD5s and are none (seen: chimera-nas, issue 469). Whatever is named so, it keeps damaged.
fn own_tags(seen: &Seen) -> Option<Response> {
    let path = seen.path.split('?').next().unwrap().to_owned();
    let tag = [("etag", quoted(&Md5::digest([b"own", path.as_bytes()].concat())))];
    let mut kept = KEPT.lock().unwrap();
    Some(match seen.method.as_str() {
        "PUT" if path.ends_with("cut") => {
            kept.insert(path, seen.body.slice(1..));
            tag.into_response()
        }
        "PUT" => {
            kept.insert(path, seen.body.clone());
            tag.into_response()
        }
        "GET" => kept[&path].clone().into_response(),
        "HEAD" => (tag, kept[&path].clone()).into_response(),
        "DELETE" => {
            kept.remove(&path);
            StatusCode::NO_CONTENT.into_response()
        }
        _ => return liar(seen),
    })
}

#[tokio::test]
async fn tags_of_another_kind_are_told_apart_from_lies() {
    let (address, log) = relay(None, own_tags).await;
    let store = open(&settings().with("endpoint", format!("http://{address}")));
    for (n, requests) in [(0, vec!["PUT", "PUT", "GET", "DELETE", "HEAD"]), (1, vec!["PUT", "HEAD"])] {
        store.put(&key(&format!("own-{n}")), bytes(1, SIZE), Publish::Replace).await.unwrap();
        assert_eq!(asked(&log), requests);
    }
    part(&*store, "own-part").await.unwrap();
    is_a_lie(store.put(&key("own-cut"), bytes(1, SIZE), Publish::Replace).await, "the length still tells");

    let again = open(&settings().with("endpoint", format!("http://{address}")));
    part(&*again, "own-first").await.unwrap();
    let left: Vec<_> = KEPT.lock().unwrap().keys().filter(|path| path.contains("probe")).cloned().collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Who takes no checksum along with the content is asked once.
#[tokio::test]
async fn goes_on_without_checksums() {
    for name in ["refuses-sums", "lacks-sums"] {
        let (store, log) = at_a_liar().await;
        for _ in 0..2 {
            for answer in put(&*store, name).await {
                answer.unwrap();
            }
        }
        let with = |seen: &Seen| seen.headers.contains_key("x-amz-checksum-sha256");
        let sums: Vec<_> = log.lock().unwrap().iter().map(with).collect();
        assert_eq!(sums, [false, true, false, false, false], "{name}");
    }
}

/// The real server takes a checksum, plainly sent and not in a trailer.
#[tokio::test]
async fn a_checksum_goes_along() {
    let (address, log) = relay(Some(&env("ENDPOINT")), |_| None).await;
    let store = open(&settings().with("endpoint", format!("http://{address}")));
    for answer in put(&*store, "real").await {
        answer.unwrap();
    }
    store.delete(&key("real")).await.unwrap();
    let seen = log.lock().unwrap().clone();
    let sums: Vec<_> = seen.iter().filter_map(|seen| header(seen, "x-amz-checksum-sha256")).collect();
    assert_eq!(sums, [STANDARD.encode(Sha256::digest(bytes(1, SIZE)))]);
    assert!(seen.iter().all(|seen| !seen.headers.contains_key("x-amz-trailer")));
}
