//! Reading back and deleting (docs/protocol.md §6).

use crate::routes;
use crate::support::{NAME, PROVIDER, TestVault, filesystem, recording, send};
use reqwest::Method;
use sha2::{Digest as _, Sha256};
use vault::{Principal, Task};

#[tokio::test]
async fn the_whole_recording_comes_with_what_players_need() {
    let vault = TestVault::start().await;
    let key = vault.stored(NAME, recording()).await;
    let etag = format!("\"{}\"", Sha256::digest(recording()).iter().map(|b| format!("{b:02x}")).collect::<String>());
    for method in [Method::GET, Method::HEAD] {
        let answer = send(vault.about(method.clone(), "/api/storage/blob", &key)).await;
        assert_eq!(answer.status, 200);
        for (header, value) in [
            ("content-type", "video/mp4"),
            ("accept-ranges", "bytes"),
            ("etag", etag.as_str()),
            ("content-length", &recording().len().to_string()),
            ("content-disposition", &format!("attachment; filename=\"{NAME}\"; filename*=UTF-8''{NAME}")),
        ] {
            assert_eq!(answer.header(header), value, "{method}");
        }
        assert!(answer.header("last-modified").ends_with(" GMT"));
        assert_eq!(answer.body.len(), if method == Method::GET { recording().len() } else { 0 });
    }
}

#[tokio::test]
async fn ranges() {
    let vault = TestVault::start().await;
    let key = vault.stored(NAME, recording()).await;
    let (all, size) = (recording(), recording().len());
    for (range, start, end) in [
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=500000-", 500_000, size),
        ("bytes=-10", size - 10, size),
        ("bytes=0-99999999999", 0, size),
    ] {
        let answer = send(vault.about(Method::GET, "/api/storage/blob", &key).header("range", range)).await;
        assert_eq!(answer.status, 206, "{range}");
        assert_eq!(answer.header("content-range"), format!("bytes {start}-{}/{size}", end - 1));
        assert_eq!(answer.body, all[start..end], "{range}");
    }
    let head = send(vault.about(Method::HEAD, "/api/storage/blob", &key).header("range", "bytes=0-9")).await;
    assert_eq!((head.status, head.header("content-length")), (206, "10"));
    for range in [format!("bytes={size}-"), "bytes=-0".into()] {
        let answer = send(vault.about(Method::GET, "/api/storage/blob", &key).header("range", &range)).await;
        answer.refused_with(416, "storage_range_not_satisfiable");
        assert_eq!(answer.header("content-range"), format!("bytes */{size}"));
    }
    for range in ["bytes=5-1", "bytes=x", "lines=1-2", "bytes=0-1,5-6"] {
        let answer = send(vault.about(Method::GET, "/api/storage/blob", &key).header("range", range)).await;
        assert_eq!((answer.status, answer.body.len()), (200, size), "{range}");
    }
}

#[tokio::test]
async fn conditions() {
    let vault = TestVault::start().await;
    let key = vault.stored(NAME, recording()).await;
    let get = |header: &'static str, value: String| {
        let request = vault.about(Method::GET, "/api/storage/blob", &key).header(header, value);
        send(request.header("range", "bytes=0-9"))
    };
    let first = get("if-none-match", "\"other\"".into()).await;
    let (etag, modified) = (first.header("etag").to_owned(), first.header("last-modified").to_owned());
    assert_eq!(first.status, 206);
    let unchanged = get("if-none-match", etag.clone()).await;
    assert_eq!((unchanged.status, unchanged.body.len(), unchanged.header("etag")), (304, 0, etag.as_str()));
    assert_eq!(get("if-modified-since", modified.clone()).await.status, 304);
    assert_eq!(get("if-range", etag.clone()).await.status, 206);
    assert_eq!(get("if-range", modified).await.status, 206);
    assert_eq!(get("if-range", "\"other\"".into()).await.status, 200);
    assert_eq!(get("if-match", etag).await.status, 206);
    get("if-match", "\"other\"".into()).await.refused_with(412, "storage_precondition_failed");
}

#[tokio::test]
async fn deleting_removes_object_and_recording() {
    let vault = TestVault::start().await;
    let key = vault.stored(NAME, recording()).await;
    let answer = send(vault.about(Method::DELETE, "/api/storage", &key)).await;
    assert_eq!((answer.status, answer.json()["data"].as_str()), (200, Some(key.as_str())));
    vault.assert_nothing_stored().await;
    for operation in routes::about_a_recording() {
        let answer = send(vault.about(operation.method.clone(), &operation.path, &key)).await;
        operation.refused_with(&answer, 404, "storage_recording_not_found");
    }
}

/// Whoever names no provider means the key.
#[tokio::test]
async fn deleting_without_a_provider_is_deleting_it_everywhere() {
    let vault = TestVault::start().await;
    let second = filesystem(&vault.dir, "second", true);
    vault.vault.connections.save(&Principal::Vault(Task::Provisioning), second).await.unwrap();
    vault.let_name("second").await;
    let store = async |provider: &str| {
        let stored = vault.upload(NAME).header(PROVIDER, provider).body(recording());
        assert_eq!(send(stored).await.status, 200);
    };
    store("local").await;
    store("second").await;
    let key = format!("a/{NAME}");
    let delete = |provider: &str| vault.about(Method::DELETE, "/api/storage", &key).header(PROVIDER, provider);
    assert_eq!(send(delete("second")).await.status, 200);
    assert_eq!(vault.keys().await, [key.as_str()], "the other one stays");
    store("second").await;
    assert_eq!(vault.keys().await.len(), 2);
    assert_eq!(send(delete("")).await.status, 200);
    vault.assert_nothing_stored().await;
    assert!(!vault.dir.path().join("second/a").join(NAME).exists());
    send(delete("")).await.refused_with(404, "storage_recording_not_found");
}

#[tokio::test]
async fn an_object_that_vanished_from_its_provider_is_not_found() {
    let vault = TestVault::start().await;
    let key = vault.stored(NAME, recording()).await;
    for file in vault.files() {
        std::fs::remove_file(file).unwrap();
    }
    let answer = send(vault.about(Method::GET, "/api/storage/blob", &key)).await;
    answer.refused_with(404, "storage_recording_not_found");
    let text = answer.json()["message"].as_str().unwrap().to_owned();
    assert!(
        text.contains("missing at the storage provider") && !text.contains(vault.dir.path().to_str().unwrap()),
        "{text}"
    );
}
