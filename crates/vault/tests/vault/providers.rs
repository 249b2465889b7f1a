//! Providers and the places behind them.

use crate::support::{Fault, PATIENCE, TestVault, account, actor, connection, until, within};
use bytes::Bytes;
use futures::future::{join_all, lazy};
use futures::{StreamExt as _, stream};
use model::account::AccountForm;
use model::connection::{ConnectionForm, Family};
use model::error::StoreErrorKind;
use model::field::Settings;
use sea_orm::{ActiveValue::Set, EntityTrait as _};
use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, block_in_place};
use vault::Provisioning;
use vault::entity::connection as connections;
use vault::ingest::{UploadError, UploadRequest};

/// As after it was saved while nobody answered.
async fn forget_the_place(t: &mut TestVault) {
    let unknown = connections::ActiveModel { place: Set(None), ..Default::default() };
    connections::Entity::update_many().set(unknown).exec(&t.tables().await).await.unwrap();
    t.world.store.set_mark(None);
    t.restart().await;
}

/// Once it has been a place, another must not be made in the stead of that.
#[tokio::test]
async fn a_provider_is_set_up_before_its_first_recording_and_never_after() {
    let mut t = TestVault::new().await;
    let set_ups = |t: &TestVault| t.world.store.set_ups.load(Ordering::Relaxed);
    forget_the_place(&mut t).await;
    let saved = set_ups(&t);
    t.world.store.set(Fault::Down);
    t.upload("a.mp4", b"x").await.unwrap_err();
    assert_eq!(set_ups(&t), saved + 1);
    t.world.store.set(None);
    t.upload("a.mp4", b"x").await.unwrap();
    assert_eq!(set_ups(&t), saved + 2, "tried again until it succeeds");
    t.upload("b.mp4", b"x").await.unwrap();
    t.restart().await;
    t.upload("c.mp4", b"x").await.unwrap();
    assert_eq!(t.content("a.mp4").await.unwrap(), b"x");
    assert_eq!(set_ups(&t), saved + 2);
}

/// What was stored below the mount point would be hidden once the disk is back.
#[tokio::test]
async fn an_empty_mount_point_is_not_taken_for_a_provider_that_has_no_recordings_yet() {
    let mut t = TestVault::new().await;
    let disk = std::mem::take(&mut *t.world.store.objects.lock().unwrap());
    t.world.store.set_ups.store(0, Ordering::Relaxed);
    t.restart().await;
    let refused = t.upload("a.mp4", b"x").await;
    assert!(
        matches!(&refused, Err(UploadError::Store(error)) if error.kind == StoreErrorKind::Unavailable),
        "{refused:?}"
    );
    assert!(t.world.store.objects.lock().unwrap().is_empty());

    *t.world.store.objects.lock().unwrap() = disk;
    t.world.store.set_ups.store(1, Ordering::Relaxed);
    t.upload("a.mp4", b"x").await.expect("it is mounted");

    let recording = t.listed().await.remove(0);
    let found = t.vault.recordings.find_by_id(&actor(), recording.id).await.unwrap();
    t.vault.recordings.delete(&actor(), &found).await.unwrap();
    t.world.store.objects.lock().unwrap().clear();
    t.world.store.set_ups.store(0, Ordering::Relaxed);
    t.restart().await;
    t.upload("b.mp4", b"x").await.expect_err("nor one that has none any more");
    t.world.store.set_mark(Some(Bytes::new()));
    t.upload("b.mp4", b"x").await.expect("an administrator has said that this is the place");
}

/// It was opened with the old settings, and would store where nobody looks.
#[tokio::test]
async fn an_upload_that_meets_a_change_of_its_provider_is_not_acknowledged() {
    let t = TestVault::new().await;
    let local = t.vault.connections.provider_by_name("local").await.unwrap().unwrap().id;
    let (vault, moved) = (t.vault.clone(), folder("local", "/mnt/second", local));
    let saved = async move { vault.connections.save(&actor(), moved).await.unwrap() };
    let save = lazy(move |_| tokio::spawn(saved));
    // One that sends nothing for a while would be given up.
    let meanwhile = |saving| {
        stream::unfold(Some(saving), |saving: Option<JoinHandle<i64>>| async {
            let mut saving = saving?;
            match tokio::time::timeout(Duration::from_millis(20), &mut saving).await {
                Ok(saved) => saved.map(|_| (Ok::<_, Infallible>(Bytes::from_static(b"x")), None)).ok(),
                Err(_) => Some((Ok(Bytes::new()), Some(saving))),
            }
        })
    };
    let slow = stream::once(save).flat_map(meanwhile).boxed();
    let stored = t.vault.ingest.store(t.request("a.mp4").await, slow).await;
    assert!(
        matches!(&stored, Err(UploadError::Store(error)) if error.kind == StoreErrorKind::Unavailable),
        "{stored:?}"
    );
    assert!(t.listed().await.is_empty());
    t.upload("a.mp4", b"x").await.unwrap();
    assert_eq!(t.content("a.mp4").await.unwrap(), b"x");
    assert_eq!(t.world.second_store.keys(), ["dir/a.mp4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_or_move_that_meets_a_change_of_its_provider_is_not_noted() {
    for moves in [false, true] {
        let t = TestVault::new().await;
        let (first, second) = t.add_second_provider().await;
        if !moves {
            t.copy_to_second().await;
        }
        t.upload("a.mp4", b"x").await.unwrap();
        let (vault, changed, handle) = (t.vault.clone(), folder("second", "/mnt/same", second), Handle::current());
        let (sender, tried) = std::sync::mpsc::channel();
        *t.world.second_store.at_put.lock().unwrap() = Some(Box::new(move || {
            // Twins are refused when they are saved in the UI, and only told when they are declared.
            let declared = Provisioning { connections: vec![changed], ..Default::default() };
            let declared = block_in_place(|| handle.block_on(vault.provision(declared)));
            sender.send(declared.is_ok()).unwrap();
        }));
        t.deliver();
        if moves {
            t.vault.moves.start(&actor(), first, second).await.unwrap();
        }
        assert!(block_in_place(|| tried.recv_timeout(PATIENCE)).expect("it is copied or moved"));
        until("it is seen", || async {
            let health = t.vault.deliveries.health().await.unwrap();
            let copying = health.iter().any(|of| of.id == second && (of.failing || of.deferred > 0));
            let moving = t.vault.moves.list().await.unwrap().iter().any(|one| !one.last_error.is_empty());
            copying || moving
        })
        .await;
        let row = t.listed().await.remove(0);
        assert_eq!((row.provider.as_str(), row.copies.len()), ("local", 0), "moves: {moves}");
        assert_eq!(t.content("a.mp4").await.unwrap(), b"x");
    }
}

fn folder(name: &str, path: &str, id: i64) -> ConnectionForm {
    ConnectionForm {
        id: Some(id),
        ..connection(Family::Provider, "filesystem", name, Settings::new().with("path", path))
    }
}

/// What runs at a time to one provider; an account has half of it where there are others.
const SHARE: usize = 256;

/// Has so many uploads hang while their provider is set up, by these accounts in turn, and does something meanwhile.
async fn while_uploads_hang<T>(t: &TestVault, count: usize, accounts: &[&str], work: impl Future<Output = T>) -> T {
    let before = t.world.store.set_ups.load(Ordering::Relaxed);
    t.world.store.set(Fault::NeverReady);
    let mut by = Vec::new();
    for name in accounts {
        by.push(t.account(name).await);
    }
    let by = &by;
    let hanging = join_all((0..count).map(async |n| {
        let request = UploadRequest { account: by[n % by.len()].clone(), ..t.request(&format!("{n}.mp4")).await };
        t.send(request, b"x").await
    }));
    let work = async {
        until("all of them wait", || async { t.world.store.set_ups.load(Ordering::Relaxed) == before + count }).await;
        work.await
    };
    let work = within("others are answered", work);
    tokio::select! {
        _ = hanging => panic!("nothing hangs"),
        done = work => done
    }
}

/// Uploads wait for it with their provider's own share of what may run at a time.
#[tokio::test]
async fn one_that_hangs_while_it_is_set_up_shuts_no_other_out() {
    let mut t = TestVault::new().await;
    t.add_second_provider().await;
    forget_the_place(&mut t).await;
    let others = async {
        assert!(matches!(t.upload("one-more.mp4", b"x").await, Err(UploadError::Busy)));
        let elsewhere = UploadRequest { provider: Some("second".into()), ..t.request("a.mp4").await };
        t.send(elsewhere, b"x").await.unwrap();
    };
    while_uploads_hang(&t, SHARE, &["site-a", "site-b"], others).await;
}

#[tokio::test]
async fn one_accounts_uploads_leave_half_of_a_provider_to_others() {
    let mut t = TestVault::new().await;
    forget_the_place(&mut t).await;
    let others = async {
        let before = t.world.store.set_ups.load(Ordering::Relaxed);
        assert!(matches!(t.upload("one-more.mp4", b"x").await, Err(UploadError::Busy)));
        let request = UploadRequest { account: t.account("site-b").await, ..t.request("other.mp4").await };
        let let_in = until("the other is let in", || async { t.world.store.set_ups.load(Ordering::Relaxed) > before });
        tokio::select! {
            refused = t.send(request, b"x") => panic!("{refused:?}"),
            () = let_in => {}
        }
    };
    while_uploads_hang(&t, SHARE / 2, &["site-a"], others).await;
}

#[tokio::test]
async fn the_only_account_may_have_all_of_a_provider() {
    let mut t = TestVault::new().await;
    let other = t.vault.accounts.list().await.unwrap().into_iter().find(|account| account.name == "site-b").unwrap();
    let form = AccountForm { id: Some(other.id), enabled: false, ..account("site-b") };
    t.vault.accounts.save(&actor(), form).await.unwrap();
    forget_the_place(&mut t).await;
    let others = async { assert!(matches!(t.upload("one-more.mp4", b"x").await, Err(UploadError::Busy))) };
    while_uploads_hang(&t, SHARE, &["site-a"], others).await;
}

#[tokio::test]
async fn validating_finds_the_recordings_that_a_provider_has() {
    let t = TestVault::new().await;
    let id = t.vault.connections.provider_by_name("local").await.unwrap().unwrap().id;
    let form = connection(Family::Provider, "filesystem", "local", Settings::new().with("path", "/tmp/unused"));
    let form = model::connection::ConnectionForm { id: Some(id), ..form };
    let validate = async || t.vault.connections.validate(form.clone()).await.unwrap();
    let names = |report: &model::probe::ProbeReport| report.steps.iter().map(|s| s.name.clone()).collect::<Vec<_>>();

    assert_eq!(names(&validate().await), ["write", "place"], "it has none");
    t.upload("a.mp4", b"x").await.unwrap();
    let report = validate().await;
    assert!(report.passed(), "{report:?}");
    assert_eq!(names(&report), ["write", "place", "recordings"]);

    t.world.store.objects.lock().unwrap().clear();
    let report = validate().await;
    let (step, failure) = report.failure().unwrap();
    assert_eq!(
        (step, failure.reason.as_str()),
        ("recordings", "The newest recording of this provider, dir/a.mp4, is not there.")
    );
    assert!(failure.cure.contains("mounted"), "{}", failure.cure);
    let stored = t.vault.connections.validate_stored(id).await.unwrap();
    assert!(!stored.passed());
}
