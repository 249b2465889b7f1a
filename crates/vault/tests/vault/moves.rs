use crate::support::{Fault, PART, PATIENCE, TestVault, actor, until, within};
use model::moving::{MoveState, MoveView};
use std::sync::mpsc;
use tokio::task::block_in_place;
use vault::VaultError;
use vault::ingest::{Outcome, UploadRequest};

async fn latest(t: &TestVault) -> MoveView {
    t.vault.moves.list().await.unwrap().remove(0)
}

async fn ends(t: &TestVault, state: MoveState) {
    until(&format!("the move is {state:?}"), || async { latest(t).await.state == state }).await;
}

/// Five recordings, some of several parts.
async fn with_recordings(t: &TestVault) {
    for n in 0..5 {
        t.upload(&format!("{n}.mp4"), &vec![n as u8; 1 + n * PART]).await.unwrap();
    }
}

async fn all_can_be_read(t: &TestVault) {
    for n in 0..5 {
        assert_eq!(t.content(&format!("{n}.mp4")).await.unwrap(), vec![n as u8; 1 + n * PART], "{n}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everything_arrives_and_can_be_read_all_the_while() {
    let t = TestVault::new().await;
    let (from, to) = t.add_second_provider().await;
    with_recordings(&t).await;
    // The first one stays on its way until all have been read.
    let ((comes, is_on_its_way), (let_go, is_let_go)) = (mpsc::channel(), mpsc::channel());
    *t.world.second_store.at_put.lock().unwrap() = Some(Box::new(move || {
        comes.send(()).unwrap();
        block_in_place(|| is_let_go.recv_timeout(PATIENCE)).expect("all have been read");
    }));
    t.deliver();
    t.vault.moves.start(&actor(), from, to).await.unwrap();
    block_in_place(|| is_on_its_way.recv_timeout(PATIENCE)).expect("a recording is on its way");
    all_can_be_read(&t).await;
    assert_eq!(latest(&t).await.state, MoveState::Running);
    let_go.send(()).unwrap();
    within("the move is done", async {
        while latest(&t).await.state != MoveState::Done {
            all_can_be_read(&t).await;
        }
    })
    .await;
    all_can_be_read(&t).await;
    let done = latest(&t).await;
    assert_eq!((done.total, done.moved, done.failed), (5, 5, 0));
    let providers: Vec<_> = t.listed().await.into_iter().map(|row| row.provider).collect();
    assert_eq!(providers, ["second"; 5]);
    assert_eq!(t.world.second_store.keys().len(), 5);
    let named = t.account("site-a").await;
    let key = model::ObjectKey::parse("dir/1.mp4").unwrap();
    let found = t.vault.recordings.find(&named, Some("local"), &key).await.unwrap();
    assert!(found.is_some(), "an event names the provider it was stored at first");
    let nobody = t.vault.connections.delete(&actor(), from, vault::deliveries::Backlog::Keep).await;
    assert!(matches!(nobody, Err(VaultError::Conflict(_))), "accounts still use it: {nobody:?}");
}

#[tokio::test]
async fn it_goes_on_after_a_restart_and_a_provider_that_was_down() {
    let mut t = TestVault::new().await;
    let (from, to) = t.add_second_provider().await;
    with_recordings(&t).await;
    t.world.second_store.set(Fault::Full);
    t.deliver();
    t.vault.moves.start(&actor(), from, to).await.unwrap();
    until("it says what is wrong", || async { latest(&t).await.last_error == "No room left." }).await;
    assert_eq!((latest(&t).await.state, latest(&t).await.failed), (MoveState::Running, 0));
    assert_eq!(t.content("3.mp4").await.unwrap(), vec![3; 1 + 3 * PART]);
    t.world.second_store.set(None);
    t.restart().await;
    t.deliver();
    ends(&t, MoveState::Done).await;
    assert_eq!(latest(&t).await.moved, 5);
}

#[tokio::test]
async fn what_cannot_be_moved_stays_readable_and_is_tried_again_on_resume() {
    let t = TestVault::new().await;
    let (from, to) = t.add_second_provider().await;
    with_recordings(&t).await;
    let good = t.world.store.objects.lock().unwrap().insert("dir/2.mp4".into(), "tampered".into()).unwrap();
    t.deliver();
    let id = t.vault.moves.start(&actor(), from, to).await.unwrap();
    ends(&t, MoveState::Paused).await;
    let paused = latest(&t).await;
    assert_eq!((paused.moved, paused.failed), (4, 1));
    assert!(paused.last_error.contains("dir/2.mp4 is not what was uploaded"), "{}", paused.last_error);
    t.world.store.objects.lock().unwrap().insert("dir/2.mp4".into(), good);
    t.vault.moves.resume(&actor(), id).await.unwrap();
    ends(&t, MoveState::Done).await;
    assert_eq!(latest(&t).await.moved, 5);
}

/// Bad sectors: they must not keep everything else on the disk that dies.
#[tokio::test]
async fn what_cannot_be_read_keeps_nothing_else_from_moving() {
    let t = TestVault::new().await;
    let (from, to) = t.add_second_provider().await;
    with_recordings(&t).await;
    let bad = ["dir/0.mp4", "dir/1.mp4", "dir/3.mp4"].map(str::to_owned);
    t.world.store.unreadable.lock().unwrap().extend(bad);
    t.deliver();
    let id = t.vault.moves.start(&actor(), from, to).await.unwrap();
    ends(&t, MoveState::Paused).await;
    let paused = latest(&t).await;
    assert_eq!((paused.moved, paused.failed, paused.last_error.as_str()), (2, 3, "It cannot be read."));
    t.world.store.unreadable.lock().unwrap().clear();
    t.vault.moves.resume(&actor(), id).await.unwrap();
    ends(&t, MoveState::Done).await;
    assert_eq!(latest(&t).await.moved, 5);
}

/// A copy that lies there already becomes the recording; nothing is transferred twice.
#[tokio::test]
async fn a_copy_becomes_the_recording() {
    let t = TestVault::new().await;
    let (from, to) = t.add_second_provider().await;
    t.copy_to_second().await;
    t.deliver();
    t.upload("a.mp4", b"x").await.unwrap();
    until("copied", || async { t.listed().await[0].copies == ["second"] }).await;
    t.vault.moves.start(&actor(), from, to).await.unwrap();
    ends(&t, MoveState::Done).await;
    let rows = t.listed().await;
    assert_eq!((rows[0].provider.as_str(), rows[0].copies.len()), ("second", 0));
    assert_eq!(t.content("a.mp4").await.unwrap(), b"x");
}

#[tokio::test]
async fn one_at_a_time_and_only_to_where_it_makes_sense() {
    let t = TestVault::new().await;
    let (from, to) = t.add_second_provider().await;
    assert!(matches!(t.vault.moves.start(&actor(), from, from).await, Err(VaultError::Invalid(_))));
    assert!(matches!(t.vault.moves.start(&actor(), from, 99).await, Err(VaultError::NotFound(_))));
    let id = t.vault.moves.start(&actor(), from, to).await.unwrap();
    assert!(matches!(t.vault.moves.start(&actor(), to, from).await, Err(VaultError::Conflict(_))));
    t.vault.moves.pause(&actor(), id).await.unwrap();
    t.vault.moves.stop(&actor(), id).await.unwrap();
    assert_eq!(latest(&t).await.state, MoveState::Stopped, "whoever looks is not told that all was moved");
    assert!(matches!(t.vault.moves.resume(&actor(), id).await, Err(VaultError::Conflict(_))), "it has ended");
    t.vault.moves.start(&actor(), to, from).await.unwrap();
}

/// Whoever deletes has looked the recording up before the move was done with it.
#[tokio::test]
async fn a_recording_that_moves_while_it_is_deleted_leaves_no_object() {
    let t = TestVault::new().await;
    let (from, to) = t.add_second_provider().await;
    let stored = t.upload("a.mp4", b"moving").await.unwrap();
    let found = t.vault.recordings.find_by_id(&actor(), stored.id).await.unwrap();
    t.deliver();
    t.vault.moves.start(&actor(), from, to).await.unwrap();
    ends(&t, MoveState::Done).await;
    t.vault.recordings.delete(&actor(), &found).await.unwrap();
    assert!(t.listed().await.is_empty());
    assert!(t.world.second_store.keys().is_empty(), "{:?}", t.world.second_store.keys());
}

/// Consumers go by the event, which names the provider that a recording was first stored at.
#[tokio::test]
async fn a_moved_recording_is_found_by_its_old_provider_whoever_has_its_key_there_now() {
    let t = TestVault::new().await;
    let (from, to) = t.add_second_provider().await;
    let stored = t.upload("a.mp4", b"moved").await.unwrap();
    t.deliver();
    t.vault.moves.start(&actor(), from, to).await.unwrap();
    ends(&t, MoveState::Done).await;
    let (mine, other) = (t.account("site-a").await, t.account("site-b").await);
    let key = stored.key.clone();
    let theirs = UploadRequest { account: other.clone(), key: key.clone(), ..t.request("a.mp4").await };
    t.send(UploadRequest { provider: Some("local".into()), ..theirs }, b"other").await.unwrap();
    let found =
        async |account| t.vault.recordings.find(account, Some("local"), &key).await.unwrap().map(|found| found.id);
    assert_eq!(found(&mine).await, Some(stored.id));
    assert!(found(&other).await.is_some_and(|id| id != stored.id));
}

/// The agent did not get our answer, and its recording has been moved since.
#[tokio::test]
async fn what_is_sent_again_after_it_was_moved_is_the_same_recording() {
    let t = TestVault::new().await;
    let (from, to) = t.add_second_provider().await;
    let stored = t.upload("a.mp4", b"moved").await.unwrap();
    t.deliver();
    t.vault.moves.start(&actor(), from, to).await.unwrap();
    ends(&t, MoveState::Done).await;
    for provider in [None, Some("local".to_owned())] {
        let again = UploadRequest { provider, ..t.request("a.mp4").await };
        let again = t.send(again, b"moved").await.unwrap();
        assert_eq!((again.id, again.outcome), (stored.id, Outcome::Identical));
        assert_eq!(t.listed().await.len(), 1);
    }
    assert_eq!(t.upload("a.mp4", b"other").await.unwrap().outcome, Outcome::New, "other content is another recording");
    assert_eq!(t.listed().await.len(), 2);
}

#[tokio::test]
async fn what_is_lost_after_it_was_moved_is_stored_when_it_is_sent_again() {
    let t = TestVault::new().await;
    let (from, to) = t.add_second_provider().await;
    t.upload("a.mp4", b"moved").await.unwrap();
    t.deliver();
    t.vault.moves.start(&actor(), from, to).await.unwrap();
    ends(&t, MoveState::Done).await;
    t.world.second_store.objects.lock().unwrap().remove("dir/a.mp4").unwrap();
    assert_eq!(t.upload("a.mp4", b"moved").await.unwrap().outcome, Outcome::New);
}
