//! Uploads per second through the vault, compared with storing the same bytes without it; and the CPU time of both.

use super::pairs::{Cell, KIB, MIB, Plan, Processes, Run, Stage};
use super::{BUCKET, DISK, filesystem_provider};
use crate::load::{Account, Agent, Direct, Disk};
use crate::report::{Goal, Section, Table, bytes};
use crate::stage::{Cores, Process, S3, Scratch, Vault, Workshop};
use anyhow::{Context as _, Result};
use async_trait::async_trait;
use bytes::Bytes;

/// Share of the direct throughput to reach.
const GOAL: f64 = 0.9;

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

/// Where recordings go, and which cores do the work.
#[derive(Debug, Clone, Copy)]
struct Setting {
    account: Account,
    title: &'static str,
    direct: &'static str,
    store: Cores,
    others: Cores,
}

const SETTINGS: [Setting; 3] = [
    Setting {
        account: BUCKET,
        title: "S3 provider, on the same cores",
        direct: "straight to the S3 server",
        store: Cores::All,
        others: Cores::All,
    },
    Setting {
        account: BUCKET,
        title: "S3 provider, with a core of its own",
        direct: "straight to the S3 server",
        store: Cores::First,
        others: Cores::Others,
    },
    Setting {
        account: DISK,
        title: "Filesystem provider",
        direct: "write and sync",
        store: Cores::All,
        others: Cores::All,
    },
];

/// The servers and their data. Fields are dropped in this order.
struct Servers {
    account: Account,
    vault: Vault,
    s3: Option<S3>,
    scratch: Scratch,
}

impl Servers {
    async fn start(workshop: &Workshop, setting: Setting, plan: Plan) -> Result<Self> {
        let account = setting.account;
        let scratch = Scratch::new(plan.bytes_on_disk())?;
        let s3 = if account.name == BUCKET.name { Some(S3::start(workshop, setting.store)?) } else { None };
        let provider = match &s3 {
            Some(s3) => s3.provider(account.provider),
            None => filesystem_provider(&scratch.path().join("recordings")),
        };
        let sections = format!("{}{}", provider.section(), account.section(""));
        let vault = Vault::start_on(setting.others, workshop, scratch.path(), &sections).await?;
        std::fs::create_dir(scratch.path().join("direct"))?;
        Ok(Self { account, vault, s3, scratch })
    }

    fn processes(&self) -> Processes {
        Processes { vault: self.vault.process, store: self.s3.as_ref().map(|s3| s3.process) }
    }
}

#[async_trait]
impl Stage for Servers {
    async fn through_vault(&self, plan: Plan, recording: &Bytes) -> Result<Run> {
        let agents = Agent::several(self.vault.address, self.account, plan.clients, recording).await?;
        self.processes().run(agents, plan).await
    }

    async fn direct(&self, plan: Plan, recording: &Bytes) -> Result<Run> {
        let Some(s3) = &self.s3 else {
            let folder = self.scratch.path().join("direct");
            let writers = (0..plan.clients).map(|_| Disk::new(folder.clone(), recording.clone()));
            return self.processes().run(writers.collect(), plan).await;
        };
        let mut clients = Vec::new();
        for _ in 0..plan.clients {
            clients.push(Direct::connect(s3, recording.clone()).await?);
        }
        self.processes().run(clients, plan).await
    }
}

pub(super) async fn measure(workshop: &Workshop, quick: bool) -> Result<Section> {
    let mut body = HOW.to_owned();
    let mut goals = Vec::new();
    for setting in SETTINGS {
        setting.others.confine(Process::own())?;
        let mut cells = Vec::new();
        for plan in PLANS {
            let plan = plan.of(quick);
            let cell = Cell::measure(setting.title, plan, async || Servers::start(workshop, setting, plan).await);
            cells.push(cell.await.with_context(|| format!("{}, {plan:?}", setting.title))?);
        }
        body += &format!(
            "\n### {}\n\n{}\nCPU seconds per GiB, medians:\n\n{}",
            setting.title,
            speeds(&cells, setting.direct),
            costs(&cells, setting.direct)
        );
        if setting.account.name == BUCKET.name {
            goals.extend(cells.iter().map(|cell| goal(setting, cell)));
        }
    }
    Ok(Section { title: "Upload throughput and CPU time", goals, body })
}

fn goal(setting: Setting, cell: &Cell) -> Goal {
    let ratio = cell.ratio();
    Goal {
        what: format!(
            "throughput, {}, {} × {} clients, as a share of direct",
            setting.title,
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
before each run. A ratio belongs to one pair of runs. The S3 server once shares all cores with the vault and the load, so that \
every second the vault computes is taken from it; once it has a core for itself and the others use the rest, which is \
nearer to a storage server on a machine of its own.

What bounds the ratio: where all share the cores, it is a share of CPU time, what direct costs divided by what both cost. The vault \
receives, hashes (SHA-256) and sends every byte, and reads and writes a body through the kernel once more than a client does \
that sends it straight. One client alone waits for what a 200 promises: the intent is synced before the object is visible \
and the row after it is stored, one after the other; clients side by side share both.
";
