//! A container has 128 MiB. How much an optimised vault takes is measured by `make bench` (docs/benchmarks.md); here, that what
//! uploads take is bounded, whatever their number and size.

use crate::data_folder::Site;
use crate::process::start_by;
use axum::body::Bytes;
use futures::future::join_all;
use futures::{StreamExt as _, stream};
use reqwest::Method;
use std::convert::Infallible;
use std::process::Command;
use std::sync::Arc;
use tokio::sync::Barrier;

const UPLOADS: usize = 64;
const LENGTH: usize = 8 * 1024 * 1024;
const PIECE: usize = 256 * 1024;
/// What uploads may share, and what belongs to their connections, tasks and rows.
const BUDGET: &str = "16 MiB";
const MOST: usize = 48 * 1024 * 1024;

/// The most memory that a process has had, in bytes.
fn peak(process: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<usize>().unwrap() * 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn many_large_uploads_at_a_time_share_what_memory_there_is() {
    let site = Site::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_kerberos-vault"));
    command.env("VAULT_LIMITS__RECEIVE_BUDGET_BYTES", BUDGET);
    let vault = start_by(command, &site.dir.path().join("vault.toml"), &site.client).await;
    // Everything that a first upload loads.
    site.upload(0..1).await;
    let idle = peak(vault.id());

    let begun = Arc::new(Barrier::new(UPLOADS));
    let name = |n: usize| format!("1600001{n:03}_6-0_cam_0-0-1-1_1_1.mp4");
    let upload = |n: usize| {
        let begun = begun.clone();
        let piece = Bytes::from(vec![n as u8; PIECE]);
        let pieces = (0..LENGTH / PIECE).map(move |_| Ok::<_, Infallible>(piece.clone()));
        // All have sent their first piece before any sends its second.
        let together = stream::iter(pieces).enumerate().then(move |(at, piece)| {
            let begun = begun.clone();
            async move {
                if at == 1 {
                    begun.wait().await;
                }
                piece
            }
        });
        let sent = site.client.request(Method::POST, "/storage", &name(n)).header("X-Kerberos-Storage-Device", "cam");
        async { sent.body(reqwest::Body::wrap_stream(together)).send().await.unwrap().status().as_u16() }
    };
    assert_eq!(join_all((0..UPLOADS).map(upload)).await, [200; UPLOADS]);

    let whole = join_all((0..UPLOADS).map(async |n| {
        let read =
            site.client.request(Method::GET, "/storage/blob", &format!("site/{}", name(n))).send().await.unwrap();
        let mut bytes = read.bytes_stream();
        let mut length = 0;
        while let Some(piece) = bytes.next().await {
            let piece = piece.unwrap();
            assert!(piece.iter().all(|byte| *byte == n as u8), "of another: {n}");
            length += piece.len();
        }
        length
    }));
    assert_eq!(whole.await, [LENGTH; UPLOADS]);
    let most = peak(vault.id());
    assert!(most - idle < MOST, "{} MiB, {} MiB when idle", most >> 20, idle >> 20);
    assert!(vault.stop());
}
