//! Stopping: nothing new, and nothing lost.

use crate::support::{NAME, Setup, TestVault, raw_upload, read_to_end, recording};
use server::serve;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

#[tokio::test]
async fn a_running_upload_is_finished_and_nothing_new_is_taken() {
    let vault = TestVault::start().await;
    let body = recording();
    let mut running = vault.connect().await;
    running.write_all(&raw_upload(NAME, &format!("Content-Length: {}\r\n", body.len()))).await.unwrap();
    running.write_all(&body[..1000]).await.unwrap();
    let idle = vault.connect().await;
    tokio::time::sleep(Duration::from_millis(200)).await;

    vault.stop.cancel();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(TcpStream::connect(vault.address).await.is_err(), "no longer listening");
    assert!(!vault.serving.is_finished(), "waits for the upload");
    running.write_all(&body[1000..]).await.unwrap();
    let answer = read_to_end(&mut running).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(vault.keys().await, [format!("a/{NAME}")]);
    timeout(Duration::from_secs(5), vault.serving).await.expect("then ends, also with idle connections open").unwrap();
    drop(idle);
}

#[tokio::test]
async fn it_does_not_wait_for_ever() {
    let options = serve::Options { shutdown_timeout: Duration::from_millis(300), ..serve::Options::default() };
    let vault = TestVault::start_with(Setup { serve: options, ..Setup::default() }).await;
    let mut running = vault.connect().await;
    running.write_all(&raw_upload(NAME, "Content-Length: 500000\r\n")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    vault.stop.cancel();
    timeout(Duration::from_secs(5), vault.serving).await.expect("gives up").unwrap();
}
