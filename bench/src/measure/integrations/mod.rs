//! Events per second and their latency, by kind of integration.

mod alone;
mod peer;

use super::delay::{Delays, PAUSE};
use super::{DISK, filesystem_provider};
use crate::load::{Agent, backlog};
use crate::report::{Section, Table};
use crate::say;
use crate::stage::{Scratch, Vault, Workshop, sqlite};
use crate::stats::Samples;
use anyhow::{Context as _, Result};
use bytes::Bytes;
use peer::{KINDS, Kind, Peer};

/// As many as the outbox serves at a time per integration.
const CAMERAS: usize = 16;
/// How often both are measured.
const PAIRS: usize = 3;
const EVENTS: usize = 3200;
/// Fewer, because the SQS emulator is slow.
const EVENTS_OF_SQS: usize = 480;
/// Delays measured per pair.
const DELAYS: usize = 100;
/// Size of the recordings that the events of a backlog are about.
const SMALL: usize = 1 << 10;

/// One way, through a vault or without: events per second; delays are collected over all pairs.
#[derive(Default)]
struct Way {
    rates: Vec<f64>,
    delays: Delays,
}

struct Found {
    title: &'static str,
    vault: Way,
    alone: Way,
}

pub(super) async fn measure(workshop: &Workshop, quick: bool) -> Result<Section> {
    let recording = workshop.recording()?;
    let mut all = Vec::new();
    for kind in KINDS {
        let (pairs, delays) = if quick { (1, 5) } else { (PAIRS, DELAYS) };
        let events = match kind {
            _ if quick => 4 * CAMERAS,
            Kind::Sqs => EVENTS_OF_SQS,
            _ => EVENTS,
        };
        let peer = Peer::open(kind, workshop).await?;
        let found = compare(workshop, peer, &recording, Load { pairs, events, delays }).await;
        all.push(found.with_context(|| format!("{kind:?}"))?);
    }
    let body = format!(
        "{}\n### Events per second\n\n{}\n### Latency\n\n{}",
        HOW.replace("{CAMERAS}", &CAMERAS.to_string()),
        rates(&all),
        latencies(&all)
    );
    Ok(Section { title: "Integrations", goals: Vec::new(), body })
}

#[derive(Clone, Copy)]
struct Load {
    pairs: usize,
    events: usize,
    delays: usize,
}

async fn compare(workshop: &Workshop, mut peer: Peer, recording: &Bytes, load: Load) -> Result<Found> {
    let scratch = Scratch::new((recording.len() * load.delays * load.pairs) as u64)?;
    let sections = format!(
        "{}{}{}",
        filesystem_provider(&scratch.path().join("recordings")).section(),
        peer.integration.section(),
        DISK.section(&format!("\"{}\"", peer.integration.name))
    );
    // creates the tables, the account and the integration
    drop(Vault::start(workshop, scratch.path(), &sections).await?);
    let (mut vault, mut alone) = (Way::default(), Way::default());
    for pair in 0..load.pairs {
        // alternating, so that neither always comes second
        for turn in 0..2 {
            if (pair + turn) % 2 == 0 {
                through_vault(workshop, &scratch, &sections, &mut peer, recording, load, &mut vault).await?;
            } else {
                without_vault(&mut peer, load, &mut alone).await?;
            }
        }
    }
    let found = Found { title: peer.title, vault, alone };
    say(&format!(
        "{}: {:.0} events/s, alone {:.0}; {:.1} ms, alone {:.1} ms",
        found.title,
        Samples::new(found.vault.rates.iter().copied()).median(),
        Samples::new(found.alone.rates.iter().copied()).median(),
        found.vault.delays.samples().median(),
        found.alone.delays.samples().median(),
    ));
    Ok(found)
}

async fn through_vault(
    workshop: &Workshop,
    scratch: &Scratch,
    sections: &str,
    peer: &mut Peer,
    recording: &Bytes,
    load: Load,
    way: &mut Way,
) -> Result<()> {
    let small = crate::load::recording(SMALL);
    let waiting = backlog(scratch.path(), &sqlite(scratch.path()), DISK, CAMERAS, load.events, &small).await?;
    let vault = Vault::start(workshop, scratch.path(), sections).await?;
    way.rates.push(peer.inbox.rate(waiting, CAMERAS).await?);
    let mut agent = Agent::connect(vault.address, DISK, 0, recording.clone()).await?;
    way.delays.idle(&mut agent, &mut peer.inbox, load.delays).await
}

async fn without_vault(peer: &mut Peer, load: Load, way: &mut Way) -> Result<()> {
    let sent = peer.alone.send_all(CAMERAS, load.events).await?;
    way.rates.push(peer.inbox.rate(sent, CAMERAS).await?);
    for camera in 0..load.delays {
        tokio::time::sleep(PAUSE).await;
        way.delays.push(peer.alone.delay(camera % CAMERAS, &mut peer.inbox).await?);
    }
    Ok(())
}

fn rates(all: &[Found]) -> String {
    let mut table =
        Table::new(&["integration", "vault, events/s", "sink alone, events/s", "ratio: min", "median", "max", "pairs"]);
    for found in all {
        let ratio = Samples::new(found.vault.rates.iter().zip(&found.alone.rates).map(|(vault, alone)| vault / alone));
        let median = |way: &Way| format!("{:.0}", Samples::new(way.rates.iter().copied()).median());
        table.row([
            found.title,
            &format!("**{}**", median(&found.vault)),
            &median(&found.alone),
            &format!("{:.2}", ratio.min()),
            &format!("**{:.2}**", ratio.median()),
            &format!("{:.2}", ratio.max()),
            &ratio.len().to_string(),
        ]);
    }
    table.finish()
}

fn latencies(all: &[Found]) -> String {
    let mut table = Table::new(&[
        "integration",
        "samples",
        "after the 200: median, ms",
        "p99",
        "max",
        "sink alone: median, ms",
        "p99",
        "max",
    ]);
    for found in all {
        let (vault, alone) = (found.vault.delays.samples(), found.alone.delays.samples());
        let figures = [&vault, &alone].map(|s| [s.median(), s.quantile(0.99), s.max()].map(|ms| format!("{ms:.1}")));
        let samples = vault.len().to_string();
        table.row([found.title, &samples].into_iter().chain(figures.iter().flatten().map(String::as_str)));
    }
    table.finish()
}

const HOW: &str = "\
Each integration sends to a real broker, an emulator or an endpoint on the same machine; a consumer in the load generator notes \
when an event is there. Beside it the vault's own adapter in the load generator's process, fed from memory: what the other side \
and the client library can do. Both in turns. Kafka, SQS and RabbitMQ are what `scripts/services` starts: Apache Kafka \
(one node), moto, RabbitMQ; the figures of SQS are moto's more than the vault's. Kerberos Vault has a section of its own.

Events per second: a vault starts with a backlog of {CAMERAS} cameras in its outbox; from the {CAMERAS}th event to the last one. \
Alone: as many events, each camera's one after the other. Latency: one upload of 495 KiB at a time and a pause after each event, from the \
moment the agent has read its 200; alone, from the beginning of sending the event.
";
