//! Providers that say they have stored a recording, and tell of it what was not sent.

use crate::support::{Fault, PART, TestVault, actor, until};
use model::error::StoreErrorKind;
use model::moving::MoveState;
use sea_orm::{EntityTrait as _, PaginatorTrait as _};
use vault::entity::upload;
use vault::ingest::{Outcome, UploadError};

/// Sizes that take one part and several.
const SIZES: [usize; 2] = [10, 3 * PART + 5];

async fn is_refused(t: &TestVault, name: &str, bytes: &[u8]) {
    match t.upload(name, bytes).await {
        Err(UploadError::Store(error)) => assert_eq!(error.kind, StoreErrorKind::Unconfirmed),
        other => panic!("{other:?}"),
    }
}

/// Providers that are told of.
async fn told(t: &TestVault) -> Vec<String> {
    let notices = t.vault.notices.list().await.unwrap();
    notices.into_iter().filter(|n| n.code == "store-mismatch").map(|n| n.subject).collect()
}

async fn intents(t: &TestVault) -> Vec<upload::Model> {
    upload::Entity::find().all(&t.tables().await).await.unwrap()
}

async fn noted(t: &TestVault) {
    until("what was sent is noted", || async { intents(t).await.iter().any(|i| i.draft.contains("sha256")) }).await;
}

#[tokio::test]
async fn nothing_comes_of_it_and_the_next_upload_does() {
    let t = TestVault::new().await;
    for size in SIZES {
        let name = format!("{size}.mp4");
        t.world.store.set(Fault::Lies);
        is_refused(&t, &name, &vec![1; size]).await;
        until("its object is deleted", || async { t.world.store.keys().is_empty() }).await;
        until("its intent is gone", || async { intents(&t).await.is_empty() }).await;
        assert!(t.listed().await.is_empty());
        assert_eq!(t.vault.deliveries.count(None).await.unwrap(), (0, 0));
        assert_eq!(told(&t).await, ["local"]);
        t.world.store.set(None);
        assert_eq!(t.upload(&name, &vec![1; size]).await.unwrap().outcome, Outcome::New);
        let found = t.vault.recordings.find_by_id(&actor(), t.listed().await[0].id).await.unwrap();
        t.vault.recordings.delete(&actor(), &found).await.unwrap();
        forget(&t).await;
    }
}

/// Events of what has been deleted, so that the next round counts from none.
async fn forget(t: &TestVault) {
    vault::entity::delivery::Entity::delete_many().exec(&t.tables().await).await.unwrap();
}

/// It could not be deleted then. Recovery takes it for no recording, and deletes it.
#[tokio::test]
async fn recovery_makes_no_recording_of_it() {
    for size in SIZES {
        let mut t = TestVault::new().await;
        t.world.store.set(Fault::LiesForGood);
        is_refused(&t, "a.mp4", &vec![1; size]).await;
        noted(&t).await;
        t.world.store.set(None);
        assert_eq!(t.world.store.keys(), ["dir/a.mp4"]);
        t.restart().await;
        assert!(t.listed().await.is_empty() && t.world.store.keys().is_empty());
        assert_eq!(t.vault.deliveries.count(None).await.unwrap(), (0, 0));
        t.restart().await;
        assert_eq!(upload::Entity::find().count(&t.tables().await).await.unwrap(), 0);
        assert_eq!(t.upload("a.mp4", &vec![1; size]).await.unwrap().outcome, Outcome::New);
    }
}

/// What lay there is lost, and that is told; the row does not follow the object.
#[tokio::test]
async fn a_recording_that_it_overwrote_stays_what_it_was_until_it_is_sent_again() {
    for size in SIZES {
        let mut t = TestVault::new().await;
        let (old, new) = (vec![1; size], vec![2; size]);
        t.upload("a.mp4", &old).await.unwrap();
        t.world.store.set(Fault::Lies);
        is_refused(&t, "a.mp4", &new).await;
        noted(&t).await;
        t.world.store.set(None);
        let row = t.listed().await.remove(0);
        t.vault.notices.clear("store-mismatch", "local").await;
        t.vault.keep_house().await;
        assert_eq!(told(&t).await, ["local"], "recovery has seen it");
        assert_eq!(t.listed().await, [row], "nothing was made of it");

        // Of the same length as what lies there now.
        assert_eq!(t.upload("a.mp4", &old).await.unwrap().outcome, Outcome::Identical);
        assert_eq!(t.content("a.mp4").await.unwrap(), old, "it was stored again");
        assert_eq!(t.upload("a.mp4", &new).await.unwrap().outcome, Outcome::Replaced);
        assert_eq!(t.content("a.mp4").await.unwrap(), new);
        t.restart().await;
        assert_eq!((t.content("a.mp4").await.unwrap(), intents(&t).await.len()), (new, 0));
    }
}

#[tokio::test]
async fn a_copy_that_is_none_is_told_and_made_again() {
    let t = TestVault::new().await;
    t.add_second_provider().await;
    t.copy_to_second().await;
    t.world.second_store.set(Fault::Lies);
    t.deliver();
    t.upload("a.mp4", b"abc").await.unwrap();
    until("it is told", || async { told(&t).await == ["second"] }).await;
    assert!(t.listed().await[0].copies.is_empty());
    t.world.second_store.set(None);
    until("the copy is noted", || async { t.listed().await[0].copies == ["second"] }).await;
    assert_eq!(t.world.second_store.objects.lock().unwrap()["dir/a.mp4"], "abc");
}

#[tokio::test]
async fn a_move_waits_for_a_provider_that_has_what_it_is_sent() {
    let t = TestVault::new().await;
    let (from, to) = t.add_second_provider().await;
    t.upload("a.mp4", b"abc").await.unwrap();
    t.world.second_store.set(Fault::Lies);
    t.deliver();
    t.vault.moves.start(&actor(), from, to).await.unwrap();
    until("it is told", || async { told(&t).await == ["second"] }).await;
    assert_eq!(t.content("a.mp4").await.unwrap(), b"abc");
    t.world.second_store.set(None);
    until("it is moved", || async { t.vault.moves.list().await.unwrap()[0].state == MoveState::Done }).await;
    assert_eq!(t.content("a.mp4").await.unwrap(), b"abc");
}

#[tokio::test]
async fn validating_the_provider_puts_the_notice_away() {
    let t = TestVault::new().await;
    t.world.store.set(Fault::Lies);
    is_refused(&t, "a.mp4", b"abc").await;
    t.world.store.set(None);
    let id = t.vault.connections.provider_by_name("local").await.unwrap().unwrap().id;
    assert_eq!(told(&t).await, ["local"]);
    assert!(t.vault.connections.validate_stored(id).await.unwrap().passed());
    assert!(told(&t).await.is_empty());
}
