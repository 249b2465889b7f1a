//! A folder that takes two names for one, on exFAT: `scripts/services start folding`.

use crate::conformance::{bytes, read};
use crate::store;
use model::ObjectKey;
use model::error::{StoreError, StoreErrorKind};
use model::ports::{BlobStore, Publish};
use std::sync::Arc;
use tempfile::TempDir;

fn key(text: &str) -> ObjectKey {
    ObjectKey::parse(text).unwrap()
}

/// A provider's folder on such a file system; `None` where it cannot be mounted, which `make test` says at its end.
async fn open() -> Option<(TempDir, Arc<dyn BlobStore>)> {
    let folding = std::env::var("VAULT_TEST_FOLDING").unwrap_or_else(|_| {
        panic!("VAULT_TEST_FOLDING is not set: run `scripts/services start folding`, or `make test`, which does")
    });
    if folding.is_empty() {
        return None;
    }
    let root = TempDir::new_in(folding).unwrap();
    let store = store("filesystem", &[("path", root.path().to_str().unwrap())]);
    store.set_up().await.unwrap();
    Some((root, store))
}

async fn in_parts(store: &dyn BlobStore, key: &ObjectKey, publish: Publish) -> Result<(), StoreError> {
    let upload = store.begin(key).await.unwrap();
    let part = store.put_part(key, &upload, 1, bytes(7, 300)).await.unwrap();
    let told = store.complete(key, &upload, &[part], publish).await;
    store.abort(key, &upload).await.unwrap();
    told
}

#[tokio::test]
async fn no_recording_gets_anothers_file() {
    let Some((_root, store)) = open().await else { return };
    let (ours, content) = (key("site/A-é.mp4"), bytes(1, 300));
    store.put(&ours, content.clone(), Publish::New).await.unwrap();
    for (other, named) in [
        ("site/a-é.mp4", "site/A-é.mp4"),
        ("site/A-É.mp4", "site/A-é.mp4"),
        ("Site/A-é.mp4", "site"),
        ("SITE/b.mp4", "site"),
    ] {
        let other = key(other);
        for publish in [Publish::New, Publish::Replace] {
            let told = [
                store.put(&other, content.clone(), publish).await.unwrap_err(),
                in_parts(&*store, &other, publish).await.unwrap_err(),
            ];
            for error in told {
                assert_eq!(error.kind, StoreErrorKind::Clash, "{other}: {error}");
                assert!(error.message.contains(&format!("is there already as {named}:")), "{error}");
            }
        }
        assert_eq!(store.head(&other).await.unwrap(), None);
        store.delete(&other).await.unwrap();
        assert_eq!(read(&*store, &ours, None).await.unwrap(), content, "{other}");
    }
    // Its own it still is.
    assert_eq!(store.put(&ours, content.clone(), Publish::New).await.unwrap_err().kind, StoreErrorKind::Taken);
    store.put(&ours, bytes(2, 200), Publish::Replace).await.unwrap();
    assert_eq!(store.head(&ours).await.unwrap(), Some(200));
    store.delete(&ours).await.unwrap();
    store.put(&key("site/a-é.mp4"), content, Publish::New).await.unwrap();
    store.delete(&key("site/a-é.mp4")).await.unwrap();
}

/// exFAT folds case alone: what looks the same otherwise is another's, with a file of its own.
#[tokio::test]
async fn what_it_keeps_apart_is_kept_apart() {
    let Some((_root, store)) = open().await else { return };
    let (ours, content) = (key("site/é.mp4"), bytes(1, 300));
    store.put(&ours, content.clone(), Publish::New).await.unwrap();
    for other in ["site/e\u{301}.mp4", "site/é.mp4.", "site/é.mp4 ", "site./é.mp4"] {
        let (other, theirs) = (key(other), bytes(2, 200));
        assert_eq!(store.head(&other).await.unwrap(), None, "{other:?}");
        for publish in [Publish::New, Publish::Replace] {
            store.put(&other, theirs.clone(), publish).await.unwrap();
            assert_eq!(read(&*store, &other, None).await.unwrap(), theirs, "{other:?}");
            assert_eq!(read(&*store, &ours, None).await.unwrap(), content, "{other:?}");
        }
        store.delete(&other).await.unwrap();
        assert_eq!(store.head(&other).await.unwrap(), None, "{other:?}");
        assert_eq!(store.head(&ours).await.unwrap(), Some(300), "{other:?}");
    }
}

#[tokio::test]
async fn a_name_that_cannot_be_kept_is_told() {
    let Some((root, store)) = open().await else { return };
    for name in ["site/a:b.mp4", "a:b/c.mp4"] {
        for publish in [Publish::New, Publish::Replace] {
            let error = store.put(&key(name), bytes(1, 10), publish).await.unwrap_err();
            assert_eq!(error.kind, StoreErrorKind::Name, "{error}");
            assert!(error.message.contains(name), "{error}");
        }
    }
    assert_eq!(std::fs::read_dir(root.path().join(".vault-staging")).unwrap().count(), 0, "nothing is left");
}
