//! A container whose file system is read-only: nothing can be written but the data folder, not even below `/tmp`.

use super::held_in;
use crate::process::{Client, config_file, free_address, http, start_by, where_one_may_mount};
use axum::body::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;

/// Makes everything read-only but one folder, proves it, and becomes the vault.
const SCRIPT: &str = r#"
mount --bind "$1/.." "$1/.."
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1/.."
mount -o remount,bind,ro /
! mountpoint -q /tmp || mount -o remount,bind,ro /tmp
for closed in /tmp /var/tmp "$1/.."; do
  if touch "$closed/of-the-test" 2>/dev/null; then echo "$closed can be written" >&2; exit 3; fi
done
shift
exec "$@""#;

const LARGE: usize = 40 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn uploads_of_every_kind_and_pages_need_the_data_folder_alone() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let address = free_address();
    let provider = format!("kind = \"filesystem\"\npath = \"{}\"", data.join("recordings").display());
    let config = config_file(dir.path(), address, &provider, "http://127.0.0.1:9/");
    let client = Client { http: http(), base: format!("http://{address}/api"), directory: "site".into() };

    let mut command = where_one_may_mount();
    command.args(["sh", "-euc", SCRIPT, "sh"]).arg(&data).arg(env!("CARGO_BIN_EXE_kerberos-vault"));
    // Uploads find no memory, so that their parts go through the spool.
    command.env("VAULT_LIMITS__RECEIVE_BUDGET_BYTES", "1 MiB").env("TMPDIR", "/no/such/folder").current_dir("/");
    let vault = start_by(command, &config, &client).await;

    let small = Bytes::from_static(b"a small one");
    let large: Bytes = (0..LARGE).map(|n| (n / 7) as u8).collect::<Vec<_>>().into();
    for (name, bytes) in
        [("1600000001_6-0_cam_0-0-1-1_1_1.mp4", &small), ("1600000002_6-0_cam_0-0-1-1_1_1.mp4", &large)]
    {
        let sent = client.request(Method::POST, "/storage", name).header("X-Kerberos-Storage-Device", "cam");
        let answer = sent.body(bytes.clone()).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
        assert_eq!(client.read(&format!("site/{name}")).await, hex::encode(Sha256::digest(bytes)));
    }

    let name = "1600000003_6-0_cam_0-0-1-1_1_1.mp4";
    let metadata = [("filename", name), ("device", "cam"), ("directory", "site")];
    let metadata = metadata.map(|(key, value)| format!("{key} {}", STANDARD.encode(value))).join(",");
    let begun = client.request(Method::POST, "/storage/tus/", name).header("tus-resumable", "1.0.0");
    let begun = begun.header("upload-length", LARGE).header("upload-metadata", metadata).send().await.unwrap();
    assert_eq!(begun.status(), 201);
    let id = begun.headers()["location"].to_str().unwrap().rsplit('/').next().unwrap().to_owned();
    for half in 0..2 {
        let at = half * LARGE / 2;
        let piece = client.request(Method::PATCH, &format!("/storage/tus/{id}"), name).header("tus-resumable", "1.0.0");
        let piece = piece.header("content-type", "application/offset+octet-stream").header("upload-offset", at);
        let answer = piece.body(large.slice(at..at + LARGE / 2)).send().await.unwrap();
        assert_eq!(answer.status(), 204, "{}", answer.text().await.unwrap());
    }
    assert_eq!(client.read(&format!("site/{name}")).await, hex::encode(Sha256::digest(&large)));

    let page = client.http.get(format!("http://{address}/")).header("accept", "text/html").send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("password"), "it asks who it is");

    assert!(vault.stop());
    let beside: BTreeSet<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(beside, ["data".into(), "vault.toml".into()].into());
    assert_eq!(held_in(&data.join("spool")).len(), 0, "nothing is left in the spool");
}
