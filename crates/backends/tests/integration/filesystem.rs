//! Recordings in a folder.

use crate::conformance::{Signs, bytes, read, store_suite};
use crate::{failure, steps, store};
use model::ObjectKey;
use model::error::StoreErrorKind;
use model::ports::{BlobStore, Publish};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// A folder that holds nothing yet, ready for recordings.
async fn open(path: &Path) -> Arc<dyn BlobStore> {
    let store = found(path);
    store.set_up().await.unwrap();
    store
}

/// A folder as it is.
fn found(path: &Path) -> Arc<dyn BlobStore> {
    store("filesystem", &[("path", path.to_str().unwrap())])
}

fn key(text: &str) -> ObjectKey {
    ObjectKey::parse(text).unwrap()
}

/// Every file and folder below a path.
fn tree(path: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let Ok(entries) = fs::read_dir(path) else { return found };
    for entry in entries {
        let path = entry.unwrap().path();
        found.insert(path.display().to_string());
        if path.is_dir() && !path.is_symlink() {
            found.extend(tree(&path));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms() {
    let root = TempDir::new().unwrap();
    store_suite(open(&root.path().join("made/when/missing")).await, Signs::Nothing).await;
    let left = tree(&root.path().join("made/when/missing"));
    assert!(left.iter().all(|path| path.ends_with("/.vault-staging")), "no file and no folder is left: {left:?}");
}

#[tokio::test]
async fn signs_nothing() {
    let root = TempDir::new().unwrap();
    let signed = open(root.path()).await.sign(&key("a/b.mp4"), std::time::Duration::from_secs(60)).await.unwrap();
    assert_eq!(signed, None);
}

#[tokio::test]
async fn an_object_is_a_plain_file_named_by_its_key() {
    let root = TempDir::new().unwrap();
    let store = open(root.path()).await;
    store.put(&key("site/a b.mp4"), bytes(1, 100), Publish::Replace).await.unwrap();
    assert_eq!(fs::read(root.path().join("site/a b.mp4")).unwrap(), bytes(1, 100));
    assert_eq!(tree(&root.path().join(".vault-staging")), BTreeSet::new());
}

#[tokio::test]
async fn what_is_in_the_way_is_named() {
    let root = TempDir::new().unwrap();
    let store = open(root.path()).await;
    fs::create_dir_all(root.path().join("a/folder.mp4/x")).unwrap();
    fs::write(root.path().join("file"), "x").unwrap();

    let folder = key("a/folder.mp4");
    let error = store.put(&folder, bytes(1, 10), Publish::Replace).await.unwrap_err();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (StoreErrorKind::Clash, "a/folder.mp4 is a folder there, so no recording can have that name.")
    );
    assert_eq!(store.put(&folder, bytes(1, 10), Publish::New).await.unwrap_err().kind, StoreErrorKind::Clash);
    assert_eq!(store.head(&folder).await.unwrap(), None);
    assert!(read(&*store, &folder, None).await.unwrap_err().is_not_found());
    store.delete(&folder).await.unwrap();
    assert!(root.path().join("a/folder.mp4/x").exists());

    let below_a_file = key("file/a.mp4");
    let error = store.put(&below_a_file, bytes(1, 10), Publish::Replace).await.unwrap_err();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (StoreErrorKind::Clash, "file is a file there, so nothing can be stored below it.")
    );
    assert_eq!(store.head(&below_a_file).await.unwrap(), None);
    store.delete(&below_a_file).await.unwrap();
    assert_eq!(tree(&root.path().join(".vault-staging")), BTreeSet::new(), "a failed put leaves nothing");
}

#[tokio::test]
async fn follows_no_link_out_of_its_folder() {
    let (root, outside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    fs::write(outside.path().join("secret.mp4"), "secret").unwrap();
    symlink(outside.path(), root.path().join("link")).unwrap();
    fs::create_dir(root.path().join("site")).unwrap();
    symlink(outside.path().join("secret.mp4"), root.path().join("site/link.mp4")).unwrap();
    let store = open(root.path()).await;

    let through = key("link/secret.mp4");
    assert_eq!(store.put(&through, bytes(1, 10), Publish::Replace).await.unwrap_err().kind, StoreErrorKind::Denied);
    assert_eq!(read(&*store, &through, None).await.unwrap_err().kind, StoreErrorKind::Denied);
    assert_eq!(store.delete(&through).await.unwrap_err().kind, StoreErrorKind::Denied);

    let file = key("site/link.mp4");
    assert!(read(&*store, &file, None).await.unwrap_err().is_not_found());
    store.put(&file, bytes(2, 10), Publish::Replace).await.unwrap();
    assert_eq!(read(&*store, &file, None).await.unwrap(), bytes(2, 10));
    assert_eq!(fs::read_to_string(outside.path().join("secret.mp4")).unwrap(), "secret");
}

/// The root itself may well be a link.
#[tokio::test]
async fn its_own_folder_may_be_a_link() {
    let (root, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    symlink(elsewhere.path(), root.path().join("recordings")).unwrap();
    let store = open(&root.path().join("recordings")).await;
    store.put(&key("a/b.mp4"), bytes(1, 10), Publish::Replace).await.unwrap();
    assert_eq!(read(&*store, &key("a/b.mp4"), None).await.unwrap(), bytes(1, 10));
}

/// Another process, or this one after a restart, goes on where the first one stopped.
#[tokio::test]
async fn uploads_survive_a_restart() {
    let root = TempDir::new().unwrap();
    let (before, after) = (open(root.path()).await, open(root.path()).await);
    let (key, content) = (key("site/a.mp4"), bytes(3, before.part_size() + 100));
    let upload = before.begin(&key).await.unwrap();
    let one = before.put_part(&key, &upload, 1, content.slice(..before.part_size())).await.unwrap();
    let two = after.put_part(&key, &upload, 2, content.slice(before.part_size()..)).await.unwrap();
    after.complete(&key, &upload, &[one, two], Publish::Replace).await.unwrap();
    assert_eq!(read(&*after, &key, None).await.unwrap(), content);

    let upload = before.begin(&key).await.unwrap();
    after.abort_all(&key).await.unwrap();
    assert_eq!(tree(&root.path().join(".vault-staging")), BTreeSet::new());
    assert!(after.put_part(&key, &upload, 1, bytes(1, 10)).await.is_err());
}

/// A machine that goes down between two requests may lose bytes that were never synced: the file is
/// there and long enough, but holds zeros.
#[tokio::test]
async fn bytes_lost_between_requests_never_become_a_recording() {
    let root = TempDir::new().unwrap();
    let (before, after) = (open(root.path()).await, open(root.path()).await);
    let key = key("site/a.mp4");
    let upload = before.begin(&key).await.unwrap();
    let part = before.put_part(&key, &upload, 1, bytes(4, 1000)).await.unwrap();
    let staged = root.path().join(".vault-staging").join(upload.0.split(':').next().unwrap());
    fs::write(&staged, vec![0; 1000]).unwrap();
    let error = after.complete(&key, &upload, &[part], Publish::Replace).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Interrupted, "{error}");
    assert_eq!(after.head(&key).await.unwrap(), None);
}

#[tokio::test]
async fn more_uploads_than_files_kept_open() {
    let root = TempDir::new().unwrap();
    let store = open(root.path()).await;
    let mut uploads = Vec::new();
    for n in 0..300 {
        let key = key(&format!("site/{n}.mp4"));
        let upload = store.begin(&key).await.unwrap();
        let part = store.put_part(&key, &upload, 1, bytes(n as u8, 50)).await.unwrap();
        uploads.push((key, upload, part));
    }
    for (n, (key, upload, part)) in uploads.into_iter().enumerate() {
        store.complete(&key, &upload, &[part], Publish::Replace).await.unwrap();
        assert_eq!(read(&*store, &key, None).await.unwrap(), bytes(n as u8, 50));
    }
}

#[tokio::test]
async fn validating_leaves_the_disk_as_it_was() {
    let root = TempDir::new().unwrap();
    let report = found(&root.path().join("not/yet")).probe().await;
    assert!(report.passed(), "{report:?}");
    assert_eq!(steps(&report), ["folder", "write", "read", "range", "delete"]);
    assert_eq!(tree(root.path()), BTreeSet::new());

    fs::create_dir_all(root.path().join("used/site")).unwrap();
    fs::write(root.path().join("used/site/a.mp4"), "x").unwrap();
    let before = tree(root.path());
    assert!(found(&root.path().join("used")).probe().await.passed());
    assert_eq!(tree(root.path()), before);
}

#[tokio::test]
async fn validating_says_what_is_wrong() {
    let root = TempDir::new().unwrap();
    fs::write(root.path().join("file"), "x").unwrap();
    let path = root.path().join("file");
    let report = found(&path).probe().await;
    let (step, reason, cure) = failure(&report);
    assert_eq!((step, reason), ("folder", format!("{} is a file, not a folder.", path.display()).as_str()));
    assert!(cure.contains("chown"), "{cure}");

    let report = found(&root.path().join("file/below")).probe().await;
    assert_eq!(failure(&report).0, "folder");

    // `/proc` refuses new folders to everyone, root included.
    let report = found(Path::new("/proc/vault")).probe().await;
    assert_eq!(failure(&report).0, "folder");
    let report = found(Path::new("/proc")).probe().await;
    assert_eq!(failure(&report).0, "write");
}

/// An empty folder, or none, is in the place of the one that holds the recordings.
#[tokio::test]
async fn a_disk_that_is_not_mounted_is_neither_written_to_nor_taken_for_empty() {
    let root = TempDir::new().unwrap();
    let (path, aside) = (root.path().join("disk"), root.path().join("aside"));
    let (before, key) = (open(&path).await, key("site/a.mp4"));
    before.put(&key, bytes(1, 100), Publish::Replace).await.unwrap();
    let upload = before.begin(&key).await.unwrap();
    let part = before.put_part(&key, &upload, 1, bytes(2, 100)).await.unwrap();
    fs::rename(&path, &aside).unwrap();
    for is_mount_point in [false, true] {
        if is_mount_point {
            fs::create_dir(&path).unwrap();
        }
        for store in [&before, &found(&path)] {
            let errors = [
                store.put(&key, bytes(2, 100), Publish::Replace).await.unwrap_err(),
                store.head(&key).await.unwrap_err(),
                store.get(&key, None).await.map(drop).unwrap_err(),
                store.delete(&key).await.unwrap_err(),
                store.begin(&key).await.unwrap_err(),
                store.complete(&key, &upload, std::slice::from_ref(&part), Publish::Replace).await.unwrap_err(),
                store.abort(&key, &upload).await.unwrap_err(),
                store.abort_all(&key).await.unwrap_err(),
            ];
            for error in errors {
                assert_eq!(error.kind, StoreErrorKind::Unavailable, "{error}");
                assert!(error.message.contains("may not be mounted"), "{error}");
            }
        }
        assert_eq!(tree(&path), BTreeSet::new());
    }
    fs::remove_dir(&path).unwrap();
    fs::rename(&aside, &path).unwrap();
    assert_eq!(read(&*before, &key, None).await.unwrap(), bytes(1, 100));
    before.complete(&key, &upload, &[part], Publish::Replace).await.unwrap();
    assert_eq!(read(&*before, &key, None).await.unwrap(), bytes(2, 100));
}
