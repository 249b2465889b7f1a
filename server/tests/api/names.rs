//! Names and directories that try to lead elsewhere (docs/protocol.md §2, §5).

use crate::routes;
use crate::support::{DIRECTORY, FILE_NAME, NAME, PROVIDER, TestVault, raw_upload, recording, send};
use reqwest::Method;

const BAD_NAMES: [&str; 14] = [
    "..",
    "../a.mp4",
    "../../etc/passwd",
    "/etc/passwd",
    "a/b.mp4",
    "a\\b.mp4",
    "..\\a.mp4",
    "%2e%2e",
    "%2e%2e%2fa.mp4",
    "..%2fa.mp4",
    "a%00.mp4",
    "a%0d%0ab.mp4",
    ".vault-x",
    ".",
];

#[tokio::test]
async fn bad_file_names_store_nothing() {
    let vault = TestVault::start().await;
    let long = "x".repeat(256);
    let endless = "x".repeat(20_000);
    for name in BAD_NAMES.into_iter().chain([long.as_str(), endless.as_str()]) {
        send(vault.upload(name).body("bytes")).await.refused_with(400, "file_invalid_name");
    }
    send(vault.upload("").body("bytes")).await.refused_with(400, "file_missing_name");
    vault.assert_nothing_stored().await;
}

#[tokio::test]
async fn bad_directories_store_nothing() {
    let vault = TestVault::start().await;
    let long = "d/".repeat(400);
    for directory in
        ["..", "../b", "/etc", "a/../b", "a//b", "a\\b", "%2e%2e/b", "a/%2e%2e", ".vault-staging", long.as_str()]
    {
        let request = vault.agent(Method::POST, "/api/storage").header(FILE_NAME, NAME).header(DIRECTORY, directory);
        send(request.body("bytes")).await.refused_with(400, "storage_directory_invalid");
    }
    let none = vault.agent(Method::POST, "/api/storage").header(FILE_NAME, NAME);
    send(none.body("bytes")).await.refused_with(400, "storage_directory_missing");
    vault.assert_nothing_stored().await;
}

#[tokio::test]
async fn a_fixed_directory_is_never_left() {
    let vault = TestVault::start().await;
    for wanted in ["a", "../a", ""] {
        let request = vault.other_agent(Method::POST, "/api/storage").header(FILE_NAME, NAME).header(DIRECTORY, wanted);
        let answer = send(request.body(recording())).await;
        assert_eq!(answer.json()["data"], format!("b/{NAME}"));
    }
    assert_eq!(vault.keys().await.len(), 1);
}

#[tokio::test]
async fn bad_keys_read_and_delete_nothing() {
    let vault = TestVault::start().await;
    std::fs::write(vault.dir.path().join("secret.txt"), "outside the provider").unwrap();
    for operation in routes::about_a_recording() {
        for key in
            ["../secret.txt", "a/../../secret.txt", "/etc/passwd", "a\\b/c.mp4", "%2e%2e/secret.txt", "alone.mp4", "a/"]
        {
            let answer = send(vault.about(operation.method.clone(), &operation.path, key)).await;
            operation.refused_with(&answer, 400, "file_invalid_name");
        }
        let answer = send(vault.agent(operation.method.clone(), &operation.path)).await;
        operation.refused_with(&answer, 400, "file_missing_name");
    }
}

/// Control characters never get past the HTTP parser or the names' parser, whoever sees them first.
#[tokio::test]
async fn nul_and_line_breaks_in_raw_headers_store_nothing() {
    let vault = TestVault::start().await;
    for name in ["a\0b.mp4", "a\rb.mp4", "a\nb.mp4", "a\x7fb.mp4", "a\tb.mp4"] {
        let mut request = raw_upload(name, "Content-Length: 5\r\nConnection: close\r\n");
        request.extend(b"bytes");
        let answer = vault.raw(&request).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{name:?}: {answer}");
    }
    // what looks like a second header is one: it cannot smuggle another account's name
    let mut request = raw_upload("a.mp4\r\nX-Smuggled: 1", "Content-Length: 5\r\nConnection: close\r\n");
    request.extend(b"bytes");
    assert!(vault.raw(&request).await.starts_with("HTTP/1.1 200"));
    assert_eq!(vault.keys().await, ["a/a.mp4"]);
}

#[tokio::test]
async fn names_agents_really_use_survive_the_round_trip() {
    let vault = TestVault::start().await;
    let latin1 = reqwest::header::HeaderValue::from_bytes(b"1_1-1_caf\xe9_0-0-0-0_1_1.mp4").unwrap();
    let answer =
        send(vault.agent(Method::POST, "/api/storage").header(DIRECTORY, "a").header(FILE_NAME, latin1).body("x"))
            .await;
    assert_eq!(answer.json()["data"], "a/1_1-1_café_0-0-0-0_1_1.mp4");
    for name in [NAME, "1606164482_6-818812_Fundo Esquerda_2_229-153-288-247_51_745.mp4", "été_摄像头.mp4", "100%.mp4"]
    {
        let key = vault.stored(name, recording()).await;
        assert_eq!(key, format!("a/{name}"));
        let read = send(vault.about(Method::GET, "/api/storage/blob", &key)).await;
        assert_eq!((read.status, read.body == recording()), (200, true), "{name}");
    }
}

#[tokio::test]
async fn unknown_and_disabled_providers_are_named() {
    let vault = TestVault::start().await;
    for (provider, status, code) in [
        ("nowhere", 404, "storage_provider_not_found"),
        ("../local", 404, "storage_provider_not_found"),
        ("off", 403, "storage_provider_disabled"),
    ] {
        let answer = send(vault.upload(NAME).header(PROVIDER, provider).body("bytes")).await;
        answer.refused_with(status, code);
    }
    vault.assert_nothing_stored().await;
    let key = vault.stored(NAME, recording()).await;
    for operation in routes::about_a_recording() {
        let ask = || vault.about(operation.method.clone(), &operation.path, &key);
        let wrong = send(ask().header(PROVIDER, "nowhere")).await;
        operation.refused_with(&wrong, 404, "storage_provider_not_found");
        let elsewhere = send(ask().header(PROVIDER, "off")).await;
        operation.refused_with(&elsewhere, 404, "storage_recording_not_found");
    }
}
