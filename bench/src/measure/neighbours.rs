//! Whether a dead integration slows down a healthy one.

use super::delay::{CAMERAS, Delays};
use super::{DISK, filesystem_provider, webhook};
use crate::load::Agent;
use crate::receive::{Hook, Silent};
use crate::report::{Goal, Section, Table};
use crate::say;
use crate::stage::{Scratch, Vault, Workshop};
use anyhow::Result;
use bytes::Bytes;

const CLIENTS: usize = 8;
/// Turns of each vault.
const ROUNDS: usize = 5;
/// Uploads per turn.
const IDLE: usize = 100;
const BUSY: usize = 800;
/// Nothing listens there.
const NOBODY: &str = "http://127.0.0.1:1";
/// How much slower the healthy one's median may get.
const GOAL: f64 = 1.1;

/// The account's other integration.
#[derive(Clone, Copy)]
struct Neighbour<'a> {
    name: &'static str,
    url: Option<&'a str>,
    is_dead: bool,
}

/// A vault whose account has a healthy webhook and perhaps a neighbour.
struct Site<'a> {
    neighbour: Neighbour<'a>,
    vault: Vault,
    healthy: Hook,
    idle: Delays,
    busy: Delays,
    _scratch: Scratch,
}

impl<'a> Site<'a> {
    async fn start(workshop: &Workshop, neighbour: Neighbour<'a>, bytes: usize) -> Result<Self> {
        let scratch = Scratch::new(bytes as u64)?;
        let healthy = Hook::start().await?;
        let other = neighbour.url.map(|url| webhook("neighbour", url).section());
        let integrations = if other.is_some() { "\"healthy\", \"neighbour\"" } else { "\"healthy\"" };
        let sections = format!(
            "{}{}{}{}",
            filesystem_provider(&scratch.path().join("recordings")).section(),
            webhook("healthy", &healthy.url).section(),
            other.unwrap_or_default(),
            DISK.section(integrations)
        );
        let vault = Vault::start(workshop, scratch.path(), &sections).await?;
        Ok(Self { neighbour, vault, healthy, idle: Delays::default(), busy: Delays::default(), _scratch: scratch })
    }

    async fn take_turn(&mut self, recording: &Bytes, idle: usize, busy: usize) -> Result<()> {
        let inbox = &mut self.healthy.inbox;
        let mut agent = Agent::connect(self.vault.address, DISK, 0, recording.clone()).await?;
        self.idle.idle(&mut agent, inbox, idle).await?;
        let agents = Agent::several(self.vault.address, DISK, CLIENTS, recording).await?;
        self.busy.busy(agents, inbox, busy).await?;
        Ok(())
    }
}

pub(super) async fn measure(workshop: &Workshop, quick: bool) -> Result<Section> {
    let (rounds, idle, busy) = if quick { (1, 10, 40) } else { (ROUNDS, IDLE, BUSY) };
    let recording = workshop.recording()?;
    let (second, silent) = (Hook::start().await?, Silent::start().await?);
    let neighbours = [
        Neighbour { name: "none", url: None, is_dead: false },
        Neighbour { name: "healthy", url: Some(&second.url), is_dead: false },
        Neighbour { name: "never answers", url: Some(&silent.url), is_dead: true },
        Neighbour { name: "refuses connections", url: Some(NOBODY), is_dead: true },
    ];
    let mut sites = Vec::new();
    for neighbour in neighbours {
        let mut site = Site::start(workshop, neighbour, recording.len() * rounds * (idle + busy)).await?;
        // warms up, and lets the dead ones be noticed
        site.take_turn(&recording, 1, CLIENTS).await?;
        (site.idle, site.busy) = Default::default();
        sites.push(site);
    }
    for round in 0..rounds {
        for turn in 0..sites.len() {
            // so that each goes first once
            let site = (round + turn) % neighbours.len();
            sites[site].take_turn(&recording, idle, busy).await?;
        }
    }
    let (mut table, mut goals) = (Table::new(&COLUMNS), Vec::new());
    compare("idle", &sites, |site| &site.idle, &mut table, &mut goals);
    compare("8 clients", &sites, |site| &site.busy, &mut table, &mut goals);
    let body = format!(
        "{}{}",
        HOW.replace("{ROUNDS}", &rounds.to_string()).replace("{CAMERAS}", &CAMERAS.to_string()),
        table.finish()
    );
    Ok(Section { title: "A dead integration beside a healthy one", goals, body })
}

/// The first two sites have no neighbour and a healthy one.
fn compare(
    load: &'static str,
    sites: &[Site<'_>],
    of: impl for<'s> Fn(&'s Site<'s>) -> &'s Delays,
    table: &mut Table,
    goals: &mut Vec<Goal>,
) {
    let (none, healthy) = (of(&sites[0]).samples(), of(&sites[1]).samples());
    for site in sites {
        let (samples, name) = (of(site).samples(), site.neighbour.name);
        let ratio = samples.median() / none.median();
        say(&format!("{load}, neighbour {name}: median × {ratio:.2}"));
        table.row([
            load,
            name,
            &samples.len().to_string(),
            &format!("{:.2}", samples.median()),
            &format!("{:.2}", samples.quantile(0.99)),
            &format!("**{ratio:.2}**"),
            &format!("{:.2}", samples.quantile(0.99) / none.quantile(0.99)),
            &format!("{:.2}", samples.median() / healthy.median()),
        ]);
        if site.neighbour.is_dead {
            goals.push(Goal {
                what: format!("webhook beside one that {name}, {load}, median, as a multiple"),
                goal: "≤ 1.10",
                measured: format!("{ratio:.2}"),
                met: ratio <= GOAL,
            });
        }
    }
}

const COLUMNS: [&str; 8] = [
    "load",
    "neighbour",
    "samples",
    "median, ms",
    "p99, ms",
    "median, as a multiple of none",
    "p99, as a multiple of none",
    "median, as a multiple of a healthy one",
];

const HOW: &str = "\
From an agent's 200 to the event at a healthy webhook, as above, while the same account has another integration: one that is \
healthy too, one that accepts connections and never answers, one whose port is closed. A vault of its own for each; all four run, \
and take their turn {ROUNDS} times: {CAMERAS} idle cameras, then eight agents as fast as they are answered. The dead ones' backlog \
grows from turn to turn. A second integration is a second row in each commit, whether it is healthy or dead.

";
