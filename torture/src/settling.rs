//! Waiting for a vault to come to rest, and checking its promise.

use crate::invariants;
use crate::world::{PLAIN, World};
use std::time::{Duration, Instant};

/// How long a vault may take to store again after the faults have ended.
const SOON: Duration = Duration::from_secs(10);
/// How long a vault may take to come to rest after the faults have ended.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often background work is restarted meanwhile, since its own pace is a minute.
const NUDGE: Duration = Duration::from_secs(3);
/// Longer than a failed upload may still turn up at its provider, and than a moved recording's old object is kept.
const LATER_MS: i64 = 20 * 60_000;

impl World {
    /// Waits until an upload succeeds again, without reopening the vault.
    pub async fn stores_again(&self, run: u64, after: &str) {
        let began = Instant::now();
        while !self.upload(PLAIN, "again.mp4", format!("again {run}").into_bytes()).await {
            assert!(began.elapsed() < SOON, "after {after} the vault does not store again");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let broken = invariants::check_acknowledged(self).await.join("\n  ");
        assert!(broken.is_empty(), "after {after} it said that it stores again, broken:\n  {broken}");
        // Had it been moved away meanwhile, the next one's name would be taken.
        assert!(self.delete(PLAIN, "again.mp4").await, "after {after} it stores and does not delete");
    }

    /// Waits until everything interrupted has been dealt with, and checks the vault's promise, without reopening it.
    /// Fails with everything that does not hold.
    pub async fn settle(&mut self, after: &str) {
        self.stop().await;
        let began = Instant::now();
        loop {
            self.pass(LATER_MS);
            self.start();
            self.go_on_moving().await;
            self.come_back().await;
            let nudged = Instant::now();
            loop {
                let broken = invariants::check(self).await;
                if broken.is_empty() {
                    self.stop().await;
                    return;
                }
                let promises = broken.join("\n  ");
                assert!(began.elapsed() < PATIENCE, "after {after}, {PATIENCE:?} later, broken:\n  {promises}");
                if nudged.elapsed() > NUDGE {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            self.stop().await;
        }
    }
}
