//! A vault process.

use super::{Cores, Process, Workshop};
use crate::http::{Connection, Pieces};
use anyhow::{Context as _, Result, bail};
use hyper::{Request, StatusCode};
use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The administrator.
pub(crate) const USERNAME: &str = "root";
pub(crate) const PASSWORD: &str = "bench-password-1";

/// A database that others reach needs one.
pub(crate) const MASTER_KEY: &str = "YmVuY2gtYmVuY2gtYmVuY2gtYmVuY2gtYmVuY2gtYmU=";

/// How long starting may take.
const START: Duration = Duration::from_secs(60);
/// How long stopping may take.
const STOP: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(20);

/// A binary running with a configuration of its own; stopped when dropped.
pub(crate) struct Vault {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) process: Process,
}

impl Vault {
    /// Starts it on a folder; `sections` are added to the usual ones of its `vault.toml`.
    pub(crate) async fn start(workshop: &Workshop, folder: &Path, sections: &str) -> Result<Self> {
        Self::start_on(Cores::All, workshop, folder, sections).await
    }

    pub(crate) async fn start_on(cores: Cores, workshop: &Workshop, folder: &Path, sections: &str) -> Result<Self> {
        Self::start_with(cores, workshop, folder, &sqlite(folder), sections).await
    }

    /// The same with a database at this URL.
    pub(crate) async fn start_with(
        cores: Cores,
        workshop: &Workshop,
        folder: &Path,
        database: &str,
        sections: &str,
    ) -> Result<Self> {
        let address = free_address()?;
        let configuration = folder.join("vault.toml");
        std::fs::write(&configuration, format!("{}{sections}", basics(address, folder, database)))?;
        let log = folder.join("vault.log");
        let output = File::options().create(true).append(true).open(&log)?;
        let mut command = cores.command(&workshop.binary)?;
        command.arg("--config").arg(&configuration).current_dir(folder);
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        // the developer's own settings must not reach it
        for (name, _) in std::env::vars_os() {
            if ["VAULT_", "KERBEROS_", "LEPTOS_"].iter().any(|ours| name.to_string_lossy().starts_with(ours)) {
                command.env_remove(name);
            }
        }
        let child = command.spawn().context("the vault cannot be started")?;
        let mut vault = Self { process: Process(child.id()), child, address };
        vault.wait(&log).await?;
        Ok(vault)
    }

    async fn wait(&mut self, log: &PathBuf) -> Result<()> {
        let give_up = Instant::now() + START;
        while Instant::now() < give_up {
            if self.child.try_wait()?.is_some() {
                bail!("the vault ended at once:\n{}", std::fs::read_to_string(log)?);
            }
            if self.answers().await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
        bail!("the vault does not answer:\n{}", std::fs::read_to_string(log)?)
    }

    async fn answers(&self) -> Result<()> {
        let request = Request::get("/api/health").body(Pieces::none())?;
        Connection::open(self.address).await?.expect(request, StatusCode::OK).await?;
        Ok(())
    }

    /// Its address, without a trailing slash.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Vault {
    fn drop(&mut self) {
        // as an operator would; std only offers SIGKILL
        let _ = Command::new("kill").args(["-s", "TERM", &self.child.id().to_string()]).status();
        let give_up = Instant::now() + STOP;
        while Instant::now() < give_up {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(LOOK);
        }
        eprintln!("! the vault does not stop, killing it");
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The database file in a vault's folder.
pub(crate) fn database(folder: &Path) -> PathBuf {
    folder.join("data/vault.db")
}

/// Its URL.
pub(crate) fn sqlite(folder: &Path) -> String {
    format!("sqlite://{}", database(folder).display())
}

fn basics(address: SocketAddr, folder: &Path, database: &str) -> String {
    format!(
        "[server]\nlisten = \"{address}\"\n[data]\ndir = \"{}\"\nmaster_key = \"{MASTER_KEY}\"\n[database]\nurl = \"{database}\"\n\
         [admin]\nusername = \"{USERNAME}\"\npassword = \"{PASSWORD}\"\n",
        folder.join("data").display(),
    )
}

pub(super) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?)
}
