//! Uploads through a vault, compared with storing the same bytes without it: alternating, several times.

use crate::load::{Client, drive};
use crate::report::bytes;
use crate::say;
use crate::stage::Process;
use crate::stats::Samples;
use anyhow::Result;
use async_trait::async_trait;
use bytes::Bytes;
use std::process::Command;

pub(super) const KIB: usize = 1 << 10;
pub(super) const MIB: usize = 1 << 20;
const GIB: f64 = (1 << 30) as f64;
/// Bytes after which servers and folders are replaced by fresh ones, to keep the disk from filling up.
const FRESH_AFTER: usize = 6 << 30;

/// Load for one cell of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) size: usize,
    pub(super) clients: usize,
    pub(super) uploads: usize,
    /// How often both are measured.
    pub(super) pairs: usize,
}

impl Plan {
    pub(super) fn of(self, quick: bool) -> Self {
        if quick { Self { uploads: self.clients.max(2), pairs: 1, ..self } } else { self }
    }

    fn bytes(self) -> usize {
        self.size * self.uploads
    }

    /// Bytes on disk per stage: pairs are started until there is more than [`FRESH_AFTER`].
    pub(super) fn bytes_on_disk(self) -> u64 {
        let pair = 2 * self.bytes();
        (pair * self.pairs).min(FRESH_AFTER + pair) as u64
    }
}

/// The set-up that is compared.
#[async_trait]
pub(super) trait Stage: Send + Sync {
    async fn through_vault(&self, plan: Plan, recording: &Bytes) -> Result<Run>;
    async fn direct(&self, plan: Plan, recording: &Bytes) -> Result<Run>;
}

/// Processes whose CPU time is reported.
#[derive(Debug, Clone, Copy)]
pub(super) struct Processes {
    pub(super) vault: Process,
    pub(super) store: Option<Process>,
}

impl Processes {
    pub(super) async fn run<C: Client>(&self, clients: Vec<C>, plan: Plan) -> Result<Run> {
        // writes out what earlier runs left in memory
        Command::new("sync").status()?;
        let before = self.cpu()?;
        let elapsed = drive(clients, plan.uploads).await?;
        let after = self.cpu()?;
        let gibibytes = plan.bytes() as f64 / GIB;
        let used = |of: fn(&Cpu) -> f64| (of(&after) - of(&before)) / gibibytes;
        Ok(Run {
            per_second: plan.bytes() as f64 / MIB as f64 / elapsed.as_secs_f64(),
            cpu: Cpu { vault: used(|c| c.vault), store: used(|c| c.store), load: used(|c| c.load) },
            peak: self.vault.peak_memory()?,
        })
    }

    fn cpu(&self) -> Result<Cpu> {
        Ok(Cpu {
            vault: self.vault.cpu_seconds()?,
            store: self.store.map_or(Ok(0.0), Process::cpu_seconds)?,
            load: Process::own().cpu_seconds()?,
        })
    }
}

/// CPU time in seconds.
pub(super) struct Cpu {
    pub(super) vault: f64,
    pub(super) store: f64,
    pub(super) load: f64,
}

/// One run: MiB per second, CPU seconds per GiB, and the vault's peak memory so far in bytes.
pub(super) struct Run {
    pub(super) per_second: f64,
    pub(super) cpu: Cpu,
    pub(super) peak: u64,
}

/// All runs of one load.
pub(super) struct Cell {
    pub(super) plan: Plan,
    pairs: Vec<(Run, Run)>,
}

impl Cell {
    /// Runs all pairs; `fresh` sets up a stage.
    pub(super) async fn measure<S: Stage>(name: &str, plan: Plan, fresh: impl AsyncFn() -> Result<S>) -> Result<Self> {
        let recording = crate::load::recording(plan.size);
        let mut pairs: Vec<(Run, Run)> = Vec::new();
        let (mut stage, mut written) = (None, 0);
        while pairs.len() < plan.pairs {
            let stage = match &mut stage {
                Some(stage) if written <= FRESH_AFTER => stage,
                stale => {
                    // stops the old one before the new one starts
                    *stale = None;
                    let fresh = fresh().await?;
                    let warm = Plan { uploads: plan.clients, ..plan };
                    let small = recording.slice(..plan.size.min(64 * KIB));
                    fresh.through_vault(warm, &small).await?;
                    fresh.direct(warm, &small).await?;
                    written = 0;
                    stale.insert(fresh)
                }
            };
            // alternating, so that neither always comes second
            let pair = if pairs.len().is_multiple_of(2) {
                let vault = stage.through_vault(plan, &recording).await?;
                (vault, stage.direct(plan, &recording).await?)
            } else {
                let direct = stage.direct(plan, &recording).await?;
                (stage.through_vault(plan, &recording).await?, direct)
            };
            written += 2 * plan.bytes();
            pairs.push(pair);
        }
        let cell = Self { plan, pairs };
        say(&format!(
            "{name}: {} × {} clients: {:.0} MiB/s, direct {:.0} MiB/s, ratio {:.2}",
            bytes(plan.size),
            plan.clients,
            cell.vault(|run| run.per_second),
            cell.direct(|run| run.per_second),
            cell.ratio().median()
        ));
        Ok(cell)
    }

    pub(super) fn ratio(&self) -> Samples {
        Samples::new(self.pairs.iter().map(|(vault, direct)| vault.per_second / direct.per_second))
    }

    pub(super) fn vault(&self, of: impl Fn(&Run) -> f64) -> f64 {
        Samples::new(self.pairs.iter().map(|(vault, _)| of(vault))).median()
    }

    pub(super) fn direct(&self, of: impl Fn(&Run) -> f64) -> f64 {
        Samples::new(self.pairs.iter().map(|(_, direct)| of(direct))).median()
    }

    /// The highest peak memory of any vault, in bytes.
    pub(super) fn peak(&self) -> u64 {
        self.pairs.iter().map(|(vault, _)| vault.peak).max().unwrap_or_default()
    }
}
