//! Below HTTP: 100-continue, refusals before the body, slow heads, junk.

use crate::support::{
    ACCESS, FILE_NAME, NAME, SECRET, SITE_A, Setup, TestVault, raw_upload, read_to_end, recording, within,
};
use server::config::Metrics;
use server::serve;
use server::state::HttpOptions;
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

/// A load balancer keeps a connection for a minute, and sends its next request over it without asking.
#[tokio::test]
async fn a_connection_between_two_requests_is_kept_longer_than_a_silent_one() {
    let options = serve::Options { header_timeout: Duration::from_millis(200), ..serve::Options::default() };
    assert!(options.idle_timeout >= Duration::from_secs(75));
    let vault = TestVault::start_with(Setup { serve: options, ..Setup::default() }).await;
    let mut kept = vault.connect().await;
    is_answered(&mut kept).await;
    let mut silent = vault.connect().await;
    assert_eq!(read_to_end(&mut silent).await, "", "what came later and says nothing is closed");
    is_answered(&mut kept).await;
}

#[tokio::test]
async fn a_kept_connection_is_closed_some_day_too() {
    let options = serve::Options { idle_timeout: Duration::from_millis(200), ..serve::Options::default() };
    let vault = TestVault::start_with(Setup { serve: options, ..Setup::default() }).await;
    let mut kept = vault.connect().await;
    is_answered(&mut kept).await;
    assert_eq!(read_to_end(&mut kept).await, "");
}

#[tokio::test]
async fn a_second_head_that_never_ends_is_given_up_as_soon_as_a_first_one() {
    let options = serve::Options { header_timeout: Duration::from_millis(200), ..serve::Options::default() };
    let vault = TestVault::start_with(Setup { serve: options, ..Setup::default() }).await;
    let mut kept = vault.connect().await;
    is_answered(&mut kept).await;
    kept.write_all(b"GET /api/health HTTP/1.1\r\nHost: ").await.unwrap();
    assert_eq!(read_to_end(&mut kept).await, "");
}

/// An upload takes as long as it takes, whatever heads and idle connections may.
#[tokio::test]
async fn a_request_that_runs_is_no_idle_connection() {
    let brief = Duration::from_millis(100);
    let options = serve::Options { header_timeout: brief, idle_timeout: brief, ..serve::Options::default() };
    let vault = TestVault::start_with(Setup { serve: options, ..Setup::default() }).await;
    let body = recording();
    let mut slow = vault.connect().await;
    let head = raw_upload(NAME, &format!("Content-Length: {}\r\nConnection: close\r\n", body.len()));
    slow.write_all(&head).await.unwrap();
    vault.until_uploads_run(1).await;
    // Longer than that.
    for _ in 0..3 {
        assert_eq!(read_to_end(&mut vault.connect().await).await, "");
    }
    slow.write_all(&body).await.unwrap();
    assert!(read_to_end(&mut slow).await.starts_with("HTTP/1.1 200"));
}

/// What hyper refuses by itself is told as everything else is.
fn is_told(answer: &str, status: &str, code: &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {answer}"));
    assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    for header in ["connection: close", "x-request-id: ", "cache-control: no-store", "content-type: application/json"] {
        assert!(head.contains(&format!("\r\n{header}")), "{header}: {answer}");
    }
    let told: serde_json::Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("no envelope: {answer}"));
    assert!(told["error"] == code && told["message"] == told["data"], "{answer}");
}

#[tokio::test]
async fn junk_is_answered_400() {
    let vault = TestVault::start().await;
    for junk in [
        "\r\n\r\nGARBAGE\r\n\r\n",
        "GET /\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "POST /api/ping HTTP/1.1\r\nHost v\r\n\r\n",
        "POST /api/ping HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "POST /api/ping HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST /api/ping HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
    ] {
        is_told(&vault.raw(junk.as_bytes()).await, "400", "request_invalid");
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_is_answered_with_the_limit() {
    let vault = TestVault::start().await;
    let start = "POST /api/storage HTTP/1.1\r\nHost: v\r\n";
    let many: String = (0..200).map(|n| format!("X-{n}: v\r\n")).collect();
    // More than the vault reads: closing without reading on would reset the connection before the answer is read.
    let long = format!("X-Long: {}\r\n", "v".repeat(3_000_000));
    for headers in [many, long] {
        let answer = vault.raw(format!("{start}{headers}\r\n").as_bytes()).await;
        is_told(&answer, "431", "request_head_too_large");
    }
}

/// A head of so many bytes, for this request.
fn padded(request: &str, bytes: usize) -> Vec<u8> {
    let mut head = format!("{request} HTTP/1.1\r\nHost: v\r\n").into_bytes();
    let mut number = 0;
    while head.len() + 6 < bytes {
        let name = format!("X-{number:03}: ");
        let value = (bytes - head.len() - 4).min(4096).saturating_sub(name.len());
        head.extend([name.as_bytes(), &vec![b'v'; value], b"\r\n"].concat());
        number += 1;
    }
    head.extend(b"\r\n");
    head
}

/// What an agent's owner adds makes a head longer than other requests have any use for.
#[tokio::test]
async fn only_uploads_have_long_heads() {
    let vault = TestVault::start().await;
    for (request, bytes, status) in [
        ("POST /api/storage", 60_000, "400"),
        ("POST /api/storage", 255_000, "400"),
        ("POST /api//storage/", 255_000, "400"),
        ("POST /api/storage", 300_000, "431"),
        ("GET /api/storage", 255_000, "431"),
        ("GET /api/storage/blob", 100_000, "431"),
        ("GET /api/health", 60_000, "200"),
        ("GET /api/health", 100_000, "431"),
        ("GET /", 100_000, "431"),
        ("POST /api/fn/sign_in", 100_000, "431"),
    ] {
        let mut stream = vault.connect().await;
        stream.write_all(&padded(request, bytes)).await.unwrap();
        if bytes < 64 * 1024 {
            // The connection stays open.
            let mut status_line = [0; 12];
            stream.read_exact(&mut status_line).await.unwrap();
            assert_eq!(&status_line[9..], status.as_bytes(), "{request} {bytes}");
            continue;
        }
        let answer = read_to_end(&mut stream).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request} {bytes}: {answer}");
        assert!(answer.to_lowercase().contains("\r\nconnection: close\r\n"), "{answer}");
        let code = if status == "431" { "request_head_too_large" } else { "file_missing_access_key" };
        assert!(answer.contains(code), "{request} {bytes}: {answer}");
    }
}

#[tokio::test]
async fn a_request_may_have_200_headers() {
    let vault = TestVault::start().await;
    let with = |count: usize| {
        let more: String = (0..count - 2).map(|n| format!("X-{n}: v\r\n")).collect();
        format!("GET /api/health HTTP/1.1\r\nHost: v\r\nConnection: close\r\n{more}\r\n")
    };
    assert!(vault.raw(with(200).as_bytes()).await.starts_with("HTTP/1.1 200"));
    is_told(&vault.raw(with(201).as_bytes()).await, "431", "request_head_too_large");
}

/// Whoever holds all places for long heads harms nobody who sends a short one.
#[tokio::test]
async fn long_heads_that_never_end_hold_up_only_others() {
    let vault = TestVault::start().await;
    let head = padded("POST /api/storage", 100_000);
    let mut held = Vec::new();
    for _ in 0..80 {
        let mut stream = vault.connect().await;
        // What the vault does not read stays in the system.
        stream.write_all(&head[..90_000]).await.unwrap();
        held.push(stream);
    }
    is_answered(&mut vault.connect().await).await;
    vault.stored(NAME, recording()).await;
    let mut waiting = vault.connect().await;
    waiting.write_all(&head).await.unwrap();
    drop(held);
    assert!(read_to_end(&mut waiting).await.starts_with("HTTP/1.1 400"));
}

/// Also where answers have gone before over the same connection; these are as they were.
#[tokio::test]
async fn junk_after_a_request_is_told_too() {
    let vault = TestVault::start().await;
    let mut stream = vault.connect().await;
    is_answered(&mut stream).await;
    stream.write_all(b"GET /api/health HTTP/1.1\r\nHost: v\r\n\r\nGARBAGE\r\n\r\n").await.unwrap();
    let answers = read_to_end(&mut stream).await;
    let (first, second) = answers.split_once("}").unwrap();
    assert!(first.starts_with("HTTP/1.1 200") && first.ends_with("{\"status\":\"ok\""), "{answers}");
    is_told(second, "400", "request_invalid");
}

#[tokio::test]
async fn a_body_that_is_no_valid_chunk_is_told_as_one_that_broke_off() {
    let vault = TestVault::start().await;
    let head = raw_upload(NAME, "Transfer-Encoding: chunked\r\n");
    let answer = vault.raw(&[&head[..], b"5\r\nhello\r\nZZ\r\n"].concat()).await;
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("\"file_incomplete\""), "{answer}");
    let beat = "POST /api/devices/heartbeat HTTP/1.1\r\nHost: v\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n";
    let answer = vault.raw(beat.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("\"body_invalid\""), "{answer}");
    vault.assert_nothing_stored().await;
}

/// What happens below the application is seen by whoever watches the figures.
#[tokio::test]
async fn what_is_refused_below_the_application_is_counted() {
    let metrics = Metrics { token: None, allow_anonymous: true };
    let http = HttpOptions { metrics, ..Setup::default().http };
    let serve = serve::Options { max_per_address: 2, ..serve::Options::default() };
    let vault = TestVault::start_with(Setup { http, serve, ..Setup::default() }).await;
    vault.raw(b"GARBAGE\r\n\r\n").await;
    let mut silent = [vault.connect().await, vault.connect().await];
    for stream in &mut silent {
        is_answered(stream).await;
    }
    assert_eq!(read_to_end(&mut vault.connect().await).await, "", "one too many");
    let figures = over(&mut silent[0], "/metrics").await;
    for line in [
        "http_requests_total{route=\"unreadable\",method=\"other\",status=\"400\"}",
        "http_connections_refused_total ",
        "http_connections ",
    ] {
        assert!(figures.contains(&format!("\n{line}")), "{line}: {figures}");
    }
}

/// A client that reads slowly shows that it reads only when its system takes the next bytes. If the vault's own held
/// megabytes, that would come so late that it looks like one that reads nothing.
#[tokio::test]
async fn little_of_an_answer_waits_in_the_system() {
    let options = serve::Options { write_timeout: Duration::from_millis(500), ..serve::Options::default() };
    let vault = TestVault::start_with(Setup { serve: options, ..Setup::default() }).await;
    let key = vault.stored("large.mp4", vec![7; 16_000_000]).await;
    let (access, secret) = SITE_A;
    let mut reader = vault.connect().await;
    let head = format!(
        "GET /api/storage/blob HTTP/1.1\r\nHost: v\r\n{ACCESS}: {access}\r\n{SECRET}: {secret}\r\n{FILE_NAME}: {key}\r\n\r\n"
    );
    reader.write_all(head.as_bytes()).await.unwrap();
    // It has begun to answer.
    reader.read_exact(&mut [0; 12]).await.unwrap();
    vault.stop.cancel();
    within("the vault gives up a client that reads nothing", vault.serving).await.unwrap();
    let waited = read_to_end(&mut reader).await.len();
    assert!(waited < 1_500_000, "{waited} bytes waited in the two systems");
}

/// Asks whether the vault is well, and leaves the connection open.
async fn is_answered(stream: &mut TcpStream) {
    over(stream, "/api/health").await;
}

/// What an address answers; leaves the connection open.
async fn over(stream: &mut TcpStream, address: &str) -> String {
    stream.write_all(format!("GET {address} HTTP/1.1\r\nHost: v\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&answer).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(usize::MAX) {
                assert!(head.starts_with("HTTP/1.1 200"), "{text}");
                return text;
            }
        }
        let read = within("an answer", stream.read_buf(&mut answer)).await.unwrap();
        assert!(read > 0, "{text}");
    }
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
