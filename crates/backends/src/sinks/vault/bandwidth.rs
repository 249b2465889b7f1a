use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// A limit on the bytes per second that all transfers of a sink send together.
#[derive(Debug)]
pub(super) struct Bandwidth {
    bytes_per_second: f64,
    /// When everything granted so far will have been sent.
    free_at: Mutex<Instant>,
}

impl Bandwidth {
    /// `None` for 0, which is unlimited.
    pub(super) fn of_kib(kib_per_second: u64) -> Option<Self> {
        let bytes_per_second = kib_per_second as f64 * 1024.0;
        (kib_per_second > 0).then(|| Self { bytes_per_second, free_at: Mutex::new(Instant::now()) })
    }

    /// Waits until this many bytes may be sent.
    pub(super) async fn take(&self, bytes: usize) {
        sleep_until(self.reserve(Instant::now(), bytes)).await;
    }

    /// When they may be sent. First come, first served; idle time earns no credit.
    fn reserve(&self, now: Instant, bytes: usize) -> Instant {
        let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        let start = now.max(*free_at);
        *free_at = start + Duration::from_secs_f64(bytes as f64 / self.bytes_per_second);
        start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_leave_no_faster_than_allowed_however_many_ask() {
        let limit = Bandwidth::of_kib(10).expect("limited");
        let now = Instant::now();
        let turns: Vec<_> = (0..5).map(|_| limit.reserve(now, 20 * 1024) - now).collect();
        assert_eq!(turns, [0, 2, 4, 6, 8].map(Duration::from_secs));
        let later = now + Duration::from_secs(100);
        assert_eq!(limit.reserve(later, 1024), later, "an idle link is free at once");
        assert_eq!(limit.reserve(later, 1024) - later, Duration::from_millis(100), "and has saved nothing up");
        assert!(Bandwidth::of_kib(0).is_none());
    }
}
