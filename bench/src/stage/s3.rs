//! The S3 test server, from `scripts/services`.

use super::{Process, Workshop};
use anyhow::{Context as _, Result, bail, ensure};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A fresh one, with nothing in it; stopped and its data removed when dropped.
pub(crate) struct S3 {
    script: PathBuf,
    pub(crate) address: SocketAddr,
    pub(crate) bucket: String,
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
    pub(crate) process: Process,
}

impl S3 {
    pub(crate) fn start(workshop: &Workshop) -> Result<Self> {
        let script = workshop.repository.join("scripts/services");
        let status = Command::new(&script).args(["status", "s3"]).output()?;
        if String::from_utf8_lossy(&status.stdout).contains("s3 runs") {
            bail!("the S3 test server runs already, with data in it: scripts/services stop s3");
        }
        let started = Command::new(&script).args(["start", "s3"]).stdout(Stdio::null()).status()?;
        ensure!(started.success(), "the S3 test server does not start, see above");

        let about = workshop.repository.join(".build/services");
        let variables = std::fs::read_to_string(about.join("s3.env"))?;
        let variable = |name: &str| {
            let line = variables.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            line.map(str::to_owned).with_context(|| format!("s3.env lacks {name}"))
        };
        let pid = std::fs::read_to_string(about.join("s3.pid"))?;
        Ok(Self {
            address: variable("VAULT_TEST_S3_ENDPOINT")?.trim_start_matches("http://").parse()?,
            bucket: variable("VAULT_TEST_S3_BUCKET")?,
            access_key: variable("VAULT_TEST_S3_ACCESS_KEY")?,
            secret_key: variable("VAULT_TEST_S3_SECRET_KEY")?,
            process: Process(pid.lines().next().unwrap_or_default().parse()?),
            script,
        })
    }

    /// As a provider of the vault's.
    pub(crate) fn provider(&self, name: &str) -> String {
        format!(
            "[[provider]]\nname = \"{name}\"\nkind = \"s3\"\nbucket = \"{}\"\nregion = \"us-east-1\"\naccess_key = \"{}\"\n\
             secret_key = \"{}\"\nendpoint = \"http://{}\"\npath_style = true\n",
            self.bucket, self.access_key, self.secret_key, self.address
        )
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        let stopped = Command::new(&self.script).args(["stop", "s3"]).stdout(Stdio::null()).status();
        if !stopped.is_ok_and(|status| status.success()) {
            eprintln!("! the S3 test server may still run: scripts/services stop s3");
        }
    }
}
