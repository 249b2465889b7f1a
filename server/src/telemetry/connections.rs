//! What connections come to: how many are open, and those that nobody asked anything over.

use ::metrics::{counter, describe_counter, describe_gauge, gauge};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The same is logged this often at most.
const EVERY: Duration = Duration::from_secs(60);

static ADDRESS_FULL: Seldom = Seldom::new();
static ALL_TAKEN: Seldom = Seldom::new();

pub(super) fn describe() {
    describe_gauge!("http_connections", "Connections that are open.");
    describe_counter!(
        "http_connections_refused_total",
        "Connections closed at once because their address has as many as it may."
    );
    describe_counter!(
        "http_connections_waited_total",
        "Times that as many connections were open as may be, so that the next had to wait."
    );
    describe_counter!(
        "http_connections_given_up_total",
        "Connections closed because of a slow_head, or because the client was not_reading its answer."
    );
}

/// An open connection, counted until dropped.
pub(crate) struct Open(());

impl Open {
    pub(crate) fn count() -> Self {
        gauge!("http_connections").increment(1.0);
        Self(())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        gauge!("http_connections").decrement(1.0);
    }
}

/// An address has as many connections as it may; another one was closed.
pub(crate) fn address_full(address: IpAddr) {
    counter!("http_connections_refused_total").increment(1);
    if let Some(times) = ADDRESS_FULL.is_due(Instant::now()) {
        tracing::warn!(%address, times, "an address has too many connections; further ones are closed");
    }
}

/// As many connections are open as may be; the next waits.
pub(crate) fn all_taken() {
    counter!("http_connections_waited_total").increment(1);
    if let Some(times) = ALL_TAKEN.is_due(Instant::now()) {
        tracing::warn!(times, "all connections are taken; further ones wait. See server.max_connections");
    }
}

/// A connection was given up.
pub(crate) fn given_up(why: &'static str) {
    counter!("http_connections_given_up_total", "why" => why).increment(1);
}

/// Something that may happen thousands of times a second and is logged now and then.
struct Seldom(Mutex<(Option<Instant>, u64)>);

impl Seldom {
    const fn new() -> Self {
        Self(Mutex::new((None, 0)))
    }

    /// Counts it. When it is time to log it, says how often it has happened since the last time.
    fn is_due(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.1 += 1;
        if state.0.is_some_and(|last| now.duration_since(last) < EVERY) {
            return None;
        }
        state.0 = Some(now);
        Some(std::mem::take(&mut state.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_all_the_time_is_logged_once_a_minute_with_how_often_it_was() {
        let (seldom, start) = (Seldom::new(), Instant::now());
        assert_eq!(seldom.is_due(start), Some(1));
        assert!((0..10).all(|_| seldom.is_due(start + EVERY / 2).is_none()));
        assert_eq!(seldom.is_due(start + EVERY), Some(11));
    }
}
