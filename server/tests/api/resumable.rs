//! Uploads in several requests, by tus 1.0.0 (docs/protocol.md §11).

use crate::support::{Answer, NAME, SITE_A, Setup, TestVault, recording, send};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use reqwest::{Method, RequestBuilder};
use sea_orm::{Database, EntityTrait as _};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use vault::entity::{self, resumable};

const KEY: &str = "a/1606164482_6-818812_FundoEsquerda_229-153-288-247_51_745.mp4";

pub(crate) fn tus(vault: &TestVault, method: Method, path: &str) -> RequestBuilder {
    vault.agent(method, path).header("tus-resumable", "1.0.0")
}

pub(crate) fn metadata(name: &str) -> String {
    let said = [("filename", name), ("device", "front-door"), ("capture", "IPCamera"), ("directory", "a")];
    said.map(|(key, value)| format!("{key} {}", STANDARD.encode(value))).join(",")
}

pub(crate) fn creation(vault: &TestVault) -> RequestBuilder {
    tus(vault, Method::POST, "/api/storage/tus/").header("upload-metadata", metadata(NAME))
}

/// Begins an upload; where it is.
pub(crate) async fn begin(vault: &TestVault, length: usize) -> String {
    let answer = send(creation(vault).header("upload-length", length)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.header("tus-resumable"), "1.0.0");
    format!("/api/storage/tus/{}", answer.header("location").rsplit('/').next().unwrap())
}

pub(crate) fn piece(vault: &TestVault, upload: &str, at: usize, bytes: impl Into<Bytes>) -> RequestBuilder {
    tus(vault, Method::PATCH, upload)
        .header("content-type", "application/offset+octet-stream")
        .header("upload-offset", at)
        .body(bytes.into())
}

pub(crate) async fn kept(vault: &TestVault, upload: &str) -> Answer {
    let answer = send(tus(vault, Method::HEAD, upload)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
    answer
}

async fn offset(vault: &TestVault, upload: &str) -> usize {
    kept(vault, upload).await.header("upload-offset").parse().unwrap()
}

async fn stored(vault: &TestVault) -> Bytes {
    let read = send(vault.about(Method::GET, "/api/storage/blob", KEY)).await;
    assert_eq!(read.status, 200, "{read:?}");
    read.body
}

/// Sends all of it in pieces of a size.
async fn send_all(vault: &TestVault, upload: &str, bytes: &Bytes, size: usize) {
    let mut at = 0;
    while at < bytes.len() {
        let end = (at + size).min(bytes.len());
        let answer = send(piece(vault, upload, at, bytes.slice(at..end))).await;
        assert_eq!((answer.status, answer.header("upload-offset")), (204, end.to_string().as_str()), "{answer:?}");
        at = end;
    }
}

/// Bytes that repeat nothing: a part at the wrong place shows.
fn bytes(count: usize) -> Bytes {
    (0..count).map(|n| ((n * 2_654_435_761) >> 13) as u8).collect()
}

#[tokio::test]
async fn a_recording_comes_in_pieces_of_any_size() {
    for (length, size) in
        [(300_000, 300_000), (300_000, 64 * 1024), (2_000_000, 700_000), (1_500_000, 512 * 1024), (40, 1)]
    {
        let vault = TestVault::start().await;
        let bytes = bytes(length);
        let upload = begin(&vault, length).await;
        send_all(&vault, &upload, &bytes, size).await;
        assert_eq!(stored(&vault).await, bytes, "{length} by {size}");
        assert_eq!(offset(&vault, &upload).await, length);
        assert_eq!(vault.keys().await, [KEY]);
        assert_eq!(vault.files().len(), 1, "nothing is left beside it: {:?}", vault.files());
    }
}

#[tokio::test]
async fn what_it_is_shows_as_after_one_request() {
    let vault = TestVault::start().await;
    let upload = begin(&vault, recording().len()).await;
    send_all(&vault, &upload, &recording(), 100_000).await;
    // The same again, in one request: it is known.
    vault.stored(NAME, recording()).await;
    let answer = kept(&vault, &upload).await;
    assert_eq!(answer.header("upload-length"), recording().len().to_string());
    assert_eq!(answer.header("upload-metadata"), metadata(NAME));
    // And once more in several, which needs no second object.
    let again = begin(&vault, recording().len()).await;
    send_all(&vault, &again, &recording(), 100_000).await;
    assert_eq!(vault.keys().await, [KEY]);
}

#[tokio::test]
async fn who_can_only_post_says_what_is_meant() {
    let vault = TestVault::start().await;
    let upload = begin(&vault, 1000).await;
    let post = |method: &'static str| tus(&vault, Method::POST, &upload).header("x-http-method-override", method);
    let bytes_are = |request: RequestBuilder, at: usize, count: usize| {
        let request = request.header("content-type", "application/offset+octet-stream").header("upload-offset", at);
        request.body(bytes(1000).slice(at..at + count))
    };
    let answer = send(bytes_are(post("PATCH"), 0, 600)).await;
    assert_eq!((answer.status, answer.header("upload-offset")), (204, "600"), "{answer:?}");
    let answer = send(post("HEAD")).await;
    assert_eq!((answer.status, answer.header("upload-offset")), (200, "600"), "{answer:?}");
    for other in ["", "PUT", "POST"] {
        send(post(other)).await.refused_with(400, "tus_header_invalid");
    }
    assert_eq!(send(bytes_are(post("patch"), 600, 400)).await.status, 204);
    assert_eq!(stored(&vault).await, bytes(1000));
    assert_eq!(send(post("DELETE")).await.status, 204);
    send(tus(&vault, Method::DELETE, &upload)).await.refused_with(404, "tus_upload_not_found");
}

/// As tuspy does when the line is cut before the last answer.
#[tokio::test]
async fn going_on_at_the_end_is_told_that_all_is_there() {
    let vault = TestVault::start().await;
    let upload = begin(&vault, 1000).await;
    send_all(&vault, &upload, &bytes(1000), 1000).await;
    let answer = send(piece(&vault, &upload, 1000, "")).await;
    assert_eq!((answer.status, answer.header("upload-offset")), (204, "1000"), "{answer:?}");
    send(piece(&vault, &upload, 1000, "more")).await.refused_with(400, "tus_length_wrong");
    send(piece(&vault, &upload, 0, bytes(1000))).await.refused_with(409, "tus_offset_wrong");
    assert_eq!(vault.keys().await, [KEY]);
}

#[tokio::test]
async fn options_tell_what_is_possible() {
    let vault = TestVault::start_with(Setup { max_upload_bytes: 100_000, ..Setup::default() }).await;
    let answer = send(vault.request(Method::OPTIONS, "/api/storage/tus/")).await;
    assert_eq!((answer.status, answer.header("tus-version"), answer.header("tus-max-size")), (204, "1.0.0", "100000"));
    for extension in
        ["creation", "creation-with-upload", "creation-defer-length", "termination", "expiration", "checksum"]
    {
        assert!(answer.header("tus-extension").split(',').any(|told| told == extension), "{extension}");
    }
    send(creation(&vault).header("upload-length", 100_001)).await.refused_with(413, "file_too_large");
    let other = vault.agent(Method::POST, "/api/storage/tus").header("tus-resumable", "0.2.0");
    send(other).await.refused_with(412, "tus_version");
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_changes_nothing() {
    let vault = TestVault::start().await;
    send(creation(&vault)).await.refused_with(400, "tus_header_invalid");
    send(creation(&vault).header("upload-length", 5).header("upload-defer-length", 1))
        .await
        .refused_with(400, "tus_header_invalid");
    send(creation(&vault).header("upload-length", -1)).await.refused_with(400, "tus_header_invalid");
    let nameless = tus(&vault, Method::POST, "/api/storage/tus").header("upload-length", 5);
    send(nameless).await.refused_with(400, "file_missing_name");
    let upload = begin(&vault, 10).await;
    send(piece(&vault, &upload, 5, "12345")).await.refused_with(409, "tus_offset_wrong");
    send(piece(&vault, &upload, 0, "12345678901")).await.refused_with(400, "tus_length_wrong");
    send(tus(&vault, Method::PATCH, &upload).header("upload-offset", 0).body("12345"))
        .await
        .refused_with(415, "tus_media_type");
    send(piece(&vault, "/api/storage/tus/nobody", 0, "1")).await.refused_with(404, "tus_upload_not_found");
    let others = vault.other_agent(Method::HEAD, &upload).header("tus-resumable", "1.0.0");
    assert_eq!(send(others).await.status, 404, "another account's upload is not there");
    assert_eq!(offset(&vault, &upload).await, 0);
}

#[tokio::test]
async fn the_length_may_be_said_later() {
    let vault = TestVault::start().await;
    let answer = send(creation(&vault).header("upload-defer-length", 1)).await;
    let upload = format!("/api/storage/tus/{}", answer.header("location"));
    assert_eq!(send(piece(&vault, &upload, 0, bytes(600_000))).await.status, 204);
    assert_eq!(kept(&vault, &upload).await.header("upload-defer-length"), "1");
    let last = piece(&vault, &upload, 600_000, Bytes::new()).header("upload-length", 600_000);
    assert_eq!(send(last).await.status, 204);
    assert_eq!(stored(&vault).await, bytes(600_000));
}

#[tokio::test]
async fn the_first_bytes_may_come_along() {
    let vault = TestVault::start().await;
    let first =
        creation(&vault).header("upload-length", 1000).header("content-type", "application/offset+octet-stream");
    let answer = send(first.body(bytes(1000).slice(..400))).await;
    assert_eq!((answer.status, answer.header("upload-offset")), (201, "400"));
    let upload = format!("/api/storage/tus/{}", answer.header("location"));
    assert_eq!(send(piece(&vault, &upload, 400, bytes(1000).slice(400..))).await.status, 204);
    assert_eq!(stored(&vault).await, bytes(1000));
}

#[tokio::test]
async fn a_checksum_that_is_wrong_keeps_nothing() {
    let vault = TestVault::start().await;
    let bytes = bytes(1_400_000);
    let upload = begin(&vault, bytes.len()).await;
    assert_eq!(send(piece(&vault, &upload, 0, bytes.slice(..100))).await.status, 204);
    let wrong =
        piece(&vault, &upload, 100, bytes.slice(100..)).header("upload-checksum", "md5 AAAAAAAAAAAAAAAAAAAAAA==");
    send(wrong).await.refused_with(460, "tus_checksum_mismatch");
    assert_eq!(offset(&vault, &upload).await, 100);
    let unknown = piece(&vault, &upload, 100, bytes.slice(100..)).header("upload-checksum", "sha512 AAAA");
    send(unknown).await.refused_with(400, "tus_header_invalid");
    let crc = STANDARD.encode(crc32fast::hash(&bytes[100..]).to_be_bytes());
    let right = piece(&vault, &upload, 100, bytes.slice(100..)).header("upload-checksum", format!("crc32 {crc}"));
    assert_eq!(send(right).await.status, 204);
    assert_eq!(stored(&vault).await, bytes);
}

#[tokio::test]
async fn what_came_before_a_cut_is_kept() {
    let vault = TestVault::start().await;
    let bytes = bytes(2_000_000);
    let upload = begin(&vault, bytes.len()).await;
    let mut at = 0;
    // Within the first part, at its end, and after several.
    for cut in [1000, 400_000, 524_288, 1_700_001] {
        cut_off(&vault, &upload, at, &bytes[at..cut], bytes.len() - at).await;
        crate::support::until("what came is kept", async || offset(&vault, &upload).await == cut).await;
        at = cut;
    }
    assert_eq!(send(piece(&vault, &upload, at, bytes.slice(at..))).await.status, 204);
    assert_eq!(stored(&vault).await, bytes);
}

/// Announces more than it sends, and hangs up.
async fn cut_off(vault: &TestVault, upload: &str, at: usize, bytes: &[u8], announced: usize) {
    let mut connection = sending(vault, upload, at, announced).await;
    connection.write_all(bytes).await.unwrap();
    connection.shutdown().await.unwrap();
}

async fn sending(vault: &TestVault, upload: &str, at: usize, announced: usize) -> tokio::net::TcpStream {
    let (access, secret) = crate::support::SITE_A;
    let head = format!(
        "PATCH {upload} HTTP/1.1\r\nhost: vault\r\ntus-resumable: 1.0.0\r\nupload-offset: {at}\r\n\
         content-type: application/offset+octet-stream\r\ncontent-length: {announced}\r\n\
         x-kerberos-storage-accesskey: {access}\r\nx-kerberos-storage-secretaccesskey: {secret}\r\n\r\n"
    );
    let mut connection = vault.connect().await;
    connection.write_all(head.as_bytes()).await.unwrap();
    connection
}

#[tokio::test]
async fn one_request_at_a_time_brings_its_bytes_until_the_client_asks_where_to_go_on() {
    let vault = TestVault::start().await;
    let bytes = bytes(1_000_000);
    let upload = begin(&vault, bytes.len()).await;
    let mut first = sending(&vault, &upload, 0, bytes.len()).await;
    first.write_all(&bytes[..700_000]).await.unwrap();
    vault.until_uploads_run(0).await;
    crate::support::until("the first one has begun", async || {
        send(piece(&vault, &upload, 0, bytes.slice(..10))).await.status == 423
    })
    .await;
    // Its connection may be dead: whoever asks wants to go on.
    let at = offset(&vault, &upload).await;
    assert!(at <= 700_000, "{at}");
    assert_eq!(send(piece(&vault, &upload, at, bytes.slice(at..))).await.status, 204);
    assert_eq!(stored(&vault).await, bytes);
}

#[tokio::test]
async fn an_upload_that_is_given_up_leaves_nothing() {
    let vault = TestVault::start().await;
    let upload = begin(&vault, 2_000_000).await;
    assert_eq!(send(piece(&vault, &upload, 0, bytes(1_900_000))).await.status, 204);
    assert!(!vault.files().is_empty());
    assert_eq!(send(tus(&vault, Method::DELETE, &upload)).await.status, 204);
    vault.assert_nothing_stored().await;
    send(piece(&vault, &upload, 1_900_000, bytes(10))).await.refused_with(404, "tus_upload_not_found");
}

#[tokio::test]
async fn a_body_that_stalls_is_given_up_and_kept() {
    let vault = TestVault::start_with(Setup { idle_timeout: Duration::from_millis(200), ..Setup::default() }).await;
    let upload = begin(&vault, 1000).await;
    let mut stalled = sending(&vault, &upload, 0, 1000).await;
    stalled.write_all(&bytes(1000)[..300]).await.unwrap();
    let answer = crate::support::within("it is given up", crate::support::read_to_end(&mut stalled)).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert_eq!(offset(&vault, &upload).await, 300);
}

/// What the newest agents say with the single request they say when they begin, in headers or in the metadata.
#[tokio::test]
async fn says_what_the_single_request_says() {
    let vault = TestVault::start().await;
    let names = r#"["X-Site","X-Vault-Account-SecretKey"]"#;
    let facts = format!(
        "{},device_name {},region_coordinates {},number_of_changes {},fps {}",
        metadata("opaque.mp4"),
        STANDARD.encode("Front Door"),
        STANDARD.encode("1-2-3-4"),
        STANDARD.encode("51"),
        STANDARD.encode("24.97"),
    );
    let request = tus(&vault, Method::POST, "/api/storage/tus/")
        .header("upload-metadata", facts)
        .header("upload-length", recording().len())
        .header("x-kerberos-storage-fps", "12.5")
        .header("x-kerberos-storage-custom-headers", STANDARD.encode(names).trim_end_matches('='))
        .header("x-site", "Gent");
    let begun = send(request).await;
    assert_eq!(begun.status, 201, "{begun:?}");
    let upload = format!("/api/storage/tus/{}", begun.header("location").rsplit('/').next().unwrap());
    let tables = Database::connect(vault.database.clone()).await.unwrap();
    let row = resumable::Entity::find().one(&tables).await.unwrap().unwrap();
    assert!(row.said.contains("Gent") && !row.said.contains(SITE_A.1), "credentials are written down nowhere");
    send_all(&vault, &upload, &recording(), 100_000).await;
    let page = vault.vault.recordings.list(&Default::default(), Default::default(), 1).await.unwrap();
    let stored = vault.vault.recordings.get(page.items[0].id).await.unwrap();
    assert_eq!(stored.instance_name, "Front Door");
    let said = entity::recording::Entity::find().one(&tables).await.unwrap().unwrap().metadata;
    for fact in ["1-2-3-4", "51", "12.5"] {
        assert!(said.contains(&format!("\"{fact}\"")), "a header is right where both say it: {said}");
    }
    assert_eq!(stored.custom_headers.iter().collect::<Vec<_>>(), [("X-Site", "Gent")]);
}

#[tokio::test]
async fn compressed_bytes_are_refused_by_name() {
    let vault = TestVault::start().await;
    let upload = begin(&vault, 10).await;
    let compressed = piece(&vault, &upload, 0, bytes(10)).header("content-encoding", "gzip");
    send(compressed).await.refused_with(415, "file_unsupported_content_encoding");
    let compressed = creation(&vault).header("upload-length", 10).header("content-encoding", "br");
    send(compressed).await.refused_with(415, "file_unsupported_content_encoding");
    assert_eq!(offset(&vault, &upload).await, 0);
}
