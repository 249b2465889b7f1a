//! Assets go to other vaults with their recording (docs/protocol.md §5, §10).

use crate::assets::{STEM, found, key, store};
use crate::support::{TestVault, account, actor, connection, label, now_ms, until};
use model::account::AccountForm;
use model::connection::Family;
use model::delivery::{DeliveryFilter, ReplayForm};
use model::field::Settings;
use model::ports::Purpose;
use model::recording::{Position, RecordingFilter};

/// Adds a vault that gets every recording, or those asked for; answers its id.
async fn forward(t: &TestVault, how: &str) -> i64 {
    let settings = Settings::new()
        .with("vault_url", "http://127.0.0.1/api")
        .with("access_key", "ak")
        .with("secret_key", "sk")
        .with("forward_type", how);
    let remote = connection(Family::Integration, "vault", "remote", settings);
    let id = t.vault.connections.save(&actor(), remote).await.unwrap();
    let integrations = vec!["second".into(), "remote".into()];
    let form = AccountForm { id: Some(t.account("site-a").await.id), integrations, ..account("site-a") };
    t.vault.accounts.save(&actor(), form).await.unwrap();
    id
}

/// Purpose and recording of the deliveries to the other vault, oldest first.
async fn sent(t: &TestVault) -> Vec<(Purpose, String)> {
    let page = t.vault.deliveries.list(DeliveryFilter::default(), Position::Newest, 200).await.unwrap().items;
    let to_remote = page.into_iter().rev().filter(|row| row.connection == "remote");
    to_remote.map(|row| (row.purpose, row.recording)).collect()
}

#[tokio::test]
async fn another_vault_gets_assets_after_their_recording() {
    let t = TestVault::new().await;
    let remote = forward(&t, "continuous").await;
    let recording = store(&t, ".mp4", b"video").await.id;
    let mut request = t.request(&format!("{STEM}_thumbnail.jpg")).await;
    request.device = label("");
    t.send(request, b"picture").await.unwrap();
    t.deliver();
    t.world.sink.wait_for(2).await;
    until("nothing waits", || async { t.vault.deliveries.count(None).await.unwrap() == (0, 0) }).await;
    let both = [("camera-1".to_owned(), key(".mp4")), ("camera-1".to_owned(), key("_thumbnail.jpg"))];
    assert_eq!(*t.world.sink.events.lock().unwrap(), both, "in the order of the camera");
    assert_eq!(t.world.second_sink.of("camera-1"), [key(".mp4")], "a webhook is not told");
    let once = [(Purpose::Stored, key(".mp4")), (Purpose::Asset, key("_thumbnail.jpg"))];
    assert_eq!(sent(&t).await, once);

    // So it is when a period is sent again; nobody else is told of assets then.
    let at = t.vault.recordings.get(recording).await.unwrap().uploaded_at;
    for integration in [remote, second(&t).await] {
        let form = ReplayForm { integration, from: at, until: now_ms() + 1, account: None };
        assert_eq!(t.vault.deliveries.count_replay(&form).await.unwrap(), 1);
        t.vault.deliveries.start_replay(&actor(), form).await.unwrap();
    }
    t.world.sink.wait_for(4).await;
    t.world.second_sink.wait_for(2).await;
    until("nothing waits", || async { t.vault.deliveries.count(None).await.unwrap() == (0, 0) }).await;
    assert_eq!(sent(&t).await[2..], [(Purpose::Replay, key(".mp4")), (Purpose::Asset, key("_thumbnail.jpg"))]);
    assert_eq!(t.world.second_sink.of("camera-1"), [key(".mp4"), key(".mp4")]);
}

async fn second(t: &TestVault) -> i64 {
    t.vault.connections.list(Family::Integration).await.unwrap().iter().find(|row| row.name == "second").unwrap().id
}

#[tokio::test]
async fn a_recording_is_forwarded_on_demand_with_its_assets() {
    let t = TestVault::new().await;
    let remote = forward(&t, "ondemand").await;
    let recording = store(&t, ".mp4", b"video").await.id;
    store(&t, "_thumbnail.jpg", b"picture").await;
    t.upload("other.mp4", b"other").await.unwrap();
    let before = sent(&t).await.len();
    let asked = found(&t, &format!("{STEM}.mp4")).await.unwrap();
    assert_eq!(t.vault.forwarding.to_vaults_of(&t.account("site-a").await, &asked).await.unwrap(), 1);
    let wanted = [key(".mp4"), key("_thumbnail.jpg")].map(|key| (Purpose::Forward, key));
    assert_eq!(sent(&t).await[before..], wanted);
    assert_eq!(t.vault.forwarding.chosen(&actor(), remote, &[recording]).await.unwrap(), 1, "one recording");
    let filter = RecordingFilter::default();
    assert_eq!(t.vault.forwarding.matching(&actor(), remote, &filter).await.unwrap(), 2, "two recordings");
    assert_eq!(sent(&t).await.len(), before + 2 + 2 + 3);
}
