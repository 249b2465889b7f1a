use crate::keys::random;
use std::time::Duration;

/// Tries before a delivery is parked: with waits of up to an hour, about three days.
pub(super) const MAX_ATTEMPTS: i32 = 80;

/// When the outbox is looked at, and how long a camera's deliveries wait after failures.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How often a worker looks without being woken.
    pub poll: Duration,
    /// First wait after a failure; each further one in a row doubles it.
    pub first_wait: Duration,
    /// Longest wait.
    pub longest_wait: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(2),
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(3600),
        }
    }
}

impl Pace {
    /// How long to wait after the given number of failures in a row, in milliseconds; with a quarter of jitter so that
    /// cameras do not come back all at once.
    pub(super) fn wait_ms(&self, failures: i32) -> i64 {
        let doublings = u32::try_from(failures - 1).unwrap_or(0).min(20);
        let base = self.first_wait.saturating_mul(1 << doublings).min(self.longest_wait);
        let base = i64::try_from(base.as_millis()).unwrap_or(i64::MAX);
        let [jitter] = random::<1>();
        base - base / 4 * i64::from(jitter) / 255
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_an_hour_and_no_further() {
        for (attempts, base) in [(1, 1_000), (2, 2_000), (5, 16_000), (13, 3_600_000), (i32::MAX, 3_600_000)] {
            let wait = Pace::default().wait_ms(attempts);
            assert!((base * 3 / 4..=base).contains(&wait), "{attempts}: {wait}");
        }
    }
}
