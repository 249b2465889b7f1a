//! A folder for one measurement's data.

use anyhow::{Context as _, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

static MADE: AtomicUsize = AtomicUsize::new(0);

/// Removed when dropped.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// A new folder on a disk with at least this many bytes free.
    pub(crate) fn new(needed: u64) -> Result<Self> {
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("kerberos-vault-bench-{}-{number}", std::process::id()));
        std::fs::create_dir(&folder).context("cannot make a folder for data")?;
        let scratch = Self(folder);
        let free = scratch.free()?;
        let gigabytes = |bytes: u64| bytes.div_ceil(1 << 30);
        ensure!(
            free > needed + needed / 4,
            "the disk has {} GiB left, this measurement needs {}",
            gigabytes(free),
            gigabytes(needed)
        );
        Ok(scratch)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    fn free(&self) -> Result<u64> {
        let told = Command::new("df").args(["--block-size=1", "--output=avail"]).arg(&self.0).output()?;
        let told = String::from_utf8(told.stdout)?;
        told.lines().nth(1).and_then(|line| line.trim().parse().ok()).context("df does not tell what is free")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // whatever is left is in the system's temporary folder
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
