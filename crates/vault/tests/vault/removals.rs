//! Objects that are still to be deleted: one that cannot be holds up no other.

use crate::support::{Fault, PART, TestVault, actor, connection, now_ms};
use model::connection::{ConnectionForm, Family};
use model::error::StoreErrorKind;
use model::field::Settings;
use sea_orm::{EntityTrait as _, PaginatorTrait as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use vault::clock::Clock;
use vault::entity::removal;
use vault::ingest::{UploadError, UploadRequest};

const NAMES: [&str; 3] = ["a.mp4", "b.mp4", "c.mp4"];

/// Three recordings are deleted while their provider is down, that much later than it is.
async fn with_removals_at(later: Arc<AtomicI64>) -> TestVault {
    let t = TestVault::with_clock(Clock::new(move || now_ms() + later.load(Ordering::SeqCst))).await;
    for name in NAMES {
        let stored = t.upload(name, name.as_bytes()).await.unwrap();
        let found = t.vault.recordings.find_by_id(&actor(), stored.id).await.unwrap();
        t.world.store.set(Fault::Down);
        t.vault.recordings.delete(&actor(), &found).await.unwrap();
        t.world.store.set(None);
    }
    assert_eq!((t.world.store.keys().len(), removals(&t).await), (3, 3));
    t
}

async fn removals(t: &TestVault) -> u64 {
    removal::Entity::find().count(&t.tables().await).await.unwrap()
}

#[tokio::test]
async fn an_object_that_cannot_be_deleted_holds_up_no_other() {
    let later = Arc::new(AtomicI64::new(0));
    let t = with_removals_at(later.clone()).await;
    t.world.store.unwell.lock().unwrap().insert("dir/a.mp4".into());
    t.vault.keep_house().await;
    assert_eq!((t.world.store.keys(), removals(&t).await), (vec!["dir/a.mp4".to_owned()], 1));
    t.world.store.unwell.lock().unwrap().clear();
    later.fetch_add(61_000, Ordering::SeqCst);
    t.vault.keep_house().await;
    assert_eq!((t.world.store.keys().len(), removals(&t).await), (0, 0));
}

/// Nobody asks a thousand times an hour for what the provider keeps for years, as evidence.
#[tokio::test]
async fn what_a_provider_refuses_to_delete_is_asked_for_ever_more_seldom_and_says_why() {
    let later = Arc::new(AtomicI64::new(0));
    let t = with_removals_at(later.clone()).await;
    t.world.store.set(Fault::KeepsForever);
    let tables = t.tables().await;
    for (minutes, tries) in [(0, 1), (0, 1), (1, 2), (1, 2), (1, 3), (4, 4), (60 * 23, 5)] {
        later.fetch_add(minutes * 60_000 + 1, Ordering::SeqCst);
        t.vault.keep_house().await;
        for row in removal::Entity::find().all(&tables).await.unwrap() {
            assert_eq!((row.tries, &*row.last_error), (tries, "It is kept as evidence until 2030."), "{minutes}");
        }
    }
    assert_eq!(removals(&t).await, 3);
    let shown = t.vault.connections.list(Family::Provider).await.unwrap().remove(0).refused.unwrap();
    assert_eq!((shown.objects, &*shown.reason), (3, "It is kept as evidence until 2030."));
    assert!(shown.next_at > now_ms() + later.load(Ordering::SeqCst), "it tells when it tries again");
    t.world.store.set(None);
    t.vault.keep_house().await;
    assert_eq!(removals(&t).await, 3, "it is not time yet");
    let path = Settings::new().with("path", "/tmp/unused");
    let id = t.vault.connections.provider_by_name("local").await.unwrap().map(|provider| provider.id);
    let again = ConnectionForm { id, ..connection(Family::Provider, "filesystem", "local", path) };
    t.vault.connections.save(&actor(), again).await.unwrap();
    t.vault.keep_house().await;
    assert_eq!(
        (t.world.store.keys().len(), removals(&t).await),
        (0, 0),
        "whoever sets a provider up anew need not wait"
    );
}

/// The other has something under the same name, may be the same place, and does not say so.
#[tokio::test]
async fn an_object_that_waits_for_another_provider_holds_up_no_other() {
    let later = Arc::new(AtomicI64::new(0));
    let mut t = with_removals_at(later.clone()).await;
    t.add_second_provider().await;
    for name in &NAMES[..2] {
        let elsewhere = UploadRequest { provider: Some("second".into()), ..t.request(name).await };
        t.send(elsewhere, b"of its own").await.unwrap();
    }
    t.world.second_store.set(Fault::Down);
    t.world.second_store.gets.store(0, Ordering::Relaxed);
    t.restart().await;
    assert_eq!((t.world.store.keys(), removals(&t).await), (vec!["dir/a.mp4".to_owned(), "dir/b.mp4".to_owned()], 2));
    assert_eq!(t.world.second_store.gets.load(Ordering::Relaxed), 1, "it is asked once in a round");
    t.world.second_store.set(None);
    later.fetch_add(61_000, Ordering::SeqCst);
    t.vault.keep_house().await;
    assert_eq!((t.world.store.keys().len(), removals(&t).await), (0, 0));
    assert_eq!(t.world.second_store.keys(), ["dir/a.mp4", "dir/b.mp4"]);
}

/// The provider may carry it out at any time, and would take what was stored meanwhile.
#[tokio::test]
async fn nothing_is_stored_under_a_name_whose_deletion_is_not_answered() {
    for size in [10, 3 * PART + 5] {
        let later = Arc::new(AtomicI64::new(0));
        let passed = later.clone();
        let mut t = TestVault::with_clock(Clock::new(move || now_ms() + passed.load(Ordering::SeqCst))).await;
        for name in ["a.mp4", "b.mp4", "c.mp4"] {
            let stored = t.upload(name, b"old").await.unwrap();
            let found = t.vault.recordings.find_by_id(&actor(), stored.id).await.unwrap();
            t.world.store.set(Fault::NeverDeletes);
            t.vault.recordings.delete(&actor(), &found).await.unwrap();
            t.world.store.set(None);
        }
        t.world.store.set(Fault::NeverDeletes);
        let is_told_to_come_back = |told| match told {
            Err(UploadError::Store(error)) => assert_eq!(error.kind, StoreErrorKind::Unavailable),
            other => panic!("{other:?}"),
        };
        is_told_to_come_back(t.upload("a.mp4", &vec![1; size]).await);
        t.vault.keep_house().await;
        is_told_to_come_back(t.upload("a.mp4", &vec![1; size]).await);
        t.restart().await;
        is_told_to_come_back(t.upload("a.mp4", &vec![1; size]).await);
        t.upload("d.mp4", &vec![1; size]).await.unwrap();
        // Nobody asks any more, and it is too late for what was asked.
        later.fetch_add(16 * 60_000, Ordering::SeqCst);
        t.upload("b.mp4", &vec![1; size]).await.unwrap();
        t.world.store.set(None);
        t.upload("a.mp4", &vec![1; size]).await.unwrap();
        for name in ["a.mp4", "b.mp4"] {
            assert_eq!(t.content(name).await.unwrap(), vec![1; size]);
        }
        t.vault.keep_house().await;
        assert_eq!(t.world.store.keys(), ["dir/a.mp4", "dir/b.mp4", "dir/d.mp4"]);
        assert_eq!(removal::Entity::find().count(&t.tables().await).await.unwrap(), 0);
    }
}
