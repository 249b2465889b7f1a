//! Uploads in several requests (tus), beside servers of others that take them.

use super::pairs::{KIB, MIB, Plan};
use super::{BUCKET, DISK, filesystem_provider};
use crate::load::{Account, Endpoint, Tus, drive, recording};
use crate::report::{Goal, Section, Table, bytes};
use crate::say;
use crate::stage::{Cores, Peer, Process, S3, Scratch, Vault, Workshop};
use crate::stats::Samples;
use anyhow::{Context as _, Result};
use bytes::Bytes;
use std::fmt;
use std::process::Command;

/// As a multiple of what the others do.
const GOALS: [(Server, f64); 2] = [(Server::Node, 3.0), (Server::Rustus, 1.0)];
/// Bytes.
const MEMORY_GOAL: u64 = 128 << 20;

const PLANS: [Plan; 9] = [
    Plan { size: 64 * KIB, clients: 1, uploads: 200, pairs: 5 },
    Plan { size: 64 * KIB, clients: 8, uploads: 800, pairs: 5 },
    Plan { size: 64 * KIB, clients: 64, uploads: 1600, pairs: 5 },
    Plan { size: 2 * MIB, clients: 1, uploads: 40, pairs: 5 },
    Plan { size: 2 * MIB, clients: 8, uploads: 120, pairs: 5 },
    Plan { size: 2 * MIB, clients: 64, uploads: 192, pairs: 5 },
    Plan { size: 64 * MIB, clients: 1, uploads: 4, pairs: 3 },
    Plan { size: 64 * MIB, clients: 8, uploads: 16, pairs: 3 },
    Plan { size: 64 * MIB, clients: 64, uploads: 64, pairs: 3 },
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Server {
    Vault,
    Node,
    Rustus,
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vault => "vault",
            Self::Node => "@tus/server",
            Self::Rustus => "rustus",
        })
    }
}

/// Where the bytes end up.
#[derive(Debug, Clone, Copy)]
struct Setting {
    title: &'static str,
    account: Account,
    servers: &'static [Server],
}

const SETTINGS: [Setting; 2] = [
    Setting { title: "disk", account: DISK, servers: &[Server::Vault, Server::Node, Server::Rustus] },
    Setting { title: "S3", account: BUCKET, servers: &[Server::Vault, Server::Node] },
];

/// MiB per second, and peak memory in bytes.
struct Run {
    per_second: f64,
    peak: u64,
}

/// All runs of one load, by server.
struct Cell {
    plan: Plan,
    runs: Vec<(Server, Vec<Run>)>,
}

impl Cell {
    async fn measure(workshop: &Workshop, setting: Setting, plan: Plan) -> Result<Self> {
        let recording = recording(plan.size);
        let mut runs: Vec<_> = setting.servers.iter().map(|server| (*server, Vec::new())).collect();
        for round in 0..plan.pairs {
            for turn in 0..runs.len() {
                // so that each goes first once
                let turn = (round + turn) % setting.servers.len();
                let (server, runs) = &mut runs[turn];
                let run = run(workshop, setting, *server, plan, &recording).await;
                runs.push(run.with_context(|| format!("{server} to {}, {plan:?}", setting.title))?);
            }
        }
        let cell = Self { plan, runs };
        let told: Vec<_> =
            cell.runs.iter().map(|(server, _)| format!("{server} {:.1} MiB/s", cell.speed(*server))).collect();
        say(&format!("tus to {}, {} × {} clients: {}", setting.title, bytes(plan.size), plan.clients, told.join(", ")));
        Ok(cell)
    }

    fn of(&self, server: Server) -> Option<&[Run]> {
        self.runs.iter().find(|(of, _)| *of == server).map(|(_, runs)| runs.as_slice())
    }

    fn speed(&self, server: Server) -> f64 {
        Samples::new(self.of(server).unwrap_or_default().iter().map(|run| run.per_second)).median()
    }

    fn peak(&self, server: Server) -> u64 {
        self.of(server).unwrap_or_default().iter().map(|run| run.peak).max().unwrap_or_default()
    }

    /// The vault's speed as a multiple of the other's, in runs of the same round.
    fn ratio(&self, server: Server) -> Option<Samples> {
        let (ours, theirs) = (self.of(Server::Vault)?, self.of(server)?);
        Some(Samples::new(ours.iter().zip(theirs).map(|(ours, theirs)| ours.per_second / theirs.per_second)))
    }
}

/// Keeps what was started running.
enum Started {
    Vault(Vault),
    Peer(Peer),
}

/// A server of its own on an empty folder or bucket, so that none has what another one left.
async fn run(workshop: &Workshop, setting: Setting, server: Server, plan: Plan, recording: &Bytes) -> Result<Run> {
    let scratch = Scratch::new((plan.size * plan.uploads) as u64)?;
    let folder = scratch.path();
    let s3 = if setting.account.name == BUCKET.name { Some(S3::start(workshop, Cores::All)?) } else { None };
    let started = match server {
        Server::Vault => {
            let provider = match &s3 {
                Some(s3) => s3.provider(setting.account.provider),
                None => filesystem_provider(&folder.join("recordings")),
            };
            let sections = format!("{}{}", provider.section(), setting.account.section(""));
            Started::Vault(Vault::start(workshop, folder, &sections).await?)
        }
        Server::Node => Started::Peer(Peer::node(workshop, folder, s3.as_ref()).await?),
        Server::Rustus => Started::Peer(Peer::rustus(folder, plan.size).await?),
    };
    let (endpoint, process) = started.endpoint(setting.account);
    let warm = recording.slice(..plan.size.min(64 * KIB));
    drive(Tus::several(endpoint, plan.clients, &warm).await?, plan.clients).await?;
    let clients = Tus::several(endpoint, plan.clients, recording).await?;
    // writes out what earlier runs left in memory
    Command::new("sync").status()?;
    let elapsed = drive(clients, plan.uploads).await?;
    let mebibytes = (plan.size * plan.uploads) as f64 / MIB as f64;
    Ok(Run { per_second: mebibytes / elapsed.as_secs_f64(), peak: process.peak_memory()? })
}

impl Started {
    fn endpoint(&self, account: Account) -> (Endpoint, Process) {
        match self {
            Self::Vault(vault) => {
                let endpoint = Endpoint { address: vault.address, path: "/api/storage/tus", account: Some(account) };
                (endpoint, vault.process)
            }
            Self::Peer(peer) => (Endpoint { address: peer.address, path: "/files", account: None }, peer.process),
        }
    }
}

pub(super) async fn measure(workshop: &Workshop, quick: bool) -> Result<Section> {
    let (mut body, mut goals) = (HOW.to_owned(), Vec::new());
    for setting in SETTINGS {
        let mut table = Table::new(&COLUMNS);
        for plan in PLANS {
            let cell = Cell::measure(workshop, setting, plan.of(quick)).await?;
            row(&mut table, &cell);
            goals.extend(goals_of(setting, &cell));
        }
        body += &format!("\n### To {}\n\n{}", setting.title, table.finish());
    }
    Ok(Section { title: "Resumable uploads", goals, body })
}

fn goals_of(setting: Setting, cell: &Cell) -> Vec<Goal> {
    let load = format!("tus to {}, {} × {} clients", setting.title, bytes(cell.plan.size), cell.plan.clients);
    let faster = |(server, goal): (Server, f64)| {
        let ratio = cell.ratio(server)?.median();
        Some(Goal {
            what: format!("{load}, as a multiple of {server}"),
            goal: if goal > 1.0 { "≥ 3.00" } else { "≥ 1.00" },
            measured: format!("{ratio:.2}"),
            met: ratio >= goal,
        })
    };
    let mut goals: Vec<_> = GOALS.into_iter().filter_map(faster).collect();
    if cell.plan.size == 64 * MIB && cell.plan.clients == 64 {
        let peak = cell.peak(Server::Vault);
        goals.push(Goal {
            what: format!("{load}, peak memory"),
            goal: "< 128 MiB",
            measured: format!("{:.1} MiB", peak as f64 / MIB as f64),
            met: peak < MEMORY_GOAL,
        });
    }
    goals
}

fn row(table: &mut Table, cell: &Cell) {
    let speed = |server| cell.of(server).map_or("–".to_owned(), |_| format!("{:.1}", cell.speed(server)));
    let ratio = |server| match cell.ratio(server) {
        Some(ratio) => format!("**{:.2}** ({:.2} to {:.2})", ratio.median(), ratio.min(), ratio.max()),
        None => "–".to_owned(),
    };
    let peak = |server| {
        let peak = cell.peak(server) as f64 / MIB as f64;
        if peak > 0.0 { format!("{peak:.0}") } else { "–".to_owned() }
    };
    table.row([
        bytes(cell.plan.size).as_str(),
        &cell.plan.clients.to_string(),
        &speed(Server::Vault),
        &speed(Server::Node),
        &speed(Server::Rustus),
        &ratio(Server::Node),
        &ratio(Server::Rustus),
        &cell.plan.pairs.to_string(),
        &peak(Server::Vault),
        &peak(Server::Node),
        &peak(Server::Rustus),
    ]);
}

const COLUMNS: [&str; 11] = [
    "recording",
    "clients",
    "vault, MiB/s",
    "@tus/server, MiB/s",
    "rustus, MiB/s",
    "vault ÷ @tus/server, median (min to max)",
    "vault ÷ rustus",
    "rounds",
    "peak memory, MiB: vault",
    "@tus/server",
    "rustus",
];

const HOW: &str = "\
Each client creates an upload and sends all of its bytes in one PATCH, by tus 1.0.0, one recording after the other. The servers take \
turns, each on an empty folder or bucket of its own; a ratio belongs to one round. The vault answers the last byte when the \
recording is synced and its row is committed; rustus runs with `--force-fsync`; `@tus/server` (Node.js, one process) syncs nothing, and \
keeps no row. rustus has no store for S3 in this version. Peak memory is VmHWM.
";
