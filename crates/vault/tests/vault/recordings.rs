use crate::support::{TestVault, actor, label};
use futures::StreamExt as _;
use model::ObjectKey;
use model::account::Leavings;
use model::recording::{NAME_OF_DELETED_ACCOUNT, Position, RecordingFilter};

#[tokio::test]
async fn pages_go_both_ways_without_gaps_or_repeats() {
    let t = TestVault::new().await;
    for n in 0..25 {
        // Several share a time, so that the id must tell them apart.
        t.upload(&format!("{}_6-0_Cam_0-0-0-0_1_{n}.mp4", 1_600_000_000 + n / 4), b"x").await.unwrap();
    }
    let filter = RecordingFilter::default();
    let (mut down, mut position) = (Vec::new(), Position::Newest);
    let mut last;
    loop {
        assert!(down.len() <= 25, "pages that never end: {down:?}");
        let page = t.vault.recordings.list(&filter, position, 7).await.unwrap();
        down.extend(page.items.iter().map(|r| r.id));
        last = page.clone();
        match page.older {
            Some(cursor) => position = Position::OlderThan(cursor),
            None => break,
        }
    }
    assert_eq!(down.len(), 25);
    let mut sorted = down.clone();
    sorted.sort_unstable_by(|a, b| b.cmp(a));
    assert_eq!(down, sorted, "newest first");
    let mut up: Vec<i64> = last.items.iter().map(|r| r.id).collect();
    while let Some(cursor) = last.newer {
        last = t.vault.recordings.list(&filter, Position::NewerThan(cursor), 7).await.unwrap();
        up.splice(0..0, last.items.iter().map(|r| r.id));
        assert!(up.len() <= 25, "pages that never end: {up:?}");
    }
    assert_eq!(up, down);
}

#[tokio::test]
async fn filters_narrow_and_unknown_names_match_nothing() {
    let t = TestVault::new().await;
    t.upload("1600000000_6-0_Cam_0-0-0-0_1_1.mp4", b"x").await.unwrap();
    let mut other = t.request("1600000100_6-0_Cam_0-0-0-0_1_1.mp4").await;
    other.account = t.account("site-b").await;
    other.device = label("camera-2");
    t.send(other, b"x").await.unwrap();
    let count = async |filter: RecordingFilter| {
        t.vault.recordings.list(&filter, Position::Newest, 50).await.unwrap().items.len()
    };
    let some = |s: &str| Some(s.to_owned());
    assert_eq!(count(RecordingFilter::default()).await, 2);
    assert_eq!(count(RecordingFilter { account: some("site-b"), ..Default::default() }).await, 1);
    assert_eq!(count(RecordingFilter { account: some("nobody"), ..Default::default() }).await, 0);
    assert_eq!(count(RecordingFilter { provider: some("local"), ..Default::default() }).await, 2);
    assert_eq!(
        count(RecordingFilter { device: some("camera-2"), account: some("site-a"), ..Default::default() }).await,
        0
    );
    assert_eq!(count(RecordingFilter { from: Some(1_600_000_100_000), ..Default::default() }).await, 1);
    assert_eq!(count(RecordingFilter { until: Some(1_600_000_100_000), ..Default::default() }).await, 1);
}

#[tokio::test]
async fn what_a_deleted_account_stored_can_still_be_told_and_found() {
    let t = TestVault::new().await;
    t.upload("a.mp4", b"x").await.unwrap();
    let mut other = t.request("b.mp4").await;
    other.account = t.account("site-b").await;
    t.send(other, b"x").await.unwrap();
    let accounts = async |filter: &str| -> Vec<String> {
        let filter = RecordingFilter { account: Some(filter.to_owned()), ..Default::default() };
        let page = t.vault.recordings.list(&filter, Position::Newest, 50).await.unwrap();
        page.items.into_iter().map(|r| r.account).collect()
    };
    assert!(accounts(NAME_OF_DELETED_ACCOUNT).await.is_empty());
    t.vault.accounts.delete(&actor(), t.account("site-b").await.id, Leavings::Keep).await.unwrap();
    assert_eq!(accounts(NAME_OF_DELETED_ACCOUNT).await, [NAME_OF_DELETED_ACCOUNT]);
    assert_eq!(accounts("site-a").await, ["site-a"]);
}

#[tokio::test]
async fn an_account_reads_only_its_own() {
    let t = TestVault::new().await;
    t.upload("a.mp4", b"mine").await.unwrap();
    let key = ObjectKey::parse("dir/a.mp4").unwrap();
    let (mine, theirs) = (t.account("site-a").await, t.account("site-b").await);
    assert!(t.vault.recordings.find(&theirs, None, &key).await.unwrap().is_none());
    let found = t.vault.recordings.find(&mine, Some("local"), &key).await.unwrap().unwrap();
    assert!(t.vault.recordings.find(&mine, Some("elsewhere"), &key).await.unwrap().is_none());
    let mut bytes = t.vault.recordings.open(&found, Some(1..3)).await.unwrap();
    assert_eq!(bytes.next().await.unwrap().unwrap(), "in");
    t.vault.recordings.delete(&actor(), &found).await.unwrap();
    assert!(t.vault.recordings.delete(&actor(), &found).await.is_err(), "gone already");
    assert!(t.world.store.keys().is_empty());
}

#[tokio::test]
async fn the_dashboard_counts() {
    let t = TestVault::new().await;
    let before = t.vault.dashboard.read().await.unwrap();
    assert!(before.has_provider && before.has_account && !before.has_recording);
    t.upload("a.mp4", b"12345").await.unwrap();
    t.upload("b.mp4", b"12345").await.unwrap();
    let figures = t.vault.dashboard.read().await.unwrap();
    assert_eq!((figures.recordings_today, figures.bytes_today, figures.deliveries_waiting), (2, 10, 4));
    assert_eq!((figures.cameras_total, figures.cameras_online), (1, 1), "who uploads is there");
    let camera = &t.vault.devices.list().await.unwrap()[0];
    assert!(camera.verified && camera.online);
    assert_eq!(camera.last_seen, camera.last_recording);
}
