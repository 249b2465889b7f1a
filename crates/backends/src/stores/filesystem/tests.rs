//! Folders that hang, and what is synced.

use super::{FilesystemStore, Inner, MAX_RUNNING, Operation, PATIENCE};
use bytes::Bytes;
use futures::StreamExt as _;
use model::ObjectKey;
use model::error::{StoreError, StoreErrorKind};
use model::ports::{BlobStore as _, Publish};
use model::providers::Filesystem;
use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::oneshot;

thread_local! {
    static SYNCED: RefCell<Vec<(PathBuf, usize)>> = const { RefCell::new(Vec::new()) };
}

/// Notes that this thread synced a folder, and how many entries it had.
pub(super) fn note_sync(folder: &Path) {
    let entries = fs::read_dir(folder).map_or(0, Iterator::count);
    SYNCED.with_borrow_mut(|synced| synced.push((folder.to_owned(), entries)));
}

fn key(text: &str) -> ObjectKey {
    ObjectKey::parse(text).expect("valid")
}

async fn open(root: &TempDir) -> FilesystemStore {
    let store = FilesystemStore::new(&Filesystem { path: root.path().display().to_string() });
    store.set_up().await.expect("can be set up");
    store
}

/// An operation whose thread hangs.
struct Hanging {
    go_on: mpsc::Sender<()>,
    ended: oneshot::Receiver<Result<(), StoreError>>,
}

impl Hanging {
    /// Begins one and waits until its caller was told that the folder does not answer.
    async fn begin(
        store: &FilesystemStore,
        work: impl FnOnce(&Inner, &Operation) -> Result<(), StoreError> + Send + 'static,
    ) -> Self {
        let ((go_on, held), (began, begins), (end, ended)) = (mpsc::channel(), oneshot::channel(), oneshot::channel());
        let store = store.clone();
        let operation = tokio::spawn(async move {
            let work = move |inner: &Inner, wanted: &Operation| {
                began.send(()).expect("is waited for");
                held.recv().expect("is let go");
                end.send(work(inner, wanted)).expect("is waited for");
                Ok(())
            };
            store.blocking(work).await
        });
        begins.await.expect("it begins");
        tokio::time::advance(PATIENCE + Duration::from_millis(1)).await;
        let told = operation.await.expect("no panic").expect_err("it hangs");
        assert_eq!(told.kind, StoreErrorKind::Unavailable, "{told}");
        Self { go_on, ended }
    }

    /// Lets the thread finish.
    async fn go_on(self) {
        self.go_on.send(()).expect("it waits");
        let ended = self.ended.await.expect("it ends").expect_err("it was given up");
        assert_eq!(ended.kind, StoreErrorKind::Unavailable, "{ended}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_was_given_up_deletes_nothing_later() {
    let root = TempDir::new().expect("temp dir");
    let (store, key) = (open(&root).await, key("site/a.mp4"));
    store.put(&key, Bytes::from_static(b"first"), Publish::Replace).await.expect("is stored");
    let named = key.clone();
    let deletion = Hanging::begin(&store, move |inner, wanted| inner.delete(&named, wanted)).await;
    store.put(&key, Bytes::from_static(b"sent again"), Publish::Replace).await.expect("is stored");
    deletion.go_on().await;
    assert_eq!(fs::read(root.path().join("site/a.mp4")).expect("is there"), b"sent again");
}

#[tokio::test(start_paused = true)]
async fn an_object_that_was_given_up_replaces_none_later() {
    let root = TempDir::new().expect("temp dir");
    let (store, key) = (open(&root).await, key("site/a.mp4"));
    let named = key.clone();
    let put = Hanging::begin(&store, move |inner, wanted| inner.put(&named, b"first", Publish::Replace, wanted)).await;
    let upload = store.begin(&key).await.expect("begins");
    let parts = [store.put_part(&key, &upload, 1, Bytes::from_static(b"in parts")).await.expect("is stored")];
    let (named, id) = (key.clone(), upload.clone());
    let completion =
        Hanging::begin(&store, move |inner, wanted| inner.complete(&named, &id, &parts, Publish::Replace, wanted))
            .await;
    store.put(&key, Bytes::from_static(b"sent again"), Publish::Replace).await.expect("is stored");
    put.go_on().await;
    completion.go_on().await;
    assert_eq!(fs::read(root.path().join("site/a.mp4")).expect("is there"), b"sent again");
    store.abort(&key, &upload).await.expect("is given up");
    assert_eq!(
        fs::read_dir(root.path().join(".vault-staging")).expect("is there").count(),
        0,
        "nothing is left of them"
    );
}

/// Recovery abandons the leftover uploads of a key; an upload begun since is not one of them.
#[tokio::test(start_paused = true)]
async fn what_was_to_be_given_up_is_left_alone_later() {
    let root = TempDir::new().expect("temp dir");
    let (store, key) = (open(&root).await, key("site/a.mp4"));
    let named = key.clone();
    let all = Hanging::begin(&store, move |inner, wanted| inner.abort_all(&named, wanted)).await;
    let upload = store.begin(&key).await.expect("begins");
    let (named, id) = (key.clone(), upload.clone());
    let one = Hanging::begin(&store, move |inner, wanted| inner.abort(&named, &id, wanted)).await;
    all.go_on().await;
    one.go_on().await;
    let part = store.put_part(&key, &upload, 1, Bytes::from_static(b"x")).await.expect("is stored");
    store.complete(&key, &upload, &[part], Publish::Replace).await.expect("its file was left alone");
}

/// The caller may go away before the time is up.
#[tokio::test]
async fn what_nobody_waits_for_is_given_up() {
    let root = TempDir::new().expect("temp dir");
    let (store, key) = (open(&root).await, key("site/a.mp4"));
    store.put(&key, Bytes::from_static(b"first"), Publish::Replace).await.expect("is stored");
    let ((go_on, held), (began, begins), (end, ended)) =
        (mpsc::channel::<()>(), oneshot::channel(), oneshot::channel());
    let named = key.clone();
    let deletion = store.blocking(move |inner, wanted| {
        began.send(()).expect("is waited for");
        held.recv().expect("is let go");
        end.send(inner.delete(&named, wanted)).expect("is waited for");
        Ok(())
    });
    tokio::select! {
        biased;
        _ = deletion => panic!("it hangs"),
        began = begins => began.expect("it begins"),
    }
    go_on.send(()).expect("it waits");
    ended.await.expect("it ends").expect_err("nobody waits for it");
    assert!(root.path().join("site/a.mp4").exists());
}

/// Reads count as operations of the folder, and none waits for ever.
#[tokio::test(start_paused = true)]
async fn a_chunk_waits_for_a_folder_that_is_busy_but_not_for_ever() {
    let root = TempDir::new().expect("temp dir");
    let (store, key) = (open(&root).await, key("site/a.mp4"));
    store.put(&key, Bytes::from_static(b"x"), Publish::Replace).await.expect("is stored");
    let (mut waits, mut late) =
        (store.get(&key, None).await.expect("opens"), store.get(&key, None).await.expect("opens"));
    let all = u32::try_from(MAX_RUNNING).expect("few");
    let busy = store.0.running.clone().acquire_many_owned(all).await.expect("nothing else runs");
    let error = tokio::time::timeout(PATIENCE * 2, late.bytes.next()).await.expect("not for ever");
    let error = error.expect("not at its end").expect_err("the folder hangs");
    assert_eq!(error.kind, StoreErrorKind::Unavailable, "{error}");
    let let_go = async {
        tokio::time::sleep(PATIENCE / 2).await;
        drop(busy);
    };
    let (read, ()) = tokio::join!(waits.bytes.next(), let_go);
    assert_eq!(read.expect("not at its end").expect("is read"), "x");
}

#[tokio::test]
async fn a_deletion_is_made_durable() {
    let root = TempDir::new().expect("temp dir");
    let (store, (one, other)) = (open(&root).await, (key("site/a.mp4"), key("site/b.mp4")));
    for key in [&one, &other] {
        store.put(key, Bytes::from_static(b"x"), Publish::Replace).await.expect("is stored");
    }
    let (_waiting, wanted) = super::operation::operation();
    // The second time nothing is there: the first deletion may have been cut off before the sync.
    for (key, left) in [(&one, 1), (&one, 1), (&other, 0)] {
        SYNCED.take();
        store.0.delete(key, &wanted).expect("is deleted");
        assert_eq!(SYNCED.take(), [(root.path().join("site"), left)], "{key}");
    }
    assert!(!root.path().join("site").exists());
}
