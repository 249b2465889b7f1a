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

/// Asks, prints what is answered, and fails unless that is "ready".
pub async fn health(config: &Config) -> ExitCode {
    let address = reachable(config.server.listen[0]);
    match timeout(PATIENCE, ask(address)).await {
        Ok(Ok((status, said))) => {
            println!("{said}");
            if status == "200" {
                return ExitCode::SUCCESS;
            }
            eprintln!("what answers at {address} cannot take uploads: {}", why(&status, &said));
        }
        Ok(Err(error)) => eprintln!(
            "the vault does not answer at {address}: {error}; start it, or see in its log why it ended, or set server.listen \
             as it has it"
        ),
        Err(_) => eprintln!(
            "the vault does not answer at {address} within {} s; it may still be starting, see its log",
            PATIENCE.as_secs()
        ),
    }
    ExitCode::FAILURE
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
