//! How long after its 200 an agent's event reaches a webhook.

use super::delay::{CAMERAS, Delays};
use super::{DISK, filesystem_provider, webhook};
use crate::load::Agent;
use crate::receive::Hook;
use crate::report::{Goal, Section, Table};
use crate::say;
use crate::stage::{Scratch, Vault, Workshop};
use anyhow::Result;

const IDLE_SAMPLES: usize = 500;
const CLIENTS: usize = 8;
const BUSY_SAMPLES: usize = 4000;
/// Milliseconds.
const GOAL_MEDIAN: f64 = 10.0;
const GOAL_P99: f64 = 50.0;

pub(super) async fn measure(workshop: &Workshop, quick: bool) -> Result<Section> {
    let (idle_samples, busy_samples) = if quick { (20, 80) } else { (IDLE_SAMPLES, BUSY_SAMPLES) };
    let recording = workshop.recording()?;
    let scratch = Scratch::new((recording.len() * (idle_samples + busy_samples)) as u64)?;
    let mut hook = Hook::start().await?;
    let sections = format!(
        "{}{}{}",
        filesystem_provider(&scratch.path().join("recordings")).section(),
        webhook("hook", &hook.url).section(),
        DISK.section("\"hook\"")
    );
    let vault = Vault::start(workshop, scratch.path(), &sections).await?;

    let mut agent = Agent::connect(vault.address, DISK, 0, recording.clone()).await?;
    let mut idle = Delays::default();
    Delays::default().idle(&mut agent, &mut hook.inbox, 1).await?;
    idle.idle(&mut agent, &mut hook.inbox, idle_samples).await?;
    let agents = Agent::several(vault.address, DISK, CLIENTS, &recording).await?;
    let mut busy = Delays::default();
    let rate = busy.busy(agents, &mut hook.inbox, busy_samples).await?;

    let mut table =
        Table::new(&["load", "samples", "median, ms", "p99, ms", "max, ms", "before the agent had read its 200"]);
    let mut goals = Vec::new();
    for (load, delays) in [("idle".to_owned(), idle), (format!("{CLIENTS} clients, {rate:.0} uploads/s"), busy)] {
        let samples = delays.samples();
        let (median, p99) = (samples.median(), samples.quantile(0.99));
        say(&format!("{load}: median {median:.1} ms, p99 {p99:.1} ms"));
        table.row([
            load.as_str(),
            &samples.len().to_string(),
            &format!("**{median:.1}**"),
            &format!("**{p99:.1}**"),
            &format!("{:.1}", samples.max()),
            &format!("{:.0} %", delays.early() * 100.0),
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
