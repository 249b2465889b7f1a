//! What the kernel knows about a process.

use anyhow::{Context as _, Result};
use std::fs;

/// Ticks per second in /proc, on every Linux this runs on.
const TICKS: f64 = 100.0;

/// A running process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process(pub(crate) u32);

impl Process {
    /// This process.
    pub(crate) fn own() -> Self {
        Self(std::process::id())
    }

    /// CPU time used so far, in user and kernel mode.
    pub(crate) fn cpu_seconds(self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0)).context("a measured process has ended")?;
        cpu_seconds(&stat).context("/proc/<pid>/stat is not as expected")
    }

    /// Peak resident memory, in bytes.
    pub(crate) fn peak_memory(self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0)).context("a measured process has ended")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM in /proc")?;
        let kilobytes: u64 = line.split_whitespace().next().context("no figure in VmHWM")?.parse()?;
        Ok(kilobytes * 1024)
    }
}

/// Fields 14 and 15; field 2, the name, may contain spaces and parentheses.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let mut after_name = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u64 = after_name.next()?.parse().ok()?;
    let system: u64 = after_name.next()?.parse().ok()?;
    Some((user + system) as f64 / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_user_and_system_time() {
        let stat = "12 (a (b) c) S 1 12 12 0 -1 4194560 1 2 3 4 250 50 7 8 20 0 9 0 1 2 3";
        assert_eq!(cpu_seconds(stat), Some(3.0));
    }
}
