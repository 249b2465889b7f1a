//! Heartbeats: from anyone, hence bounded (docs/protocol.md §8).

use crate::support::{Answer, FILE_NAME, NAME, Setup, TestVault, recording, send};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;
use vault::clock::Clock;
use vault::{Principal, Task};

async fn beat(vault: &TestVault, body: impl Into<String>) -> Answer {
    send(
        vault
            .request(Method::POST, "/api/devices/heartbeat")
            .header("content-type", "application/json")
            .body(body.into()),
    )
    .await
}

/// As the agent sends it, and fields that no version has sent yet.
fn example() -> serde_json::Value {
    json!({
        "key": "camera-1", "version": "3.1.8", "release": "1abc", "cpuid": "0123", "clouduser": "", "cloudpublickey": "",
        "cameraname": "Front door", "enterprise": false, "hostname": "agent-1", "architecture": "arm64", "totalMemory": "8008000",
        "usedMemory": 123, "mac_list": ["02:42:ac:11:00:02"], "ip_list": ["10.0.0.2/24"], "uptime": "2 days", "onvif": "false",
        "cameraConnected": "true", "numberoffiles": "33", "timestamp": 1606164482, "cameratype": "IPCamera", "docker": true,
        "invented_later": {"deep": [1, {"er": null}]}
    })
}

#[tokio::test]
async fn an_agents_heartbeat_makes_a_camera_that_is_not_believed() {
    let vault = TestVault::start().await;
    assert_eq!(beat(&vault, example().to_string()).await.status, 200);
    let devices = vault.vault.devices.list().await.unwrap();
    let camera = &devices[0];
    assert_eq!(
        (camera.key.as_str(), camera.name.as_str(), camera.version.as_str()),
        ("camera-1", "Front door", "3.1.8")
    );
    assert!(camera.online && !camera.verified);
    vault.stored(NAME, recording()).await;
    assert!(vault.vault.devices.list().await.unwrap()[0].verified, "an upload with valid credentials proves it");
}

#[tokio::test]
async fn no_content_type_and_numbers_for_texts_are_fine() {
    let vault = TestVault::start().await;
    let request = vault.request(Method::POST, "/api/devices/heartbeat").body(r#"{"key": 42, "version": 3.1}"#);
    assert_eq!(send(request).await.status, 200);
    assert_eq!(vault.vault.devices.list().await.unwrap()[0].key, "42");
}

#[tokio::test]
async fn what_no_agent_sends_is_refused() {
    let vault = TestVault::start().await;
    let deep = format!(r#"{{"key":"a","x":{}{}}}"#, "[".repeat(500), "]".repeat(500));
    for body in [
        "",
        "{",
        "null",
        "[]",
        "\"text\"",
        "{}",
        r#"{"key":""}"#,
        r#"{"key":null}"#,
        r#"{"key":["a"]}"#,
        r#"{"key":true}"#,
        r#"{"key":"a","version":{}}"#,
        r#"{"key":"a\nb"}"#,
        "\u{feff}{}",
        deep.as_str(),
    ] {
        beat(&vault, body).await.refused_with(400, "body_invalid");
    }
    let large = json!({"key": "a", "x": "y".repeat(17_000)});
    beat(&vault, large.to_string()).await.refused_with(413, "body_too_large");
    assert!(vault.vault.devices.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn nul_in_unknown_fields_does_no_harm() {
    let vault = TestVault::start().await;
    assert_eq!(beat(&vault, r#"{"key":"a","x":"b\u0000c","cameraname":"d\u0000"}"#).await.status, 200);
}

#[tokio::test]
async fn a_flood_from_one_address_is_slowed_down() {
    let vault = TestVault::start().await;
    let mut last = beat(&vault, example().to_string()).await;
    for _ in 0..400 {
        last = beat(&vault, example().to_string()).await;
        if last.status == 429 {
            break;
        }
    }
    last.refused_with(429, "too_many_requests");
    assert!(last.header("retry-after").parse::<u32>().unwrap() >= 1);
}

/// A thousand cameras behind one address, each every ten seconds, with strangers' made-up ones among them.
#[tokio::test]
async fn cameras_that_have_uploaded_are_not_held_up_by_how_many_share_their_address() {
    // Time stands still: what is used up does not come back.
    let clock = Clock::default().with_elapsed(|| Duration::from_secs(1));
    let vault = TestVault::start_with(Setup { clock, ..Setup::default() }).await;
    let cameras: Vec<String> = (0..150).map(|n| format!("camera-of-site-{n}")).collect();
    for (n, camera) in cameras.iter().enumerate() {
        let upload = vault.other_agent(Method::POST, "/api/storage").header(FILE_NAME, format!("{n}.mp4"));
        let upload = upload.header("x-kerberos-storage-device", camera.as_str()).body("a recording");
        assert_eq!(send(upload).await.status, 200);
    }
    let mut refused = 0;
    for n in 0..300 {
        let made_up = beat(&vault, json!({"key": format!("made-up-{n}")}).to_string()).await;
        refused += usize::from(made_up.status == 429);
        let known = beat(&vault, json!({"key": cameras[n % cameras.len()]}).to_string()).await;
        assert_eq!(known.status, 200, "{n}: {known:?}");
    }
    assert_eq!(refused, 200, "strangers are held up");
    let one = json!({"key": cameras[0]}).to_string();
    let mut left = 0;
    while beat(&vault, one.clone()).await.status == 200 {
        left += 1;
    }
    assert_eq!(left, 18, "one camera alone is no flood either");
}

/// A page that an agent's neighbour visits must not speak for a camera.
#[tokio::test]
async fn another_sites_page_sends_no_heartbeat() {
    let vault = TestVault::start().await;
    for (header, value) in [("origin", "http://elsewhere.example"), ("sec-fetch-site", "cross-site")] {
        let request = vault.request(Method::POST, "/api/devices/heartbeat").body(r#"{"key": "camera"}"#);
        send(request.header("content-type", "text/plain").header(header, value))
            .await
            .refused_with(403, "origin_refused");
    }
    assert!(vault.vault.devices.list().await.unwrap().is_empty());
}

/// Whoever knows a camera's key may say what they like of it: what its uploads proved stays, for each account.
#[tokio::test]
async fn a_heartbeat_rewrites_no_camera_that_uploaded() {
    let vault = TestVault::start().await;
    let door = "1606164482_6-818812_Door_0-0-1-1_1_745.mp4";
    for (request, account) in
        [(vault.upload(door), "site-a"), (vault.other_agent(Method::POST, "/api/storage"), "site-b")]
    {
        let request = request.header("x-kerberos-storage-device", "camera-1").header(FILE_NAME, door);
        assert_eq!(send(request.body("bytes")).await.status, 200, "{account}");
    }
    let forged = json!({"key": "camera-1", "cameraname": "Forged", "version": "6.6.6"});
    assert_eq!(beat(&vault, forged.to_string()).await.status, 200);
    let mut cameras = vault.vault.devices.list().await.unwrap();
    cameras.sort_by(|a, b| a.account.cmp(&b.account));
    let found: Vec<_> = cameras.iter().map(|c| (c.account.as_str(), c.name.as_str(), c.verified)).collect();
    assert_eq!(found, [("site-a", "Door", true), ("site-b", "Door", true)]);
    assert!(cameras.iter().all(|camera| camera.version == "6.6.6"), "what nothing proves is shown as it was claimed");
    let actor = Principal::Vault(Task::Provisioning);
    vault.vault.devices.delete(&actor, cameras[0].account_id, "camera-1").await.unwrap();
    let left = vault.vault.devices.list().await.unwrap();
    assert_eq!(left.iter().map(|camera| camera.account.as_str()).collect::<Vec<_>>(), ["site-b"]);
}
