//! How fast background work writes: as fast as it can while uploads hardly notice.

use std::time::Duration;
use tokio::time::{Instant, sleep};

/// What a write may take. SQLite has one writer: an upload waits for it that long.
const TAKES: Duration = Duration::from_millis(15);
/// Rows of a write at least and at most.
const FEWEST: u64 = 100;
const MOST: u64 = 500;
/// How much longer than it took a write is rested after. So uploads have the writer for most of the time.
const REST: u32 = 2;

/// Finds out how many rows to write at a time.
pub(super) struct Pace {
    rows: u64,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { rows: 100 }
    }

    /// Rows of the next write.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Rests after a write that began then, and learns from it.
    pub(super) async fn rest(&mut self, begun: Instant) {
        let took = begun.elapsed();
        self.learn(took);
        sleep((took * REST).min(Duration::from_secs(1))).await;
    }

    fn learn(&mut self, took: Duration) {
        self.rows = match took {
            slow if slow > TAKES * 2 => self.rows / 2,
            fast if fast < TAKES => self.rows * 5 / 4 + 1,
            _ => self.rows,
        };
        self.rows = self.rows.clamp(FEWEST, MOST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_grow_while_they_are_short_and_shrink_when_they_are_not() {
        let mut pace = Pace::new();
        for _ in 0..100 {
            pace.learn(Duration::from_millis(1));
        }
        assert_eq!(pace.rows(), MOST);
        pace.learn(TAKES);
        assert_eq!(pace.rows(), MOST, "long enough");
        for _ in 0..100 {
            pace.learn(Duration::from_secs(1));
        }
        assert_eq!(pace.rows(), FEWEST);
    }
}
