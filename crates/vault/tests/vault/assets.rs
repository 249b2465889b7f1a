//! Assets: files derived from a recording, which live and die with it (docs/protocol.md §5).

use crate::support::{Fault, TestVault, account, actor, label, now_ms, until};
use model::ObjectKey;
use model::account::AccountForm;
use model::asset::AssetKind;
use model::moving::MoveState;
use model::recording::{Position, RecordingFilter};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
};
use std::collections::BTreeSet;
use vault::clock::DAY_MS;
use vault::entity::{copy, device, recording, removal};
use vault::ingest::{Outcome, Stored};
use vault::{RecordingRef, Vault};

pub(crate) const STEM: &str = "1606164482_6-818812_Door_229-153-288-247_51_745";
const DAYS: i32 = 30;

pub(crate) fn key(end: &str) -> String {
    format!("dir/{STEM}{end}")
}

pub(crate) async fn store(t: &TestVault, end: &str, bytes: &[u8]) -> Stored {
    t.upload(&format!("{STEM}{end}"), bytes).await.unwrap()
}

/// As another account.
async fn store_as(t: &TestVault, account: &str, name: &str) {
    let request = t.request(name).await;
    t.send(vault::ingest::UploadRequest { account: t.account(account).await, ..request }, b"x").await.unwrap();
}

pub(crate) async fn found(t: &TestVault, name: &str) -> Option<RecordingRef> {
    let key = ObjectKey::parse(&format!("dir/{name}")).unwrap();
    t.vault.recordings.find(&t.account("site-a").await, None, &key).await.unwrap()
}

pub(crate) async fn delete(t: &TestVault, name: &str) {
    let recording = found(t, name).await.expect("it is stored");
    t.vault.recordings.delete(&actor(), &recording).await.unwrap();
}

pub(crate) async fn listed(t: &TestVault) -> Vec<String> {
    t.listed().await.into_iter().map(|row| row.key).collect()
}

/// Names of a recording's assets, as its details show them.
pub(crate) async fn assets_of(t: &TestVault, id: i64) -> Vec<String> {
    t.vault.recordings.get(id).await.unwrap().assets.into_iter().map(|asset| asset.key).collect()
}

pub(crate) async fn rows(t: &TestVault) -> BTreeSet<String> {
    recording::Entity::find().all(&t.tables().await).await.unwrap().into_iter().map(|row| row.key).collect()
}

/// What is stored: rows and objects agree.
pub(crate) async fn stored(t: &TestVault) -> Vec<String> {
    let rows: Vec<String> = rows(t).await.into_iter().collect();
    assert_eq!(t.world.store.keys(), rows, "an object for each row, and no other");
    rows
}

pub(crate) async fn age(t: &TestVault, name: &str, days: i64) {
    let then = Set(now_ms() - days * DAY_MS - 1);
    let earlier = recording::ActiveModel { timestamp: then.clone(), uploaded_at: then, ..Default::default() };
    let this = recording::Column::Key.eq(format!("dir/{name}"));
    let aged = recording::Entity::update_many().set(earlier).filter(this).exec(&t.tables().await).await.unwrap();
    assert_eq!(aged.rows_affected, 1, "{name}");
}

pub(crate) async fn limit(t: &TestVault, days: i32) {
    let form = AccountForm { id: Some(t.account("site-a").await.id), day_limit: days, ..account("site-a") };
    t.vault.accounts.save(&actor(), form).await.unwrap();
}

#[tokio::test]
async fn nobody_is_told_of_an_asset_and_no_list_has_it() {
    let t = TestVault::new().await;
    t.deliver();
    let ends = ["_thumbnail.jpg", "_sprite.png", "_redacted.mp4", "_faces.json", "_face_1.webp"];
    for end in ends {
        let mut request = t.request(&format!("{STEM}{end}")).await;
        request.device = label("pipeline");
        let sent = t.send(request, end.as_bytes()).await.unwrap();
        assert_eq!(sent.outcome, Outcome::New);
    }
    store(&t, ".mp4", b"video").await;
    t.world.sink.wait_for(1).await;
    t.world.second_sink.wait_for(1).await;
    until("nothing waits", || async { t.vault.deliveries.count(None).await.unwrap() == (0, 0) }).await;
    for sink in [&t.world.sink, &t.world.second_sink] {
        assert_eq!(*sink.events.lock().unwrap(), [("camera-1".to_owned(), key(".mp4"))]);
    }
    assert_eq!(listed(&t).await, [key(".mp4")]);
    for device in ["camera-1", "pipeline"] {
        let filter = RecordingFilter { device: Some(device.into()), ..RecordingFilter::default() };
        let page = t.vault.recordings.list(&filter, Position::Newest, 10).await.unwrap();
        assert_eq!(page.items.len(), usize::from(device == "camera-1"));
    }
    let cameras = device::Entity::find().all(&t.tables().await).await.unwrap();
    assert_eq!(cameras.iter().map(|camera| camera.key.as_str()).collect::<Vec<_>>(), ["camera-1"]);
    let figures = t.vault.dashboard.read().await.unwrap();
    let bytes = ends.iter().map(|end| end.len()).sum::<usize>() + 5;
    assert_eq!((figures.recordings_today, figures.bytes_today), (1, bytes as i64), "they need room all the same");
}

#[tokio::test]
async fn a_recordings_details_list_its_assets_and_have_its_picture() {
    let t = TestVault::new().await;
    let recording = store(&t, ".mp4", b"video").await.id;
    store(&t, "_thumbnail.txt", b"no picture").await;
    let picture = store(&t, "_thumbnail.jpg", b"picture").await.id;
    store(&t, "_redacted_thumbnail.jpg", b"another").await;
    store(&t, "_redacted.mp4", b"without faces").await;
    t.upload("1606164482_6-818812_Door_229-153-288-247_51_74_thumbnail.jpg", b"of another").await.unwrap();
    let details = t.vault.recordings.get(recording).await.unwrap();
    assert_eq!(details.thumbnail().map(|asset| asset.id), Some(picture));
    let ends = [
        ("_thumbnail.txt", AssetKind::Thumbnail, 10),
        ("_thumbnail.jpg", AssetKind::Thumbnail, 7),
        ("_redacted_thumbnail.jpg", AssetKind::Other, 7),
    ];
    let mut wanted = ends.map(|(end, kind, size)| (key(end), kind, size)).to_vec();
    wanted.push((key("_redacted.mp4"), AssetKind::Redacted, 13));
    let seen: Vec<_> = details.assets.into_iter().map(|asset| (asset.key, asset.kind, asset.size)).collect();
    assert_eq!(seen, wanted);
    assert!(assets_of(&t, picture).await.is_empty());
}

/// The same engine: durable, identical, replaced, read.
#[tokio::test]
async fn an_asset_is_stored_and_read_as_a_recording_is() {
    let t = TestVault::new().await;
    let recording = store(&t, ".mp4", b"video").await.id;
    let first = store(&t, "_thumbnail.jpg", b"one").await;
    assert_eq!(store(&t, "_thumbnail.jpg", b"one").await.outcome, Outcome::Identical);
    let second = store(&t, "_thumbnail.jpg", b"another").await;
    assert_eq!((second.outcome, second.id), (Outcome::Replaced, first.id));
    assert_eq!(t.content(&format!("{STEM}_thumbnail.jpg")).await.unwrap(), b"another");
    assert_eq!(assets_of(&t, recording).await, [key("_thumbnail.jpg")]);
    let asset = found(&t, &format!("{STEM}_thumbnail.jpg")).await.unwrap();
    assert!(t.vault.recordings.sign(&asset, "http://vault", std::time::Duration::from_secs(60)).await.is_ok());
    delete(&t, &format!("{STEM}_thumbnail.jpg")).await;
    assert_eq!(stored(&t).await, [key(".mp4")], "one can be deleted alone");
}

#[tokio::test]
async fn assets_are_deleted_with_their_recording_however_that_is_deleted() {
    let mut t = TestVault::new().await;
    limit(&t, DAYS).await;
    for way in ["by key", "in Media", "for its age"] {
        let recording = store(&t, ".mp4", b"video").await.id;
        for end in ["_thumbnail.jpg", "_sprite.jpg", "_redacted.mp4", "_faces.json"] {
            store(&t, end, b"asset").await;
        }
        t.upload("other.mp4", b"other").await.unwrap();
        t.upload("other_thumbnail.jpg", b"other").await.unwrap();
        match way {
            "by key" => delete(&t, &format!("{STEM}.mp4")).await,
            "in Media" => {
                assert_eq!(t.vault.recordings.delete_many(&actor(), &[recording]).await.unwrap(), 1);
            }
            _ => {
                age(&t, &format!("{STEM}.mp4"), DAYS.into()).await;
                t.come_round().await;
            }
        }
        assert_eq!(stored(&t).await, ["dir/other.mp4", "dir/other_thumbnail.jpg"], "{way}");
    }
    assert_eq!(removal::Entity::find().count(&t.tables().await).await.unwrap(), 0, "nothing is left to be deleted");
}

#[tokio::test]
async fn what_a_deletion_did_not_get_to_is_deleted_later() {
    let mut t = TestVault::new().await;
    store(&t, ".mp4", b"video").await;
    store(&t, "_thumbnail.jpg", b"picture").await;
    t.world.store.set(Fault::Down);
    delete(&t, &format!("{STEM}.mp4")).await;
    assert!(rows(&t).await.is_empty(), "nobody sees them any more");
    t.world.store.set(None);
    t.come_round().await;
    until("the objects are gone", || async { t.world.store.keys().is_empty() }).await;

    // As after a crash between the recording's transaction and its assets'.
    store(&t, ".mp4", b"video").await;
    store(&t, "_thumbnail.jpg", b"picture").await;
    store(&t, "_faces.json", b"{}").await;
    store(&t, "_sprite.jpg", b"pictures").await;
    let tables = t.tables().await;
    tables.execute_unprepared("UPDATE recordings SET orphaned = TRUE WHERE asset_of IS NOT NULL").await.unwrap();
    for (end, bytes) in [("_faces.json", &b"{\"faces\":1}"[..]), ("_sprite.jpg", b"pictures")] {
        assert_eq!(store(&t, end, bytes).await.outcome, Outcome::Replaced);
    }
    t.come_round().await;
    let kept = [key(".mp4"), key("_faces.json"), key("_sprite.jpg")];
    assert_eq!(stored(&t).await, kept, "what was stored after that stays");
}

/// Whoever works on a recording may still be sending when it is deleted.
#[tokio::test(flavor = "multi_thread")]
async fn an_asset_that_arrives_while_its_recording_is_deleted_expires() {
    let mut t = TestVault::new().await;
    limit(&t, DAYS).await;
    store(&t, ".mp4", b"video").await;
    store(&t, "_sprite.jpg", b"pictures").await;
    let (vault, handle): (Vault, _) = (t.vault.clone(), tokio::runtime::Handle::current());
    let recording = found(&t, &format!("{STEM}.mp4")).await.unwrap();
    *t.world.store.at_put.lock().unwrap() = Some(Box::new(move || {
        tokio::task::block_in_place(|| handle.block_on(vault.recordings.delete(&actor(), &recording)).unwrap());
    }));
    store(&t, "_thumbnail.jpg", b"picture").await;
    assert_eq!(stored(&t).await, [key("_thumbnail.jpg")], "what was acknowledged is there");
    age(&t, &format!("{STEM}_thumbnail.jpg"), DAYS.into()).await;
    t.come_round().await;
    assert!(stored(&t).await.is_empty());
}

#[tokio::test]
async fn an_asset_that_comes_first_waits_for_its_recording() {
    let t = TestVault::new().await;
    for name in [STEM, "5f2b0c1e-9d3a"] {
        t.upload(&format!("{name}_thumbnail.jpg"), b"picture").await.unwrap();
        assert!(listed(&t).await.iter().all(|key| !key.ends_with(".jpg")));
        let recording = t.upload(&format!("{name}.MP4"), b"video").await.unwrap().id;
        assert_eq!(assets_of(&t, recording).await, [format!("dir/{name}_thumbnail.jpg")]);
        delete(&t, &format!("{name}.MP4")).await;
        assert!(stored(&t).await.is_empty());
    }
}

/// A camera's clock may be ahead, so a recording may expire later than what was derived from it.
#[tokio::test]
async fn many_old_assets_keep_no_recording_from_expiring() {
    let mut t = TestVault::new().await;
    limit(&t, DAYS).await;
    t.upload("kept.mp4", b"video").await.unwrap();
    t.upload("kept_thumbnail.jpg", b"picture").await.unwrap();
    age(&t, "kept_thumbnail.jpg", i64::from(DAYS) + 2).await;
    let more = "INSERT INTO recordings (account_id, provider_id, key, device, instance_name, timestamp, uploaded_at, size, \
                sha256, duration_ms, codec, fragmented, facts, metadata, path, origin_id, asset_of) \
                SELECT account_id, provider_id, 'dir/kept_' || n || '.json', device, instance_name, timestamp, uploaded_at, \
                size, sha256, duration_ms, codec, fragmented, facts, metadata, path, origin_id, asset_of FROM recordings, \
                (WITH RECURSIVE many(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < 600) SELECT n FROM many) \
                AS many WHERE asset_of IS NOT NULL";
    t.tables().await.execute_unprepared(more).await.unwrap();
    for name in ["old.mp4", "lost_thumbnail.jpg"] {
        t.upload(name, b"x").await.unwrap();
        age(&t, name, DAYS.into()).await;
    }
    t.come_round().await;
    let rows = rows(&t).await;
    assert!(!rows.contains("dir/old.mp4") && !rows.contains("dir/lost_thumbnail.jpg"));
    assert_eq!(rows.len(), 602);
}

#[tokio::test]
async fn what_is_no_asset_is_a_recording_as_before() {
    let t = TestVault::new().await;
    t.deliver();
    let names = ["notes.txt", "photo.jpg", "front_door.jpg", "report_1.json", "clip.mp4", "clip_745.mp4"];
    for name in names {
        t.upload(name, name.as_bytes()).await.unwrap();
    }
    t.world.sink.wait_for(names.len()).await;
    assert_eq!(listed(&t).await.len(), names.len());
    // A recording of that name is known by now.
    t.upload("clip_face_1.jpg", b"picture").await.unwrap();
    t.upload("clip_745_face.jpg", b"picture").await.unwrap();
    assert_eq!(listed(&t).await.len(), names.len());
    let of = async |name: &str| assets_of(&t, found(&t, name).await.unwrap().id).await;
    assert_eq!(of("clip.mp4").await, ["dir/clip_face_1.jpg"]);
    assert_eq!(of("clip_745.mp4").await, ["dir/clip_745_face.jpg"], "the longest name counts");
}

#[tokio::test]
async fn assets_are_copied_and_moved_with_their_recording() {
    let t = TestVault::new().await;
    let (from, to) = t.add_second_provider().await;
    t.copy_to_second().await;
    t.deliver();
    let recording = store(&t, ".mp4", b"video").await.id;
    store(&t, "_thumbnail.jpg", b"picture").await;
    let both = [key(".mp4"), key("_thumbnail.jpg")];
    let tables = t.tables().await;
    until("both copies are noted", || async { copy::Entity::find().count(&tables).await.unwrap() == 2 }).await;
    assert_eq!(t.world.second_store.keys(), both);
    t.world.store.set(Fault::Down);
    assert_eq!(t.content(&format!("{STEM}_thumbnail.jpg")).await.unwrap(), b"picture", "from the copy");
    t.world.store.set(None);

    t.vault.moves.start(&actor(), from, to).await.unwrap();
    let latest = || async { t.vault.moves.list().await.unwrap().remove(0) };
    until("the move is done", || async { latest().await.state == MoveState::Done }).await;
    let moved = latest().await;
    assert_eq!((moved.total, moved.moved, moved.moved_bytes, moved.failed), (1, 1, 12, 0), "one recording");
    let rows = recording::Entity::find().filter(recording::Column::ProviderId.eq(to));
    assert_eq!(rows.count(&t.tables().await).await.unwrap(), 2);
    assert_eq!(assets_of(&t, recording).await, [key("_thumbnail.jpg")]);

    // One that comes later, by the provider's name in the event, still is its recording's.
    store(&t, "_sprite.jpg", b"pictures").await;
    assert_eq!(assets_of(&t, recording).await, [key("_thumbnail.jpg"), key("_sprite.jpg")]);
    delete(&t, &format!("{STEM}.mp4")).await;
    assert!(self::rows(&t).await.is_empty());
    let is_gone = || async {
        t.vault.keep_house().await;
        t.world.second_store.keys().is_empty()
    };
    until("nothing is left", is_gone).await;
}

#[tokio::test]
async fn assets_stay_until_the_last_recording_of_their_name_is_deleted() {
    let t = TestVault::new().await;
    t.add_second_provider().await;
    store(&t, ".mp4", b"video").await;
    store(&t, "_thumbnail.jpg", b"picture").await;
    let elsewhere = t.request_with(&format!("{STEM}.mp4"), &[(model::wire::header::PROVIDER, "second")]).await.unwrap();
    let twin = t.send(elsewhere, b"video").await.unwrap();
    delete(&t, &format!("{STEM}.mp4")).await;
    assert_eq!(t.world.store.keys(), [key("_thumbnail.jpg")]);
    assert_eq!(assets_of(&t, twin.id).await, [key("_thumbnail.jpg")]);
    delete(&t, &format!("{STEM}.mp4")).await;
    assert!(rows(&t).await.is_empty() && t.world.store.keys().is_empty());
}

#[tokio::test]
async fn another_accounts_asset_is_its_own() {
    let t = TestVault::new().await;
    let recording = t.upload("a.mp4", b"video").await.unwrap().id;
    store_as(&t, "site-b", "a_thumbnail.jpg").await;
    assert!(assets_of(&t, recording).await.is_empty());
    delete(&t, "a.mp4").await;
    assert_eq!(stored(&t).await, ["dir/a_thumbnail.jpg"]);
}
