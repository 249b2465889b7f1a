//! Assets whose recording never comes, or is gone: nobody sees them, so they expire (docs/protocol.md §5).

use crate::assets::{STEM, age, delete, found, limit, listed, store, stored};
use crate::support::{TestVault, actor};
use sea_orm::ConnectionTrait as _;
use vault::Vault;

#[tokio::test]
async fn an_asset_without_a_recording_expires_after_a_week_at_the_latest() {
    let mut t = TestVault::new().await;
    t.upload("kept.mp4", b"video").await.unwrap();
    for name in ["kept_thumbnail.jpg", "lost_thumbnail.jpg", "young_thumbnail.jpg"] {
        t.upload(name, b"picture").await.unwrap();
    }
    age(&t, "kept.mp4", 400).await;
    age(&t, "kept_thumbnail.jpg", 400).await;
    age(&t, "lost_thumbnail.jpg", 7).await;
    age(&t, "young_thumbnail.jpg", 6).await;
    t.come_round().await;
    let kept = ["dir/kept.mp4", "dir/kept_thumbnail.jpg", "dir/young_thumbnail.jpg"];
    assert_eq!(stored(&t).await, kept, "one with a recording goes with that, and 0 keeps it for ever");
    let audit = t.vault.audit.latest(1).await.unwrap().remove(0);
    assert_eq!(audit.subject, "site-a: 1 assets without a recording older than 7 days");
    // A longer limit is one of recordings.
    limit(&t, 30).await;
    age(&t, "kept.mp4", 20).await;
    age(&t, "young_thumbnail.jpg", 7).await;
    t.come_round().await;
    assert_eq!(stored(&t).await, kept[..2]);
}

#[tokio::test]
async fn an_asset_without_a_recording_expires_sooner_where_recordings_do() {
    let mut t = TestVault::new().await;
    limit(&t, 3).await;
    for name in ["lost_thumbnail.jpg", "young_thumbnail.jpg"] {
        t.upload(name, b"picture").await.unwrap();
    }
    age(&t, "lost_thumbnail.jpg", 3).await;
    age(&t, "young_thumbnail.jpg", 2).await;
    t.come_round().await;
    assert_eq!(stored(&t).await, ["dir/young_thumbnail.jpg"]);
    let audit = t.vault.audit.latest(1).await.unwrap().remove(0);
    assert_eq!(audit.subject, "site-a: 1 assets without a recording older than 3 days");
}

/// In an account that keeps recordings for ever it would have stayed as long, in no list.
#[tokio::test(flavor = "multi_thread")]
async fn an_asset_stored_after_its_recording_was_deleted_expires_without_a_day_limit() {
    let mut t = TestVault::new().await;
    store(&t, ".mp4", b"video").await;
    let (vault, handle): (Vault, _) = (t.vault.clone(), tokio::runtime::Handle::current());
    let recording = found(&t, &format!("{STEM}.mp4")).await.unwrap();
    *t.world.store.at_put.lock().unwrap() = Some(Box::new(move || {
        tokio::task::block_in_place(|| handle.block_on(vault.recordings.delete(&actor(), &recording)).unwrap());
    }));
    store(&t, "_thumbnail.jpg", b"picture").await;
    store(&t, "_faces.json", b"{}").await;
    t.come_round().await;
    assert_eq!(stored(&t).await.len(), 2, "its recording may be sent again");
    age(&t, &format!("{STEM}_thumbnail.jpg"), 7).await;
    age(&t, &format!("{STEM}_faces.json"), 7).await;
    t.come_round().await;
    assert!(stored(&t).await.is_empty());
}

/// Recovery and others get their turn.
#[tokio::test]
async fn many_are_deleted_some_at_a_time() {
    let t = TestVault::new().await;
    t.upload("lost_thumbnail.jpg", b"picture").await.unwrap();
    age(&t, "lost_thumbnail.jpg", 8).await;
    let more = "INSERT INTO recordings (account_id, provider_id, key, device, instance_name, timestamp, uploaded_at, size, \
                sha256, duration_ms, codec, fragmented, facts, metadata, path, origin_id, asset_of) \
                SELECT account_id, provider_id, 'dir/lost' || n || '_thumbnail.jpg', device, instance_name, timestamp, \
                uploaded_at, size, sha256, duration_ms, codec, fragmented, facts, metadata, path, origin_id, 'dir/lost' || n \
                FROM recordings, (WITH RECURSIVE many(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < 600) \
                SELECT n FROM many) AS many WHERE asset_of IS NOT NULL";
    t.tables().await.execute_unprepared(more).await.unwrap();
    for left in [101, 0] {
        t.vault.keep_house().await;
        assert_eq!(crate::assets::rows(&t).await.len(), left);
    }
    assert!(listed(&t).await.is_empty());
}

#[tokio::test]
async fn what_belongs_to_a_recording_that_is_stored_again_stays() {
    let mut t = TestVault::new().await;
    store(&t, "_thumbnail.jpg", b"picture").await;
    age(&t, &format!("{STEM}_thumbnail.jpg"), 7).await;
    store(&t, ".mp4", b"video").await;
    t.come_round().await;
    assert_eq!(stored(&t).await.len(), 2);
    delete(&t, &format!("{STEM}.mp4")).await;
    assert!(stored(&t).await.is_empty());
}
