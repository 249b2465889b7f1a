//! What agents say of a recording, and bodies that are none (docs/protocol.md §2, §4).

use crate::support::{Answer, NAME, Setup, TestVault, recording, send};
use model::recording::RecordingView;
use model::wire::header;
use reqwest::header::HeaderValue;
use reqwest::{Method, RequestBuilder};
use server::config::Metrics;
use server::state::HttpOptions;

const OPAQUE: &str = "5f2b0c1e-9d3a";

async fn stored(vault: &TestVault, request: RequestBuilder) -> RecordingView {
    let answer = send(request.body(recording())).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let page = vault.vault.recordings.list(&Default::default(), Default::default(), 200).await.unwrap();
    let row = page.items.into_iter().find(|row| answer.json()["data"] == row.key.as_str()).unwrap();
    vault.vault.recordings.get(row.id).await.unwrap()
}

#[tokio::test]
async fn an_opaque_name_has_all_its_facts_in_headers() {
    let vault = TestVault::start().await;
    let request = vault
        .upload(OPAQUE)
        .header(header::DEVICE_NAME, HeaderValue::from_bytes("Haustür 50%_links".as_bytes()).unwrap())
        .header(header::TIMESTAMP, "1606164482818")
        .header(header::DURATION, "19967")
        .header(header::FPS, "24.97");
    let row = stored(&vault, request).await;
    assert_eq!((row.timestamp, row.duration_ms), (1_606_164_482_818, 19_967));
    assert_eq!(row.instance_name, "Haustür 50%_links");
}

#[tokio::test]
async fn names_lose_nothing() {
    let vault = TestVault::start().await;
    for (name, camera) in [
        ("1606164482_6-818812_Back Door_left 50%_229-153-288-247_51_745.MP4", "Back Door_left 50%"),
        ("1606164482818_6-818812_Back_Door_229-153-288-247_51_745", "Back_Door"),
    ] {
        let row = stored(&vault, vault.upload(name)).await;
        assert_eq!((row.timestamp, row.instance_name.as_str()), (1_606_164_482_818, camera), "{name}");
        let read = send(vault.about(Method::GET, "/api/storage/blob", &format!("a/{name}"))).await;
        assert_eq!(read.body, recording(), "{name}");
        let url = send(vault.about(Method::GET, "/api/storage", &format!("a/{name}"))).await;
        let url = url.json()["data"].as_str().unwrap().to_owned();
        assert_eq!(send(vault.client.get(url)).await.body, recording(), "{name}");
    }
}

#[tokio::test]
async fn a_bad_value_is_dropped_and_counted() {
    let metrics = Metrics { token: None, allow_anonymous: true };
    let http = HttpOptions { metrics, ..Setup::default().http };
    let vault = TestVault::start_with(Setup { http, ..Setup::default() }).await;
    let request = vault.upload(NAME).header(header::FPS, "fast").header(header::TIMESTAMP, "x".repeat(2000));
    assert_eq!(stored(&vault, request).await.timestamp, 1_606_164_482_818, "as the name says");
    let figures = send(vault.request(Method::GET, "/metrics")).await;
    let figures = String::from_utf8_lossy(&figures.body);
    for name in [header::FPS, header::TIMESTAMP] {
        assert!(figures.contains(&format!("vault_upload_values_dropped_total{{header=\"{name}\"}}")), "{figures}");
    }
}

/// As many and as long as an agent may send: the head is longer than 64 KiB by far.
#[tokio::test]
async fn all_the_headers_that_an_owner_may_add_are_kept() {
    let vault = TestVault::start().await;
    let names: Vec<String> = (0..32).map(|n| format!("X-Site-{n}")).collect();
    let announced = base64(&serde_json::to_string(&names).unwrap());
    let mut request = vault.upload(OPAQUE).header(header::CUSTOM_HEADERS, announced);
    for name in &names {
        request = request.header(name, "v".repeat(4096));
    }
    let row = stored(&vault, request).await;
    assert_eq!(row.custom_headers.iter().count(), 32);
    assert!(row.custom_headers.iter().all(|(name, value)| name.starts_with("X-Site-") && value.len() == 4096));
}

/// base64url without padding; the test needs no crate for it.
fn base64(text: &str) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digit = |bits: u32, shift: u32| char::from(DIGITS[(bits >> shift) as usize & 63]);
    let encoded = text.as_bytes().chunks(3).flat_map(|three| {
        let bits = three.iter().enumerate().fold(0, |bits, (n, byte)| bits | u32::from(*byte) << (16 - 8 * n));
        [18, 12, 6, 0].map(|shift| digit(bits, shift)).into_iter().take(three.len() + 1)
    });
    encoded.collect()
}

fn says(answer: &Answer, what: &str) -> bool {
    answer.json()["message"].as_str().is_some_and(|text| text.contains(what))
}

#[tokio::test]
async fn a_compressed_body_is_refused_by_the_name_of_its_encoding() {
    let vault = TestVault::start().await;
    for encoding in ["gzip", "br", "zstd", "deflate", "identity, gzip"] {
        let answer = send(vault.upload(NAME).header("content-encoding", encoding).body("bytes")).await;
        answer.refused_with(415, "file_unsupported_content_encoding");
        assert!(says(&answer, encoding.trim_start_matches("identity, ")), "{answer:?}");
        assert_eq!(answer.header("accept-encoding"), "identity");
    }
    vault.assert_nothing_stored().await;
    stored(&vault, vault.upload(NAME).header("content-encoding", "identity")).await;
}

#[tokio::test]
async fn a_form_is_refused_whatever_it_calls_itself() {
    let vault = TestVault::start().await;
    let head = "--------------------------d74496d66958873e\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n";
    let form = [head.as_bytes(), &recording(), b"\r\n--------------------------d74496d66958873e--\r\n"].concat();
    send(vault.upload(NAME).body(form)).await.refused_with(415, "file_unsupported_media_type");
    vault.assert_nothing_stored().await;
}
