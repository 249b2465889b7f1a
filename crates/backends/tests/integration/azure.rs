//! Azure Blob Storage against Azurite: `scripts/services start azure`.

use crate::conformance::{Signs, bytes, read, store_suite};
use crate::relay::relay;
use crate::{client, failure, steps};
use backends::Backends;
use model::ObjectKey;
use model::error::StoreErrorKind;
use model::field::Settings;
use model::ports::{BlobStore, Connector, Publish};
use std::sync::Arc;
use std::time::Duration;

/// A variable the service script sets.
pub(crate) fn env(name: &str) -> String {
    let name = format!("VAULT_TEST_AZURE_{name}");
    std::env::var(&name)
        .unwrap_or_else(|_| panic!("{name} is not set: run `scripts/services start azure`, or `make test`, which does"))
}

/// Settings for the emulator, without a credential.
fn place() -> Settings {
    Settings::new()
        .with("endpoint", env("ENDPOINT"))
        .with("account", env("ACCOUNT"))
        .with("container", env("CONTAINER"))
}

/// Settings for the emulator, by account key.
pub(crate) fn settings() -> Settings {
    place().with("key", env("KEY"))
}

pub(crate) fn open(settings: &Settings) -> Arc<dyn BlobStore> {
    Backends::new().store("azure", settings).unwrap()
}

pub(crate) fn key(name: &str) -> ObjectKey {
    ObjectKey::parse(&format!("azure-tests-{}/{name}", std::process::id())).unwrap()
}

/// Through a relay, which stands before the account's part of the path.
pub(crate) fn through(address: &str) -> Settings {
    settings().with("endpoint", format!("http://{address}/{}", env("ACCOUNT")))
}

/// `scheme://host:port` of the emulator.
pub(crate) fn server() -> String {
    env("ENDPOINT").rsplit_once('/').unwrap().0.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_by_account_key() {
    store_suite(open(&settings().with("signed_urls", "provider")), Signs::Addresses).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_by_sas_token() {
    store_suite(open(&place().with("sas", env("SAS"))), Signs::Nothing).await;
}

#[tokio::test]
async fn signs_only_when_told_to_and_with_the_key() {
    let key = key("signed.mp4");
    let minute = Duration::from_secs(60);
    assert_eq!(open(&settings()).sign(&key, minute).await.unwrap(), None);
    let by_sas = open(&place().with("sas", env("SAS")).with("signed_urls", "provider"));
    assert_eq!(by_sas.sign(&key, minute).await.unwrap(), None, "a token that may delete is not handed out");
    let store = open(&settings().with("signed_urls", "provider"));
    store.put(&key, bytes(1, 10), Publish::Replace).await.unwrap();
    let url = store.sign(&key, minute).await.unwrap().unwrap();
    for part in ["sp=r&", "sr=b&", "rscd=inline", "rsct=video%2Fmp4"] {
        assert!(url.contains(part), "{url}");
    }
    let fetch = async |url: &str| client().get(url).send().await.unwrap().status().as_u16();
    assert_eq!(fetch(&url).await, 200);
    assert_eq!(fetch(&url.replace("signed.mp4", "other.mp4")).await, 403);
    assert_eq!(fetch(&url.replace("sp=r&", "sp=rd&")).await, 403);
    assert_eq!(fetch(&store.sign(&key, Duration::ZERO).await.unwrap().unwrap()).await, 403, "expired");
    store.delete(&key).await.unwrap();
}

#[tokio::test]
async fn validating_leaves_nothing_behind() {
    let (address, log) = relay(Some(&server()), |_| None).await;
    let report = open(&through(&address)).probe().await;
    assert!(report.passed(), "{report:?}");
    assert_eq!(steps(&report), ["resolve", "connect", "authenticate", "write", "read", "range", "delete"]);
    let requests: Vec<(String, String)> =
        log.lock().unwrap().iter().map(|s| (s.method.to_string(), s.path.clone())).collect();
    let written: Vec<_> = requests.iter().filter(|(m, _)| m == "PUT").collect();
    let [(_, path)] = written[..] else { panic!("one blob is written: {requests:?}") };
    assert!(requests.iter().any(|(m, p)| m == "DELETE" && p == path), "{requests:?}");
}

/// Whose blocks are whose, when two upload the same key at once.
#[tokio::test]
async fn uploads_of_one_key_do_not_mix() {
    let store = open(&settings());
    let key = key("two.mp4");
    let (one, two) = (store.begin(&key).await.unwrap(), store.begin(&key).await.unwrap());
    let ones = store.put_part(&key, &one, 1, bytes(1, 100)).await.unwrap();
    let twos = store.put_part(&key, &two, 1, bytes(2, 200)).await.unwrap();
    let foreign = store.complete(&key, &one, std::slice::from_ref(&twos), Publish::Replace).await.unwrap_err();
    assert_eq!(foreign.kind, StoreErrorKind::Interrupted, "{foreign}");
    store.complete(&key, &one, &[ones], Publish::Replace).await.unwrap();
    assert_eq!(read(&*store, &key, None).await.unwrap(), bytes(1, 100));
    // The other's blocks went with the commit: it has to be sent again, and nothing is lost.
    let late = store.complete(&key, &two, &[twos], Publish::Replace).await.unwrap_err();
    assert_eq!(late.kind, StoreErrorKind::Interrupted, "{late}");
    assert_eq!(read(&*store, &key, None).await.unwrap(), bytes(1, 100));
    store.delete(&key).await.unwrap();
}

/// Giving up an upload of a recording that is there does not touch the recording.
#[tokio::test]
async fn giving_up_leaves_what_is_there() {
    let store = open(&settings());
    let key = key("kept.mp4");
    store.put(&key, bytes(1, 300), Publish::Replace).await.unwrap();
    let upload = store.begin(&key).await.unwrap();
    store.put_part(&key, &upload, 1, bytes(2, 200)).await.unwrap();
    store.abort(&key, &upload).await.unwrap();
    store.abort_all(&key).await.unwrap();
    assert_eq!(read(&*store, &key, None).await.unwrap(), bytes(1, 300));
    store.delete(&key).await.unwrap();
    assert_eq!(store.head(&key).await.unwrap(), None);
}

#[tokio::test]
async fn a_missing_container_is_no_missing_recording() {
    let store = open(&settings().with("container", "nobodys"));
    let report = store.probe().await;
    assert_eq!((failure(&report).0, failure(&report).1), ("authenticate", "There is no container 'nobodys'."));
    let key = key("a.mp4");
    let head = store.head(&key).await.unwrap_err();
    let get = store.get(&key, None).await.err().unwrap();
    let put = store.put(&key, bytes(1, 10), Publish::Replace).await.unwrap_err();
    let begin = store.begin(&key).await.unwrap_err();
    for error in [head, get, put, begin] {
        assert_eq!((error.kind, error.message.as_str()), (StoreErrorKind::Denied, "There is no container 'nobodys'."));
    }
}

#[tokio::test]
async fn wrong_credentials_are_told() {
    let other = "bm90IHRoZSBrZXkgb2YgdGhpcyBhY2NvdW50";
    for (settings, reason, cure) in [
        (place().with("key", other), "The account key does not belong to this storage account.", "key1"),
        (
            place().with("sas", env("SAS").replace("sig=", "sig=A")),
            "The store does not accept the SAS token.",
            "new one",
        ),
        (place().with("sas", env("EXPIRED_SAS")), "The store does not accept the SAS token.", "expired"),
    ] {
        let store = open(&settings);
        let report = store.probe().await;
        let (step, told, try_this) = failure(&report);
        assert_eq!((step, told), ("authenticate", reason));
        assert!(try_this.contains(cure), "{try_this}");
        let error = store.put(&key("never.mp4"), bytes(1, 10), Publish::Replace).await.unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (StoreErrorKind::Denied, reason));
        assert!(!format!("{error:?}").contains(other));
    }
}

#[tokio::test]
async fn missing_rights_are_named_where_they_are_missed() {
    for (token, expected, letters) in [("READER_SAS", "write", "c, w"), ("WRITER_SAS", "delete", "d")] {
        let report = open(&place().with("sas", env(token))).probe().await;
        let (step, reason, cure) = failure(&report);
        assert_eq!((step, reason), (expected, "The store denies access."));
        assert!(cure.contains(letters), "{cure}");
    }
}
