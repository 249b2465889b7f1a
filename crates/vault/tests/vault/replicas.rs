//! Several vaults on one PostgreSQL database.

use crate::support::{Fault, TestVault, until};
use futures::stream;
use std::convert::Infallible;
use tokio_util::sync::CancellationToken;
use vault::Vault;

#[tokio::test]
async fn replicas_share_the_outbox_in_order_and_without_repeating() {
    let t = TestVault::on_postgres().await;
    let other = t.replica().await;
    for n in 0..60 {
        let mut request = t.request(&format!("{n:02}.mp4")).await;
        request.device = format!("camera-{}", n % 5);
        t.send(request, b"x").await.unwrap();
    }
    let stop = CancellationToken::new();
    let working = [t.vault.start(stop.clone()), other.start(stop.clone())];
    t.world.sink.wait_for(60).await;
    until("nothing waits", || async { t.vault.deliveries.count(None).await.unwrap() == (0, 0) }).await;
    stop.cancel();
    for replica in working {
        replica.await.unwrap();
    }
    for camera in 0..5 {
        let wanted: Vec<_> = (0..12).map(|i| format!("dir/{:02}.mp4", camera + 5 * i)).collect();
        assert_eq!(t.world.sink.of(&format!("camera-{camera}")), wanted, "each once, in order");
    }
}

/// Nobody else sends it, however often the others look.
#[tokio::test]
async fn what_a_replica_sends_is_its_own_until_it_has_ended() {
    let t = TestVault::on_postgres().await;
    let other = t.replica().await;
    let sink = &t.world.sink;
    *sink.holds.lock().unwrap() = Some("slow".into());
    let stop = CancellationToken::new();
    let sending = t.vault.start(stop.clone());
    store(&t, &t.vault, "slow", "slow-0.mp4").await;
    sink.wait_for_attempts(1).await;
    let looking = other.start(stop.clone());
    for n in 1..5 {
        store(&t, &other, "slow", &format!("slow-{n}.mp4")).await;
        store(&t, &other, "quick", &format!("quick-{n}.mp4")).await;
        sink.wait_for(n).await;
    }
    assert_eq!(*sink.attempts.lock().unwrap(), 1 + 4, "one of the slow camera, each of the quick one");
    *sink.holds.lock().unwrap() = None;
    sink.let_go.notify_waiters();
    sink.wait_for(9).await;
    stop.cancel();
    for replica in [sending, looking] {
        replica.await.unwrap();
    }
    let wanted: Vec<_> = (0..5).map(|n| format!("dir/slow-{n}.mp4")).collect();
    assert_eq!(sink.of("slow"), wanted, "each once, in order");
}

async fn store(t: &TestVault, vault: &Vault, camera: &str, file_name: &str) {
    let mut request = t.request(file_name).await;
    request.device = camera.into();
    vault.ingest.store(request, stream::iter([Ok::<_, Infallible>(b"x".as_slice().into())])).await.unwrap();
}

#[tokio::test]
async fn a_running_upload_of_another_replica_is_left_alone() {
    let t = TestVault::on_postgres().await;
    let other = t.replica().await;
    let request = t.request("a.mp4").await;
    t.world.store.set(Fault::Hangs);
    let upload = {
        let body = stream::iter([Ok::<_, Infallible>(b"x".as_slice().into())]);
        tokio::spawn(async move { other.ingest.store(request, body).await })
    };
    t.world.store.put_started.notified().await;
    until("the object is there", || async { !t.world.store.keys().is_empty() }).await;
    t.world.store.set(None);
    let third = t.replica().await;
    let rows = third.recordings.list(&Default::default(), Default::default(), 10).await.unwrap();
    assert!(rows.items.is_empty(), "its owner is alive and will finish it");
    upload.abort();
}
