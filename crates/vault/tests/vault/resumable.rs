//! Uploads in several requests: what outlives a request, a restart, a replica, a failing store.

use crate::support::{Fault, PART, TestVault, now_ms};
use bytes::Bytes;
use futures::stream;
use model::Secret;
use model::wire::header;
use sea_orm::{EntityTrait as _, PaginatorTrait as _};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use vault::Vault;
use vault::accounts::Account;
use vault::clock::Clock;
use vault::entity::{resumable, resumable_tail};
use vault::ingest::UploadRequest;
use vault::ingest::resumable::{Piece, Progress, ResumeError};

const LENGTH: usize = 3 * PART + 100;

fn bytes() -> Vec<u8> {
    (0..LENGTH).map(|n| (n % 251) as u8).collect()
}

fn said() -> BTreeMap<String, String> {
    let said = [(header::FILE_NAME, "a.mp4"), (header::DIRECTORY, "dir"), (header::DEVICE, "camera-1")];
    said.map(|(name, text)| (name.to_owned(), text.to_owned())).into()
}

async fn account(vault: &Vault) -> Account {
    let secret = Secret::new("secret-of-site-a".to_owned());
    vault.accounts.authenticate("site-a", &secret).await.unwrap().expect("known account")
}

async fn create(vault: &Vault, length: u64) -> String {
    let said = said();
    let request =
        UploadRequest::read(account(vault).await, Some(length), |name| said.get(name).cloned().unwrap_or_default());
    vault.resumables.create(request.unwrap(), said.clone()).await.unwrap().id
}

async fn begin(vault: &Vault) -> String {
    create(vault, LENGTH as u64).await
}

/// Sends these bytes of the recording.
async fn send(vault: &Vault, id: &str, from: usize, to: usize) -> Result<Progress, ResumeError> {
    send_as(vault, id, from, to, false).await
}

async fn send_as(vault: &Vault, id: &str, from: usize, to: usize, only_whole: bool) -> Result<Progress, ResumeError> {
    let piece = Piece { at: from as u64, length: None, size: Some((to - from) as u64), only_whole };
    let chunks: Vec<_> =
        bytes()[from..to].chunks(1000).map(|c| Ok::<_, Infallible>(Bytes::copy_from_slice(c))).collect();
    vault.resumables.append(account(vault).await, id, piece, stream::iter(chunks)).await
}

async fn received(vault: &Vault, id: &str) -> usize {
    vault.resumables.look(&account(vault).await, id).await.unwrap().received as usize
}

async fn rows(t: &TestVault) -> (u64, u64) {
    let tables = t.tables().await;
    let tails = resumable_tail::Entity::find().count(&tables).await.unwrap();
    (resumable::Entity::find().count(&tables).await.unwrap(), tails)
}

#[tokio::test]
async fn what_was_told_outlives_a_restart_at_any_byte() {
    for cut in [1, PART - 1, PART, PART + 1, 2 * PART, 3 * PART + 99] {
        let mut t = TestVault::new().await;
        let id = begin(&t.vault).await;
        assert_eq!(send(&t.vault, &id, 0, cut).await.unwrap().received, cut as u64);
        t.restart().await;
        // What recovery does not know it leaves.
        t.vault.keep_house().await;
        assert_eq!(received(&t.vault, &id).await, cut, "after a restart");
        let progress = send(&t.vault, &id, cut, LENGTH).await.unwrap();
        assert!(progress.stored.is_some() && progress.received == LENGTH as u64, "{cut}: {progress:?}");
        assert_eq!(t.content("a.mp4").await.unwrap(), bytes(), "{cut}");
        assert!(t.world.store.uploads.lock().unwrap().is_empty(), "{cut}: parts are freed");
        assert_eq!(rows(&t).await, (1, 0), "{cut}: it is known to be done, and its bytes are the provider's");
    }
}

#[tokio::test]
async fn pieces_that_count_only_whole_go_on_across_parts() {
    for cuts in [[10, PART + 20, 2 * PART + 5], [PART - 1, PART, 3 * PART + 1], [1, 2, 3]] {
        let t = TestVault::new().await;
        let (id, mut at) = (begin(&t.vault).await, 0);
        for cut in cuts.into_iter().chain([LENGTH]) {
            assert_eq!(send_as(&t.vault, &id, at, cut, true).await.unwrap().received, cut as u64, "{cuts:?}");
            at = cut;
        }
        assert_eq!(t.content("a.mp4").await.unwrap(), bytes(), "{cuts:?}");
    }
}

/// Any number of them may be kept for a day: of none more is kept than its client may ask for.
#[tokio::test]
async fn what_was_said_at_length_is_forgotten_with_the_last_byte() {
    let t = TestVault::new().await;
    let long = BTreeMap::from([("x-site".to_owned(), "x".repeat(4000))]);
    let row = async |id: &str| resumable::Entity::find_by_id(id).one(&t.tables().await).await.unwrap().unwrap();
    for (length, more, is_kept) in [(100, BTreeMap::new(), true), (100, long.clone(), false), (0, long, false)] {
        let said: BTreeMap<_, _> = said().into_iter().chain(more).collect();
        let request = UploadRequest::read(account(&t.vault).await, Some(length), |name| {
            said.get(name).cloned().unwrap_or_default()
        });
        let id = t.vault.resumables.create(request.unwrap(), said.clone()).await.unwrap().id;
        if length > 0 {
            assert!(row(&id).await.said.contains("a.mp4"), "until then all of it is needed");
            assert!(send(&t.vault, &id, 0, 100).await.unwrap().stored.is_some());
        }
        let row = row(&id).await;
        assert!(row.done && row.said.len() <= 1024);
        assert_eq!(row.said.contains("a.mp4"), is_kept, "{length}: {}", row.said);
    }
}

#[tokio::test]
async fn a_store_that_fails_costs_the_last_part_at_most() {
    let t = TestVault::new().await;
    let id = begin(&t.vault).await;
    send(&t.vault, &id, 0, 2 * PART + 10).await.unwrap();
    t.world.store.set(Fault::Down);
    let failed = send(&t.vault, &id, 2 * PART + 10, LENGTH).await;
    assert!(matches!(failed, Err(ResumeError::Upload(_))), "{failed:?}");
    t.world.store.set(None);
    let at = received(&t.vault, &id).await;
    assert!((2 * PART..LENGTH).contains(&at), "{at}");
    assert!(send(&t.vault, &id, at, LENGTH).await.unwrap().stored.is_some());
    assert_eq!(t.content("a.mp4").await.unwrap(), bytes());
}

#[tokio::test]
async fn a_small_one_goes_on_too_when_it_could_not_be_stored() {
    let t = TestVault::new().await;
    let small = create(&t.vault, 500).await;
    send(&t.vault, &small, 0, 200).await.unwrap();
    t.world.store.set(Fault::Full);
    assert!(send(&t.vault, &small, 200, 500).await.is_err());
    t.world.store.set(None);
    assert_eq!(received(&t.vault, &small).await, 200, "below the length");
    assert!(send(&t.vault, &small, 200, 500).await.unwrap().stored.is_some());
    assert_eq!(t.content("a.mp4").await.unwrap(), &bytes()[..500]);
}

#[tokio::test]
async fn parts_that_are_gone_make_it_begin_anew() {
    let t = TestVault::new().await;
    let id = begin(&t.vault).await;
    send(&t.vault, &id, 0, 2 * PART + 10).await.unwrap();
    t.world.store.uploads.lock().unwrap().clear();
    assert!(matches!(send(&t.vault, &id, 2 * PART + 10, LENGTH).await, Err(ResumeError::NotFound)));
    let looked = t.vault.resumables.look(&account(&t.vault).await, &id).await;
    assert!(matches!(looked, Err(ResumeError::NotFound)), "{looked:?}");
    assert_eq!(rows(&t).await, (0, 0));
}

/// Its parts have become the recording: nobody can go on with them, and nobody needs to.
#[tokio::test]
async fn one_that_was_stored_when_the_vault_was_killed_is_found_finished() {
    // All of it in the last request, and some parts before.
    for cut in [PART + 10, 3 * PART + 10] {
        let mut t = TestVault::new().await;
        let id = begin(&t.vault).await;
        send(&t.vault, &id, 0, cut).await.unwrap();
        t.world.store.set(Fault::Hangs);
        let (vault, last) = (t.vault.clone(), id.clone());
        let last = tokio::spawn(async move { send(&vault, &last, cut, LENGTH).await });
        crate::support::until("it is stored", || async { !t.world.store.keys().is_empty() }).await;
        t.world.store.set(None);
        t.restart().await;
        assert!(last.await.unwrap().is_err(), "{cut}: nobody was told");
        let again = send(&t.vault, &id, 3 * PART, LENGTH).await;
        // On a shared database nobody knows for some seconds that its holder was killed.
        let known = matches!(again, Err(ResumeError::WrongOffset { received }) if received == LENGTH as u64);
        assert!(known || matches!(again, Err(ResumeError::Held)), "{cut}: {again:?}");
        assert_eq!(received(&t.vault, &id).await, LENGTH, "{cut}");
        assert_eq!(t.content("a.mp4").await.unwrap(), bytes(), "{cut}");
        assert_eq!(t.vault.deliveries.count(None).await.unwrap(), (2, 0), "{cut}: once for each integration");
        assert_eq!(rows(&t).await, (1, 0), "{cut}");
    }
}

/// Its row ends with what made it a recording, whoever commits that: it need not be sent again.
#[tokio::test]
async fn a_small_one_that_was_stored_when_the_vault_was_killed_is_found_finished() {
    let mut t = TestVault::new().await;
    let id = create(&t.vault, 100).await;
    t.world.store.set(Fault::Hangs);
    let (vault, last) = (t.vault.clone(), id.clone());
    let last = tokio::spawn(async move { send(&vault, &last, 0, 100).await });
    crate::support::until("it is stored", || async { !t.world.store.keys().is_empty() }).await;
    t.world.store.set(None);
    t.restart().await;
    assert!(last.await.unwrap().is_err(), "nobody was told");
    t.vault.keep_house().await;
    assert_eq!(received(&t.vault, &id).await, 100);
    assert_eq!(t.content("a.mp4").await.unwrap(), &bytes()[..100]);
    assert_eq!(rows(&t).await, (1, 0));
}

#[tokio::test]
async fn one_whose_provider_did_not_answer_that_it_is_stored_is_found_finished() {
    let t = TestVault::new().await;
    let id = begin(&t.vault).await;
    t.world.store.set(Fault::LosesAnswer);
    assert!(matches!(send(&t.vault, &id, 0, LENGTH).await, Err(ResumeError::Upload(_))));
    t.world.store.set(Fault::Down);
    assert_eq!(received(&t.vault, &id).await, 3 * PART, "nobody knows yet");
    t.world.store.set(None);
    assert_eq!(received(&t.vault, &id).await, LENGTH);
    assert_eq!(t.content("a.mp4").await.unwrap(), bytes());
    assert_eq!(t.vault.deliveries.count(None).await.unwrap(), (2, 0), "once for each integration");
}

#[tokio::test]
async fn one_that_nobody_goes_on_with_is_forgotten_after_a_day() {
    let later = Arc::new(AtomicI64::new(0));
    let passed = later.clone();
    let t = TestVault::with_clock(Clock::new(move || now_ms() + passed.load(Ordering::SeqCst))).await;
    let id = begin(&t.vault).await;
    send(&t.vault, &id, 0, 2 * PART + 10).await.unwrap();
    for hours in [23, 2] {
        assert_eq!(rows(&t).await, (1, 1));
        assert!(!t.world.store.uploads.lock().unwrap().is_empty());
        later.fetch_add(hours * 3_600_000, Ordering::SeqCst);
        t.vault.keep_house().await;
    }
    assert!(t.world.store.uploads.lock().unwrap().is_empty(), "parts are freed");
    assert_eq!(rows(&t).await, (0, 0));
    assert!(t.listed().await.is_empty());
}

#[tokio::test]
async fn another_replica_goes_on_and_two_do_not_at_a_time() {
    let t = TestVault::on_postgres().await;
    let other = t.replica().await;
    let id = begin(&t.vault).await;
    let mut at = 0;
    for (vault, to) in [(&t.vault, 10), (&other, PART + 5), (&t.vault, 2 * PART), (&other, LENGTH)] {
        assert_eq!(received(vault, &id).await, at);
        send(vault, &id, at, to).await.unwrap();
        at = to;
    }
    assert_eq!(t.content("a.mp4").await.unwrap(), bytes());
    // One that brings nothing for a while.
    let id = begin(&t.vault).await;
    let (vault, account_, held) = (t.vault.clone(), account(&t.vault).await, id.clone());
    let piece = Piece { at: 0, length: None, size: Some(10), only_whole: false };
    let silent = stream::pending::<Result<Bytes, Infallible>>();
    let holder = tokio::spawn(async move { vault.resumables.append(account_, &held, piece, silent).await });
    crate::support::until("it is held", || async {
        let now = resumable::Entity::find_by_id(&id).one(&t.tables().await).await.unwrap();
        now.is_some_and(|row| row.holder.is_some())
    })
    .await;
    assert!(matches!(send(&other, &id, 0, 10).await, Err(ResumeError::Held)));
    assert!(matches!(send(&t.vault, &id, 0, 10).await, Err(ResumeError::Held)));
    // Asked where to go on, it ends.
    assert_eq!(received(&t.vault, &id).await, 0);
    assert!(holder.await.unwrap().is_err());
    send(&other, &id, 0, 10).await.unwrap();
}
