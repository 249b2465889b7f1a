//! What lies at a provider and is no recording of the vault's: another program's, another vault's.

use crate::support::{Fault, PART, TestVault, actor, now_ms, until, within};
use bytes::Bytes;
use futures::channel::mpsc;
use model::moving::MoveState;
use model::wire::header;
use sea_orm::{EntityTrait as _, PaginatorTrait as _};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use vault::clock::Clock;
use vault::entity::{removal, upload};
use vault::ingest::{Outcome, UploadError};

/// Sizes that take one part and several.
const SIZES: [usize; 2] = [10, 3 * PART + 5];

fn lay(store: &crate::support::MemoryStore, key: &str, bytes: &[u8]) {
    store.objects.lock().unwrap().insert(key.into(), Bytes::copy_from_slice(bytes));
}

fn at(store: &crate::support::MemoryStore, key: &str) -> Option<Bytes> {
    store.objects.lock().unwrap().get(key).cloned()
}

fn is_foreign<T: std::fmt::Debug>(told: Result<T, UploadError>) {
    match told {
        Err(UploadError::Foreign { provider, key }) => {
            assert_eq!((provider.as_str(), key.as_str()), ("local", "dir/a.mp4"));
        }
        other => panic!("{other:?}"),
    }
}

/// Providers that are told of.
async fn told(t: &TestVault) -> Vec<String> {
    let notices = t.vault.notices.list().await.unwrap();
    notices.into_iter().filter(|n| n.code == "foreign-object").map(|n| n.subject).collect()
}

async fn left(t: &TestVault) -> (u64, u64) {
    let tables = t.tables().await;
    (upload::Entity::find().count(&tables).await.unwrap(), removal::Entity::find().count(&tables).await.unwrap())
}

#[tokio::test]
async fn what_others_have_stored_is_never_replaced() {
    for size in SIZES {
        for foreign in [vec![9; size], vec![9; 7]] {
            let mut t = TestVault::new().await;
            lay(&t.world.store, "dir/a.mp4", &foreign);
            is_foreign(t.upload("a.mp4", &vec![1; size]).await);
            is_foreign(t.upload("a.mp4", &vec![1; size]).await);
            assert_eq!(told(&t).await, ["local"]);
            t.restart().await;
            t.vault.keep_house().await;
            assert_eq!(at(&t.world.store, "dir/a.mp4").unwrap(), foreign);
            assert!(t.listed().await.is_empty());
            assert!(t.world.store.uploads.lock().unwrap().is_empty(), "parts are freed");
            assert_eq!(left(&t).await, (0, 0));
            t.world.store.objects.lock().unwrap().remove("dir/a.mp4");
            assert_eq!(t.upload("a.mp4", &vec![1; size]).await.unwrap().outcome, Outcome::New);
        }
    }
}

/// Its row may have been lost with a database.
#[tokio::test]
async fn what_is_the_same_becomes_the_recording() {
    for size in SIZES {
        let t = TestVault::new().await;
        lay(&t.world.store, "dir/a.mp4", &vec![1; size]);
        assert_eq!(t.upload("a.mp4", &vec![1; size]).await.unwrap().outcome, Outcome::New);
        assert_eq!(t.content("a.mp4").await.unwrap(), vec![1; size]);
        assert_eq!(t.vault.deliveries.count(None).await.unwrap(), (2, 0));
        assert!(t.world.store.uploads.lock().unwrap().is_empty(), "parts are freed");
        assert!(told(&t).await.is_empty());
    }
}

/// Neither by the upload that failed, nor by recovery, then or when nothing can arrive late any more.
#[tokio::test]
async fn what_others_have_stored_is_not_deleted_after_a_failure() {
    for size in SIZES {
        for fault in [Fault::Full, Fault::Down] {
            let later = Arc::new(AtomicI64::new(0));
            let passed = later.clone();
            let t = TestVault::with_clock(Clock::new(move || now_ms() + passed.load(Ordering::SeqCst))).await;
            t.upload("before.mp4", b"x").await.unwrap();
            lay(&t.world.store, "dir/a.mp4", b"theirs");
            t.world.store.set(fault);
            t.upload("a.mp4", &vec![1; size]).await.unwrap_err();
            let noted = || async {
                let intents = upload::Entity::find().all(&t.tables().await).await.unwrap();
                intents.iter().all(|intent| intent.draft.contains("sha256"))
            };
            until("it is noted what was sent, or forgotten", noted).await;
            t.world.store.set(None);
            for minutes in [0, 0, 16, 0] {
                later.fetch_add(minutes * 60_000, Ordering::SeqCst);
                t.vault.keep_house().await;
                assert_eq!(at(&t.world.store, "dir/a.mp4").unwrap(), "theirs", "{fault:?}");
            }
            assert_eq!(t.listed().await.len(), 1);
            assert_eq!(left(&t).await, (0, 0));
        }
    }
}

#[tokio::test]
async fn what_an_earlier_upload_left_makes_room() {
    for size in SIZES {
        let t = TestVault::new().await;
        t.world.store.set(Fault::LosesAnswer);
        t.upload("a.mp4", &vec![1; size]).await.unwrap_err();
        t.world.store.set(None);
        assert_eq!(t.upload("a.mp4", &vec![2; size]).await.unwrap().outcome, Outcome::New);
        t.vault.keep_house().await;
        assert_eq!(t.content("a.mp4").await.unwrap(), vec![2; size]);
        assert!(told(&t).await.is_empty());
    }
}

#[tokio::test]
async fn what_is_still_to_be_deleted_makes_room() {
    for size in SIZES {
        let t = TestVault::new().await;
        let stored = t.upload("a.mp4", b"old").await.unwrap();
        let found = t.vault.recordings.find_by_id(&actor(), stored.id).await.unwrap();
        t.world.store.set(Fault::Down);
        t.vault.recordings.delete(&actor(), &found).await.unwrap();
        t.world.store.set(None);
        assert_eq!(at(&t.world.store, "dir/a.mp4").unwrap(), "old");
        assert_eq!(t.upload("a.mp4", &vec![2; size]).await.unwrap().outcome, Outcome::New);
        t.vault.keep_house().await;
        assert_eq!(t.content("a.mp4").await.unwrap(), vec![2; size]);
    }
}

/// It has put nothing there yet, so what lies there is not what it left.
#[tokio::test]
async fn an_upload_that_runs_is_no_reason_to_replace_anything() {
    let t = TestVault::new().await;
    lay(&t.world.store, "dir/a.mp4", b"theirs");
    let (sender, body) = mpsc::unbounded::<Result<Bytes, Infallible>>();
    let (vault, request) = (t.vault.clone(), t.request("a.mp4").await);
    let running = tokio::spawn(async move { vault.ingest.store(request, body).await });
    // One that sends nothing for a while would be given up.
    let feeding = async {
        loop {
            sender.unbounded_send(Ok(Bytes::from_static(b"slow"))).unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let meanwhile = async {
        until("it has its intent", || async { left(&t).await.0 == 1 }).await;
        t.upload("a.mp4", b"twice").await
    };
    let told = tokio::select! {
        told = meanwhile => told,
        () = feeding => unreachable!("it feeds for ever"),
    };
    assert!(matches!(told, Err(UploadError::Busy)), "{told:?}");
    assert_eq!(at(&t.world.store, "dir/a.mp4").unwrap(), "theirs");
    drop(sender);
    is_foreign(within("it ends", running).await.unwrap());
    is_foreign(t.upload("a.mp4", b"twice").await);
    assert_eq!(at(&t.world.store, "dir/a.mp4").unwrap(), "theirs");
    assert_eq!(left(&t).await, (0, 0));
}

#[tokio::test]
async fn a_copy_replaces_nothing_that_others_have_stored() {
    // The second one comes when the copy is on its way already.
    for comes_late in [false, true] {
        let t = TestVault::new().await;
        t.add_second_provider().await;
        t.copy_to_second().await;
        let second = t.world.second_store.clone();
        if comes_late {
            let there = second.clone();
            let lays = move || lay(&there, "dir/a.mp4", b"theirs");
            *second.at_put.lock().unwrap() = Some(Box::new(lays));
        } else {
            lay(&second, "dir/a.mp4", b"theirs");
        }
        t.upload("a.mp4", b"mine").await.unwrap();
        t.deliver();
        until("it is told", || async { told(&t).await == ["second"] }).await;
        t.vault.keep_house().await;
        assert_eq!(at(&second, "dir/a.mp4").unwrap(), "theirs");
        assert_eq!(left(&t).await, (0, 0), "what others have stored is not to be deleted");
        assert!(t.listed().await[0].copies.is_empty());
    }
}

#[tokio::test]
async fn a_move_replaces_nothing_that_others_have_stored() {
    let t = TestVault::new().await;
    let (from, to) = t.add_second_provider().await;
    t.upload("a.mp4", b"mine").await.unwrap();
    t.upload("b.mp4", b"other").await.unwrap();
    lay(&t.world.second_store, "dir/a.mp4", b"theirs");
    lay(&t.world.second_store, "dir/b.mp4", b"other");
    t.deliver();
    t.vault.moves.start(&actor(), from, to).await.unwrap();
    until("it stops", || async { t.vault.moves.list().await.unwrap()[0].state == MoveState::Paused }).await;
    let paused = t.vault.moves.list().await.unwrap().remove(0);
    assert_eq!((paused.moved, paused.failed), (1, 1), "what is there already is moved");
    assert!(paused.last_error.contains("lies at second under dir/a.mp4"), "{}", paused.last_error);
    t.vault.keep_house().await;
    assert_eq!(at(&t.world.second_store, "dir/a.mp4").unwrap(), "theirs");
    assert_eq!(t.content("a.mp4").await.unwrap(), b"mine");
}

async fn send(t: &TestVault, directory: &str, name: &str, size: usize) -> Result<String, UploadError> {
    let request = t.request_with(name, &[(header::DIRECTORY, directory)]).await.unwrap();
    t.send(request, &vec![1; size]).await.map(|stored| stored.key.to_string())
}

/// Folders cannot have both, so no store gets both.
#[tokio::test]
async fn no_name_is_a_file_and_a_folder() {
    for size in SIZES {
        let t = TestVault::new().await;
        for (directory, name) in [("dir", "late"), ("deep/er/still", "a.mp4")] {
            send(&t, directory, name, 5).await.unwrap();
        }
        let stored = t.world.store.keys();
        for (directory, name, said) in [
            ("dir/late", "a.mp4", "dir/late is a file there"),
            ("dir/late/more/of/it", "a.mp4", "dir/late is a file there"),
            // What lies in the folder may be another account's.
            ("deep", "er", "deep/er is a folder there"),
            ("deep/er", "still", "deep/er/still is a folder there"),
            ("deep/er/still/a.mp4", "b.mp4", "deep/er/still/a.mp4 is a file there"),
        ] {
            match send(&t, directory, name, size).await {
                Err(UploadError::Clash(why)) => {
                    let first = why.split_once(',').map(|(first, _)| first);
                    assert_eq!(first, Some(said), "no more than the sender knows: {why}");
                }
                other => panic!("{directory}/{name}: {other:?}"),
            }
        }
        assert_eq!((t.world.store.keys(), left(&t).await), (stored, (0, 0)));
        assert_eq!(t.world.store.begun(), 0, "it is refused before any of it is sent");
        for (directory, name) in
            [("dir", "late.mp4"), ("dir/later", "a"), ("dir/lat", "e"), ("dir", "late0"), ("dir", "late-")]
        {
            send(&t, directory, name, size).await.unwrap();
        }
        // Once it is deleted there is room.
        let row = t.listed().await.into_iter().find(|row| row.key == "dir/late").unwrap();
        let found = t.vault.recordings.find_by_id(&actor(), row.id).await.unwrap();
        t.vault.recordings.delete(&actor(), &found).await.unwrap();
        send(&t, "dir/late", "a.mp4", size).await.unwrap();
    }
}

#[tokio::test]
async fn no_copy_and_no_move_makes_a_name_both() {
    let t = TestVault::new().await;
    let (from, to) = t.add_second_provider().await;
    send(&t, "dir", "late", 5).await.unwrap();
    let there = [(header::DIRECTORY, "dir/late"), (header::PROVIDER, "second")];
    t.send(t.request_with("a.mp4", &there).await.unwrap(), b"x").await.unwrap();
    t.copy_to_second().await;
    t.deliver();
    t.vault.moves.start(&actor(), from, to).await.unwrap();
    until("it stops", || async { t.vault.moves.list().await.unwrap()[0].state == MoveState::Paused }).await;
    let paused = t.vault.moves.list().await.unwrap().remove(0);
    assert!(paused.last_error.contains("beside dir/late/a.mp4"), "{}", paused.last_error);
    assert_eq!(t.world.second_store.keys(), ["dir/late/a.mp4"]);
    assert_eq!(left(&t).await, (0, 0));

    // A copy counts like a recording.
    send(&t, "other", "late", 5).await.unwrap();
    until("it is copied", || async { t.listed().await.iter().any(|row| row.copies == ["second"]) }).await;
    let below = [(header::DIRECTORY, "other/late"), (header::PROVIDER, "second")];
    let refused = t.send(t.request_with("a.mp4", &below).await.unwrap(), b"x").await;
    assert!(matches!(refused, Err(UploadError::Clash(_))), "{refused:?}");
}
