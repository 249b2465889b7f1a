use crate::support::{Fault, PART, TestVault, actor, until, within};
use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _, stream};
use model::ObjectKey;
use model::delivery::DeliveryState;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, oneshot};

async fn second_holds(t: &TestVault, keys: &[&str]) {
    until(&format!("the second provider holds {keys:?}"), || async { t.world.second_store.keys() == keys }).await;
}

#[tokio::test]
async fn a_copy_is_made_and_read_while_the_main_provider_is_down() {
    let t = TestVault::new().await;
    t.add_second_provider().await;
    t.copy_to_second().await;
    t.deliver();
    let large = vec![7; 3 * PART + 5];
    t.upload("small.mp4", b"small").await.unwrap();
    t.upload("large.mp4", &large).await.unwrap();
    second_holds(&t, &["dir/large.mp4", "dir/small.mp4"]).await;
    until("the copies are noted", || async { t.listed().await.iter().all(|r| r.copies == ["second"]) }).await;
    t.world.store.set(Fault::Down);
    assert_eq!(t.content("small.mp4").await.unwrap(), b"small");
    assert_eq!(t.content("large.mp4").await.unwrap(), large);
    t.world.second_store.set(Fault::Down);
    assert!(t.content("small.mp4").await.is_err(), "both are down");
    t.world.store.set(None);
    assert_eq!(t.content("small.mp4").await.unwrap(), b"small", "the main one is back");
}

#[tokio::test]
async fn a_secondary_that_is_down_holds_nobody_up_and_catches_up() {
    let t = TestVault::new().await;
    t.add_second_provider().await;
    t.copy_to_second().await;
    t.world.second_store.set(Fault::Down);
    t.deliver();
    for n in 0..3 {
        t.upload(&format!("{n}.mp4"), b"x").await.unwrap();
    }
    t.world.sink.wait_for(3).await;
    assert!(t.world.second_store.keys().is_empty());
    t.world.second_store.set(None);
    second_holds(&t, &["dir/0.mp4", "dir/1.mp4", "dir/2.mp4"]).await;
}

#[tokio::test]
async fn copies_follow_replacement_and_deletion() {
    let mut t = TestVault::new().await;
    t.add_second_provider().await;
    t.copy_to_second().await;
    t.deliver();
    t.upload("a.mp4", b"old").await.unwrap();
    second_holds(&t, &["dir/a.mp4"]).await;
    let stored = t.upload("a.mp4", b"new content").await.unwrap();
    until("the copy is replaced", || async {
        t.world.second_store.objects.lock().unwrap()["dir/a.mp4"] == "new content"
    })
    .await;
    until("the copy is noted", || async { t.listed().await[0].copies == ["second"] }).await;
    let found = t.vault.recordings.find_by_id(&actor(), stored.id).await.unwrap();
    t.vault.recordings.delete(&actor(), &found).await.unwrap();
    t.restart().await;
    assert!(t.world.second_store.keys().is_empty() && t.world.store.keys().is_empty(), "no copy stays behind");
}

/// What lies at a provider by its own right is never overwritten by a copy.
#[tokio::test]
async fn a_copy_does_not_take_another_recordings_place() {
    let t = TestVault::new().await;
    let (_, second) = t.add_second_provider().await;
    t.copy_to_second().await;
    let mut direct = t.request("a.mp4").await;
    direct.provider = Some("second".into());
    t.send(direct, b"of its own").await.unwrap();
    t.upload("a.mp4", b"to be copied").await.unwrap();
    t.deliver();
    let set_aside = async || t.vault.deliveries.count_in(DeliveryState::Deferred, Some(second)).await.unwrap();
    until("the copy is set aside", || async { set_aside().await == 1 }).await;
    assert_eq!(t.world.second_store.objects.lock().unwrap()["dir/a.mp4"], "of its own");
    let mine = t.account("site-a").await;
    let key = ObjectKey::parse("dir/a.mp4").unwrap();
    assert!(t.vault.recordings.find(&mine, Some("second"), &key).await.unwrap().is_some());
}

#[tokio::test]
async fn another_accounts_copy_is_not_overwritten() {
    let t = TestVault::new().await;
    t.add_second_provider().await;
    t.copy_to_second().await;
    t.deliver();
    t.upload("a.mp4", b"mine").await.unwrap();
    second_holds(&t, &["dir/a.mp4"]).await;
    let account = t.account("site-b").await;
    let key = ObjectKey::parse("dir/a.mp4").unwrap();
    let theirs = || async {
        let request = t.request("a.mp4").await;
        vault::ingest::UploadRequest {
            account: account.clone(),
            key: key.clone(),
            provider: Some("second".into()),
            ..request
        }
    };
    let refused = t.send(theirs().await, b"other").await.unwrap_err();
    assert_eq!(refused.code(), "file_belongs_to_another_account");
    assert_eq!(t.world.second_store.objects.lock().unwrap()["dir/a.mp4"], "mine");
    assert_eq!(t.listed().await[0].copies, ["second"]);
    let mine = vault::ingest::UploadRequest { provider: Some("second".into()), ..t.request("a.mp4").await };
    t.send(mine, b"mine, too").await.expect("its own account may");
}

#[tokio::test]
async fn what_changed_at_its_provider_is_not_copied() {
    let t = TestVault::new().await;
    let (_, second) = t.add_second_provider().await;
    t.copy_to_second().await;
    t.upload("a.mp4", b"evidence").await.unwrap();
    t.world.store.objects.lock().unwrap().insert("dir/a.mp4".into(), "tampered".into());
    t.deliver();
    let set_aside = async || t.vault.deliveries.count_in(DeliveryState::Deferred, Some(second)).await.unwrap();
    until("the copy is set aside", || async { set_aside().await == 1 }).await;
    assert!(t.world.second_store.keys().is_empty());
}

/// An upload of the same name to the secondary provider that merely runs takes nobody's place; it may break off.
#[tokio::test]
async fn a_copy_waits_for_a_running_upload_and_is_made_when_that_breaks_off() {
    let t = TestVault::new().await;
    let (_, second) = t.add_second_provider().await;
    t.copy_to_second().await;
    let (break_off, broken_off) = oneshot::channel::<()>();
    let runs = Arc::new(Notify::new());
    let read = runs.clone();
    // A byte now and then, or it counts as stalled.
    let body = stream::unfold((), move |()| {
        read.notify_one();
        tokio::time::sleep(Duration::from_millis(20)).map(|()| Some((Ok(Bytes::from_static(b".")), ())))
    });
    let body = body.take_until(broken_off).map(|chunk: Result<Bytes, Infallible>| chunk).boxed();
    let request = vault::ingest::UploadRequest {
        provider: Some("second".into()),
        content_length: Some(90_000),
        ..t.request("a.mp4").await
    };
    let vault = t.vault.clone();
    let running = tokio::spawn(async move { vault.ingest.store(request, body).await });
    within("the upload has begun", runs.notified()).await;

    t.upload("a.mp4", b"to be copied").await.unwrap();
    t.deliver();
    until("the copy was tried", || async { tried(&t, second).await > 0 }).await;
    assert_eq!(t.vault.deliveries.count(Some(second)).await.unwrap(), (1, 0), "it waits");
    break_off.send(()).unwrap();
    within("the upload ends", running).await.unwrap().expect_err("most of it did not come");
    second_holds(&t, &["dir/a.mp4"]).await;
}

/// How often the only delivery to a connection was tried.
async fn tried(t: &TestVault, connection: i64) -> i32 {
    let filter = model::delivery::DeliveryFilter { connection: Some(connection), state: None };
    let all = t.vault.deliveries.list(filter, model::recording::Position::Newest, 10).await.unwrap().items;
    all[0].attempts
}
