//! Everything that is set up to be measured, and taken down afterwards.

mod cores;
mod declared;
mod peer;
mod process;
mod s3;
mod scratch;
mod service;
mod vault;

pub(crate) use cores::Cores;
pub(crate) use declared::Declared;
pub(crate) use peer::Peer;
pub(crate) use process::Process;
pub(crate) use s3::S3;
pub(crate) use scratch::Scratch;
pub(crate) use service::Service;
pub(crate) use vault::{MASTER_KEY, PASSWORD, USERNAME, Vault, database, sqlite};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};

/// Where things are.
pub(crate) struct Workshop {
    pub(crate) repository: PathBuf,
    /// The release binary under test.
    pub(crate) binary: PathBuf,
}

impl Workshop {
    /// With the binary built beside this program.
    pub(crate) fn find() -> Result<Self> {
        let repository = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
        let own = std::env::current_exe()?;
        let binary = own.parent().context("a program has a folder")?.join("kerberos-vault");
        ensure!(binary.is_file(), "there is no vault beside this program: `make bench` builds both");
        Ok(Self { repository, binary })
    }

    /// The same with another version's binary.
    pub(crate) fn with_binary(&self, binary: PathBuf) -> Result<Self> {
        let binary = binary.canonicalize().with_context(|| format!("there is no {}", binary.display()))?;
        Ok(Self { repository: self.repository.clone(), binary })
    }

    /// A camera's recording, of half a megabyte.
    pub(crate) fn recording(&self) -> Result<Bytes> {
        Ok(std::fs::read(self.repository.join("fixtures/fragmented.mp4"))?.into())
    }
}

/// Waits for Ctrl-C or SIGTERM.
pub(crate) async fn told_to_stop() -> Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    bail!("stopped before the end; nothing was written")
}
