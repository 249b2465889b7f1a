//! Receivers of events.

mod http;
mod kafka;
mod rabbitmq;
mod sqs;

pub(crate) use http::{Hook, Silent};
pub(crate) use kafka::read_topic;
pub(crate) use rabbitmq::read_queue;
pub(crate) use sqs::Queue;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

/// Longest wait for an event.
const PATIENCE: Duration = Duration::from_secs(60);

/// An event that has arrived.
pub(crate) struct Arrived {
    /// Full key of its recording.
    pub(crate) key: String,
    pub(crate) at: Instant,
}

/// Where events are delivered.
#[derive(Clone)]
struct Slot(UnboundedSender<Arrived>);

impl Slot {
    /// Takes an event as sent, perhaps in the Hub's envelope.
    fn put(&self, body: &[u8], at: Instant) -> Result<()> {
        let event: Value = serde_json::from_slice(body)?;
        let payload = event.get("message").unwrap_or(&event).get("payload").context("not an event")?;
        let key = payload["key"].as_str().unwrap_or_default().to_owned();
        // nobody is waiting any more once the measurement has failed
        let _ = self.0.send(Arrived { key, at });
        Ok(())
    }
}

/// Events in order of arrival; dropping it stops the receiver.
pub(crate) struct Inbox {
    arrivals: UnboundedReceiver<Arrived>,
    receiving: JoinHandle<()>,
}

impl Inbox {
    fn filled_by<F>(receive: impl FnOnce(Slot) -> F) -> Self
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let (sender, arrivals) = unbounded_channel();
        let receive = receive(Slot(sender));
        let receiving = tokio::spawn(async move {
            if let Err(error) = receive.await {
                eprintln!("! events are no longer received: {error:#}");
            }
        });
        Self { arrivals, receiving }
    }

    async fn next(&mut self) -> Result<Arrived> {
        let next = tokio::time::timeout(PATIENCE, self.arrivals.recv()).await.context("no event comes")?;
        next.context("the receiver has ended")
    }

    /// When this recording's event arrived; no other may arrive before it.
    pub(crate) async fn expect(&mut self, key: &str) -> Result<Instant> {
        let arrived = self.next().await?;
        ensure!(arrived.key == key, "{} came while waiting for {key}", arrived.key);
        Ok(arrived.at)
    }

    /// Waits for the events of all these recordings; returns how long after its time each arrived, in milliseconds.
    pub(crate) async fn match_up(&mut self, mut since: HashMap<String, Instant>) -> Result<Vec<f64>> {
        let mut delays = Vec::with_capacity(since.len());
        while !since.is_empty() {
            let arrived = self.next().await.with_context(|| format!("{} events are missing", since.len()))?;
            // delivery is at least once: a repeated event is no sample
            if let Some(since) = since.remove(&arrived.key) {
                delays.push(milliseconds(since, arrived.at));
            }
        }
        Ok(delays)
    }

    /// Waits for the events of all these recordings; returns how many arrived per second. The first `at_once` only
    /// start the clock, since they may all arrive together.
    pub(crate) async fn rate(&mut self, mut missing: HashSet<String>, at_once: usize) -> Result<f64> {
        let mut times = Vec::with_capacity(missing.len());
        while !missing.is_empty() {
            let arrived = self.next().await.with_context(|| format!("{} events are missing", missing.len()))?;
            if missing.remove(&arrived.key) {
                times.push(arrived.at);
            }
        }
        let [.., last] = times.as_slice() else { bail!("there was nothing to wait for") };
        let begun = times.get(at_once - 1).context("too few events for a rate")?;
        Ok((times.len() - at_once) as f64 / (*last - *begun).as_secs_f64())
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.receiving.abort();
    }
}

/// Negative if `to` was earlier.
pub(crate) fn milliseconds(from: Instant, to: Instant) -> f64 {
    let forward = to.saturating_duration_since(from).as_secs_f64();
    let backward = from.saturating_duration_since(to).as_secs_f64();
    (forward - backward) * 1000.0
}
