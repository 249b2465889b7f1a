//! Limits sign-in attempts per peer and per name.

use crate::access::rate_limit::{Buckets, Rate};
use crate::base::VaultError;
use sha2::{Digest as _, Sha256};
use std::time::Duration;

/// Attempts of one peer at once; all of them come back within five minutes.
pub(super) const PER_PEER: u32 = 10;
/// Attempts for one name at once, from anywhere; all of them come back within five minutes.
const PER_NAME: u32 = 50;
const REFILL_S: f64 = 300.0;
/// Bounds the memory an attacker with many addresses can take.
const MAX_TRACKED: usize = 10_000;

pub(super) struct Attempts {
    by_peer: Buckets<Hash>,
    by_name: Buckets<Hash>,
}

/// Names are as long as a stranger likes; this is what is remembered of one.
type Hash = [u8; 32];

fn hash(name: &str) -> Hash {
    Sha256::digest(name).into()
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
        let admitted = self.by_peer.take(hash(peer), now).and_then(|()| self.by_name.take(hash(name), now));
        admitted.map_err(|wait| VaultError::TooMany { retry_after_s: wait.as_secs().max(1) })
    }

    /// Forgets the attempts after a successful sign-in.
    pub(super) fn forget(&self, peer: &str, name: &str) {
        self.by_peer.refill(&hash(peer));
        self.by_name.refill(&hash(name));
    }
}
