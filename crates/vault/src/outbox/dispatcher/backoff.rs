use crate::base::keys::random;
use std::time::Duration;

/// Attempts without any answer before a delivery is parked: about three days, with waits of up to an hour.
pub(super) const MAX_ATTEMPTS: i32 = 80;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// How often the outbox is checked, and how long deliveries wait after failures.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How often a worker looks without being woken.
    pub poll: Duration,
    /// A camera's first wait after a failure; doubled by each further one in a row.
    pub first_wait: Duration,
    /// Longest of these waits.
    pub longest_wait: Duration,
    /// For deliveries that the other side refuses.
    pub refused: Patience,
    /// For deliveries refused because the vault has no access, or the endpoint is gone.
    pub denied: Patience,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(2),
            first_wait: Duration::from_secs(1),
            longest_wait: HOUR,
            refused: Patience { first_wait: MINUTE, longest_wait: HOUR, give_up_after: 24 * HOUR },
            denied: Patience { first_wait: 5 * MINUTE, longest_wait: 4 * HOUR, give_up_after: 72 * HOUR },
        }
    }
}

impl Pace {
    /// How long a camera waits after this many failures in a row, in milliseconds.
    pub(super) fn wait_ms(&self, failures: i32) -> i64 {
        let doublings = u32::try_from(failures - 1).unwrap_or(0).min(20);
        jittered(millis(self.first_wait.saturating_mul(1 << doublings).min(self.longest_wait)))
    }
}

/// How often, and for how long, a delivery that was set aside is retried.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// First wait; doubled by each further one.
    pub first_wait: Duration,
    /// Longest wait.
    pub longest_wait: Duration,
    /// Total of all waits after which it is parked.
    pub give_up_after: Duration,
}

impl Patience {
    /// The wait that follows one of `last_ms` milliseconds (0: the first).
    pub(super) fn next_ms(&self, last_ms: i64) -> i64 {
        jittered(last_ms.saturating_mul(2).clamp(self.first_ms(), millis(self.longest_wait)))
    }

    /// The first wait, in milliseconds.
    pub(super) fn first_ms(&self) -> i64 {
        millis(self.first_wait)
    }

    /// Total of all waits, in milliseconds.
    pub(super) fn total_ms(&self) -> i64 {
        millis(self.give_up_after)
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Up to a quarter less, so that not all come back at once.
fn jittered(wait_ms: i64) -> i64 {
    let [jitter] = random::<1>();
    wait_ms - wait_ms / 4 * i64::from(jitter) / 255
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
