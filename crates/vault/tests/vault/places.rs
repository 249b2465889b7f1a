//! Whether a provider still is the place it was, and whether what was moved is there before its old object goes.

use crate::support::{TestVault, actor, connection, until};
use bytes::Bytes;
use model::connection::{ConnectionForm, Family};
use model::error::StoreErrorKind;
use model::field::Settings;
use model::moving::MoveState;
use sea_orm::{ActiveValue::Set, EntityTrait as _, PaginatorTrait as _};
use std::sync::atomic::Ordering;
use vault::VaultError;
use vault::entity::{connection as connections, removal};
use vault::ingest::UploadError;

async fn refused(t: &TestVault) -> String {
    match t.upload("refused.mp4", b"x").await {
        Err(UploadError::Store(error)) if error.kind == StoreErrorKind::Unavailable => error.message,
        other => panic!("{other:?}"),
    }
}

async fn local(t: &TestVault) -> i64 {
    t.vault.connections.provider_by_name("local").await.unwrap().unwrap().id
}

/// Another disk at the folder, another bucket by the name.
#[tokio::test]
async fn nothing_is_stored_where_the_recordings_are_not() {
    let mut t = TestVault::new().await;
    t.upload("a.mp4", b"x").await.unwrap();
    let objects = std::mem::take(&mut *t.world.store.objects.lock().unwrap());
    t.restart().await;
    assert!(refused(&t).await.contains("not the place it was"));
    let others = t.world.second_store.clone();
    t.add_second_provider().await;
    t.world.store.set_mark(others.mark());
    assert!(refused(&t).await.contains("leads to the place of second"));
    assert!(t.world.store.keys().is_empty());
    let notices = t.vault.notices.list().await.unwrap();
    assert!(notices.iter().any(|n| n.code == "other-place" && n.text.contains("local")), "{notices:?}");

    *t.world.store.objects.lock().unwrap() = objects;
    t.upload("b.mp4", b"x").await.expect("it is back");
    assert!(t.vault.notices.list().await.unwrap().is_empty());
}

/// Recordings that are gone for good must not stop the cameras for ever.
#[tokio::test]
async fn an_administrator_can_say_that_an_emptied_place_is_the_one() {
    let mut t = TestVault::new().await;
    t.upload("a.mp4", b"x").await.unwrap();
    let before = t.world.store.mark().unwrap();
    t.world.store.objects.lock().unwrap().clear();
    t.restart().await;
    refused(&t).await;
    t.world.store.set_mark(Some(Bytes::new()));
    t.upload("b.mp4", b"x").await.unwrap();
    assert_eq!(t.world.store.mark().unwrap(), before, "it is the place it was");
}

/// A lifecycle rule removes marks, and who copies a folder by its names forgets them.
#[tokio::test]
async fn a_place_that_lost_its_mark_is_known_by_its_recordings() {
    let mut t = TestVault::new().await;
    t.upload("a.mp4", b"x").await.unwrap();
    t.upload("b.mp4", b"x").await.unwrap();
    t.world.store.set_mark(None);
    t.world.store.objects.lock().unwrap().remove("dir/b.mp4");
    t.restart().await;
    t.upload("c.mp4", b"x").await.expect("one of the newest recordings is there");
    assert!(t.world.store.mark().is_some());
}

/// Vaults that stored before places had marks.
#[tokio::test]
async fn a_place_from_before_there_were_marks_gets_one() {
    let mut t = TestVault::new().await;
    t.upload("a.mp4", b"x").await.unwrap();
    t.world.store.set_mark(None);
    let unknown = connections::ActiveModel { place: Set(None), ..Default::default() };
    connections::Entity::update_many().set(unknown).exec(&t.tables().await).await.unwrap();
    t.restart().await;
    t.deliver();
    until("it is marked without an upload", || async { t.world.store.mark().is_some() }).await;
}

#[tokio::test]
async fn settings_that_follow_a_moved_bucket_are_saved_and_others_are_not() {
    let t = TestVault::new().await;
    t.upload("a.mp4", b"x").await.unwrap();
    t.world.second_store.set_ups.store(1, Ordering::Relaxed);
    let id = local(&t).await;
    let at = |path: &str| ConnectionForm {
        id: Some(id),
        ..connection(Family::Provider, "filesystem", "local", Settings::new().with("path", path))
    };
    let empty = t.vault.connections.save(&actor(), at("/mnt/second")).await;
    assert!(matches!(&empty, Err(VaultError::Conflict(why)) if why.contains("not there")), "{empty:?}");
    for mark in [t.world.store.mark(), None] {
        let mut moved = t.world.store.objects.lock().unwrap().clone();
        moved.retain(|key, _| !key.starts_with(".vault-"));
        *t.world.second_store.objects.lock().unwrap() = moved;
        t.world.second_store.set_mark(mark);
        t.vault.connections.save(&actor(), at("/mnt/second")).await.expect("everything is there");
        t.upload("b.mp4", b"x").await.unwrap();
        assert!(t.world.second_store.keys().contains(&"dir/b.mp4".to_owned()));
        t.vault.connections.save(&actor(), at("/tmp/unused")).await.expect("and back");
        t.upload("b.mp4", b"x").await.unwrap();
    }
}

async fn moved(t: &mut TestVault) {
    let (from, to) = t.add_second_provider().await;
    for name in ["a.mp4", "b.mp4"] {
        t.upload(name, name.as_bytes()).await.unwrap();
    }
    t.deliver();
    t.vault.moves.start(&actor(), from, to).await.unwrap();
    until("moved", || async { t.vault.moves.list().await.unwrap()[0].state == MoveState::Done }).await;
    t.stop().await;
    assert_eq!(t.world.store.keys().len(), 2, "whoever is reading them can finish");
}

/// Lets the ten minutes pass that an old object stays, and housekeeping come round.
async fn late(t: &mut TestVault) {
    let due = removal::ActiveModel { removed_at: Set(1), due_at: Set(0), ..Default::default() };
    removal::Entity::update_many().set(due).exec(&t.tables().await).await.unwrap();
    t.restart().await;
}

#[tokio::test]
async fn the_old_object_goes_only_when_the_new_one_is_there() {
    let mut t = TestVault::new().await;
    moved(&mut t).await;
    t.world.second_store.objects.lock().unwrap().remove("dir/a.mp4");
    late(&mut t).await;
    assert_eq!(t.world.store.keys(), ["dir/a.mp4"]);
    for name in ["a.mp4", "b.mp4"] {
        assert_eq!(t.content(name).await.unwrap(), name.as_bytes());
    }
    assert_eq!(removal::Entity::find().count(&t.tables().await).await.unwrap(), 0);
    let listed = t.listed().await;
    let kept = listed.iter().find(|r| r.key == "dir/a.mp4").unwrap();
    assert_eq!((kept.provider.as_str(), kept.copies.as_slice()), ("second", &["local".to_owned()][..]));
    assert!(t.vault.notices.list().await.unwrap().iter().any(|n| n.code == "moved-and-missing"));
}

#[tokio::test]
async fn the_old_object_waits_for_a_new_place_that_is_down() {
    let mut t = TestVault::new().await;
    moved(&mut t).await;
    t.world.second_store.set(crate::support::Fault::Down);
    late(&mut t).await;
    assert_eq!(t.world.store.keys().len(), 2);
    t.world.second_store.set(None);
    late(&mut t).await;
    assert!(t.world.store.keys().is_empty());
    assert_eq!(t.content("b.mp4").await.unwrap(), b"b.mp4");
}

/// What an agent has replaced since is not what the old object holds.
#[tokio::test]
async fn an_old_object_of_other_content_is_no_copy() {
    let mut t = TestVault::new().await;
    moved(&mut t).await;
    let there = vault::ingest::UploadRequest { provider: Some("second".into()), ..t.request("a.mp4").await };
    t.send(there, b"replaced").await.unwrap();
    t.world.second_store.objects.lock().unwrap().remove("dir/a.mp4");
    late(&mut t).await;
    assert!(t.world.store.keys().is_empty());
    assert!(t.content("a.mp4").await.is_err());
}

/// Nor is it a recording: an upload that came for its name, and failed, takes nothing of it over.
#[tokio::test]
async fn an_old_object_is_no_recording_of_its_old_place() {
    let mut t = TestVault::new().await;
    moved(&mut t).await;
    t.world.store.set(crate::support::Fault::Down);
    let there = vault::ingest::UploadRequest { provider: Some("local".into()), ..t.request("a.mp4").await };
    t.send(there, &[1; 3 * crate::support::PART]).await.unwrap_err();
    t.world.store.set(None);
    t.vault.keep_house().await;
    let providers: Vec<_> = t.listed().await.into_iter().map(|row| row.provider).collect();
    assert_eq!(providers, ["second"; 2]);
    assert_eq!(t.world.store.keys().len(), 2, "whoever is reading them can finish");
    late(&mut t).await;
    assert!(t.world.store.keys().is_empty());
    assert_eq!(t.content("a.mp4").await.unwrap(), b"a.mp4");
}
