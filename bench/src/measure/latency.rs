//! How long after an agent has its 200 the event reaches a webhook.

mod receiver;

use super::{DISK, filesystem_provider};
use crate::load::Agent;
use crate::report::{Goal, Section, Table};
use crate::say;
use crate::stage::{Scratch, Vault, Workshop};
use crate::stats::Samples;
use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use receiver::Receiver;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const IDLE_SAMPLES: usize = 500;
const CLIENTS: usize = 8;
const BUSY_SAMPLES: usize = 4000;
/// Cameras the idle load comes from.
const CAMERAS: usize = 20;
/// Between two uploads of the idle load: the vault has nothing else to do then.
const PAUSE: Duration = Duration::from_millis(20);
/// Longest wait for an event.
const PATIENCE: Duration = Duration::from_secs(60);
/// Milliseconds.
const GOAL_MEDIAN: f64 = 10.0;
const GOAL_P99: f64 = 50.0;

pub(super) async fn measure(workshop: &Workshop, quick: bool) -> Result<Section> {
    let (idle_samples, busy_samples) = if quick { (20, 80) } else { (IDLE_SAMPLES, BUSY_SAMPLES) };
    let recording = Bytes::from(std::fs::read(workshop.repository.join("fixtures/fragmented.mp4"))?);
    let scratch = Scratch::new((recording.len() * (idle_samples + busy_samples)) as u64)?;
    let mut receiver = Receiver::start().await?;
    let sections = format!(
        "{}[[integration]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"{}\"\nsecret = \"bench\"\n{}",
        filesystem_provider(&scratch.path().join("recordings")),
        receiver.url(),
        DISK.section("\"hook\"")
    );
    let vault = Vault::start(workshop, scratch.path(), &sections).await?;
    let connect = |camera| Agent::connect(vault.address, DISK, camera, recording.clone());

    let mut agent = connect(0).await?;
    upload_and_wait(&mut agent, &mut receiver).await?;
    let mut idle = Vec::new();
    for sample in 0..idle_samples {
        tokio::time::sleep(PAUSE).await;
        agent.become_camera(sample % CAMERAS);
        idle.push(upload_and_wait(&mut agent, &mut receiver).await?);
    }

    let mut agents = Vec::new();
    for camera in 0..CLIENTS {
        agents.push(connect(camera).await?);
    }
    let start = Instant::now();
    let answered = upload_all(agents, busy_samples).await?;
    let rate = answered.len() as f64 / start.elapsed().as_secs_f64();
    let busy = receiver.match_up(answered).await?;

    let mut table =
        Table::new(&["load", "samples", "median, ms", "p99, ms", "max, ms", "before the agent had read its 200"]);
    let mut goals = Vec::new();
    for (load, latencies) in [("idle".to_owned(), idle), (format!("{CLIENTS} clients, {rate:.0} uploads/s"), busy)] {
        let early = Samples::new(latencies.iter().copied()).share(|ms| ms < 0.0);
        // an event that overtakes the answer took no time from there
        let samples = Samples::new(latencies.into_iter().map(|ms| ms.max(0.0)));
        let (median, p99) = (samples.median(), samples.quantile(0.99));
        say(&format!("{load}: median {median:.1} ms, p99 {p99:.1} ms"));
        table.row([
            load.as_str(),
            &samples.len().to_string(),
            &format!("**{median:.1}**"),
            &format!("**{p99:.1}**"),
            &format!("{:.1}", samples.max()),
            &format!("{:.0} %", early * 100.0),
        ]);
        let kind = if load == "idle" { "idle" } else { "8 clients" };
        for (what, goal, value, limit) in
            [("median", "< 10 ms", median, GOAL_MEDIAN), ("p99", "< 50 ms", p99, GOAL_P99)]
        {
            let what = format!("webhook after the 200, {kind}, {what}");
            goals.push(Goal { what, goal, measured: format!("{value:.1} ms"), met: value < limit });
        }
    }
    let body = format!(
        "From the moment an agent has read its 200 to the moment the event's POST is whole at a webhook of the load generator's own, \
         on the same machine. Recordings of {} KiB to the filesystem provider. Idle: {CAMERAS} cameras take turns, one upload at a time, \
         the next one after the event and a pause. Else {CLIENTS} agents, each with its own camera, upload as fast as they are \
         answered.\n\n{}",
        recording.len() / 1024,
        table.finish()
    );
    Ok(Section { title: "Events", goals, body })
}

/// Milliseconds; below zero when the event came first.
async fn upload_and_wait(agent: &mut Agent, receiver: &mut Receiver) -> Result<f64> {
    let (key, answer) = agent.send().await?;
    let arrived = receiver.next().await?;
    if arrived.key != key {
        bail!("the webhook got {} while waiting for {key}", arrived.key);
    }
    Ok(milliseconds(answer.at, arrived.at))
}

/// All agents at once; full keys and when they were answered.
async fn upload_all(agents: Vec<Agent>, uploads: usize) -> Result<HashMap<String, Instant>> {
    let mut running = JoinSet::new();
    let each = uploads / agents.len();
    for mut agent in agents {
        running.spawn(async move {
            let mut answered = Vec::with_capacity(each);
            for _ in 0..each {
                let (key, answer) = agent.send().await?;
                answered.push((key, answer.at));
            }
            anyhow::Ok(answered)
        });
    }
    let mut all = HashMap::new();
    while let Some(answered) = running.join_next().await {
        all.extend(answered??);
    }
    Ok(all)
}

impl Receiver {
    /// Waits for the events of all of these.
    async fn match_up(&mut self, mut answered: HashMap<String, Instant>) -> Result<Vec<f64>> {
        let mut latencies = Vec::with_capacity(answered.len());
        while !answered.is_empty() {
            let arrived = self.next().await.with_context(|| format!("{} events are missing", answered.len()))?;
            // at least once: a repeated one is no sample
            if let Some(at) = answered.remove(&arrived.key) {
                latencies.push(milliseconds(at, arrived.at));
            }
        }
        Ok(latencies)
    }

    async fn next(&mut self) -> Result<receiver::Arrived> {
        tokio::time::timeout(PATIENCE, self.arrivals.recv()).await?.context("the webhook has ended")
    }
}

fn milliseconds(from: Instant, to: Instant) -> f64 {
    let forward = to.saturating_duration_since(from).as_secs_f64();
    let backward = from.saturating_duration_since(to).as_secs_f64();
    (forward - backward) * 1000.0
}
