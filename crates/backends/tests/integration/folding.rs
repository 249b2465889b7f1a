//! A folder that takes two names for one. Few machines have one at hand, so this is run by hand: CONTRIBUTING.md says how.

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

/// A provider's folder on such a file system.
async fn open() -> (TempDir, Arc<dyn BlobStore>) {
    let root = TempDir::new_in(std::env::var("VAULT_TEST_FOLDING").unwrap()).unwrap();
    let store = store("filesystem", &[("path", root.path().to_str().unwrap())]);
    store.set_up().await.unwrap();
    (root, store)
}

async fn in_parts(store: &dyn BlobStore, key: &ObjectKey, publish: Publish) -> Result<(), StoreError> {
    let upload = store.begin(key).await.unwrap();
    let part = store.put_part(key, &upload, 1, bytes(7, 300)).await.unwrap();
    let told = store.complete(key, &upload, &[part], publish).await;
    store.abort(key, &upload).await.unwrap();
    told
}

#[tokio::test]
#[ignore = "needs a folder that takes two names for one: VAULT_TEST_FOLDING"]
async fn no_recording_gets_anothers_file() {
    let (_root, store) = open().await;
    let (ours, content) = (key("site/A.mp4"), bytes(1, 300));
    store.put(&ours, content.clone(), Publish::New).await.unwrap();
    for (other, named) in [("site/a.mp4", "site/A.mp4"), ("Site/A.mp4", "site"), ("SITE/b.mp4", "site")] {
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
    store.put(&key("site/a.mp4"), content, Publish::New).await.unwrap();
    store.delete(&key("site/a.mp4")).await.unwrap();
}

#[tokio::test]
#[ignore = "needs a folder that takes two names for one: VAULT_TEST_FOLDING"]
async fn a_name_that_cannot_be_kept_is_told() {
    let (root, store) = open().await;
    for name in ["site/a:b.mp4", "a:b/c.mp4"] {
        for publish in [Publish::New, Publish::Replace] {
            let error = store.put(&key(name), bytes(1, 10), publish).await.unwrap_err();
            assert_eq!(error.kind, StoreErrorKind::Name, "{error}");
            assert!(error.message.contains(name), "{error}");
        }
    }
    assert_eq!(std::fs::read_dir(root.path().join(".vault-staging")).unwrap().count(), 0, "nothing is left");
}
