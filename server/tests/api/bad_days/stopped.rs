//! SIGTERM while uploads run, to the program as a supervisor runs it.

use crate::data_folder::Site;
use crate::process::{Process, ended, signal, start_by};
use crate::support::{until, within};
use axum::body::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, RequestBuilder};
use sea_orm::{ConnectionTrait as _, Database, DbBackend, Statement};
use sha2::{Digest as _, Sha256};
use std::process::Command;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// `server.shutdown_timeout_s` of these vaults.
const GRACE: Duration = Duration::from_secs(2);
/// What a stop takes at most besides: events that are being sent, closing the database.
const REST: Duration = Duration::from_secs(25);
const LENGTH: usize = 300_000;

fn bytes(n: usize) -> Bytes {
    (0..LENGTH).map(|i| ((i * (n + 3)) >> 5) as u8).collect::<Vec<_>>().into()
}

fn name(n: usize) -> String {
    format!("16000000{n:02}_6-0_cam_0-0-1-1_1_1.mp4")
}

async fn start(site: &Site) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kerberos-vault"));
    command.env("VAULT_SERVER__SHUTDOWN_TIMEOUT_S", GRACE.as_secs().to_string());
    start_by(command, &site.dir.path().join("vault.toml"), &site.client).await
}

fn address(site: &Site) -> String {
    site.client.base.trim_start_matches("http://").trim_end_matches("/api").to_owned()
}

/// Begins a request of the account's, and sends so much of its body.
async fn slow(site: &Site, line: &str, headers: &str, body: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address(site)).await.unwrap();
    let head = format!(
        "{line} HTTP/1.1\r\nHost: vault\r\nX-Kerberos-Storage-AccessKey: ak\r\nX-Kerberos-Storage-SecretAccessKey: sk\r\n\
         X-Kerberos-Storage-Directory: site\r\nX-Kerberos-Storage-Device: cam\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    stream
}

async fn slow_upload(site: &Site, n: usize, sent: usize) -> TcpStream {
    let headers = format!("X-Kerberos-Storage-FileName: {}\r\nContent-Length: {LENGTH}\r\n", name(n));
    slow(site, "POST /api/storage", &headers, &bytes(n)[..sent]).await
}

async fn begun(site: &Site) -> i64 {
    let tables = Database::connect(format!("sqlite://{}", site.data().join("vault.db").display())).await.unwrap();
    let sql = Statement::from_string(DbBackend::Sqlite, "SELECT count(*) AS n FROM uploads");
    let begun = tables.query_one_raw(sql).await.unwrap().unwrap().try_get("", "n").unwrap();
    tables.close().await.unwrap();
    begun
}

fn tus(site: &Site, method: Method, path: &str) -> RequestBuilder {
    site.client.request(method, &format!("/storage/tus/{path}"), &name(9)).header("tus-resumable", "1.0.0")
}

async fn offset(site: &Site, id: &str) -> usize {
    let told = tus(site, Method::HEAD, id).send().await.unwrap();
    assert_eq!(told.status(), 200);
    told.headers()["upload-offset"].to_str().unwrap().parse().unwrap()
}

/// Continues an upload in several requests; what was answered.
async fn piece(site: &Site, id: &str, at: usize, piece: Bytes) -> usize {
    let sent = tus(site, Method::PATCH, id).header("content-type", "application/offset+octet-stream");
    let answer = sent.header("upload-offset", at).body(piece).send().await.unwrap();
    assert_eq!(answer.status(), 204, "{}", answer.text().await.unwrap());
    answer.headers()["upload-offset"].to_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_answers_what_ends_in_time_cuts_off_the_rest_and_loses_nothing_that_was_answered() {
    let site = Site::new();
    let mut vault = start(&site).await;
    site.upload(0..1).await;
    let metadata = [("filename", name(9).as_str()), ("device", "cam"), ("directory", "site")]
        .map(|(key, value)| format!("{key} {}", STANDARD.encode(value)))
        .join(",");
    let created = tus(&site, Method::POST, "").header("upload-length", LENGTH).header("upload-metadata", metadata);
    let created = created.send().await.unwrap();
    assert_eq!(created.status(), 201);
    let id = created.headers()["location"].to_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let answered = piece(&site, &id, 0, bytes(9).slice(..100_000)).await;

    let mut nearly_done = Vec::new();
    for n in 1..4 {
        nearly_done.push((n, slow_upload(&site, n, LENGTH - 1).await));
    }
    let mut never_done = Vec::new();
    for n in 4..6 {
        never_done.push(slow_upload(&site, n, 10).await);
    }
    until("all of them have begun", async || begun(&site).await >= 5).await;
    let headers = format!(
        "Tus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\nUpload-Offset: {answered}\r\nContent-Length: 200000\r\n"
    );
    let line = format!("PATCH /api/storage/tus/{id}");
    never_done.push(slow(&site, &line, &headers, &bytes(9)[answered..answered + 1000]).await);

    let asked = Instant::now();
    signal(vault.id(), "TERM");
    until("it takes no new connections", async || TcpStream::connect(address(&site)).await.is_err()).await;
    for (n, stream) in &mut nearly_done {
        stream.write_all(&bytes(*n)[LENGTH - 1..]).await.unwrap();
        let mut answer = String::new();
        within("its answer", stream.read_to_string(&mut answer)).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    let status = tokio::task::block_in_place(|| ended(vault.child(), "the vault, which was asked to stop"));
    assert_eq!(status.code(), Some(0));
    let took = asked.elapsed();
    assert!(took >= GRACE && took < GRACE + REST, "there were uploads to wait for, and not for ever: {took:?}");
    drop(never_done);

    let vault = start(&site).await;
    site.client.read(&site.key(0)).await;
    for (n, _) in nearly_done {
        assert_eq!(site.client.read(&format!("site/{}", name(n))).await, hex::encode(Sha256::digest(bytes(n))));
    }
    for n in [4, 5, 9] {
        let key = format!("site/{}", name(n));
        let none = site.client.request(Method::GET, "/storage/blob", &key).send().await.unwrap();
        assert_eq!(none.status(), 404, "{key} was never whole");
    }
    let kept = offset(&site, &id).await;
    assert!((answered..answered + 1001).contains(&kept), "{kept} of {answered} and 1000");
    assert_eq!(piece(&site, &id, kept, bytes(9).slice(kept..)).await, LENGTH);
    assert_eq!(site.client.read(&format!("site/{}", name(9))).await, hex::encode(Sha256::digest(bytes(9))));
    assert!(vault.stop());
}
