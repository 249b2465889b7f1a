//! Stopping: nothing new, and nothing lost.

use crate::support::{NAME, Setup, TestVault, raw_upload, read_to_end, recording, until, within};
use server::serve;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

#[tokio::test]
async fn a_running_upload_is_finished_and_nothing_new_is_taken() {
    let vault = TestVault::start().await;
    let body = recording();
    let idle = vault.connect().await;
    let mut running = vault.connect().await;
    running.write_all(&raw_upload(NAME, &format!("Content-Length: {}\r\n", body.len()))).await.unwrap();
    running.write_all(&body[..1000]).await.unwrap();
    vault.until_uploads_run(1).await;

    let begun = Instant::now();
    vault.stop.cancel();
    until("it no longer listens", async || TcpStream::connect(vault.address).await.is_err()).await;
    assert!(!vault.serving.is_finished(), "waits for the upload");
    running.write_all(&body[1000..]).await.unwrap();
    let answer = read_to_end(&mut running).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.to_lowercase().contains("\r\nconnection: close\r\n"), "nothing more is to be sent: {answer}");
    assert_eq!(vault.keys().await, [format!("a/{NAME}")]);
    within("its end", vault.serving).await.unwrap();
    let patience = serve::Options::default().shutdown_timeout;
    assert!(begun.elapsed() < patience, "idle connections are not waited for");
    drop(idle);
}

#[tokio::test]
async fn it_does_not_wait_for_ever() {
    let patience = Duration::from_millis(300);
    let options = serve::Options { shutdown_timeout: patience, ..serve::Options::default() };
    // An upload that sends nothing is given up some day; not so soon that nobody has to be.
    let idle_timeout = Duration::from_secs(3600);
    let vault = TestVault::start_with(Setup { serve: options, idle_timeout, ..Setup::default() }).await;
    let mut running = vault.connect().await;
    running.write_all(&raw_upload(NAME, "Content-Length: 500000\r\n")).await.unwrap();
    vault.until_uploads_run(1).await;
    let begun = Instant::now();
    vault.stop.cancel();
    within("it gives up", vault.serving).await.unwrap();
    assert!(begun.elapsed() >= patience, "there was an upload to wait for");
}
