//! Limits sign-in attempts per peer and per name.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Attempts of one peer within a window.
pub(super) const PER_PEER: u32 = 10;
/// Attempts for one name, from anywhere, within a window.
const PER_NAME: u32 = 50;
const WINDOW_MS: i64 = 5 * 60_000;
/// Bounds the memory an attacker with many addresses can take.
const MAX_TRACKED: usize = 10_000;

#[derive(Default)]
pub(super) struct Attempts(Mutex<HashMap<String, Window>>);

struct Window {
    started: i64,
    tries: u32,
}

impl Attempts {
    /// Counts an attempt; after too many, the seconds to wait.
    pub(super) fn admit(&self, peer: &str, name: &str, now: i64) -> Result<(), u64> {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= MAX_TRACKED {
            windows.retain(|_, w| now - w.started < WINDOW_MS);
        }
        if windows.len() >= MAX_TRACKED {
            return Err(60);
        }
        for (key, limit) in [(format!("peer {peer}"), PER_PEER), (format!("name {name}"), PER_NAME)] {
            let window = windows.entry(key).or_insert(Window { started: now, tries: 0 });
            if now - window.started >= WINDOW_MS {
                *window = Window { started: now, tries: 0 };
            }
            window.tries += 1;
            if window.tries > limit {
                return Err(u64::try_from((window.started + WINDOW_MS - now) / 1000).unwrap_or(0).max(1));
            }
        }
        Ok(())
    }

    /// Forgets the attempts after a successful sign-in.
    pub(super) fn forget(&self, peer: &str, name: &str) {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        windows.remove(&format!("peer {peer}"));
        windows.remove(&format!("name {name}"));
    }
}
