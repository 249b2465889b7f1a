//! Which processes use which cores: on a small machine, a vault and its storage server compete for time.

use super::Process;
use anyhow::{Context as _, Result, ensure};
use std::ffi::OsStr;
use std::process::{Command, Stdio};

/// The cores a process may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cores {
    All,
    /// One, for the storage server alone.
    First,
    /// The rest.
    Others,
}

impl Cores {
    /// A command that starts on these cores, so that it creates as many threads as it can use.
    pub(crate) fn command(self, program: impl AsRef<OsStr>) -> Result<Command> {
        let Some(list) = self.list()? else { return Ok(Command::new(program)) };
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", &list]).arg(program);
        Ok(command)
    }

    /// Moves every thread of a running process.
    pub(crate) fn confine(self, process: Process) -> Result<()> {
        let list = match self.list()? {
            Some(list) => list,
            None => format!("0-{}", cores()? - 1),
        };
        let mut command = Command::new("taskset");
        command.args(["--all-tasks", "--cpu-list", "--pid", &list, &process.0.to_string()]);
        let status = command.stdout(Stdio::null()).status().context("taskset, of util-linux, is missing")?;
        ensure!(status.success(), "a process cannot be kept to its cores, see above");
        Ok(())
    }

    fn list(self) -> Result<Option<String>> {
        Ok(match self {
            Self::All => None,
            Self::First => Some("0".to_owned()),
            Self::Others => Some(format!("1-{}", cores()? - 1)),
        })
    }
}

/// The machine's cores; this process may have fewer while it is confined.
fn cores() -> Result<usize> {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cores = cpus.lines().filter(|line| line.starts_with("processor")).count();
    ensure!(cores > 1, "this needs two cores");
    Ok(cores)
}
