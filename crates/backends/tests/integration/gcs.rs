//! Google Cloud Storage against its emulator, behind a gate that checks tokens and signatures:
//! `scripts/services start gcs`.

use crate::conformance::{Signs, bytes, read, store_suite};
use crate::relay::relay;
use crate::{client, failure, steps};
use backends::Backends;
use model::ObjectKey;
use model::error::StoreErrorKind;
use model::field::Settings;
use model::ports::{BlobStore, Connector, Publish};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A variable the service script sets.
pub(crate) fn env(name: &str) -> String {
    let name = format!("VAULT_TEST_GCS_{name}");
    std::env::var(&name)
        .unwrap_or_else(|_| panic!("{name} is not set: run `scripts/services start gcs`, or `make test`, which does"))
}

/// The JSON key of one of the emulator's service accounts.
pub(crate) fn service_key(account: &str) -> String {
    std::fs::read_to_string(format!("{}/{account}.json", env("KEYS"))).unwrap()
}

/// Settings for the emulator.
pub(crate) fn settings() -> Settings {
    Settings::new()
        .with("endpoint", env("ENDPOINT"))
        .with("bucket", env("BUCKET"))
        .with("service_key", service_key("vault"))
}

pub(crate) fn open(settings: &Settings) -> Arc<dyn BlobStore> {
    Backends::new().store("gcs", settings).unwrap()
}

pub(crate) fn key(name: &str) -> ObjectKey {
    ObjectKey::parse(&format!("gcs-tests-{}/{name}", std::process::id())).unwrap()
}

/// Names of all objects below a prefix, asked for beside the vault's own client.
pub(crate) async fn names(prefix: &str) -> Vec<String> {
    let (address, log) = relay(Some(&env("ENDPOINT")), |_| None).await;
    open(&settings().with("endpoint", format!("http://{address}"))).head(&key("x.mp4")).await.unwrap();
    let token = log.lock().unwrap().iter().find_map(|s| s.headers.get("authorization").cloned()).unwrap();
    let url = format!("{}/storage/v1/b/{}/o?prefix={prefix}", env("ENDPOINT"), env("BUCKET"));
    let page = client().get(url).header("authorization", token).send().await.unwrap();
    let page: serde_json::Value = serde_json::from_slice(&page.bytes().await.unwrap()).unwrap();
    let items = page["items"].as_array().cloned().unwrap_or_default();
    items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms() {
    store_suite(open(&settings().with("signed_urls", "provider")), Signs::Addresses).await;
}

#[tokio::test]
async fn signs_only_when_told_to() {
    let key = key("signed.mp4");
    assert_eq!(open(&settings()).sign(&key, Duration::from_secs(60)).await.unwrap(), None);
    let store = open(&settings().with("signed_urls", "provider"));
    store.put(&key, bytes(1, 10), Publish::Replace).await.unwrap();
    let url = store.sign(&key, Duration::from_secs(60)).await.unwrap().unwrap();
    for part in ["X-Goog-Expires=60", "response-content-disposition=inline", "response-content-type=video%2Fmp4"] {
        assert!(url.contains(part), "{url}");
    }
    let fetch = async |url: &str| client().get(url).send().await.unwrap().status().as_u16();
    assert_eq!(fetch(&url).await, 200);
    assert_eq!(fetch(&url.replace("signed.mp4", "other.mp4")).await, 403);
    assert_eq!(fetch(&url.replace("Expires=60", "Expires=600")).await, 403);
    store.delete(&key).await.unwrap();
}

#[tokio::test]
async fn validating_leaves_nothing_behind() {
    let (address, log) = relay(Some(&env("ENDPOINT")), |_| None).await;
    let report = open(&settings().with("endpoint", format!("http://{address}"))).probe().await;
    assert!(report.passed(), "{report:?}");
    assert_eq!(steps(&report), ["resolve", "connect", "authenticate", "bucket", "write", "read", "range", "delete"]);
    let requests: Vec<(String, String)> =
        log.lock().unwrap().iter().map(|s| (s.method.to_string(), s.path.clone())).collect();
    let written: Vec<_> = requests.iter().filter(|(m, _)| m == "POST").collect();
    let [(_, path)] = written[..] else { panic!("one object is written: {requests:?}") };
    let object = path.split("name=").nth(1).unwrap();
    assert!(requests.iter().any(|(m, p)| m == "DELETE" && p.ends_with(object)), "{requests:?}");
}

/// More parts than one request can join, completed twice; nothing of them stays.
#[tokio::test(flavor = "multi_thread")]
async fn joins_more_parts_than_fit_one_request() {
    let store = open(&settings());
    let key = key("many-parts.mp4");
    let upload = store.begin(&key).await.unwrap();
    let mut parts = Vec::new();
    for number in 1..=70u32 {
        parts.push(store.put_part(&key, &upload, number, bytes(number as u8, 100)).await.unwrap());
    }
    store.complete(&key, &upload, &parts, Publish::Replace).await.unwrap();
    store.complete(&key, &upload, &parts, Publish::Replace).await.unwrap();
    let whole: Vec<u8> = (1..=70u8).flat_map(|number| bytes(number, 100)).collect();
    assert!(read(&*store, &key, None).await.unwrap() == whole);
    let left = names(".vault-parts/").await;
    assert!(!left.iter().any(|name| name.contains(&upload.0)), "{left:?}");
    // Not so when another object has taken its place.
    store.put(&key, bytes(5, 200), Publish::Replace).await.unwrap();
    assert!(store.complete(&key, &upload, &parts, Publish::Replace).await.unwrap_err().is_not_found());
    store.delete(&key).await.unwrap();
}

#[tokio::test]
async fn giving_up_frees_what_was_stored() {
    let store = open(&settings());
    let key = key("given-up.mp4");
    let (one, two) = (store.begin(&key).await.unwrap(), store.begin(&key).await.unwrap());
    for upload in [&one, &two] {
        store.put_part(&key, upload, 1, bytes(1, 100)).await.unwrap();
    }
    store.abort(&key, &one).await.unwrap();
    let left = names(".vault-parts/").await;
    assert!(!left.iter().any(|name| name.contains(&one.0)) && left.iter().any(|name| name.contains(&two.0)));
    store.abort_all(&key).await.unwrap();
    // A part that was under way meanwhile does not stay either.
    assert!(store.put_part(&key, &two, 2, bytes(1, 100)).await.unwrap_err().is_not_found());
    let left = names(".vault-parts/").await;
    assert!(!left.iter().any(|name| name.contains(&two.0)), "{left:?}");
}

#[tokio::test]
async fn a_missing_bucket_is_no_missing_recording() {
    let store = open(&settings().with("bucket", "nobodys-bucket"));
    let report = store.probe().await;
    assert_eq!((failure(&report).0, failure(&report).1), ("bucket", "There is no bucket 'nobodys-bucket'."));
    let key = key("a.mp4");
    let head = store.head(&key).await.unwrap_err();
    let get = store.get(&key, None).await.err().unwrap();
    let put = store.put(&key, bytes(1, 10), Publish::Replace).await.unwrap_err();
    let begin = store.begin(&key).await.unwrap_err();
    for error in [head, get, put, begin] {
        assert_eq!(
            (error.kind, error.message.as_str()),
            (StoreErrorKind::Denied, "There is no bucket 'nobodys-bucket'.")
        );
    }
}

#[tokio::test]
async fn missing_rights_are_named_where_they_are_missed() {
    for (account, expected, permission) in
        [("reader", "write", "storage.objects.create"), ("writer", "delete", "storage.objects.delete")]
    {
        let report = open(&settings().with("service_key", service_key(account))).probe().await;
        let (step, reason, cure) = failure(&report);
        assert_eq!((step, reason), (expected, "The service account has no permission for this."));
        assert!(cure.contains("Storage Object User") && cure.contains(permission), "{cure}");
    }
}

#[tokio::test]
async fn wrong_keys_are_told_apart() {
    let changed = |from: &str, to: &str| settings().with("service_key", service_key("vault").replace(from, to));
    let other = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap().serialize_pem();
    let mut with_other: serde_json::Value = serde_json::from_str(&service_key("vault")).unwrap();
    with_other["private_key"] = other.into();
    for (settings, expected) in [
        (changed("vault@test", "nobody@test"), "The service account does not exist any more."),
        (settings().with("service_key", with_other.to_string()), "Google does not accept this service account key."),
    ] {
        let store = open(&settings);
        let report = store.probe().await;
        let (step, reason, cure) = failure(&report);
        assert_eq!((step, reason), ("authenticate", expected));
        assert!(cure.contains("paste"), "{cure}");
        let error = store.put(&key("never.mp4"), bytes(1, 10), Publish::Replace).await.unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (StoreErrorKind::Denied, expected));
    }
}

#[tokio::test]
async fn what_is_no_key_is_refused_before_anything_is_sent() {
    let cut = service_key("vault").replace("BEGIN PRIVATE KEY-----\\n", "BEGIN PRIVATE KEY-----\\nAAAA");
    for (json, expected) in [(cut.as_str(), "cannot be read"), ("{}", "lacks client_email"), ("hello", "whole JSON")] {
        let refused = Backends::new().store("gcs", &settings().with("service_key", json)).err().unwrap();
        assert_eq!(refused[0].field, "service_key");
        assert!(refused[0].message.contains(expected), "{refused:?}");
    }
}

#[tokio::test]
async fn a_wrong_clock_is_told() {
    for ahead in [true, false] {
        let shift = Duration::from_secs(6 * 3600);
        let now = move || if ahead { SystemTime::now() + shift } else { SystemTime::now() - shift };
        let report = Backends::with_clock(now).store("gcs", &settings()).unwrap().probe().await;
        let (step, reason, cure) = failure(&report);
        assert_eq!((step, reason), ("authenticate", "The vault's clock differs too much from Google's."));
        assert!(cure.contains("NTP"), "{cure}");
    }
}
