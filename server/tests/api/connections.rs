//! Below HTTP: 100-continue, refusals before the body, slow heads, junk.

use crate::support::{ACCESS, NAME, SECRET, Setup, TestVault, raw_upload, read_to_end, recording, within};
use server::serve;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

#[tokio::test]
async fn expect_100_continue_is_honoured() {
    let vault = TestVault::start().await;
    let mut stream = vault.connect().await;
    let head = raw_upload(
        NAME,
        &format!("Content-Length: {}\r\nExpect: 100-continue\r\nConnection: close\r\n", recording().len()),
    );
    stream.write_all(&head).await.unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(&recording()).await.unwrap();
    assert!(read_to_end(&mut stream).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_refusal_comes_before_the_body_is_asked_for() {
    let vault = TestVault::start().await;
    let head = format!(
        "POST /api/storage HTTP/1.1\r\nHost: v\r\n{ACCESS}: a\r\n{SECRET}: b\r\nContent-Length: 9000000\r\nExpect: 100-continue\r\n\r\n"
    );
    let mut stream = vault.connect().await;
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = read_to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
}

/// A client that sends its whole body before it reads must find the refusal, not a reset.
#[tokio::test]
async fn a_client_that_only_sends_still_sees_why_it_was_refused() {
    let vault = TestVault::start().await;
    let body = vec![7; 8_000_000];
    let head = format!(
        "POST /api/storage HTTP/1.1\r\nHost: v\r\n{ACCESS}: a\r\n{SECRET}: b\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = vault.connect().await;
    stream.write_all(head.as_bytes()).await.unwrap();
    for chunk in body.chunks(100_000) {
        stream.write_all(chunk).await.expect("the server goes on reading");
    }
    let answer = read_to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 401") && answer.to_lowercase().contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn a_head_that_never_ends_is_given_up() {
    let options = serve::Options { header_timeout: Duration::from_millis(300), ..serve::Options::default() };
    let vault = TestVault::start_with(Setup { serve: options, ..Setup::default() }).await;
    let mut stream = vault.connect().await;
    stream.write_all(b"POST /api/storage HTTP/1.1\r\nHost: v\r\nX-Slow: ").await.unwrap();
    read_to_end(&mut stream).await;
}

#[tokio::test]
async fn junk_is_answered_400() {
    let vault = TestVault::start().await;
    for junk in [
        "\r\n\r\nGARBAGE\r\n\r\n",
        "GET /\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "POST /api/ping HTTP/1.1\r\nHost v\r\n\r\n",
    ] {
        let answer = vault.raw(junk.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{junk:?}: {answer}");
    }
}

/// Asks whether the vault is well, and leaves the connection open.
async fn is_answered(stream: &mut TcpStream) {
    stream.write_all(b"GET /api/health HTTP/1.1\r\nHost: v\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        let read = within("an answer", stream.read_buf(&mut answer)).await.unwrap();
        assert!(read > 0, "{}", String::from_utf8_lossy(&answer));
    }
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_their_turn() {
    let options = serve::Options { max_connections: 1, ..serve::Options::default() };
    let vault = TestVault::start_with(Setup { serve: options, ..Setup::default() }).await;
    let mut first = vault.connect().await;
    is_answered(&mut first).await;
    let mut waiting = vault.connect().await;
    waiting.write_all(b"GET /api/health HTTP/1.1\r\nHost: v\r\nConnection: close\r\n\r\n").await.unwrap();
    // What is asked later, over the connection that is within the limit, is answered.
    for _ in 0..20 {
        is_answered(&mut first).await;
    }
    let answered = tokio::time::timeout(Duration::from_millis(50), waiting.readable()).await;
    assert!(answered.is_err(), "it waits its turn");
    drop(first);
    assert!(read_to_end(&mut waiting).await.starts_with("HTTP/1.1 200"));
}

/// One host that holds connections leaves some to others.
#[tokio::test]
async fn one_address_does_not_take_every_connection() {
    let options = serve::Options { max_connections: 8, max_per_address: 4, ..serve::Options::default() };
    let vault = TestVault::start_with(Setup { serve: options, ..Setup::default() }).await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(vault.connect().await);
    }
    let elsewhere = TcpSocket::new_v4().unwrap();
    elsewhere.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut stream = elsewhere.connect(vault.address).await.unwrap();
    stream.write_all(b"GET /api/health HTTP/1.1\r\nHost: v\r\nConnection: close\r\n\r\n").await.unwrap();
    assert!(read_to_end(&mut stream).await.starts_with("HTTP/1.1 200"));
    drop(silent);
}
