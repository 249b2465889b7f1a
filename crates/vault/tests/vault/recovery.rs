use crate::support::{Fault, PART, TestVault, actor, now_ms, until, within};
use bytes::Bytes;
use futures::channel::mpsc;
use sea_orm::{EntityTrait as _, PaginatorTrait as _};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use vault::clock::Clock;
use vault::entity::{removal, upload};
use vault::ingest::{Outcome, UploadError};

async fn intents(t: &TestVault) -> Vec<upload::Model> {
    upload::Entity::find().all(&t.tables().await).await.unwrap()
}

/// Waits until it is written down what so many failed uploads had sent.
async fn noted(t: &TestVault, uploads: usize) {
    let noted = || async { intents(t).await.iter().filter(|i| i.draft.contains("failed_at")).count() == uploads };
    until("what was sent is noted", noted).await;
}

/// A clock that tests put forward.
fn clock() -> (Clock, impl Fn(i64)) {
    let later = Arc::new(AtomicI64::new(0));
    let passed = later.clone();
    let clock = Clock::new(move || now_ms() + passed.load(Ordering::SeqCst));
    (clock, move |minutes| _ = later.fetch_add(minutes * 60_000, Ordering::SeqCst))
}

/// The object was stored, the answer got lost: the agent is told that it failed. Nobody deletes the object, since that might
/// come late and take what the agent sends next.
#[tokio::test]
async fn a_lost_answer_deletes_nothing_and_recovery_takes_what_is_there() {
    for size in [10, 5 * PART] {
        let t = TestVault::new().await;
        t.world.store.set(Fault::LosesAnswer);
        for name in ["again.mp4", "never-again.mp4"] {
            assert!(matches!(t.upload(name, &vec![1; size]).await, Err(UploadError::Store(_))));
        }
        noted(&t, 2).await;
        t.world.store.set(None);
        assert_eq!(t.upload("again.mp4", &vec![1; size]).await.unwrap().outcome, Outcome::New);
        t.vault.keep_house().await;
        assert_eq!(t.world.store.keys(), ["dir/again.mp4", "dir/never-again.mp4"]);
        assert!(t.world.store.uploads.lock().unwrap().is_empty(), "parts are freed");
        assert_eq!(t.listed().await.len(), 2);
        assert_eq!(t.vault.deliveries.count(None).await.unwrap(), (4, 0), "of each recording two events");
    }
}

/// Its body took longer than objects are waited for.
#[tokio::test]
async fn an_object_is_waited_for_from_when_its_upload_failed() {
    let (clock, pass) = clock();
    let t = TestVault::with_clock(clock).await;
    let (sender, body) = mpsc::unbounded::<Result<Bytes, Infallible>>();
    let (vault, request) = (t.vault.clone(), t.request("a.mp4").await);
    let upload = tokio::spawn(async move { vault.ingest.store(request, body).await });
    // One that sends nothing for a while would be given up.
    let sent = AtomicUsize::new(0);
    let send = || {
        sender.unbounded_send(Ok(b"late".as_slice().into())).unwrap();
        sent.fetch_add(1, Ordering::SeqCst);
    };
    until("it has its intent", || {
        send();
        async { intents(&t).await.len() == 1 }
    })
    .await;
    pass(20);
    t.world.store.set(Fault::Down);
    send();
    drop(sender);
    within("the upload ends", upload).await.unwrap().unwrap_err();
    noted(&t, 1).await;
    t.world.store.set(None);
    t.vault.keep_house().await;
    assert!(t.listed().await.is_empty());
    let late = b"late".repeat(sent.load(Ordering::SeqCst));
    t.world.store.objects.lock().unwrap().insert("dir/a.mp4".into(), late.into());
    t.vault.keep_house().await;
    assert_eq!(t.listed().await.len(), 1);
}

/// What was sent at first arrives after what was sent then, and replaces it.
#[tokio::test]
async fn an_object_that_arrives_late_is_what_its_row_says_in_the_end() {
    let (clock, pass) = clock();
    let t = TestVault::with_clock(clock).await;
    t.upload("before.mp4", b"x").await.unwrap();
    t.world.store.set(Fault::Down);
    t.upload("a.mp4", b"sent at first").await.unwrap_err();
    t.upload("a.mp4", b"sent at first").await.unwrap_err();
    noted(&t, 2).await;
    t.world.store.set(None);
    t.upload("a.mp4", b"sent then").await.unwrap();
    let read = || t.world.store.heads.swap(0, Ordering::SeqCst);
    read();
    t.vault.keep_house().await;
    assert_eq!(read(), 1);
    t.vault.keep_house().await;
    assert_eq!(read(), 0, "not every minute");
    t.world.store.objects.lock().unwrap().insert("dir/a.mp4".into(), b"sent at first".as_slice().into());
    pass(16);
    t.vault.keep_house().await;
    assert!(t.listed().await.iter().any(|row| row.size == 13), "its row follows");
    assert_eq!(t.content("a.mp4").await.unwrap(), b"sent at first");
    assert!(intents(&t).await.is_empty());
}

/// Its provider did not answer when it was deleted, nor when it was sent again.
#[tokio::test]
async fn what_was_deleted_is_no_recording_again() {
    let t = TestVault::new().await;
    let stored = t.upload("a.mp4", b"deleted").await.unwrap();
    let found = t.vault.recordings.find_by_id(&actor(), stored.id).await.unwrap();
    t.world.store.set(Fault::Down);
    t.vault.recordings.delete(&actor(), &found).await.unwrap();
    t.upload("a.mp4", &vec![1; 3 * PART]).await.unwrap_err();
    assert_eq!(intents(&t).await.len(), 1, "it may have begun an upload in parts");
    t.world.store.set(None);
    t.vault.keep_house().await;
    assert!(t.listed().await.is_empty() && t.world.store.keys().is_empty(), "{:?}", t.world.store.keys());
    assert!(intents(&t).await.is_empty());
    assert_eq!(removal::Entity::find().count(&t.tables().await).await.unwrap(), 0);
}

/// A file that cannot be read, at a provider that answers.
#[tokio::test]
async fn an_object_that_cannot_be_read_holds_up_no_other_upload() {
    let t = TestVault::new().await;
    t.world.store.set(Fault::LosesAnswer);
    for name in ["a.mp4", "b.mp4", "c.mp4"] {
        t.upload(name, name.as_bytes()).await.unwrap_err();
    }
    noted(&t, 3).await;
    t.world.store.set(None);
    t.world.store.unwell.lock().unwrap().insert("dir/a.mp4".into());
    t.vault.keep_house().await;
    let mut keys: Vec<_> = t.listed().await.into_iter().map(|row| row.key).collect();
    keys.sort();
    assert_eq!(keys, ["dir/b.mp4", "dir/c.mp4"]);
    t.world.store.unwell.lock().unwrap().clear();
    t.vault.keep_house().await;
    assert_eq!(t.listed().await.len(), 3, "it is tried again");
}

/// Killed between the object and its row: the object is whole, so its row is written.
#[tokio::test]
async fn an_object_without_its_row_gets_one_with_its_event() {
    for size in [10, 5 * PART] {
        let mut t = TestVault::new().await;
        t.world.store.set(Fault::Hangs);
        let request = t.request("1606164482_6-818812_Door_0-0-1-1_5_745.mp4").await;
        let (vault, bytes) = (t.vault.clone(), vec![3; size]);
        let body = futures::stream::iter([Ok::<_, std::convert::Infallible>(bytes.into())]);
        let upload = tokio::spawn(async move { vault.ingest.store(request, body).await });
        t.world.store.put_begins().await;
        until("the object is there", || async { !t.world.store.keys().is_empty() }).await;
        t.world.store.set(None);
        assert!(t.listed().await.is_empty(), "no row before recovery");
        t.restart().await;
        assert!(within("the upload ends", upload).await.unwrap().is_err());
        let rows = t.listed().await;
        assert_eq!((rows.len(), rows[0].size, rows[0].instance_name.as_str()), (1, size as i64, "Door"));
        assert_eq!(rows[0].device, "camera-1");
        assert_eq!(t.vault.deliveries.count(None).await.unwrap(), (2, 0));
        t.restart().await;
        assert_eq!(t.vault.deliveries.count(None).await.unwrap(), (2, 0), "recovery happens once");
    }
}

/// Killed before the object became visible: nothing is left, parts neither.
#[tokio::test]
async fn parts_of_a_cut_off_upload_are_freed() {
    let mut t = TestVault::new().await;
    let request = t.request("a.mp4").await;
    let vault = t.vault.clone();
    let body = futures::stream::iter([Ok::<_, std::convert::Infallible>(vec![1; 3 * PART + 1].into())]);
    t.world.store.set(Fault::Hangs);
    let upload = tokio::spawn(async move { vault.ingest.store(request, body).await });
    t.world.store.put_begins().await;
    until("the object is there", || async { !t.world.store.keys().is_empty() }).await;
    t.world.store.set(None);
    // As if the crash had come a moment earlier: its parts were no object yet.
    t.world.store.objects.lock().unwrap().clear();
    t.world.store.uploads.lock().unwrap().insert("upload-0".into(), ("dir/a.mp4".into(), [].into()));
    t.restart().await;
    assert!(within("the upload ends", upload).await.unwrap().is_err());
    assert!(t.world.store.uploads.lock().unwrap().is_empty());
    assert!(t.listed().await.is_empty());
}

/// A replacement was stored but its row was not: the row follows the object.
#[tokio::test]
async fn a_half_replaced_recording_is_made_whole() {
    let mut t = TestVault::new().await;
    t.upload("a.mp4", b"old").await.unwrap();
    t.world.store.set(Fault::LosesAnswer);
    assert!(matches!(t.upload("a.mp4", b"new content").await, Err(UploadError::Store(_))));
    t.world.store.set(None);
    t.restart().await;
    let rows = t.listed().await;
    assert_eq!((rows.len(), rows[0].size), (1, 11));
    assert_eq!(t.world.store.objects.lock().unwrap()["dir/a.mp4"], "new content");
}

/// A provider that is down at start-up delays recovery, not the start.
#[tokio::test]
async fn starts_without_its_provider_and_recovers_later() {
    let mut t = TestVault::new().await;
    t.upload("kept.mp4", b"x").await.unwrap();
    t.world.store.set(Fault::LosesAnswer);
    let _ = t.upload("kept.mp4", b"changed").await;
    t.world.store.set(Fault::Down);
    t.restart().await;
    assert_eq!(t.listed().await[0].size, 1);
    t.world.store.set(None);
    t.restart().await;
    assert_eq!(t.listed().await[0].size, 7);
}

/// The row goes first; an object whose deletion failed is deleted later, unless it is needed again.
#[tokio::test]
async fn deletion_is_finished_after_a_crash() {
    let mut t = TestVault::new().await;
    for name in ["gone.mp4", "again.mp4"] {
        let stored = t.upload(name, b"x").await.unwrap();
        let found = t.vault.recordings.find_by_id(&actor(), stored.id).await.unwrap();
        t.world.store.set(Fault::Down);
        t.vault.recordings.delete(&actor(), &found).await.unwrap();
        t.world.store.set(None);
    }
    t.upload("again.mp4", b"x").await.unwrap();
    assert_eq!(t.world.store.keys().len(), 2);
    t.restart().await;
    assert_eq!(t.world.store.keys(), ["dir/again.mp4"]);
    assert_eq!(t.listed().await.len(), 1);
}

/// Recovery waits for its turn at a key; an upload of that key that begins meanwhile keeps its parts.
#[tokio::test]
async fn recovery_leaves_the_parts_of_an_upload_that_began_while_it_waited() {
    let t = TestVault::new().await;
    let stored = t.upload("b.mp4", b"old").await.unwrap();
    // Two uploads that nobody knows the end of: recovery comes to `a` first, then to `b`.
    t.world.store.set(Fault::Down);
    t.upload("a.mp4", b"x").await.unwrap_err();
    t.world.store.set(Fault::LosesAnswer);
    t.upload("b.mp4", b"new").await.unwrap_err();
    noted(&t, 2).await;
    t.world.store.set(None);
    let tables = t.tables().await;
    assert_eq!(upload::Entity::find().count(&tables).await.unwrap(), 2);

    // A deletion has the turn at `b`.
    t.world.store.set(Fault::HoldsDelete);
    let found = t.vault.recordings.find_by_id(&actor(), stored.id).await.unwrap();
    let vault = t.vault.clone();
    let deletion = tokio::spawn(async move { vault.recordings.delete(&actor(), &found).await });
    t.world.store.delete_begins().await;
    t.world.store.set(None);
    // Recovery has given its attention to `a` and waits for `b`.
    t.world.store.heads.store(0, Ordering::Relaxed);
    t.deliver();
    until("recovery has looked at a", || async { t.world.store.heads.load(Ordering::Relaxed) > 0 }).await;

    let (sender, body) = mpsc::unbounded::<Result<Bytes, Infallible>>();
    let (vault, request) = (t.vault.clone(), t.request("b.mp4").await);
    let upload = tokio::spawn(async move { vault.ingest.store(request, body).await });
    sender.unbounded_send(Ok(vec![7; 2 * PART].into())).unwrap();
    until("it has its intent", || async { upload::Entity::find().count(&tables).await.unwrap() == 3 }).await;
    // Everything that it can do before its turn, it does now.
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    t.world.store.let_go.notify_one();
    within("the deletion ends", deletion).await.unwrap().unwrap();
    until("its first part is there", || async { !t.world.store.uploads.lock().unwrap().is_empty() }).await;
    sender.unbounded_send(Ok(vec![7; PART].into())).unwrap();
    drop(sender);
    let stored = within("the upload ends", upload).await.unwrap().expect("its parts were left alone");
    assert_eq!(stored.size, 3 * PART as u64);
    assert_eq!(t.world.store.objects.lock().unwrap()["dir/b.mp4"].len(), 3 * PART);
}

/// A bug in the vault is no overload: it is told as what it is, and the next upload goes on.
#[tokio::test]
async fn a_panic_is_no_overload() {
    let t = TestVault::new().await;
    t.world.store.set(Fault::Panics);
    let error = t.upload("a.mp4", b"x").await.unwrap_err();
    assert!(matches!(error, UploadError::Crashed(_)), "{error:?}");
    t.world.store.set(None);
    t.upload("a.mp4", b"x").await.unwrap();
}
