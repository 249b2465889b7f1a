//! Locks: a recording that is evidence stays, whatever asks for it to go.

use crate::assets::{STEM, age, found, limit, rows, store};
use crate::support::{TestVault, actor, now_ms, until};
use model::moving::MoveState;
use sea_orm::{ActiveValue::Set, EntityTrait as _, PaginatorTrait as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use vault::VaultError;
use vault::clock::{Clock, DAY_MS};
use vault::entity::{delivery, lock, recording};
use vault::ingest::{Outcome, UploadError, UploadRequest};

const NAME: &str = "1606164482_6-818812_Door_229-153-288-247_51_745.mp4";

/// A vault with a recording and its asset, locked until then.
async fn locked(t: &TestVault, ends_at: Option<i64>) -> i64 {
    let id = store(t, ".mp4", b"video").await.id;
    store(t, "_thumbnail.jpg", b"picture").await;
    t.vault.recordings.lock(&actor(), id, " case 7 ", ends_at).await.unwrap();
    id
}

async fn keeps_both(t: &TestVault) {
    let both = [NAME.replace(".mp4", "_thumbnail.jpg"), NAME.to_owned()].map(|name| format!("dir/{name}"));
    let rows = rows(t).await;
    assert!(both.iter().all(|key| rows.contains(key)), "{rows:?}");
    assert!(both.iter().all(|key| t.world.store.keys().contains(key)), "{:?}", t.world.store.keys());
}

/// Lets all have been told of all: what somebody is yet to be told of stays anyway.
async fn tell(t: &TestVault) {
    let arrived = delivery::ActiveModel { state: Set("delivered".into()), ..Default::default() };
    delivery::Entity::update_many().set(arrived).exec(&t.tables().await).await.unwrap();
}

#[tokio::test]
async fn nobody_deletes_what_is_locked_nor_its_assets() {
    let t = TestVault::new().await;
    let id = locked(&t, None).await;
    let other = t.upload("other.mp4", b"other").await.unwrap().id;
    for name in [NAME.to_owned(), format!("{STEM}_thumbnail.jpg")] {
        let found = found(&t, &name).await.unwrap();
        for principal in [actor(), t.account("site-a").await.principal()] {
            let refused = t.vault.recordings.delete(&principal, &found).await;
            assert!(matches!(&refused, Err(VaultError::Locked(why)) if why == "case 7"), "{name}: {refused:?}");
        }
    }
    let refused = t.vault.recordings.delete_many(&actor(), &[id, other]).await.unwrap_err().to_string();
    assert!(refused.starts_with("1 of them are locked, and stay; 1 were deleted."), "{refused}");
    keeps_both(&t).await;
    assert!(found(&t, "other.mp4").await.is_none());

    t.vault.recordings.unlock(&actor(), id).await.unwrap();
    t.vault.recordings.delete_many(&actor(), &[id]).await.unwrap();
    assert!(rows(&t).await.is_empty() && t.world.store.keys().is_empty());
    assert_eq!(lock::Entity::find().count(&t.tables().await).await.unwrap(), 0);
    let audit = t.vault.audit.latest(10).await.unwrap();
    let said = |action: &str| audit.iter().any(|row| row.action == action && row.subject.ends_with(": case 7"));
    assert!(said("locked recording") && said("unlocked recording"));
}

#[tokio::test]
async fn what_is_locked_outlives_its_days_until_the_lock_ends() {
    let later = Arc::new(AtomicI64::new(0));
    let time = later.clone();
    let t = TestVault::with_clock(Clock::new(move || now_ms() + time.load(Ordering::SeqCst))).await;
    let id = locked(&t, Some(now_ms() + DAY_MS / 2)).await;
    t.upload("other.mp4", b"other").await.unwrap();
    for name in [NAME.to_owned(), format!("{STEM}_thumbnail.jpg"), "other.mp4".into()] {
        age(&t, &name, 40).await;
    }
    tell(&t).await;
    limit(&t, 30).await;
    t.vault.keep_house().await;
    keeps_both(&t).await;
    assert!(found(&t, "other.mp4").await.is_none());
    assert_eq!(t.vault.recordings.get(id).await.unwrap().lock.unwrap().reason, "case 7");
    later.store(40 * DAY_MS, Ordering::SeqCst);
    t.vault.keep_house().await;
    assert!(t.listed().await[0].lock.is_some(), "a clock that jumps ends no lock");
    later.store(DAY_MS / 2, Ordering::SeqCst);
    t.vault.timekeeping.confirm(&actor()).await.unwrap();
    t.vault.keep_house().await;
    assert!(rows(&t).await.is_empty());
}

#[tokio::test]
async fn what_is_locked_is_not_replaced_and_the_same_is_still_answered() {
    let t = TestVault::new().await;
    locked(&t, None).await;
    let refused = t.upload(NAME, b"another").await;
    assert!(matches!(&refused, Err(UploadError::Locked(why)) if why == "case 7"), "{refused:?}");
    assert_eq!(t.upload(NAME, b"video").await.unwrap().outcome, Outcome::Identical);
    assert_eq!(t.content(NAME).await.unwrap(), b"video");
    let asset = t.upload(&format!("{STEM}_thumbnail.jpg"), b"another picture").await;
    assert!(matches!(asset, Err(UploadError::Locked(_))), "{asset:?}");
    t.world.store.objects.lock().unwrap().remove(&format!("dir/{NAME}"));
    t.upload(NAME, b"video").await.unwrap();
    assert_eq!(t.content(NAME).await.unwrap(), b"video", "what was lost may come again");
    keeps_both(&t).await;
}

#[tokio::test]
async fn what_is_locked_stays_when_its_provider_is_emptied() {
    let t = TestVault::new().await;
    let (first, second) = t.add_second_provider().await;
    let id = locked(&t, None).await;
    t.upload("other.mp4", b"other").await.unwrap();
    t.vault.moves.start(&actor(), first, second).await.unwrap();
    t.deliver();
    let ended = || async { t.vault.moves.list().await.unwrap()[0].state == MoveState::Paused };
    until("the move has come to its end", ended).await;
    let shown = t.vault.moves.list().await.unwrap().remove(0);
    assert_eq!((shown.moved, shown.failed), (1, 2), "its asset stays with it");
    assert!(shown.last_error.contains("is locked, and stays: case 7"), "{}", shown.last_error);
    assert!(t.world.store.keys().contains(&format!("dir/{NAME}")));
    t.vault.recordings.unlock(&actor(), id).await.unwrap();
    t.vault.moves.resume(&actor(), shown.id).await.unwrap();
    let done = || async { t.vault.moves.list().await.unwrap()[0].state == MoveState::Done };
    until("it goes, too", done).await;
}

#[tokio::test]
async fn a_lock_says_why_and_is_of_a_recording() {
    let t = TestVault::new().await;
    let id = store(&t, ".mp4", b"video").await.id;
    let asset = store(&t, "_thumbnail.jpg", b"picture").await.id;
    let long = "x".repeat(501);
    for (id, reason, ends_at) in [
        (id, " ", None),
        (id, &*long, None),
        (id, "a\nb", None),
        (id, "\u{200b}", None),
        (id, "case", Some(1)),
        (asset, "case", None),
    ] {
        let refused = t.vault.recordings.lock(&actor(), id, reason, ends_at).await;
        assert!(matches!(refused, Err(VaultError::Invalid(_))), "{reason:?}: {refused:?}");
    }
    let account = t.account("site-a").await.principal();
    assert!(matches!(t.vault.recordings.lock(&account, id, "case", None).await, Err(VaultError::Forbidden)));
    assert!(matches!(t.vault.recordings.unlock(&actor(), id).await, Err(VaultError::NotFound("lock"))));
    t.vault.recordings.lock(&actor(), id, "case", None).await.unwrap();
    assert!(matches!(t.vault.recordings.unlock(&account, id).await, Err(VaultError::Forbidden)));
    t.vault.recordings.lock(&actor(), id, "another case", None).await.unwrap();
    assert_eq!(t.vault.recordings.get(id).await.unwrap().lock.unwrap().reason, "another case");
}

/// The original may be lost, and then it is the evidence.
#[tokio::test]
async fn a_copy_of_what_is_locked_is_not_replaced_either() {
    let t = TestVault::new().await;
    t.add_second_provider().await;
    t.copy_to_second().await;
    locked(&t, None).await;
    t.deliver();
    until("it is copied", || async { t.world.second_store.keys().contains(&format!("dir/{NAME}")) }).await;
    let elsewhere = UploadRequest { provider: Some("second".into()), ..t.request(NAME).await };
    let refused = t.send(elsewhere, b"another").await;
    assert!(matches!(&refused, Err(UploadError::Locked(why)) if why == "case 7"), "{refused:?}");
}

/// Not even an older vault beside this one does, which does not know of locks.
#[tokio::test]
async fn the_database_deletes_no_row_that_is_locked() {
    let t = TestVault::new().await;
    let id = locked(&t, None).await;
    assert!(recording::Entity::delete_by_id(id).exec(&t.tables().await).await.is_err());
    keeps_both(&t).await;
}
