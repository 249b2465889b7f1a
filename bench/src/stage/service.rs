//! A test server of `scripts/services`.

use super::{Cores, Process, Workshop};
use anyhow::{Context as _, Result, ensure};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// An empty server; stopped and its data removed when dropped.
pub(crate) struct Service {
    name: &'static str,
    script: PathBuf,
    variables: String,
    pub(crate) process: Process,
}

impl Service {
    pub(crate) fn start(workshop: &Workshop, name: &'static str, cores: Cores) -> Result<Self> {
        let script = workshop.repository.join("scripts/services");
        let status = Command::new(&script).args(["status", name]).output()?;
        let runs = String::from_utf8_lossy(&status.stdout).contains(&format!("{name} runs"));
        ensure!(!runs, "the test server {name} runs already, with data in it: scripts/services stop {name}");
        let started = cores.command(&script)?.args(["start", name]).stdout(Stdio::null()).status()?;
        ensure!(started.success(), "the test server {name} does not start, see above");

        let about = workshop.repository.join(".build/services");
        let pid = std::fs::read_to_string(about.join(format!("{name}.pid")));
        let pid = pid.with_context(|| format!("the test server {name} cannot be had here, see above"))?;
        let process = Process(pid.lines().next().unwrap_or_default().parse()?);
        let variables = std::fs::read_to_string(about.join(format!("{name}.env")))?;
        Ok(Self { name, script, variables, process })
    }

    /// A variable set by its script: `ENDPOINT` is `VAULT_TEST_S3_ENDPOINT` for the service `s3`.
    pub(crate) fn variable(&self, name: &str) -> Result<String> {
        let full = format!("VAULT_TEST_{}_{name}", self.name.to_uppercase());
        let value = self.variables.lines().find_map(|line| line.strip_prefix(&full)?.strip_prefix('='));
        let value = value.with_context(|| format!("{}.env lacks {full}", self.name))?;
        Ok(value.trim_matches('\'').to_owned())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let stopped = Command::new(&self.script).args(["stop", self.name]).stdout(Stdio::null()).status();
        if !stopped.is_ok_and(|status| status.success()) {
            eprintln!("! the test server {0} may still run: scripts/services stop {0}", self.name);
        }
    }
}
