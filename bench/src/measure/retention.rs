//! How fast recordings leave whose time is over, and what uploads notice of it.

use super::{BUCKET, DISK, filesystem_provider};
use crate::load::{Account, Agent, backlog, recording};
use crate::report::{Goal, Section, Table};
use crate::say;
use crate::stage::{Cores, S3, Scratch, Service, Vault, Workshop, sqlite};
use crate::stats::Samples;
use anyhow::{Context as _, Result, ensure};
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, DbBackend, Statement};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Recordings whose time is over, and cameras that have sent them.
const EXPIRED: usize = 20_000;
const CAMERAS: usize = 16;
const SIZE: usize = 4096;
/// Uploads of a turn, alone and meanwhile, and agents that make them.
const UPLOADS: usize = 800;
const AGENTS: usize = 8;
const ROUNDS: usize = 3;
/// What 1,000 cameras send in an hour, one recording a minute each; ten times as many are to leave.
const INFLOW: f64 = 60_000.0;
const DAY_MS: i64 = 86_400_000;
const PATIENCE: Duration = Duration::from_secs(300);

/// A vault to be, on a database and a store.
struct Site {
    name: &'static str,
    account: Account,
    provider: String,
    database: String,
    scratch: Scratch,
    /// Stopped with it.
    _servers: (Option<S3>, Option<Service>),
}

/// What a turn took.
#[derive(Default)]
struct Taken {
    per_hour: Vec<f64>,
    alone: Vec<f64>,
    meanwhile: Vec<f64>,
}

pub(super) async fn measure(workshop: &Workshop, quick: bool) -> Result<Section> {
    let (expired, uploads, rounds) = if quick { (500, 40, 1) } else { (EXPIRED, UPLOADS, ROUNDS) };
    let (mut table, mut goals) = (Table::new(&COLUMNS), Vec::new());
    for site in [on_disk()?, at_s3(workshop)?] {
        let mut taken = Taken::default();
        for round in 0..rounds {
            site.take_turn(workshop, &mut taken, expired, uploads, round).await?;
        }
        let (alone, meanwhile) = (Samples::new(taken.alone), Samples::new(taken.meanwhile));
        let (rate, ratio) = (Samples::new(taken.per_hour), meanwhile.quantile(0.99) / alone.quantile(0.99));
        say(&format!("{}: {:.0} recordings an hour, uploads' p99 × {ratio:.2}", site.name, rate.median()));
        table.row([
            site.name,
            &format!("{:.0}", rate.min()),
            &format!("**{:.0}**", rate.median()),
            &format!("{:.1}", rate.median() / INFLOW),
            &format!("{:.1}", alone.median()),
            &format!("{:.1}", meanwhile.median()),
            &format!("{:.1}", alone.quantile(0.99)),
            &format!("{:.1}", meanwhile.quantile(0.99)),
            &format!("**{ratio:.2}**"),
        ]);
        goals.push(Goal {
            what: format!("retention, {}, recordings an hour", site.name),
            goal: "≥ 600,000",
            measured: format!("{:.0}", rate.median()),
            met: rate.median() >= 10.0 * INFLOW,
        });
        goals.push(Goal {
            what: format!("uploads during retention, {}, p99, as a multiple", site.name),
            goal: "≤ 1.50",
            measured: format!("{ratio:.2}"),
            met: ratio <= 1.5,
        });
    }
    let how = HOW.replace("{EXPIRED}", &expired.to_string()).replace("{ROUNDS}", &rounds.to_string());
    Ok(Section { title: "Retention", goals, body: format!("{how}{}", table.finish()) })
}

fn on_disk() -> Result<Site> {
    let scratch = Scratch::new(2 << 30)?;
    let (provider, database) =
        (filesystem_provider(&scratch.path().join("recordings")).section(), sqlite(scratch.path()));
    Ok(Site { name: "SQLite, disk", account: DISK, provider, database, scratch, _servers: (None, None) })
}

fn at_s3(workshop: &Workshop) -> Result<Site> {
    let (s3, postgres) = (S3::start(workshop, Cores::All)?, Service::start(workshop, "postgres", Cores::All)?);
    Ok(Site {
        name: "PostgreSQL, S3",
        account: BUCKET,
        provider: s3.provider(BUCKET.provider).section(),
        database: postgres.variable("URL")?,
        scratch: Scratch::new(2 << 30)?,
        _servers: (Some(s3), Some(postgres)),
    })
}

impl Site {
    async fn start(&self, workshop: &Workshop, days: u32) -> Result<Vault> {
        let sections = format!("{}{}day_limit = {days}\n", self.provider, self.account.section(""));
        Vault::start_with(Cores::All, workshop, self.scratch.path(), &self.database, &sections).await
    }

    async fn take_turn(
        &self,
        workshop: &Workshop,
        taken: &mut Taken,
        expired: usize,
        uploads: usize,
        round: usize,
    ) -> Result<()> {
        let folder: &Path = self.scratch.path();
        let vault = self.start(workshop, 0).await?;
        taken.alone.extend(self.upload(&vault, uploads).await?);
        drop(vault);
        backlog(folder, &self.database, self.account, CAMERAS, expired, &recording(SIZE)).await?;
        let tables = Database::connect(&self.database).await?;
        let earlier =
            format!("UPDATE recordings SET timestamp = timestamp - {0}, uploaded_at = uploaded_at - {0}", 3 * DAY_MS);
        tables.execute_unprepared(&earlier).await?;
        let vault = self.start(workshop, 2).await?;
        let begun = Instant::now();
        let (took, latencies) = tokio::join!(self.gone(&tables, begun), self.upload(&vault, uploads));
        let took = took.with_context(|| format!("turn {round}, {}", self.name))?;
        // What was uploaded alone has expired with the rest.
        taken.per_hour.push((expired + uploads) as f64 * 3600.0 / took.as_secs_f64());
        taken.meanwhile.extend(latencies?);
        tables.close().await?;
        Ok(())
    }

    /// How long it takes until no row is old and no object is left to be deleted.
    async fn gone(&self, tables: &DatabaseConnection, begun: Instant) -> Result<Duration> {
        let old = vault::clock::Clock::default().now_ms() - 2 * DAY_MS;
        let left = format!(
            "SELECT (SELECT COUNT(*) FROM removals) + (SELECT COUNT(*) FROM recordings WHERE timestamp < {old}) AS n"
        );
        let backend = if self.database.starts_with("sqlite") { DbBackend::Sqlite } else { DbBackend::Postgres };
        loop {
            let row = tables.query_one_raw(Statement::from_string(backend, left.clone())).await?;
            if row.context("a count")?.try_get::<i64>("", "n")? == 0 {
                return Ok(begun.elapsed());
            }
            ensure!(begun.elapsed() < PATIENCE, "recordings whose time is over are still there");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Milliseconds that each upload takes.
    async fn upload(&self, vault: &Vault, uploads: usize) -> Result<Vec<f64>> {
        let mut running = JoinSet::new();
        for mut agent in Agent::several(vault.address, self.account, AGENTS, &recording(64 << 10)).await? {
            running.spawn(async move {
                let mut latencies = Vec::new();
                for _ in 0..uploads / AGENTS {
                    let begun = Instant::now();
                    agent.send().await?;
                    latencies.push(begun.elapsed().as_secs_f64() * 1000.0);
                }
                anyhow::Ok(latencies)
            });
        }
        let mut all = Vec::new();
        while let Some(latencies) = running.join_next().await {
            all.extend(latencies??);
        }
        Ok(all)
    }
}

const COLUMNS: [&str; 9] = [
    "vault",
    "an hour, min",
    "median",
    "as a multiple of 1,000 cameras' inflow",
    "upload alone, median, ms",
    "meanwhile",
    "upload alone, p99, ms",
    "meanwhile",
    "as a multiple",
];

const HOW: &str = "\
{EXPIRED} recordings of 4 KiB that are older than their account's days, as many as a vault finds that was down for a while. The clock \
runs from the vault's answer at its start until their rows and objects are gone. Meanwhile eight agents upload 64 KiB each as fast as they are \
answered, and before, to the same vault, when nothing is to be deleted. {ROUNDS} turns.

";
