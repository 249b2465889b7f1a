//! Uploads to this version and to another one, alternating: what a change costs.

use super::pairs::{Cell, KIB, MIB, Plan, Processes, Run, Stage};
use super::{BUCKET, DISK, filesystem_provider};
use crate::arguments::Arguments;
use crate::load::{Account, Agent};
use crate::report::{Section, Table, bytes};
use crate::stage::{Cores, S3, Scratch, Vault, Workshop};
use anyhow::{Context as _, Result};
use async_trait::async_trait;
use bytes::Bytes;

const PLANS: [Plan; 5] = [
    Plan { size: 64 * KIB, clients: 1, uploads: 300, pairs: 7 },
    Plan { size: 64 * KIB, clients: 64, uploads: 3000, pairs: 7 },
    Plan { size: 2 * MIB, clients: 1, uploads: 60, pairs: 7 },
    Plan { size: 2 * MIB, clients: 8, uploads: 160, pairs: 7 },
    Plan { size: 64 * MIB, clients: 8, uploads: 24, pairs: 5 },
];

/// Both versions store at the same S3 server, or each in a folder. Fields are dropped in this order.
struct Versions {
    account: Account,
    now: Vault,
    before: Vault,
    s3: Option<S3>,
    _folders: [Scratch; 2],
}

impl Versions {
    async fn start(now: &Workshop, before: &Workshop, account: Account, plan: Plan) -> Result<Self> {
        let s3 = if account.name == BUCKET.name { Some(S3::start(now, Cores::All)?) } else { None };
        let vault = async |workshop: &Workshop| {
            let folder = Scratch::new(plan.bytes_on_disk())?;
            let provider = match &s3 {
                Some(s3) => s3.provider(account.provider),
                None => filesystem_provider(&folder.path().join("recordings")),
            };
            let sections = format!("{}{}", provider.section(), account.section(""));
            anyhow::Ok((Vault::start(workshop, folder.path(), &sections).await?, folder))
        };
        let (now, of_now) = vault(now).await?;
        let (before, of_before) = vault(before).await?;
        Ok(Self { account, now, before, s3, _folders: [of_now, of_before] })
    }

    async fn upload(&self, vault: &Vault, plan: Plan, recording: &Bytes) -> Result<Run> {
        let agents = Agent::several(vault.address, self.account, plan.clients, recording).await?;
        let processes = Processes { vault: vault.process, store: self.s3.as_ref().map(|s3| s3.process) };
        processes.run(agents, plan).await
    }
}

#[async_trait]
impl Stage for Versions {
    async fn through_vault(&self, plan: Plan, recording: &Bytes) -> Result<Run> {
        self.upload(&self.now, plan, recording).await
    }

    async fn direct(&self, plan: Plan, recording: &Bytes) -> Result<Run> {
        self.upload(&self.before, plan, recording).await
    }
}

pub(super) async fn measure(workshop: &Workshop, arguments: &Arguments) -> Result<Section> {
    let before = workshop.with_binary(arguments.before.clone().context("--before names the other version")?)?;
    let mut table = Table::new(&[
        "provider",
        "recording",
        "clients",
        "now, uploads/s",
        "before, uploads/s",
        "now as a share of before: min",
        "median",
        "max",
        "CPU s/GiB now",
        "before",
        "peak MiB now",
        "before",
    ]);
    for (account, title) in [(DISK, "filesystem"), (BUCKET, "S3")] {
        for plan in PLANS {
            let plan = plan.of(arguments.quick);
            let start = async || Versions::start(workshop, &before, account, plan).await;
            let cell = Cell::measure(title, plan, start).await.with_context(|| format!("{title}, {plan:?}"))?;
            let (ratio, uploads) = (cell.ratio(), MIB as f64 / plan.size as f64);
            let mebibytes = |bytes: f64| format!("{:.0}", bytes / MIB as f64);
            table.row([
                title,
                &bytes(plan.size),
                &plan.clients.to_string(),
                &format!("{:.1}", uploads * cell.vault(|run| run.per_second)),
                &format!("{:.1}", uploads * cell.direct(|run| run.per_second)),
                &format!("{:.2}", ratio.min()),
                &format!("**{:.2}**", ratio.median()),
                &format!("{:.2}", ratio.max()),
                &format!("{:.2}", cell.vault(|run| run.cpu.vault)),
                &format!("{:.2}", cell.direct(|run| run.cpu.vault)),
                &mebibytes(cell.vault(|run| run.peak as f64)),
                &mebibytes(cell.direct(|run| run.peak as f64)),
            ]);
        }
    }
    let body = format!(
        "The same uploads to two vaults, one of each version, in turns: to folders of their own, and to one S3 server. Both run all \
         the time, so the idle one's background work is in the other's figures.\n\n{}",
        table.finish()
    );
    Ok(Section { title: "Uploads beside another version", goals: Vec::new(), body })
}
