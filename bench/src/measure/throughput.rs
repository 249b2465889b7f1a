//! Uploads per second through the vault, beside storing the same bytes without it; and the CPU time of both.

use super::{BUCKET, DISK, filesystem_provider};
use crate::load::{Account, Agent, Client, Direct, Disk, drive, recording};
use crate::report::{Goal, Section, Table, bytes};
use crate::say;
use crate::stage::{Process, S3, Scratch, Vault, Workshop};
use crate::stats::Samples;
use anyhow::{Context as _, Result};
use bytes::Bytes;
use std::process::Command;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
const GIB: f64 = (1 << 30) as f64;
/// Bytes after which servers and folders are replaced by fresh ones, so that the disk does not fill up.
const FRESH_AFTER: usize = 6 << 30;
/// Share of the direct throughput that is to be reached.
const GOAL: f64 = 0.9;

/// Load of one cell of the table.
#[derive(Debug, Clone, Copy)]
struct Plan {
    size: usize,
    clients: usize,
    uploads: usize,
    /// How many times both are measured.
    pairs: usize,
}

const PLANS: [Plan; 9] = [
    Plan { size: 64 * KIB, clients: 1, uploads: 300, pairs: 7 },
    Plan { size: 64 * KIB, clients: 8, uploads: 1500, pairs: 7 },
    Plan { size: 64 * KIB, clients: 64, uploads: 3000, pairs: 7 },
    Plan { size: 2 * MIB, clients: 1, uploads: 60, pairs: 7 },
    Plan { size: 2 * MIB, clients: 8, uploads: 160, pairs: 7 },
    Plan { size: 2 * MIB, clients: 64, uploads: 320, pairs: 7 },
    Plan { size: 64 * MIB, clients: 1, uploads: 8, pairs: 5 },
    Plan { size: 64 * MIB, clients: 8, uploads: 24, pairs: 5 },
    Plan { size: 64 * MIB, clients: 64, uploads: 64, pairs: 3 },
];

impl Plan {
    fn of(self, quick: bool) -> Self {
        if quick { Self { uploads: self.clients.max(2), pairs: 1, ..self } } else { self }
    }

    fn bytes(self) -> usize {
        self.size * self.uploads
    }

    /// Of one stage: pairs are begun until there is more than [`FRESH_AFTER`].
    fn bytes_on_disk(self) -> u64 {
        let pair = 2 * self.bytes();
        (pair * self.pairs).min(FRESH_AFTER + pair) as u64
    }
}

/// The servers, and where they keep things; fields end in this order.
struct Stage {
    vault: Vault,
    s3: Option<S3>,
    scratch: Scratch,
}

impl Stage {
    async fn new(workshop: &Workshop, account: Account, plan: Plan) -> Result<Self> {
        let scratch = Scratch::new(plan.bytes_on_disk())?;
        let s3 = if account.name == BUCKET.name { Some(S3::start(workshop)?) } else { None };
        let provider = match &s3 {
            Some(s3) => s3.provider(account.provider),
            None => filesystem_provider(&scratch.path().join("recordings")),
        };
        let vault = Vault::start(workshop, scratch.path(), &format!("{provider}{}", account.section(""))).await?;
        std::fs::create_dir(scratch.path().join("direct"))?;
        Ok(Self { vault, s3, scratch })
    }

    async fn through_vault(&self, account: Account, plan: Plan, recording: &Bytes) -> Result<Run> {
        let mut agents = Vec::new();
        for camera in 0..plan.clients {
            agents.push(Agent::connect(self.vault.address, account, camera, recording.clone()).await?);
        }
        self.run(agents, plan).await
    }

    async fn direct(&self, plan: Plan, recording: &Bytes) -> Result<Run> {
        let Some(s3) = &self.s3 else {
            let folder = self.scratch.path().join("direct");
            return self
                .run((0..plan.clients).map(|_| Disk::new(folder.clone(), recording.clone())).collect(), plan)
                .await;
        };
        let mut clients = Vec::new();
        for _ in 0..plan.clients {
            clients.push(Direct::connect(s3, recording.clone()).await?);
        }
        self.run(clients, plan).await
    }

    async fn run<C: Client>(&self, clients: Vec<C>, plan: Plan) -> Result<Run> {
        // what earlier runs left in memory is not this one's to write
        Command::new("sync").status()?;
        let before = self.cpu()?;
        let elapsed = drive(clients, plan.uploads).await?;
        let after = self.cpu()?;
        let gibibytes = plan.bytes() as f64 / GIB;
        let used = |of: fn(&Cpu) -> f64| (of(&after) - of(&before)) / gibibytes;
        Ok(Run {
            per_second: plan.bytes() as f64 / MIB as f64 / elapsed.as_secs_f64(),
            cpu: Cpu { vault: used(|c| c.vault), store: used(|c| c.store), load: used(|c| c.load) },
        })
    }

    fn cpu(&self) -> Result<Cpu> {
        Ok(Cpu {
            vault: self.vault.process.cpu_seconds()?,
            store: self.s3.as_ref().map_or(Ok(0.0), |s3| s3.process.cpu_seconds())?,
            load: Process::own().cpu_seconds()?,
        })
    }
}

/// CPU seconds.
struct Cpu {
    vault: f64,
    store: f64,
    load: f64,
}

/// One run: MiB per second, CPU seconds per GiB.
struct Run {
    per_second: f64,
    cpu: Cpu,
}

/// All runs of one load.
struct Cell {
    plan: Plan,
    pairs: Vec<(Run, Run)>,
}

impl Cell {
    fn ratio(&self) -> Samples {
        Samples::new(self.pairs.iter().map(|(vault, direct)| vault.per_second / direct.per_second))
    }

    fn vault(&self, of: impl Fn(&Run) -> f64) -> f64 {
        Samples::new(self.pairs.iter().map(|(vault, _)| of(vault))).median()
    }

    fn direct(&self, of: impl Fn(&Run) -> f64) -> f64 {
        Samples::new(self.pairs.iter().map(|(_, direct)| of(direct))).median()
    }
}

pub(super) async fn measure(workshop: &Workshop, quick: bool) -> Result<Section> {
    let mut body = HOW.to_owned();
    let mut goals = Vec::new();
    for (account, title, direct) in
        [(BUCKET, "S3 provider", "straight to the S3 server"), (DISK, "Filesystem provider", "write and sync")]
    {
        let mut cells = Vec::new();
        for plan in PLANS {
            cells.push(cell(workshop, account, plan.of(quick)).await.with_context(|| format!("{title}, {plan:?}"))?);
        }
        body += &format!(
            "\n### {title}\n\n{}\nCPU seconds per GiB, medians:\n\n{}",
            speeds(&cells, direct),
            costs(&cells, direct)
        );
        if account.name == BUCKET.name {
            goals = cells.iter().map(goal).collect();
        }
    }
    Ok(Section { title: "Upload throughput and CPU time", goals, body })
}

async fn cell(workshop: &Workshop, account: Account, plan: Plan) -> Result<Cell> {
    let recording = recording(plan.size);
    let mut pairs: Vec<(Run, Run)> = Vec::new();
    let (mut stage, mut written) = (None, 0);
    while pairs.len() < plan.pairs {
        let stage = match &mut stage {
            Some(stage) if written <= FRESH_AFTER => stage,
            stale => {
                // stops the old one before the new one starts
                *stale = None;
                let fresh = Stage::new(workshop, account, plan).await?;
                let warm = Plan { uploads: plan.clients, ..plan };
                let small = recording.slice(..plan.size.min(64 * KIB));
                fresh.through_vault(account, warm, &small).await?;
                fresh.direct(warm, &small).await?;
                written = 0;
                stale.insert(fresh)
            }
        };
        // in turns, so that neither always finds what the other one left
        let pair = if pairs.len().is_multiple_of(2) {
            let vault = stage.through_vault(account, plan, &recording).await?;
            (vault, stage.direct(plan, &recording).await?)
        } else {
            let direct = stage.direct(plan, &recording).await?;
            (stage.through_vault(account, plan, &recording).await?, direct)
        };
        written += 2 * plan.bytes();
        pairs.push(pair);
    }
    let cell = Cell { plan, pairs };
    say(&format!(
        "{}: {} × {} clients: {:.0} MiB/s, direct {:.0} MiB/s, ratio {:.2}",
        account.name,
        bytes(plan.size),
        plan.clients,
        cell.vault(|run| run.per_second),
        cell.direct(|run| run.per_second),
        cell.ratio().median()
    ));
    Ok(cell)
}

fn goal(cell: &Cell) -> Goal {
    let ratio = cell.ratio();
    Goal {
        what: format!(
            "throughput to S3, {} × {} clients, as a share of direct",
            bytes(cell.plan.size),
            cell.plan.clients
        ),
        goal: "≥ 0.90",
        measured: format!("{:.2}", ratio.median()),
        met: ratio.median() >= GOAL,
    }
}

fn speeds(cells: &[Cell], direct: &str) -> String {
    let direct = format!("{direct}, MiB/s");
    let mut table = Table::new(&[
        "recording",
        "clients",
        "vault, MiB/s",
        "vault, uploads/s",
        &direct,
        "ratio: min",
        "median",
        "max",
        "pairs",
    ]);
    for cell in cells {
        let (ratio, speed) = (cell.ratio(), cell.vault(|run| run.per_second));
        table.row([
            bytes(cell.plan.size).as_str(),
            &cell.plan.clients.to_string(),
            &format!("{speed:.1}"),
            &format!("{:.1}", speed * MIB as f64 / cell.plan.size as f64),
            &format!("{:.1}", cell.direct(|run| run.per_second)),
            &format!("{:.2}", ratio.min()),
            &format!("**{:.2}**", ratio.median()),
            &format!("{:.2}", ratio.max()),
            &ratio.len().to_string(),
        ]);
    }
    table.finish()
}

fn costs(cells: &[Cell], direct: &str) -> String {
    let (store, load) = (format!("S3 server, {direct}"), format!("load generator, {direct}"));
    let mut table = Table::new(&[
        "recording",
        "clients",
        "vault",
        "S3 server, behind the vault",
        &store,
        "load generator, to the vault",
        &load,
    ]);
    for cell in cells {
        let figure = |value: f64| if value == 0.0 { "–".to_owned() } else { format!("{value:.2}") };
        table.row([
            bytes(cell.plan.size).as_str(),
            &cell.plan.clients.to_string(),
            &format!("**{:.2}**", cell.vault(|run| run.cpu.vault)),
            &figure(cell.vault(|run| run.cpu.store)),
            &figure(cell.direct(|run| run.cpu.store)),
            &figure(cell.vault(|run| run.cpu.load)),
            &figure(cell.direct(|run| run.cpu.load)),
        ]);
    }
    table.finish()
}

const HOW: &str = "\
Clients upload one recording after the other on a connection of their own, to the vault as agents do: chunked, 32 KiB at a time, \
size unannounced; the vault answers when the object is stored and the row is committed and synced. Beside it the same bytes, \
as often, by as many clients, without the vault: to the S3 server as one PUT each to a presigned address (payload unsigned, \
size announced, nothing hashed: the cheapest client there can be; the vault signs and hashes what it sends); on disk as a file written, \
synced, renamed, and its folder synced. Both run in turns on the same servers, changing who is first; the disk is synced \
before each run. A ratio belongs to one pair of runs.
";
