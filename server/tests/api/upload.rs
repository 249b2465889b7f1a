//! Bodies: whole, empty, too large, cut off, stalled, twice (docs/protocol.md §4).

use crate::support::{
    DIRECTORY, FILE_NAME, NAME, SITE_B, Setup, TestVault, account, raw_upload, read_to_end, recording, send, within,
};
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use model::account::AccountForm;
use reqwest::{Body, Method};
use server::config::Metrics;
use server::state::HttpOptions;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::Barrier;
use vault::{Principal, Task};

/// Sent as the Go agent does: chunked, without Content-Length.
fn chunked(bytes: Bytes) -> Body {
    let chunks: Vec<Result<Bytes, Infallible>> = bytes.chunks(50_000).map(|c| Ok(Bytes::copy_from_slice(c))).collect();
    Body::wrap_stream(stream::iter(chunks))
}

#[tokio::test]
async fn a_chunked_body_of_unknown_length_is_stored() {
    let vault = TestVault::start().await;
    let answer = send(vault.upload(NAME).body(chunked(recording()))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let read = send(vault.about(Method::GET, "/api/storage/blob", &format!("a/{NAME}"))).await;
    assert_eq!(read.body, recording());
}

/// An agent deletes its file on 200; on anything else it would send it for ever.
#[tokio::test]
async fn an_empty_body_is_ignored() {
    let metrics = Metrics { token: None, allow_anonymous: true };
    let http = HttpOptions { metrics, ..Setup::default().http };
    let vault = TestVault::start_with(Setup { http, ..Setup::default() }).await;
    for request in [vault.upload(NAME).body(""), vault.upload(NAME).body(chunked(Bytes::new())), vault.upload(NAME)] {
        let answer = send(request).await;
        let ignored = serde_json::json!({"data": "", "ignored": "file_empty"});
        assert_eq!((answer.status, answer.json()), (200, ignored));
    }
    vault.assert_nothing_stored().await;
    let figures = send(vault.request(Method::GET, "/metrics")).await;
    assert!(String::from_utf8_lossy(&figures.body).contains("vault_uploads_total{outcome=\"file_empty\"}"));
    send(vault.other_agent(Method::POST, "/api/storage").body("")).await.refused_with(400, "file_missing_name");
    assert_eq!(send(vault.upload(NAME).body("bytes")).await.json().get("ignored"), None);
}

#[tokio::test]
async fn an_oversize_body_is_refused_announced_or_not() {
    let vault = TestVault::start_with(Setup { max_upload_bytes: 100_000, ..Setup::default() }).await;
    let large = Bytes::from(vec![7; 100_001]);
    send(vault.upload(NAME).body(large.clone())).await.refused_with(413, "file_too_large");
    send(vault.upload(NAME).body(chunked(large))).await.refused_with(413, "file_too_large");
    vault.assert_nothing_stored().await;
    vault.stored(NAME, vec![7; 100_000]).await;
}

#[tokio::test]
async fn a_lie_about_the_length_stores_nothing() {
    let vault = TestVault::start().await;
    let answer = vault.raw(&raw_upload(NAME, "Content-Length: 99999999999\r\nConnection: close\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    for length in ["-1", "abc", "18446744073709551616"] {
        let answer = vault.raw(&raw_upload(NAME, &format!("Content-Length: {length}\r\nConnection: close\r\n"))).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{length}: {answer}");
    }
    vault.assert_nothing_stored().await;
}

#[tokio::test]
async fn a_body_that_breaks_off_stores_nothing() {
    let vault = TestVault::start().await;
    for more in ["Content-Length: 500000\r\n", "Transfer-Encoding: chunked\r\n"] {
        let mut stream = vault.connect().await;
        stream.write_all(&raw_upload(NAME, more)).await.unwrap();
        stream.write_all(b"4000\r\n").await.unwrap();
        stream.write_all(&[7; 0x3000]).await.unwrap();
        vault.until_uploads_run(1).await;
        drop(stream);
        vault.until_uploads_run(0).await;
        vault.assert_nothing_stored().await;
    }
    // the agent comes back with all of it
    vault.stored(NAME, recording()).await;
    assert_eq!(vault.files().len(), 1);
}

#[tokio::test]
async fn a_stalled_body_is_given_up() {
    let vault = TestVault::start_with(Setup { idle_timeout: Duration::from_millis(300), ..Setup::default() }).await;
    let mut stream = vault.connect().await;
    stream.write_all(&raw_upload(NAME, "Content-Length: 500000\r\n")).await.unwrap();
    stream.write_all(&[7; 1000]).await.unwrap();
    let answer = read_to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("file_stalled"), "{answer}");
    vault.assert_nothing_stored().await;
}

#[tokio::test]
async fn the_same_file_twice_is_one_recording() {
    let vault = TestVault::start().await;
    let first = vault.stored(NAME, recording()).await;
    assert_eq!(vault.stored(NAME, recording()).await, first);
    assert_eq!((vault.keys().await.len(), vault.files().len()), (1, 1));
}

#[tokio::test]
async fn the_same_file_at_the_same_time_is_one_recording() {
    let vault = TestVault::start().await;
    // None ends before all have begun.
    let all = Arc::new(Barrier::new(8));
    let body = || {
        let (all, bytes) = (all.clone(), recording());
        let rest = bytes.slice(1000..);
        let rest = stream::once(async move {
            all.wait().await;
            Ok::<_, Infallible>(rest)
        });
        Body::wrap_stream(stream::iter([Ok(bytes.slice(..1000))]).chain(rest))
    };
    let uploads = (0..8).map(|_| send(vault.upload(NAME).body(body())));
    for answer in within("all are answered", futures::future::join_all(uploads)).await {
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    assert_eq!((vault.keys().await.len(), vault.files().len()), (1, 1));
}

#[tokio::test]
async fn other_bytes_replace() {
    let vault = TestVault::start().await;
    let key = vault.stored(NAME, recording()).await;
    vault.stored(NAME, "other bytes").await;
    let read = send(vault.about(Method::GET, "/api/storage/blob", &key)).await;
    assert_eq!((read.body.as_ref(), vault.keys().await.len()), (b"other bytes".as_slice(), 1));
}

#[tokio::test]
async fn forms_are_refused_and_any_other_type_is_taken() {
    let vault = TestVault::start().await;
    let form = vault.agent(Method::POST, "/api/storage").header(DIRECTORY, "a").header(FILE_NAME, NAME);
    let form = form.header("content-type", "multipart/form-data; boundary=x");
    send(form.body("bytes")).await.refused_with(415, "file_unsupported_media_type");
    vault.assert_nothing_stored().await;
    for (index, kind) in
        ["video/mp4", "application/octet-stream", "application/json", "application/x-www-form-urlencoded"]
            .into_iter()
            .enumerate()
    {
        let request =
            vault.agent(Method::POST, "/api/storage").header(DIRECTORY, "a").header(FILE_NAME, format!("{index}.mp4"));
        assert_eq!(send(request.header("content-type", kind).body("bytes")).await.status, 200, "{kind}");
    }
}

/// As it has always been: agents and vaults that forward go by these codes.
#[tokio::test]
async fn of_two_faults_the_header_is_told_last() {
    let vault = TestVault::start_with(Setup { max_upload_bytes: 100_000, ..Setup::default() }).await;
    for (header, value, body, status, code) in [
        ("x-kerberos-storage-provider", "nope", "bytes".to_owned(), 404, "storage_provider_not_found"),
        ("x-kerberos-storage-provider", "off", "bytes".to_owned(), 403, "storage_provider_disabled"),
        ("accept", "*/*", "x".repeat(100_001), 413, "file_too_large"),
    ] {
        let request = vault.agent(Method::POST, "/api/storage").header(DIRECTORY, "a").header(FILE_NAME, NAME);
        let request = request.header("x-kerberos-storage-device", "x".repeat(600));
        send(request.header(header, value).body(body)).await.refused_with(status, code);
    }
    vault.assert_nothing_stored().await;
}

#[tokio::test]
async fn overlong_headers_are_named() {
    let vault = TestVault::start().await;
    for header in ["x-kerberos-storage-device", "x-kerberos-storage-cloudkey", "x-kerberos-storage-capture"] {
        let request = vault.agent(Method::POST, "/api/storage").header(DIRECTORY, "a").header(FILE_NAME, NAME);
        let answer = send(request.header(header, "x".repeat(2000)).body("bytes")).await;
        answer.refused_with(400, "storage_header_invalid");
        assert!(answer.json()["message"].as_str().unwrap().to_lowercase().contains(header), "{answer:?}");
    }
    vault.assert_nothing_stored().await;
}

/// Who gives an account a directory to itself may not know who stores there: they are told.
#[tokio::test]
async fn cameras_that_are_shut_out_are_told_of() {
    let vault = TestVault::start().await;
    let upload = vault.agent(Method::POST, "/api/storage").header(DIRECTORY, "b").header(FILE_NAME, NAME);
    assert_eq!(send(upload.body(recording())).await.status, 200);
    let view = vault.vault.accounts.list().await.unwrap().into_iter().find(|a| a.name == "site-b").unwrap();
    let form = AccountForm { id: Some(view.id), exclusive: true, ..account("site-b", "b", SITE_B) };
    vault.vault.accounts.save(&Principal::Vault(Task::Provisioning), form).await.unwrap();
    for _ in 0..3 {
        let upload = vault.agent(Method::POST, "/api/storage").header(DIRECTORY, "b/late").header(FILE_NAME, "a.mp4");
        send(upload.body(recording())).await.refused_with(409, "storage_directory_taken");
    }
    let notices = vault.vault.notices.list().await.unwrap();
    let told = notices.iter().find(|notice| notice.code == "cameras-shut-out").expect("it is told");
    assert!(told.text.contains("site-a") && told.times == 1, "{told:?}");
}
