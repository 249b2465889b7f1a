use crate::support::{Fault, PART, TestVault, Together, account, actor, within};
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use model::error::StoreErrorKind;
use model::key::NameError;
use model::wire::header;
use vault::ingest::{Outcome, UploadError, UploadRequest};

#[tokio::test]
async fn stores_small_ones_whole_and_large_ones_in_parts() {
    let t = TestVault::new().await;
    for (name, size) in
        [("a.mp4", 1), ("b.mp4", PART), ("c.mp4", PART + 1), ("d.mp4", 10 * PART), ("e.mp4", 10 * PART + 7)]
    {
        let bytes: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
        let stored = t.upload(name, &bytes).await.unwrap();
        assert_eq!((stored.outcome, stored.size), (Outcome::New, size as u64));
        assert_eq!(t.world.store.objects.lock().unwrap()[&format!("dir/{name}")], bytes, "{name}");
    }
    assert!(t.world.store.uploads.lock().unwrap().is_empty());
    assert_eq!(t.listed().await.len(), 5);
}

/// docs/protocol.md §5
#[tokio::test]
async fn knows_time_and_camera_from_the_name_else_the_header_else_now() {
    let t = TestVault::new().await;
    t.upload("1606164482_6-818812_FundoEsquerda_229-153-288-247_51_745.mp4", b"x").await.unwrap();
    let mut request = t.request("other.mp4").await;
    request.facts.timestamp = "1606000000123".into();
    t.send(request, b"x").await.unwrap();
    t.upload("neither.mp4", b"x").await.unwrap();
    let rows = t.listed().await;
    let row = |name: &str| rows.iter().find(|r| r.key.ends_with(name)).unwrap();
    assert_eq!(
        (row("_745.mp4").timestamp, row("_745.mp4").instance_name.as_str()),
        (1_606_164_482_818, "FundoEsquerda")
    );
    assert_eq!(row("other.mp4").timestamp, 1_606_000_000_123);
    assert_eq!(row("neither.mp4").timestamp, row("neither.mp4").uploaded_at);
}

/// docs/protocol.md §4
#[tokio::test]
async fn the_same_file_again_is_no_news_but_another_replaces_it() {
    let t = TestVault::new().await;
    let first = t.upload("a.mp4", b"one").await.unwrap();
    let again = t.upload("a.mp4", b"one").await.unwrap();
    assert_eq!((again.id, again.outcome), (first.id, Outcome::Identical));
    let other = t.upload("a.mp4", b"other").await.unwrap();
    assert_eq!((other.id, other.outcome), (first.id, Outcome::Replaced));
    assert_eq!(t.listed().await.len(), 1);
    assert_eq!(t.world.store.objects.lock().unwrap()["dir/a.mp4"], "other");
    assert_eq!(t.vault.deliveries.count(None).await.unwrap(), (4, 0), "two events for each of two integrations");
}

#[tokio::test]
async fn the_same_file_at_the_same_time_is_stored_once() {
    let t = TestVault::new().await;
    let bytes = vec![7; 3 * PART];
    let together = Together::of(8);
    let request = t.request("a.mp4").await;
    let uploads = (0..8).map(|_| t.vault.ingest.store(request.clone(), together.body(&bytes)));
    let stored = within("all are answered", futures::future::join_all(uploads)).await;
    let outcomes: Vec<_> = stored.into_iter().map(|o| o.unwrap().outcome).collect();
    assert_eq!(outcomes.iter().filter(|o| **o == Outcome::New).count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|o| **o == Outcome::Identical).count(), 7);
    assert_eq!(t.vault.deliveries.count(None).await.unwrap().0, 2);
    assert!(t.world.store.uploads.lock().unwrap().is_empty(), "the losers' parts are freed");
}

/// docs/protocol.md §4
#[tokio::test]
async fn another_accounts_recording_is_never_replaced() {
    let t = TestVault::new().await;
    t.upload("a.mp4", b"mine").await.unwrap();
    let mut request = t.request("a.mp4").await;
    request.account = t.account("site-b").await;
    assert!(matches!(t.send(request, b"theirs").await, Err(UploadError::NotYours)));
    assert_eq!(t.world.store.objects.lock().unwrap()["dir/a.mp4"], "mine");
}

/// docs/protocol.md §4
#[tokio::test]
async fn refuses_what_cannot_be_a_request() {
    let t = TestVault::new().await;
    for (name, other, code) in [
        ("", (header::DEVICE, "camera-1"), "file_missing_name"),
        ("../a.mp4", (header::DEVICE, "camera-1"), "file_invalid_name"),
        ("a.mp4", (header::DIRECTORY, ""), "storage_directory_missing"),
        ("a.mp4", (header::DIRECTORY, "../x"), "storage_directory_invalid"),
        ("a.mp4", (header::DEVICE, "a\r\nb"), "storage_header_invalid"),
        ("a.mp4", (header::VAULT_PATH, "a b"), "storage_header_invalid"),
    ] {
        let refused = match t.request_with(name, &[other]).await {
            Ok(request) => t.send(request, b"x").await.unwrap_err(),
            Err(refused) => refused,
        };
        assert_eq!(refused.code(), code);
    }
}

#[tokio::test]
async fn refuses_what_cannot_be_a_recording() {
    let t = TestVault::new().await;
    // Of two faults the header is the lesser one.
    let nowhere = t.request_with("a.mp4", &[(header::PROVIDER, "nowhere"), (header::DEVICE, "a\r\nb")]).await;
    let short = UploadRequest { content_length: Some(10), ..t.request("a.mp4").await };
    for (request, body, code) in [
        (nowhere.unwrap(), &b"x"[..], "storage_provider_not_found"),
        (short, b"x", "file_incomplete"),
        (t.request("a.mp4").await, b"", "file_empty"),
        (t.request("a.mp4").await, &[0; 100_001], "file_too_large"),
    ] {
        assert_eq!(t.send(request, body).await.unwrap_err().code(), code);
    }
    let mut disabled = t.vault.accounts.list().await.unwrap().remove(0);
    disabled.enabled = false;
    let form = model::account::AccountForm {
        id: Some(disabled.id),
        enabled: false,
        secret_key: String::new(),
        ..account("site-a")
    };
    t.vault.accounts.save(&actor(), form).await.unwrap();
    assert_eq!(t.upload("a.mp4", b"x").await.unwrap_err().code(), "storage_account_disabled");
    assert_eq!((t.world.store.keys().len(), t.listed().await.len()), (0, 0));
    assert!(t.world.store.uploads.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_body_that_breaks_off_or_stalls_leaves_nothing() {
    let t = TestVault::new().await;
    let some = || stream::iter([Ok(Bytes::from(vec![1; 2 * PART + 1]))]);
    let cut = some().chain(stream::iter([Err(std::io::Error::other("reset"))]));
    assert!(matches!(t.vault.ingest.store(t.request("a.mp4").await, cut).await, Err(UploadError::Incomplete(_))));
    let stalled = some().chain(stream::pending());
    assert!(matches!(t.vault.ingest.store(t.request("b.mp4").await, stalled).await, Err(UploadError::Stalled(_))));
    assert_eq!((t.world.store.keys().len(), t.listed().await.len()), (0, 0));
    assert!(t.world.store.uploads.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_failing_store_is_named_and_leaves_nothing() {
    let t = TestVault::new().await;
    for (fault, kind) in [(Fault::Down, StoreErrorKind::Unavailable), (Fault::Full, StoreErrorKind::Full)] {
        for size in [10, 5 * PART] {
            t.world.store.set(fault);
            match t.upload("a.mp4", &vec![1; size]).await {
                Err(UploadError::Store(error)) => assert_eq!(error.kind, kind),
                other => panic!("{fault:?}: {other:?}"),
            }
            t.world.store.set(None);
            assert_eq!((t.world.store.keys().len(), t.listed().await.len()), (0, 0), "{fault:?}");
        }
    }
    let stored = t.upload("a.mp4", b"fine again").await.unwrap();
    assert_eq!(stored.outcome, Outcome::New);
}

#[test]
fn names_are_refused_for_a_reason() {
    assert_eq!(
        UploadError::InvalidName(NameError::Traversal).to_string(),
        "The file name must not hold an empty part, '.' or '..'."
    );
}
