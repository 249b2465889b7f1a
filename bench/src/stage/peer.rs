//! Servers of others that take uploads by tus; `scripts/peers` installs them.

use super::vault::free_address;
use super::{Process, S3, Workshop};
use anyhow::{Context as _, Result, bail, ensure};
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

const START: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(20);

/// A server that keeps uploads in a folder or a bucket; killed when dropped.
pub(crate) struct Peer {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) process: Process,
}

impl Peer {
    /// `@tus/server` with its store for files, or for S3.
    pub(crate) async fn node(workshop: &Workshop, folder: &Path, s3: Option<&S3>) -> Result<Self> {
        let address = free_address()?;
        let server = workshop.repository.join("bench/peers/server.js");
        ensure!(server.with_file_name("node_modules").is_dir(), "@tus/server is not installed: scripts/peers");
        let mut command = Command::new("node");
        command.arg(server).arg(address.port().to_string()).arg(folder.join("uploads"));
        command.env("NODE_ENV", "production");
        if let Some(s3) = s3 {
            command.env("S3_ENDPOINT", format!("http://{}", s3.address)).env("S3_BUCKET", &s3.bucket);
            command.env("S3_ACCESS_KEY", &s3.access_key).env("S3_SECRET_KEY", &s3.secret_key);
        }
        Self::start(command, address, folder).await
    }

    /// rustus, which syncs what it has written; it keeps files only.
    pub(crate) async fn rustus(folder: &Path, largest: usize) -> Result<Self> {
        let address = free_address()?;
        let binary = rustus();
        ensure!(binary.is_file(), "rustus is not installed: scripts/peers");
        let mut command = Command::new(binary);
        command.args(["--host", "127.0.0.1", "--port", &address.port().to_string(), "--force-fsync", "true"]);
        command.args(["--max-body-size", &largest.to_string(), "--log-level", "ERROR"]);
        let uploads = folder.join("uploads");
        command.arg("--data-dir").arg(&uploads).arg("--info-dir").arg(&uploads);
        Self::start(command, address, folder).await
    }

    async fn start(mut command: Command, address: SocketAddr, folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder.join("uploads"))?;
        let log = folder.join("peer.log");
        let output = File::options().create(true).append(true).open(&log)?;
        command.current_dir(folder).stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let child = command.spawn().context("a server to compare with cannot be started")?;
        let mut peer = Self { process: Process(child.id()), child, address };
        let give_up = Instant::now() + START;
        while TcpStream::connect(address).await.is_err() {
            let ended = peer.child.try_wait()?.is_some();
            if ended || Instant::now() > give_up {
                bail!("a server to compare with does not answer:\n{}", std::fs::read_to_string(log)?);
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(peer)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "where `scripts/peers` has installed it")]
fn rustus() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache"));
    cache.join("kerberos-vault/peers/bin/rustus")
}
