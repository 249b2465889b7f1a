//! Forwarding from one vault to the next, compared with agents that upload to the second one, and with a plain copy.

use super::delay::Delays;
use super::pairs::{KIB, MIB};
use super::{DISK, filesystem_provider, webhook};
use crate::load::{Agent, Copier, backlog, drive, recording};
use crate::receive::Hook;
use crate::report::{Section, Table, bytes};
use crate::say;
use crate::stage::{Declared, Scratch, Vault, Workshop, sqlite};
use crate::stats::Samples;
use anyhow::{Context as _, Result};
use bytes::Bytes;
use model::field::Settings;
use std::process::Command;

/// Cameras in the backlog.
const CAMERAS: usize = 16;
/// Concurrent transfers, an integration's default; as many agents upload, and as many files are copied at a time.
const AT_ONCE: usize = 4;

#[derive(Debug, Clone, Copy)]
struct Load {
    size: usize,
    recordings: usize,
    /// How often all three are measured.
    turns: usize,
}

const LOADS: [Load; 3] = [
    Load { size: 64 * KIB, recordings: 1600, turns: 3 },
    Load { size: 2 * MIB, recordings: 160, turns: 3 },
    Load { size: 16 * MIB, recordings: 32, turns: 3 },
];

impl Load {
    fn of(self, quick: bool) -> Self {
        if quick { Self { recordings: CAMERAS, turns: 1, ..self } } else { self }
    }
}

/// MiB per second, for each turn.
#[derive(Default)]
struct Speeds {
    forwarded: Vec<f64>,
    uploaded: Vec<f64>,
    copied: Vec<f64>,
}

/// Two vaults; the first one runs only while it forwards. Fields are dropped in this order.
struct Chain<'a> {
    workshop: &'a Workshop,
    second: Vault,
    hook: Hook,
    /// The first one's sections of `vault.toml`.
    sections: String,
    first_scratch: Scratch,
    second_scratch: Scratch,
}

impl<'a> Chain<'a> {
    async fn start(workshop: &'a Workshop, load: Load) -> Result<Self> {
        let all = (load.size * load.recordings * load.turns) as u64;
        // holds what is uploaded, forwarded and copied
        let (first_scratch, second_scratch) = (Scratch::new(all)?, Scratch::new(3 * all)?);
        let hook = Hook::start().await?;
        let sections = format!(
            "{}{}{}",
            filesystem_provider(&second_scratch.path().join("recordings")).section(),
            webhook("hook", &hook.url).section(),
            DISK.section("\"hook\"")
        );
        let second = Vault::start(workshop, second_scratch.path(), &sections).await?;
        std::fs::create_dir(second_scratch.path().join("copies"))?;
        let settings = Settings::new()
            .with("vault_url", format!("{}/api", second.url()))
            .with("access_key", DISK.access_key())
            .with("secret_key", DISK.secret_key())
            .with("forward_type", "continuous");
        let sections = format!(
            "{}{}{}",
            filesystem_provider(&first_scratch.path().join("recordings")).section(),
            Declared::integration("next", "vault", settings).section(),
            DISK.section("\"next\"")
        );
        // creates the tables, the account and the integration
        drop(Vault::start(workshop, first_scratch.path(), &sections).await?);
        Ok(Self { workshop, second, hook, sections, first_scratch, second_scratch })
    }

    async fn take_turn(&mut self, load: Load, recording: &Bytes, speeds: &mut Speeds) -> Result<()> {
        let mebibytes = load.size as f64 / MIB as f64;
        let waiting = backlog(
            self.first_scratch.path(),
            &sqlite(self.first_scratch.path()),
            DISK,
            CAMERAS,
            load.recordings,
            recording,
        )
        .await?;
        let files = waiting.iter().map(|key| self.first_scratch.path().join("recordings").join(key)).collect();
        sync()?;
        let first = Vault::start(self.workshop, self.first_scratch.path(), &self.sections).await?;
        speeds.forwarded.push(self.hook.inbox.rate(waiting, AT_ONCE).await? * mebibytes);
        drop(first);

        sync()?;
        let agents = Agent::several(self.second.address, DISK, AT_ONCE, recording).await?;
        let rate = Delays::default().busy(agents, &mut self.hook.inbox, load.recordings).await?;
        speeds.uploaded.push(rate * mebibytes);

        sync()?;
        let copier = Copier::new(files, self.second_scratch.path().join("copies"));
        let elapsed = drive(vec![copier; AT_ONCE], load.recordings).await?;
        speeds.copied.push(load.recordings as f64 * mebibytes / elapsed.as_secs_f64());
        Ok(())
    }
}

/// Writes out what earlier runs left in memory, so that the next run need not.
fn sync() -> Result<()> {
    Command::new("sync").status()?;
    Ok(())
}

pub(super) async fn measure(workshop: &Workshop, quick: bool) -> Result<Section> {
    let mut table = Table::new(&COLUMNS);
    for load in LOADS {
        let load = load.of(quick);
        let speeds = speeds(workshop, load).await.with_context(|| format!("{load:?}"))?;
        row(&mut table, load, &speeds);
    }
    let how = HOW.replace("{CAMERAS}", &CAMERAS.to_string()).replace("{AT_ONCE}", &AT_ONCE.to_string());
    Ok(Section { title: "Forwarding to another vault", goals: Vec::new(), body: format!("{how}\n{}", table.finish()) })
}

async fn speeds(workshop: &Workshop, load: Load) -> Result<Speeds> {
    let recording = recording(load.size);
    let mut chain = Chain::start(workshop, load).await?;
    let mut speeds = Speeds::default();
    for _ in 0..load.turns {
        chain.take_turn(load, &recording, &mut speeds).await?;
    }
    Ok(speeds)
}

fn row(table: &mut Table, load: Load, speeds: &Speeds) {
    let median = |speeds: &[f64]| Samples::new(speeds.iter().copied()).median();
    let ratio = |others: &[f64]| Samples::new(speeds.forwarded.iter().zip(others).map(|(ours, other)| ours / other));
    let (uploaded, copied) = (ratio(&speeds.uploaded), ratio(&speeds.copied));
    say(&format!(
        "{}: {:.0} MiB/s, ratio to uploads {:.2}, to a copy {:.2}",
        bytes(load.size),
        median(&speeds.forwarded),
        uploaded.median(),
        copied.median()
    ));
    let range = |ratio: &Samples| format!("**{:.2}** ({:.2} to {:.2})", ratio.median(), ratio.min(), ratio.max());
    table.row([
        bytes(load.size).as_str(),
        &load.recordings.to_string(),
        &format!("{:.1}", median(&speeds.forwarded)),
        &format!("{:.1}", median(&speeds.uploaded)),
        &format!("{:.1}", median(&speeds.copied)),
        &range(&uploaded),
        &range(&copied),
        &load.turns.to_string(),
    ]);
}

const COLUMNS: [&str; 8] = [
    "recording",
    "recordings",
    "forwarded, MiB/s",
    "uploaded, MiB/s",
    "copied, MiB/s",
    "share of uploaded: median (min to max)",
    "share of copied: median (min to max)",
    "turns",
];

const HOW: &str = "\
A vault starts with recordings of {CAMERAS} cameras that wait to be forwarded, {AT_ONCE} at a time, to a second vault on the same \
machine; from the {AT_ONCE}th to the last one that the second vault tells its webhook of. Beside it, in turns: {AT_ONCE} agents that \
upload as many of the same size to the second vault, and a plain copy, {AT_ONCE} at a time, of the first vault's files: read, \
written, synced, renamed, their folder synced. All of it from and to folders on one disk; both vaults share the cores with the load \
generator.
";
