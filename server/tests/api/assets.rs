//! What is derived from a recording is stored, read and signed by the same calls, and shown with it (docs/protocol.md §5).

use crate::support::{Answer, FILE_NAME, NAME, TestVault, recording, send};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

const PICTURE: &[u8] = b"\xff\xd8\xff\xe0 a picture";

/// The recording's name with another end.
fn named(end: &str) -> String {
    NAME.replace(".mp4", end)
}

async fn about(vault: &TestVault, method: Method, path: &str, name: &str) -> Answer {
    send(vault.about(method, path, &format!("a/{name}"))).await
}

#[tokio::test]
async fn an_asset_is_stored_read_signed_and_deleted_by_the_same_calls() {
    let vault = TestVault::start().await;
    vault.stored(NAME, recording()).await;
    for (end, media_type) in [
        ("_thumbnail.jpg", "image/jpeg"),
        ("_sprite.PNG", "image/png"),
        ("_redacted.mp4", "video/mp4"),
        ("_faces.json", "application/json"),
        ("_thumbnail.txt", "text/plain"),
        ("_thumbnail.webm", "video/webm"),
        ("_blur.mp4", "video/mp4"),
        (".vtt", "text/vtt"),
        ("_page.html", "application/octet-stream"),
    ] {
        let name = named(end);
        assert_eq!(vault.stored(&name, PICTURE).await, format!("a/{name}"));
        assert_eq!(vault.stored(&name, PICTURE).await, format!("a/{name}"), "sent again");
        let read = about(&vault, Method::GET, "/api/storage/blob", &name).await;
        assert_eq!((read.status, read.header("content-type"), &read.body[..]), (200, media_type, PICTURE), "{name}");
        let url = about(&vault, Method::GET, "/api/storage", &name).await.json()["data"].as_str().unwrap().to_owned();
        let seen = send(vault.client.get(url)).await;
        assert_eq!((seen.status, seen.header("content-type"), &seen.body[..]), (200, media_type, PICTURE), "{name}");
        let wanted = json!([{ "filename": format!("a/{name}") }]);
        let many = send(vault.agent(Method::POST, "/api/storage/bulk").body(wanted.to_string())).await;
        let urls: Value = serde_json::from_str(many.json()["data"].as_str().unwrap()).unwrap();
        assert_eq!(send(vault.client.get(urls[format!("a/{name}")].as_str().unwrap())).await.body, PICTURE);
    }
    assert_eq!(vault.keys().await, [format!("a/{NAME}")], "Media has recordings");
    assert_eq!(about(&vault, Method::DELETE, "/api/storage", &named("_faces.json")).await.status, 200);
    assert_eq!(vault.files().len(), 9, "the others stay");
    assert_eq!(about(&vault, Method::DELETE, "/api/storage", NAME).await.status, 200);
    assert_eq!(vault.files(), [""; 0], "they go with their recording");
    about(&vault, Method::GET, "/api/storage/blob", &named("_thumbnail.jpg"))
        .await
        .refused_with(404, "storage_recording_not_found");
}

/// By tus, in two requests.
#[tokio::test]
async fn an_asset_may_come_in_several_requests_and_before_its_recording() {
    let vault = TestVault::start().await;
    let name = named("_sprite.jpg");
    let metadata = [("filename", name.as_str()), ("directory", "a")];
    let metadata: Vec<String> =
        metadata.iter().map(|(key, value)| format!("{key} {}", STANDARD.encode(value))).collect();
    let tus = |method, path: &str| vault.agent(method, path).header("tus-resumable", "1.0.0");
    let created = tus(Method::POST, "/api/storage/tus/")
        .header("upload-length", PICTURE.len())
        .header("upload-metadata", metadata.join(","));
    let created = send(created).await;
    assert_eq!(created.status, 201, "{created:?}");
    let id = created.header("location").rsplit('/').next().unwrap().to_owned();
    for (from, until) in [(0, 5), (5, PICTURE.len())] {
        let part = tus(Method::PATCH, &format!("/api/storage/tus/{id}"))
            .header("content-type", "application/offset+octet-stream")
            .header("upload-offset", from)
            .body(PICTURE[from..until].to_vec());
        assert_eq!(send(part).await.status, 204);
    }
    assert_eq!(vault.keys().await, [""; 0]);
    vault.stored(NAME, recording()).await;
    let id = vault.vault.recordings.list(&Default::default(), Default::default(), 10).await.unwrap().items[0].id;
    let details = vault.vault.recordings.get(id).await.unwrap();
    assert_eq!(details.assets.iter().map(|asset| asset.key.as_str()).collect::<Vec<_>>(), [format!("a/{name}")]);
}

/// Pages of the server, as a browser without JavaScript shows them.
#[tokio::test]
async fn a_recordings_page_links_its_assets_and_shows_its_picture() {
    let vault = TestVault::start().await;
    vault.stored(NAME, recording()).await;
    for end in ["_thumbnail.jpg", "_faces.json"] {
        vault.stored(&named(end), PICTURE).await;
    }
    let id = vault.vault.recordings.list(&Default::default(), Default::default(), 10).await.unwrap().items[0].id;
    let assets = vault.vault.recordings.get(id).await.unwrap().assets;
    let cookie = vault.sign_in().await;
    let page = async |path: &str| send(vault.request(Method::GET, path).header("cookie", &cookie)).await;
    let shown = String::from_utf8(page(&format!("/media/{id}/play")).await.body.to_vec()).unwrap();
    assert!(shown.contains(&format!("poster=\"/media/{}/file\"", assets[0].id)), "{shown}");
    for asset in &assets {
        assert!(shown.contains(&format!("href=\"/media/{}/file\"", asset.id)), "{shown}");
        assert!(shown.contains(asset.key.rsplit('/').next().unwrap()));
    }
    let picture = page(&format!("/media/{}/file", assets[0].id)).await;
    assert_eq!((picture.status, picture.header("content-type"), &picture.body[..]), (200, "image/jpeg", PICTURE));
    let list = String::from_utf8(page("/media").await.body.to_vec()).unwrap();
    assert!(list.contains(NAME) && !list.contains("_faces.json"), "{list}");
    send(vault.request(Method::GET, &format!("/media/{}/file", assets[0].id)))
        .await
        .refused_with(401, "sign_in_required");
}

#[tokio::test]
async fn another_accounts_assets_are_not_there() {
    let vault = TestVault::start().await;
    vault.stored(NAME, recording()).await;
    vault.stored(&named("_thumbnail.jpg"), PICTURE).await;
    let asked = vault.other_agent(Method::GET, "/api/storage/blob");
    let asked = asked.header(FILE_NAME, format!("a/{}", named("_thumbnail.jpg")));
    send(asked).await.refused_with(404, "storage_recording_not_found");
    let sent = vault.other_agent(Method::POST, "/api/storage").header(FILE_NAME, named("_sprite.jpg")).body(PICTURE);
    assert_eq!(send(sent).await.status, 200);
    let id = vault.vault.recordings.list(&Default::default(), Default::default(), 10).await.unwrap().items[0].id;
    assert_eq!(vault.vault.recordings.get(id).await.unwrap().assets.len(), 1);
}
