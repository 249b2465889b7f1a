//! `kerberos-vault health`: is the vault with these settings up, and can it take uploads? For the health checks of
//! containers, which have no program to ask with.

use crate::config::Config;
use crate::run::reachable;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long an answer may take: more than the vault itself gives its database.
const PATIENCE: Duration = Duration::from_secs(8);
/// Most of an answer that is read, in bytes.
const MOST: u64 = 16 * 1024;

/// Asks at each address where the vault may listen, prints what one that is ready answers, and fails if none is.
pub async fn health(config: &Config) -> ExitCode {
    let asked = config.server.listen.iter().map(|address| ready(reachable(*address)));
    let answers = futures::future::join_all(asked).await;
    if let Some(said) = answers.iter().find_map(|answer| answer.as_ref().ok()) {
        println!("{said}");
        return ExitCode::SUCCESS;
    }
    for not_ready in answers.into_iter().filter_map(Result::err) {
        eprintln!("{not_ready}");
    }
    ExitCode::FAILURE
}

/// What a vault that is ready says there, or in one sentence why there is none, and what to do.
async fn ready(address: SocketAddr) -> Result<String, String> {
    match timeout(PATIENCE, ask(address)).await {
        Ok(Ok((status, said))) if status == "200" && is_ours(&said) => Ok(said),
        Ok(Ok((status, said))) => {
            Err(format!("what answers at {address} cannot take uploads: {}", why(&status, &said)))
        }
        Ok(Err(error)) => Err(format!(
            "the vault does not answer at {address}: {error}; start it, or see in its log why it ended, or set server.listen \
             as it has it"
        )),
        Err(_) => Err(format!(
            "the vault does not answer at {address} within {} s; it may still be starting, see its log",
            PATIENCE.as_secs()
        )),
    }
}

/// Whether it is a vault's answer: another program at its port may answer 200 as well.
fn is_ours(said: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(said).is_ok_and(|said| said["status"] == "ok")
}

/// The cause and the cure in an answer that is not "ready".
fn why(status: &str, said: &str) -> String {
    let reason = serde_json::from_str(said).unwrap_or(serde_json::Value::Null);
    match reason["reason"].as_str() {
        Some("database") => "its database does not answer or takes no writes; see to the database".into(),
        Some(harm) => format!("{harm}; its log and the notice in its pages say what to do"),
        None => format!("its answer is {status}, which is none of a vault's; set server.listen as the vault has it"),
    }
}

/// The status and the body of the answer.
async fn ask(address: SocketAddr) -> std::io::Result<(String, String)> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /api/health/ready HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(MOST).read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| {
        std::io::Error::other(match answer.is_empty() {
            true => "the connection was closed without an answer",
            false => "what answers speaks no HTTP",
        })
    })?;
    let status = head.split_whitespace().nth(1).unwrap_or_default();
    Ok((status.to_owned(), body.trim().to_owned()))
}
