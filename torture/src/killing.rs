//! A process that lives in a world until it is killed at a step.
//!
//! The process is the test itself, started again: a test that may be one begins with [`Victim::myself`].

use crate::knobs::variable;
use crate::workload::Step;
use crate::world::World;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Path of its world; set only for such a process.
const WORLD: &str = "TORTURE_WORLD";
/// Number that makes its recordings' names unique.
const RUN: &str = "TORTURE_RUN";
/// Read by `vault::steps`.
const FAILPOINTS: &str = "FAILPOINTS";
/// SIGKILL.
const KILL: i32 = 9;

/// How the process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It was killed at the step.
    Killed,
    /// It finished without reaching the step.
    Survived,
    /// Anything else: its output.
    Failed(String),
}

/// The task of a process that is to be killed.
#[derive(Debug)]
pub struct Victim {
    root: PathBuf,
    run: u64,
}

impl Victim {
    /// `None` in the test that a developer runs.
    pub fn myself() -> Option<Self> {
        let run = variable(RUN)?.parse().expect("a number");
        Some(Self { root: variable(WORLD)?.into(), run })
    }

    /// Opens the world, does every step of the workload once and comes to rest, unless killed meanwhile.
    pub async fn live(self) {
        let mut world = World::open(&self.root).await.expect("a world that was killed opens again");
        world.settle("a new start").await;
        for (number, step) in Step::ALL.into_iter().enumerate() {
            let n = self.run * 100 + number as u64;
            step.prepare(&mut world, n).await;
            step.act(&mut world, n).await;
        }
        world.settle("everything was asked once").await;
    }
}

/// Runs a process that is killed at a step: `name`, or `name#3` for the third time. `test` is the name of the calling
/// test, `run` a number unlike that of other runs.
pub fn run_until(step: &str, test: &str, root: &Path, run: u64) -> End {
    let process = std::env::current_exe().expect("the test's own file");
    // One that hangs is ended, which is neither of the hoped-for outcomes.
    let output = Command::new("timeout")
        .arg("600")
        .arg(process)
        .args(["--exact", test, "--nocapture"])
        .env(WORLD, root)
        .env(RUN, run.to_string())
        .env(FAILPOINTS, step)
        .stdin(Stdio::null())
        .output()
        .expect("a test can be run once more");
    match output.status {
        status if status.signal() == Some(KILL) => End::Killed,
        status if status.success() => End::Survived,
        status => End::Failed(format!("{status}: {}", String::from_utf8_lossy(&output.stderr))),
    }
}
