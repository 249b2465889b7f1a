//! Several vaults on one PostgreSQL database.

use crate::support::{Fault, TestVault, label, now_ms, until, within};
use futures::stream;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use std::convert::Infallible;
use tokio_util::sync::CancellationToken;
use vault::Vault;
use vault::clock::Clock;
use vault::entity::{replica, upload};

const HOUR_MS: i64 = 3_600_000;
const YEAR_MS: i64 = 365 * 24 * HOUR_MS;

#[tokio::test]
async fn replicas_share_the_outbox_in_order_and_without_repeating() {
    let t = TestVault::on_postgres().await;
    let other = t.replica().await;
    for n in 0..60 {
        let mut request = t.request(&format!("{n:02}.mp4")).await;
        request.device = label(format!("camera-{}", n % 5));
        t.send(request, b"x").await.unwrap();
    }
    let stop = CancellationToken::new();
    let working = [t.vault.start(stop.clone()), other.start(stop.clone())];
    t.world.sink.wait_for(60).await;
    until("nothing waits", || async { t.vault.deliveries.count(None).await.unwrap() == (0, 0) }).await;
    stop.cancel();
    for replica in working {
        within("a replica ends", replica).await.unwrap();
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
        within("a replica ends", replica).await.unwrap();
    }
    let wanted: Vec<_> = (0..5).map(|n| format!("dir/slow-{n}.mp4")).collect();
    assert_eq!(sink.of("slow"), wanted, "each once, in order");
}

async fn store(t: &TestVault, vault: &Vault, camera: &str, file_name: &str) {
    let mut request = t.request_to(vault, file_name).await;
    request.device = label(camera);
    vault.ingest.store(request, stream::iter([Ok::<_, Infallible>(b"x".as_slice().into())])).await.unwrap();
}

#[tokio::test]
async fn a_running_upload_of_another_replica_is_left_alone() {
    let t = TestVault::on_postgres().await;
    let other = t.replica().await;
    let request = t.request_to(&other, "a.mp4").await;
    t.world.store.set(Fault::Hangs);
    let upload = {
        let body = stream::iter([Ok::<_, Infallible>(b"x".as_slice().into())]);
        tokio::spawn(async move { other.ingest.store(request, body).await })
    };
    t.world.store.put_begins().await;
    until("the object is there", || async { !t.world.store.keys().is_empty() }).await;
    t.world.store.set(None);
    let third = t.replica().await;
    let rows = third.recordings.list(&Default::default(), Default::default(), 10).await.unwrap();
    assert!(rows.items.is_empty(), "its owner is alive and will finish it");
    upload.abort();
}

/// A machine's clock may be wrong by hours: its replica is as alive as the others, and they are to it.
#[tokio::test]
async fn replicas_whose_clocks_differ_leave_each_other_alone() {
    for (owner, observer) in [(-3, 0), (0, 3)] {
        let t = TestVault::on_postgres().await;
        let alive = t.replica_at(Clock::new(move || now_ms() + owner * HOUR_MS)).await;
        cut_off(&t, &alive, "a.mp4").await;
        let other = t.replica_at(Clock::new(move || now_ms() + observer * HOUR_MS)).await;
        other.keep_house().await;
        assert!(t.listed().await.is_empty(), "{owner}, {observer}: its owner is alive and will finish it");
    }
}

/// Its row would say for years that it is alive.
#[tokio::test]
async fn a_replica_that_was_killed_while_its_clock_was_years_ahead_is_dead() {
    let mut t = TestVault::on_postgres().await;
    let ahead = t.replica_at(Clock::new(|| now_ms() + 20 * YEAR_MS)).await;
    cut_off(&t, &ahead, "a.mp4").await;
    // To this one every other is dead.
    t.restart().await;
    assert_eq!(t.listed().await.len(), 1, "what it left behind is finished");
}

/// The database's clock was put back, or an earlier version wrote its own.
#[tokio::test]
async fn a_replica_that_was_seen_in_the_future_is_dead() {
    let t = TestVault::on_postgres().await;
    let killed = t.replica().await;
    cut_off(&t, &killed, "a.mp4").await;
    t.vault.keep_house().await;
    assert!(t.listed().await.is_empty(), "it was seen just now");
    let tables = t.tables().await;
    let owner = upload::Entity::find().one(&tables).await.unwrap().unwrap().owner;
    let ahead = replica::Entity::update_many().col_expr(replica::Column::SeenAt, Expr::val(now_ms() + YEAR_MS));
    ahead.filter(replica::Column::Id.eq(&owner)).exec(&tables).await.unwrap();
    t.vault.keep_house().await;
    assert_eq!(t.listed().await.len(), 1, "what it left behind is finished");
    t.replica().await;
    assert!(replica::Entity::find_by_id(owner).one(&tables).await.unwrap().is_none(), "and its row goes");
}

/// An upload that ends between its object and its row. Its intent stays its vault's.
async fn cut_off(t: &TestVault, vault: &Vault, name: &str) {
    let (vault, request) = (vault.clone(), t.request_to(vault, name).await);
    t.world.store.set(Fault::Hangs);
    let body = stream::iter([Ok::<_, Infallible>(b"x".as_slice().into())]);
    let upload = tokio::spawn(async move { vault.ingest.store(request, body).await });
    t.world.store.put_begins().await;
    until("the object is there", || async { !t.world.store.keys().is_empty() }).await;
    t.world.store.set(None);
    t.world.store.kill();
    within("the upload ends", upload).await.unwrap().unwrap_err();
}
