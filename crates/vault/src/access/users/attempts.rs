//! Limits sign-in attempts per peer and per name.

use crate::access::rate_limit::{Buckets, Rate};
use crate::base::VaultError;
use std::time::Duration;

/// Attempts of one peer at once; all of them come back within five minutes.
pub(super) const PER_PEER: u32 = 10;
/// Attempts for one name at once, from anywhere; all of them come back within five minutes.
const PER_NAME: u32 = 50;
const REFILL_S: f64 = 300.0;
/// Bounds the memory an attacker with many addresses can take.
const MAX_TRACKED: usize = 10_000;

pub(super) struct Attempts {
    by_peer: Buckets<String>,
    by_name: Buckets<String>,
}

impl Default for Attempts {
    fn default() -> Self {
        let buckets = |tokens: u32| {
            let burst = f64::from(tokens);
            Buckets::new(Rate { burst, per_second: burst / REFILL_S }, MAX_TRACKED)
        };
        Self { by_peer: buckets(PER_PEER), by_name: buckets(PER_NAME) }
    }
}

impl Attempts {
    /// Counts an attempt.
    ///
    /// # Errors
    /// [`VaultError::TooMany`] if there were too many lately.
    pub(super) fn admit(&self, peer: &str, name: &str, now: Duration) -> Result<(), VaultError> {
        let admitted = self.by_peer.take(peer.to_owned(), now).and_then(|()| self.by_name.take(name.to_owned(), now));
        admitted.map_err(|wait| VaultError::TooMany { retry_after_s: wait.as_secs().max(1) })
    }

    /// Forgets the attempts after a successful sign-in.
    pub(super) fn forget(&self, peer: &str, name: &str) {
        self.by_peer.refill(&peer.to_owned());
        self.by_name.refill(&name.to_owned());
    }
}
