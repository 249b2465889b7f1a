//! Providers and the places behind them.

use crate::support::{Fault, TestVault, connection, until};
use futures::future::join_all;
use model::connection::Family;
use model::field::Settings;
use std::sync::atomic::Ordering;
use std::time::Duration;
use vault::ingest::{UploadError, UploadRequest};

/// Once there are recordings, another place must not be made in the stead of theirs.
#[tokio::test]
async fn a_provider_is_set_up_before_its_first_recording_and_never_after() {
    let mut t = TestVault::new().await;
    let set_ups = |t: &TestVault| t.world.store.set_ups.load(Ordering::Relaxed);
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

/// Uploads wait for it with their provider's own share of what may run at a time.
#[tokio::test]
async fn one_that_hangs_while_it_is_set_up_shuts_no_other_out() {
    const SHARE: usize = 256;
    let t = TestVault::new().await;
    t.add_second_provider().await;
    let before = t.world.store.set_ups.load(Ordering::Relaxed);
    t.world.store.set(Fault::NeverReady);
    let names: Vec<_> = (0..SHARE).map(|n| format!("{n}.mp4")).collect();
    let hanging = join_all(names.iter().map(|name| t.upload(name, b"x")));
    let others = async {
        until("all of them wait", || async { t.world.store.set_ups.load(Ordering::Relaxed) == before + SHARE }).await;
        assert!(matches!(t.upload("one-more.mp4", b"x").await, Err(UploadError::Busy)));
        let elsewhere = UploadRequest { provider: Some("second".into()), ..t.request("a.mp4").await };
        t.send(elsewhere, b"x").await.unwrap();
    };
    let others = tokio::time::timeout(Duration::from_secs(30), others);
    tokio::select! {
        _ = hanging => panic!("nothing hangs"),
        done = others => done.unwrap(),
    }
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
