//! Limits sign-in attempts per peer and per name.

use crate::access::rate_limit::{Buckets, Rate};
use crate::base::VaultError;
use sha2::{Digest as _, Sha256};
use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
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
    /// Guesses at the present password, by who is signed in.
    changes: Buckets<i64>,
    proven: Mutex<HashSet<(Hash, Hash)>>,
}

/// Names are as long as a stranger likes; this is what is remembered of one.
type Hash = [u8; 32];

fn hash(name: &str) -> Hash {
    Sha256::digest(name).into()
}

impl Default for Attempts {
    fn default() -> Self {
        let rate = |tokens: u32| Rate { burst: f64::from(tokens), per_second: f64::from(tokens) / REFILL_S };
        Self {
            by_peer: Buckets::new(rate(PER_PEER), MAX_TRACKED),
            by_name: Buckets::new(rate(PER_NAME), MAX_TRACKED),
            changes: Buckets::new(rate(PER_PEER), MAX_TRACKED),
            proven: Mutex::default(),
        }
    }
}

impl Attempts {
    /// Counts an attempt to sign in. Strangers' attempts at a name do not keep out whoever has signed in with it from
    /// this peer before.
    ///
    /// # Errors
    /// [`VaultError::TooMany`] if there were too many lately.
    pub(super) fn admit(&self, peer: &str, name: &str, now: Duration) -> Result<(), VaultError> {
        self.by_peer.take(hash(peer), now).map_err(too_many)?;
        if self.is_proven(peer, name) { Ok(()) } else { self.by_name.take(hash(name), now).map_err(too_many) }
    }

    /// Whether somebody has signed in with this name from this peer before.
    pub(super) fn is_proven(&self, peer: &str, name: &str) -> bool {
        self.proven().contains(&(hash(peer), hash(name)))
    }

    /// Forgets the attempts after a successful sign-in.
    pub(super) fn forget(&self, peer: &str, name: &str) {
        let (peer, name) = (hash(peer), hash(name));
        self.by_peer.refill(&peer);
        self.by_name.refill(&name);
        let mut proven = self.proven();
        if proven.len() >= MAX_TRACKED {
            proven.clear();
        }
        proven.insert((peer, name));
    }

    /// Counts an attempt to change a password.
    ///
    /// # Errors
    /// [`VaultError::TooMany`] if there were too many lately.
    pub(super) fn admit_change(&self, user: i64, now: Duration) -> Result<(), VaultError> {
        self.changes.take(user, now).map_err(too_many)
    }

    /// Forgets the attempts after the present password was right.
    pub(super) fn forget_changes(&self, user: i64) {
        self.changes.refill(&user);
    }

    fn proven(&self) -> MutexGuard<'_, HashSet<(Hash, Hash)>> {
        self.proven.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn too_many(wait: Duration) -> VaultError {
    VaultError::TooMany { retry_after_s: wait.as_secs() + 1 }
}
