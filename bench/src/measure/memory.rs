//! Peak resident memory of a fresh vault while many large recordings arrive at once.

use super::{BUCKET, DISK, filesystem_provider};
use crate::load::{Account, Agent, drive, recording};
use crate::report::{Goal, Section, Table, bytes};
use crate::say;
use crate::stage::{Cores, S3, Scratch, Vault, Workshop};
use anyhow::Result;

const SIZE: usize = 64 << 20;
const CLIENTS: usize = 64;
/// Uploads per agent, so that ends and beginnings overlap.
const EACH: usize = 2;
/// Bytes.
const GOAL: u64 = 128 << 20;

pub(super) async fn measure(workshop: &Workshop, quick: bool) -> Result<Section> {
    let (clients, each) = if quick { (4, 1) } else { (CLIENTS, EACH) };
    let mut table = Table::new(&["provider", "after the start, MiB", "peak, MiB"]);
    let mut goals = Vec::new();
    for (account, title) in [(BUCKET, "S3"), (DISK, "filesystem")] {
        let (start, peak) = peak(workshop, account, clients, clients * each).await?;
        let mebibytes = |bytes: u64| format!("{:.1}", bytes as f64 / f64::from(1 << 20));
        say(&format!("{title}: {} MiB", mebibytes(peak)));
        table.row([title, &mebibytes(start), &format!("**{}**", mebibytes(peak))]);
        goals.push(Goal {
            what: format!("peak memory, {CLIENTS} clients × {}, {title} provider", bytes(SIZE)),
            goal: "< 128 MiB",
            measured: format!("{} MiB", mebibytes(peak)),
            met: peak < GOAL,
        });
    }
    let body = format!(
        "A fresh vault with default settings; {clients} agents send {each} recordings of {} each, all at once. VmHWM of its process, \
         as the kernel tells it: the binary's own pages count.\n\n{}",
        bytes(SIZE),
        table.finish()
    );
    Ok(Section { title: "Memory", goals, body })
}

/// Memory after the start, and its peak.
async fn peak(workshop: &Workshop, account: Account, clients: usize, uploads: usize) -> Result<(u64, u64)> {
    let scratch = Scratch::new((SIZE * uploads) as u64)?;
    let s3 = if account.name == BUCKET.name { Some(S3::start(workshop, Cores::All)?) } else { None };
    let provider = match &s3 {
        Some(s3) => s3.provider(account.provider),
        None => filesystem_provider(&scratch.path().join("recordings")),
    };
    let vault =
        Vault::start(workshop, scratch.path(), &format!("{}{}", provider.section(), account.section(""))).await?;
    let start = vault.process.peak_memory()?;
    let agents = Agent::several(vault.address, account, clients, &recording(SIZE)).await?;
    drive(agents, uploads).await?;
    Ok((start, vault.process.peak_memory()?))
}
