//! Whoever reads while a recording is replaced gets the old one or the new one, whole, and knows which.

use crate::support::{Fault, TestVault, until, within};
use futures::TryStreamExt as _;
use futures::future::join_all;
use model::ObjectKey;
use model::error::StoreErrorKind;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use vault::RecordingRef;
use vault::VaultError;

async fn found(t: &TestVault) -> RecordingRef {
    let account = t.account("site-a").await;
    let key = ObjectKey::parse("dir/a.mp4").unwrap();
    t.vault.recordings.find(&account, None, &key).await.unwrap().unwrap()
}

async fn read(t: &TestVault, found: &RecordingRef) -> Result<Vec<u8>, VaultError> {
    let chunks: Vec<bytes::Bytes> = t.vault.recordings.open(found, None).await?.try_collect().await?;
    Ok(chunks.concat())
}

/// The object is the new one already, and its row is not committed.
#[tokio::test]
async fn between_object_and_row_a_reader_waits_and_looks_again() {
    let t = TestVault::new().await;
    t.upload("a.mp4", b"old").await.unwrap();
    let old = found(&t).await;
    t.world.store.set(Fault::HoldsAnswer);
    let upload = async { t.upload("a.mp4", b"new").await.unwrap() };
    let reading = async {
        until("the object is replaced", || async { t.world.store.objects.lock().unwrap()["dir/a.mp4"] == "new" }).await;
        let stale = tokio::spawn({
            let (recordings, old) = (t.vault.recordings.clone(), old.clone());
            async move { recordings.open(&old, None).await.map(drop) }
        });
        until("the reader waits for its turn or has ended", || async {
            stale.is_finished() || t.world.store.gets.load(Ordering::SeqCst) > 0
        })
        .await;
        t.world.store.set(None);
        t.world.store.let_go.notify_one();
        within("the reader is answered", stale).await.unwrap()
    };
    t.world.store.gets.store(0, Ordering::SeqCst);
    let (_, stale) = tokio::join!(upload, reading);
    assert!(matches!(stale, Err(VaultError::Replaced)), "{stale:?}");
    assert_eq!(read(&t, &found(&t).await).await.unwrap(), b"new");
    assert!(matches!(read(&t, &old).await, Err(VaultError::Replaced)), "long after, too");
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_of_what_is_replaced_all_the_while_never_get_other_bytes_than_they_asked_for() {
    let t = TestVault::new().await;
    let versions: Vec<Vec<u8>> = (1..=3u8).map(|n| vec![n; usize::from(n) * 1000]).collect();
    t.upload("a.mp4", &versions[0]).await.unwrap();
    let (done, met) = (AtomicBool::new(false), AtomicUsize::new(0));
    let seen = Mutex::new(BTreeSet::new());
    let reading = join_all((0..4).map(|_| async {
        while !done.load(Ordering::SeqCst) {
            let found = found(&t).await;
            match read(&t, &found).await {
                Ok(bytes) => {
                    assert_eq!(hex::encode(Sha256::digest(&bytes)), found.sha256);
                    seen.lock().unwrap().insert(bytes.len());
                }
                Err(VaultError::Replaced) => _ = met.fetch_add(1, Ordering::SeqCst),
                Err(error) => panic!("{error}"),
            }
        }
    }));
    let writing = async {
        // Until readers have had each of them, and some met one that was replaced meanwhile.
        for n in 1.. {
            t.upload("a.mp4", &versions[n % 3]).await.unwrap();
            if n >= 200 && seen.lock().unwrap().len() == versions.len() && met.load(Ordering::SeqCst) > 0 {
                break;
            }
            assert!(n < 20_000, "{:?} were read, {met:?} times one was replaced", seen.lock().unwrap());
        }
        done.store(true, Ordering::SeqCst);
    };
    tokio::join!(reading, writing);
}

/// The agent was told 503, and nobody knows yet what lies there.
#[tokio::test]
async fn after_an_answer_was_lost_no_bytes_are_told_that_are_not_the_rows() {
    let t = TestVault::on_sqlite().await;
    t.upload("a.mp4", b"old").await.unwrap();
    t.world.store.set(Fault::LosesAnswer);
    t.upload("a.mp4", b"new").await.unwrap_err();
    t.world.store.set(None);
    until("it is known to have failed", || async {
        let refused = read(&t, &found(&t).await).await;
        matches!(&refused, Err(VaultError::Store(error)) if error.kind == StoreErrorKind::Unavailable)
    })
    .await;
    t.vault.keep_house().await;
    assert_eq!(read(&t, &found(&t).await).await.unwrap(), b"new");

    t.world.store.set(Fault::Down);
    t.upload("a.mp4", b"newer").await.unwrap_err();
    t.world.store.set(None);
    assert_eq!(read(&t, &found(&t).await).await.unwrap(), b"new", "what is still the row's is read");
}

async fn part(t: &TestVault, found: &RecordingRef, range: Option<Range<u64>>) -> Result<Vec<u8>, StoreErrorKind> {
    let opened = t.vault.recordings.open(found, range).await.map_err(|error| match error {
        VaultError::Store(error) => error.kind,
        other => panic!("{other:?}"),
    });
    let chunks: Vec<bytes::Bytes> = opened?.try_collect().await.map_err(|error| error.kind)?;
    Ok(chunks.concat())
}

/// Something else has come to lie there behind the vault's back.
#[tokio::test]
async fn what_has_another_length_than_its_row_says_is_not_read() {
    let t = TestVault::new().await;
    t.upload("a.mp4", b"what was stored").await.unwrap();
    let found = found(&t).await;
    assert_eq!(part(&t, &found, Some(5..8)).await.unwrap(), b"was");
    let (short, long) = (&b"short"[..], &b"what was stored, and more"[..]);
    let lay = |bytes: &'static [u8]| _ = t.world.store.objects.lock().unwrap().insert("dir/a.mp4".into(), bytes.into());
    for other in [short, long] {
        lay(other);
        for range in [None, Some(0..15), Some(0..3), Some(10..15)] {
            assert_eq!(part(&t, &found, range.clone()).await.unwrap_err(), StoreErrorKind::Corrupt, "{range:?}");
        }
        // A store that does not tell the length: what comes is counted.
        t.world.store.is_terse.store(true, Ordering::SeqCst);
        assert_eq!(part(&t, &found, None).await.unwrap_err(), StoreErrorKind::Corrupt);
        t.world.store.is_terse.store(false, Ordering::SeqCst);
    }
    lay(b"what was stored");
    assert_eq!(part(&t, &found, None).await.unwrap(), b"what was stored");
}
