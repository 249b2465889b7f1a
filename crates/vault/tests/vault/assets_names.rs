//! Which files beside a recording are its assets (docs/protocol.md §5, ADR 0029).

use crate::assets::{STEM, assets_of, delete, found, key, listed, store, stored};
use crate::support::{TestVault, until};

/// What services store beside a recording under names that nobody has told of.
const ENDS: [&str; 7] = ["_blur.mp4", "_meta.txt", ".vtt", ".json", ".jpg", "_words.vtt", "_faces.npy"];

#[tokio::test]
async fn whatever_is_named_after_a_recording_makes_no_event_and_is_in_no_list() {
    let t = TestVault::new().await;
    t.deliver();
    let recording = store(&t, ".mp4", b"video").await.id;
    for end in ENDS {
        store(&t, end, end.as_bytes()).await;
    }
    t.world.sink.wait_for(1).await;
    until("nothing waits", || async { t.vault.deliveries.count(None).await.unwrap() == (0, 0) }).await;
    assert_eq!(*t.world.sink.events.lock().unwrap(), [("camera-1".to_owned(), key(".mp4"))]);
    assert_eq!(listed(&t).await, [key(".mp4")]);
    assert_eq!(assets_of(&t, recording).await, ENDS.map(key));
    delete(&t, &format!("{STEM}.mp4")).await;
    assert!(stored(&t).await.is_empty());
}

/// Without its recording such a file is footage for all the vault knows, and must be seen.
#[tokio::test]
async fn a_video_is_an_asset_only_of_a_recording_that_is_there() {
    let t = TestVault::new().await;
    for name in [&format!("{STEM}_blur.mp4"), "front_blur.mp4", "front_door.mp4", &format!("{STEM}.jpg")] {
        t.upload(name, b"video").await.unwrap();
    }
    assert_eq!(listed(&t).await.len(), 4);
    let front = t.upload("front.mp4", b"video").await.unwrap().id;
    // An agent's next recordings are none of the first's, whatever its camera is called.
    let agents = ["1606164482_6-818812_Door_229-153-288-247_51_745_x_0-0-0-0_0_0.mp4", "front_2.mp4"];
    store(&t, ".mp4", b"video").await;
    for name in agents {
        t.upload(name, b"video").await.unwrap();
    }
    assert_eq!(listed(&t).await.len(), 8);
    assert!(assets_of(&t, front).await.is_empty());
    // Stored anew it is known for what it is.
    t.upload("front_blur.mp4", b"without faces").await.unwrap();
    t.upload("front.txt", b"notes").await.unwrap();
    assert_eq!(assets_of(&t, front).await, ["dir/front_blur.mp4", "dir/front.txt"]);
    assert_eq!(listed(&t).await.len(), 7);
}

#[tokio::test]
async fn recordings_of_other_formats_have_assets_as_well() {
    let t = TestVault::new().await;
    for extension in [".mkv", ".avi", ".MKV", ".mov"] {
        let early = t.upload("cam7_thumbnail.jpg", b"picture").await.unwrap();
        let recording = t.upload(&format!("cam7{extension}"), b"video").await.unwrap().id;
        t.upload(&format!("cam7{extension}_redacted.mp4"), b"without faces").await.unwrap();
        t.upload("cam7_faces.json", b"{}").await.unwrap();
        let seen = assets_of(&t, recording).await;
        let redacted = format!("dir/cam7{extension}_redacted.mp4");
        assert_eq!(seen, ["dir/cam7_thumbnail.jpg", &redacted, "dir/cam7_faces.json"], "{extension}");
        assert!(found(&t, "cam7_thumbnail.jpg").await.is_some_and(|asset| asset.id == early.id && asset.is_asset));
        delete(&t, &format!("cam7{extension}")).await;
        assert!(stored(&t).await.is_empty(), "{extension}");
    }
}

#[tokio::test]
async fn what_is_derived_of_an_asset_is_the_recordings() {
    let t = TestVault::new().await;
    let recording = t.upload("front.mp4", b"video").await.unwrap().id;
    for name in ["front_blur.mp4", "front_blur_thumbnail.jpg"] {
        t.upload(name, b"derived").await.unwrap();
    }
    assert_eq!(assets_of(&t, recording).await, ["dir/front_blur.mp4", "dir/front_blur_thumbnail.jpg"]);
}
