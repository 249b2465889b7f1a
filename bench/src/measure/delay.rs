//! How long after its 200 an agent's event arrives.

use crate::load::Agent;
use crate::receive::{Inbox, milliseconds};
use crate::stats::Samples;
use anyhow::Result;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Cameras of the idle load.
pub(super) const CAMERAS: usize = 20;
/// Pause between two uploads of the idle load, in which the vault has nothing to do.
pub(super) const PAUSE: Duration = Duration::from_millis(20);

/// Milliseconds; negative if an event overtook the answer.
#[derive(Default)]
pub(super) struct Delays(Vec<f64>);

impl Delays {
    /// One upload at a time, from each camera in turn; the next one a pause after the event.
    pub(super) async fn idle(&mut self, agent: &mut Agent, inbox: &mut Inbox, uploads: usize) -> Result<()> {
        for upload in 0..uploads {
            tokio::time::sleep(PAUSE).await;
            agent.become_camera(upload % CAMERAS);
            let (key, answer) = agent.send().await?;
            self.0.push(milliseconds(answer.at, inbox.expect(&key).await?));
        }
        Ok(())
    }

    /// All agents as fast as they are answered; returns uploads per second.
    pub(super) async fn busy(&mut self, agents: Vec<Agent>, inbox: &mut Inbox, uploads: usize) -> Result<f64> {
        let start = Instant::now();
        let answered = upload_all(agents, uploads).await?;
        let rate = answered.len() as f64 / start.elapsed().as_secs_f64();
        self.0.extend(inbox.match_up(answered).await?);
        Ok(rate)
    }

    /// Adds a delay measured elsewhere.
    pub(super) fn push(&mut self, milliseconds: f64) {
        self.0.push(milliseconds);
    }

    /// The delays; an event that overtook the answer counts as 0.
    pub(super) fn samples(&self) -> Samples {
        Samples::new(self.0.iter().map(|ms| ms.max(0.0)))
    }

    /// Share of events that overtook the answer.
    pub(super) fn early(&self) -> f64 {
        Samples::new(self.0.iter().copied()).share(|ms| ms < 0.0)
    }
}

/// Full keys, and when they were answered.
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
