//! Recordings one after the other, for HLS players (docs/protocol.md §12).

use crate::support::{Answer, DIRECTORY, FILE_NAME, PROVIDER, Setup, TestVault, recording, send};
use bytes::Bytes;
use model::mp4::Walker;
use reqwest::Method;
use reqwest::header::HeaderValue;
use serde_json::{Value, json};
use server::state::HttpOptions;
use vault::clock::Clock;

/// What a caller at this time is answered.
const NOW_S: i64 = 1_800_000_000;
/// When the recordings begin.
const START_S: i64 = 1_606_164_482;

fn fragmented() -> Bytes {
    std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/fragmented.mp4")).unwrap().into()
}

fn name(start_s: i64) -> String {
    format!("{start_s}_6-818812_Gate_1-2-3-4_51_745.mp4")
}

async fn start() -> TestVault {
    start_with(Vec::new()).await
}

async fn start_with(cors_origins: Vec<HeaderValue>) -> TestVault {
    let http = HttpOptions { cors_origins, ..Setup::default().http };
    TestVault::start_with(Setup { clock: Clock::new(|| NOW_S * 1000), http, ..Setup::default() }).await
}

async fn ask(vault: &TestVault, path: &str, body: &Value) -> Answer {
    send(vault.agent(Method::POST, path).json(body)).await
}

async fn metadata(vault: &TestVault, body: &Value) -> Vec<Value> {
    let answer = ask(vault, "/api/hls/metadata", body).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"), "{answer:?}");
    answer.json().as_array().expect("an array").clone()
}

async fn playlist(vault: &TestVault, body: &Value) -> String {
    let answer = ask(vault, "/api/hls", body).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/vnd.apple.mpegurl"), "{answer:?}");
    String::from_utf8(answer.body.to_vec()).unwrap()
}

fn period(start_s: i64, end_s: i64) -> Value {
    json!({"device": ["camera-1"], "start": start_s, "end": end_s})
}

/// The byte ranges of a playlist's lines, as (length, offset).
fn ranges(lines: &str) -> Vec<(u64, u64)> {
    let text = lines.lines().filter_map(|line| {
        line.strip_prefix("#EXT-X-BYTERANGE:").or_else(|| line.split_once("BYTERANGE=\"")?.1.strip_suffix('"'))
    });
    text.map(|range| range.split_once('@').unwrap()).map(|(n, at)| (n.parse().unwrap(), at.parse().unwrap())).collect()
}

#[tokio::test]
async fn metadata_is_what_clients_read_oldest_first() {
    let vault = start().await;
    // Stored in another order than they began, with a gap of a minute.
    for at in [START_S + 72, START_S, START_S + 12] {
        vault.stored(&name(at), fragmented()).await;
    }
    let found = metadata(&vault, &period(START_S, START_S + 72)).await;
    let starts: Vec<_> = found.iter().map(|one| one["timestamp"].as_i64().unwrap() - START_S).collect();
    assert_eq!(starts, [0, 12, 72]);
    let first = found[0].as_object().unwrap();
    let mut fields: Vec<&str> = first.keys().map(String::as_str).collect();
    fields.sort_unstable();
    let wanted = [
        "bytes_range_on_time",
        "bytes_ranges",
        "camera_id",
        "duration",
        "end",
        "filename",
        "key",
        "start",
        "timestamp",
        "url",
    ];
    assert_eq!(fields, wanted);
    let key = name(START_S);
    assert_eq!(first["key"], key);
    assert_eq!(first["filename"], format!("a/{key}"));
    assert_eq!(first["camera_id"], "camera-1");
    for (n, one) in found.iter().enumerate() {
        let told = (one["start"].as_f64(), one["end"].as_f64(), one["duration"].as_f64());
        let n = f64::from(u32::try_from(n).unwrap());
        assert_eq!(told, (Some(12.0 * n), Some(12.0 * n + 12.0), Some(12.0)), "start accumulates");
    }
    let lines: Vec<&str> = first["bytes_ranges"].as_str().unwrap().lines().collect();
    assert!(
        lines[0].starts_with(&format!("#EXT-X-MAP:URI=\"{key}\",BYTERANGE=\"")) && lines[0].ends_with("@0\""),
        "{lines:?}"
    );
    assert_eq!(lines[1], "#EXTINF:2.000000,", "six decimals after a dot");
    assert!(lines[2].starts_with("#EXT-X-BYTERANGE:") && lines[3] == key, "{lines:?}");
    assert_eq!(lines.len(), 1 + 3 * 6);
    let on_time = first["bytes_range_on_time"].as_array().unwrap();
    let last = on_time.last().unwrap();
    assert_eq!((on_time.len(), &last["duration"], &last["time"]), (6, &json!("2.000000"), &json!("12.000000")));
    assert_eq!(lines[lines.len() - 2], format!("#EXT-X-BYTERANGE:{}", last["range"].as_str().unwrap()));
}

/// What a player does with it: it puts the address for the key, and reads the ranges.
#[tokio::test]
async fn the_ranges_are_the_whole_file_and_the_address_plays_them() {
    let vault = start().await;
    vault.stored(&name(START_S), fragmented()).await;
    let found = metadata(&vault, &period(START_S, START_S)).await;
    let url = found[0]["url"].as_str().unwrap();
    let text = playlist(&vault, &period(START_S, START_S)).await;
    for lines in [found[0]["bytes_ranges"].as_str().unwrap(), &text] {
        let mut bytes = Vec::new();
        for (length, offset) in ranges(lines) {
            let range = format!("bytes={offset}-{}", offset + length - 1);
            let part = send(vault.client.get(url).header("range", range)).await;
            assert_eq!((part.status, part.body.len() as u64), (206, length));
            bytes.extend_from_slice(&part.body);
        }
        assert!(fragmented().starts_with(&bytes) && bytes.len() > 500_000, "one after the other from the first byte");
    }
}

#[tokio::test]
async fn a_playlist_has_a_map_for_each_recording_and_a_discontinuity_between_them() {
    let vault = start().await;
    for at in [START_S, START_S + 72] {
        vault.stored(&name(at), fragmented()).await;
    }
    let text = playlist(&vault, &period(START_S, START_S + 100)).await;
    let lines: Vec<&str> = text.lines().collect();
    let head = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        "#EXT-X-TARGETDURATION:6",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        "#EXT-X-PROGRAM-DATE-TIME:2020-11-23T20:48:02.818Z",
    ];
    assert_eq!(lines[..head.len()], head);
    assert_eq!(text.matches("#EXT-X-MAP:").count(), 2);
    assert_eq!(
        text.matches("#EXT-X-DISCONTINUITY\n#EXT-X-PROGRAM-DATE-TIME:2020-11-23T20:49:14.818Z\n#EXT-X-MAP:").count(),
        1
    );
    assert!(text.ends_with("#EXT-X-ENDLIST\n"), "{text}");
    assert_eq!(text.matches("#EXTINF:6.000000,\n#EXT-X-BYTERANGE:").count(), 4, "{text}");
    let addresses: Vec<_> = lines.iter().filter(|line| !line.starts_with('#')).collect();
    assert!(addresses.iter().all(|line| line.starts_with(&vault.url("/api/storage/signed?"))), "{addresses:?}");
    assert_eq!(addresses.len(), 4);
}

#[tokio::test]
async fn addresses_live_as_long_as_the_playlist_is_played_and_no_longer_than_is_configured() {
    let vault = start().await;
    for n in 0..3 {
        vault.stored(&name(START_S + 12 * n), fragmented()).await;
    }
    // The usual time of these tests is a minute; 36 seconds of video are played.
    let text = playlist(&vault, &period(START_S, START_S + 60)).await;
    assert_eq!(text.matches(&format!("&e={}&", NOW_S + 96)).count(), 3 * 3, "{text}");
    for one in metadata(&vault, &period(START_S, START_S + 60)).await {
        assert!(one["url"].as_str().unwrap().contains(&format!("&e={}&", NOW_S + 96)), "{one}");
    }
}

#[tokio::test]
async fn recordings_are_asked_for_by_period_and_camera_or_by_name() {
    let vault = start().await;
    let keys =
        [vault.stored(&name(START_S), fragmented()).await, vault.stored(&name(START_S + 12), fragmented()).await];
    let upload = vault.agent(Method::POST, "/api/storage").header(DIRECTORY, "a").header(FILE_NAME, name(START_S + 5));
    let other = send(upload.header("x-kerberos-storage-device", "camera-2").body(fragmented())).await;
    let other = other.json()["data"].as_str().unwrap().to_owned();
    let theirs =
        vault.other_agent(Method::POST, "/api/storage").header("x-kerberos-storage-filename", name(START_S + 6));
    let theirs =
        send(theirs.header("x-kerberos-storage-device", "camera-1").body(fragmented())).await.json()["data"].clone();
    assert!(theirs.is_string());
    for (body, wanted) in [
        (period(START_S, START_S + 12), &keys[..]),
        (period(START_S, START_S + 11), &keys[..1]),
        (period(START_S + 1, START_S + 12), &keys[1..]),
        (period(START_S - 9, START_S - 1), &[]),
        (json!({"device": ["camera-9"], "start": 0, "end": NOW_S}), &[]),
        (
            json!({"device": ["camera-2", "camera-1"], "start": START_S, "end": START_S + 5}),
            &[keys[0].clone(), other.clone()],
        ),
        (json!({"filenames": [keys[1], keys[0], keys[1], "a/nothing.mp4", "../x", theirs]}), &keys[..]),
    ] {
        let found = metadata(&vault, &body).await;
        let found: Vec<_> = found.iter().map(|one| one["filename"].as_str().unwrap()).collect();
        assert_eq!(found, wanted, "{body}");
    }
}

#[tokio::test]
async fn a_provider_is_looked_in_alone() {
    let vault = start().await;
    vault.stored(&name(START_S), fragmented()).await;
    let ask = async |provider: &str, path: &str| {
        send(vault.agent(Method::POST, path).header(PROVIDER, provider).json(&period(START_S, START_S))).await
    };
    for (provider, count) in [("local", 1), ("", 1), ("off", 0)] {
        let answer = ask(provider, "/api/hls/metadata").await;
        assert_eq!((answer.status, answer.json().as_array().unwrap().len()), (200, count), "{provider}");
    }
    for path in ["/api/hls", "/api/hls/metadata"] {
        ask("nowhere", path).await.refused_with(404, "storage_provider_not_found");
        let theirs = vault.other_agent(Method::POST, path).header(PROVIDER, "off").json(&period(START_S, START_S));
        send(theirs).await.refused_with(404, "storage_provider_not_found");
    }
    ask("off", "/api/hls").await.refused_with(404, "storage_recording_not_found");
}

#[tokio::test]
async fn what_cannot_be_played_is_told_with_why() {
    let vault = start().await;
    let bad = vault.stored(&name(START_S), "no MP4").await;
    let found = metadata(&vault, &period(START_S, START_S + 60)).await;
    assert_eq!(found[0]["problem"], "It is no MP4 that can be played in fragments.");
    let refused = ask(&vault, "/api/hls", &period(START_S, START_S + 60)).await;
    refused.refused_with(409, "hls_not_playable");
    let message = refused.json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains(&format!("{bad}: It is no MP4 that can be played in fragments.")), "{message}");
    // Among others it takes no time, and the others play.
    vault.stored(&name(START_S + 12), fragmented()).await;
    let found = metadata(&vault, &period(START_S, START_S + 60)).await;
    let told: Vec<_> = found.iter().map(|one| (one["start"].as_f64(), one["duration"].as_f64())).collect();
    assert_eq!(told, [(Some(0.0), Some(0.0)), (Some(0.0), Some(12.0))]);
    assert_eq!((&found[0]["bytes_ranges"], &found[0]["bytes_range_on_time"]), (&json!(""), &json!([])));
    assert_eq!(found[1].get("problem"), None);
    let text = playlist(&vault, &period(START_S, START_S + 60)).await;
    assert!(text.contains(&format!("\n# Left out: {bad}. It is no MP4 that can be played in fragments.\n")), "{text}");
    assert!(!text.contains("DISCONTINUITY") && text.matches("#EXT-X-MAP").count() == 1, "{text}");
}

/// What is not fragmented is read as if it were, through the vault, and seeking in it is a range of bytes as well.
#[tokio::test]
async fn what_is_not_fragmented_is_served_in_fragments() {
    let vault = start().await;
    let key = vault.stored(&name(START_S), recording()).await;
    let found = metadata(&vault, &period(START_S, START_S)).await;
    let (url, lines) = (found[0]["url"].as_str().unwrap(), found[0]["bytes_ranges"].as_str().unwrap());
    assert_eq!((&found[0]["duration"], found[0].get("problem")), (&json!(12.0), None));
    let mut bytes = Vec::new();
    for (length, offset) in ranges(lines) {
        assert_eq!(offset, bytes.len() as u64, "one behind the other");
        let range = format!("bytes={offset}-{}", offset + length - 1);
        let part = send(vault.client.get(url).header("range", range)).await;
        assert_eq!((part.status, part.body.len() as u64), (206, length), "{part:?}");
        bytes.extend_from_slice(&part.body);
    }
    let mut walker = Walker::new();
    walker.feed(&bytes);
    let facts = walker.finish();
    assert_eq!((facts.fragmented, facts.fragments.len(), facts.duration_ms), (true, 6, Some(12_000)));
    assert_eq!(facts.hls_lines(key.rsplit('/').next().unwrap()), lines, "what is told of it is true");

    let whole = send(vault.client.get(url)).await;
    assert_eq!((whole.status, &whole.body[..]), (200, &bytes[..]));
    let head = send(vault.client.head(url)).await;
    assert_eq!(head.header("content-length"), bytes.len().to_string());
    let outside = send(vault.client.get(url).header("range", "bytes=9999999-")).await;
    outside.refused_with(416, "storage_range_not_satisfiable");
    let stored = send(vault.client.get(url.split("&fragmented").next().unwrap())).await;
    assert_eq!((stored.status, stored.body), (200, recording()), "the same signature");
    assert_ne!(whole.headers["etag"], stored.headers["etag"]);
    let forged = send(vault.client.get(url.replace("&s=", "&s=0"))).await;
    forged.refused_with(403, "storage_signature_invalid");
    let text = playlist(&vault, &period(START_S, START_S)).await;
    assert_eq!(text.matches("&fragmented=true").count(), 3, "{text}");
    // What cannot be made fragments of says so.
    let other = vault.stored(&name(START_S + 1), "no MP4").await;
    let alone =
        send(vault.about(Method::GET, "/api/storage", &other)).await.json()["data"].as_str().unwrap().to_owned();
    send(vault.client.get(alone + "&fragmented=true")).await.refused_with(409, "hls_not_playable");
}

#[tokio::test]
async fn what_is_fragmented_is_read_as_it_is_by_whoever_asks_for_that() {
    let vault = start().await;
    let key = vault.stored(&name(START_S), fragmented()).await;
    let url = send(vault.about(Method::GET, "/api/storage", &key)).await.json()["data"].as_str().unwrap().to_owned();
    let whole = send(vault.client.get(format!("{url}&fragmented=true"))).await;
    assert_eq!((whole.status, &whole.body), (200, &fragmented()));
    let part = send(vault.client.get(format!("{url}&fragmented=true")).header("range", "bytes=4-7")).await;
    assert_eq!((part.status, &part.body[..]), (206, &b"ftyp"[..]));
}

#[tokio::test]
async fn nothing_is_an_empty_list_and_no_playlist() {
    let vault = start().await;
    assert!(metadata(&vault, &period(START_S, START_S)).await.is_empty());
    ask(&vault, "/api/hls", &period(START_S, START_S)).await.refused_with(404, "storage_recording_not_found");
    for path in ["/api/hls", "/api/hls/metadata"] {
        ask(&vault, path, &json!({"device": ["camera-1"]})).await.refused_with(400, "body_invalid");
        ask(&vault, path, &json!({"filenames": vec!["a/b"; 10_001]})).await.refused_with(413, "body_too_large");
        let large = json!({"filenames": ["a".repeat(4 * 1024 * 1024)]});
        ask(&vault, path, &large).await.refused_with(413, "body_too_large");
    }
}

#[tokio::test]
async fn sites_that_are_configured_may_ask_and_no_others() {
    const HUB: &str = "https://hub.example";
    let vault = start_with(vec![HeaderValue::from_static(HUB)]).await;
    let ask = async |method: Method, origin: &str| {
        send(vault.agent(method, "/api/hls").header("origin", origin).json(&period(START_S, START_S))).await
    };
    let preflight = ask(Method::OPTIONS, HUB).await;
    assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (204, HUB), "{preflight:?}");
    let headers = preflight.header("access-control-allow-headers").to_lowercase();
    for header in ["content-type", "x-kerberos-storage-accesskey", "x-kerberos-storage-secretaccesskey", PROVIDER] {
        assert!(headers.split(", ").any(|one| one == header), "{headers}");
    }
    assert!(preflight.header("access-control-allow-methods").contains("POST"));
    // An error can be read, too.
    let answer = ask(Method::POST, HUB).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (404, HUB));
    assert_eq!((answer.header("vary"), answer.header("cross-origin-resource-policy")), ("Origin", "cross-origin"));
    for method in [Method::OPTIONS, Method::POST] {
        let other = ask(method, "https://evil.example").await;
        assert_eq!((other.header("access-control-allow-origin"), other.header("vary")), ("", "Origin"));
    }
    let unasked = vault.request(Method::POST, "/api/ping").header("origin", HUB);
    assert_eq!(send(unasked).await.header("access-control-allow-origin"), "", "no other endpoint");

    let open = start_with(vec![HeaderValue::from_static("*")]).await;
    let answer = send(open.request(Method::OPTIONS, "/api/hls/metadata").header("origin", HUB)).await;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let closed = start().await;
    let answer = send(closed.request(Method::OPTIONS, "/api/hls").header("origin", HUB)).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, ""));
}

/// A redacted video would play the same minute twice, and pictures are no recordings.
#[tokio::test]
async fn a_cameras_assets_are_in_no_period() {
    let vault = start().await;
    vault.stored(&name(START_S), fragmented()).await;
    let stem = name(START_S).replace(".mp4", "");
    vault.stored(&format!("{stem}_redacted.mp4"), fragmented()).await;
    vault.stored(&format!("{stem}_thumbnail.jpg"), "a picture").await;
    let found = metadata(&vault, &period(START_S - 60, START_S + 60)).await;
    let keys: Vec<_> = found.iter().map(|one| one["key"].as_str().unwrap()).collect();
    assert_eq!(keys, [name(START_S)]);
}
