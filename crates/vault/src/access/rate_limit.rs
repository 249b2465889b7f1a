//! Rate limits: token buckets by key, in bounded memory. Time is that of [`Clock::elapsed`](crate::clock::Clock::elapsed).
//!
//! Not `governor`: it cannot say whether a key has a token without taking it, and has no bound on its keys.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A rate: `burst` at once, then `per_second`.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// Tokens available at once.
    pub burst: f64,
    /// Tokens regained per second.
    pub per_second: f64,
}

/// Token buckets by key. When there is no room for a new key, full buckets are dropped; if none is full, the fullest is:
/// a flood of made-up keys costs no memory, and shuts out nobody else.
#[derive(Debug)]
pub struct Buckets<K> {
    rate: Rate,
    capacity: usize,
    levels: Mutex<HashMap<K, (f64, Duration)>>,
}

impl<K: Clone + Eq + Hash> Buckets<K> {
    /// For at most `capacity` keys.
    pub fn new(rate: Rate, capacity: usize) -> Self {
        Self { rate, capacity, levels: Mutex::default() }
    }

    /// Takes a token; if there is none, returns how long until there is.
    pub fn take(&self, key: K, now: Duration) -> Result<(), Duration> {
        let mut levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        if levels.len() >= self.capacity && !levels.contains_key(&key) {
            levels.retain(|_, level| self.level(*level, now) < self.rate.burst);
            if levels.len() >= self.capacity {
                let level = |stored: &(f64, Duration)| self.level(*stored, now);
                let fullest = levels.iter().max_by(|one, other| level(one.1).total_cmp(&level(other.1)));
                if let Some(fullest) = fullest.map(|(key, _)| key.clone()) {
                    levels.remove(&fullest);
                }
            }
        }
        let stored = levels.entry(key).or_insert((self.rate.burst, now));
        let level = self.level(*stored, now);
        *stored = (level, now);
        if level < 1.0 {
            return Err(self.wait(level));
        }
        stored.0 = level - 1.0;
        Ok(())
    }

    /// Whether there is a token, without taking it.
    pub fn check(&self, key: &K, now: Duration) -> Result<(), Duration> {
        let levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        let level = levels.get(key).map_or(self.rate.burst, |stored| self.level(*stored, now));
        if level < 1.0 { Err(self.wait(level)) } else { Ok(()) }
    }

    /// Gives a key all its tokens back.
    pub fn refill(&self, key: &K) {
        self.levels.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    fn level(&self, (level, at): (f64, Duration), now: Duration) -> f64 {
        let regained = now.saturating_sub(at).as_secs_f64() * self.rate.per_second;
        (level + regained).min(self.rate.burst)
    }

    fn wait(&self, level: f64) -> Duration {
        Duration::from_secs_f64((1.0 - level) / self.rate.per_second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_refills() {
        let buckets = Buckets::new(Rate { burst: 2.0, per_second: 1.0 }, 10);
        let start = Duration::from_secs(1000);
        assert!(buckets.take("a", start).is_ok() && buckets.take("a", start).is_ok());
        assert_eq!(buckets.take("a", start), Err(Duration::from_secs(1)));
        assert!(buckets.check(&"a", start).is_err());
        assert!(buckets.take("b", start).is_ok(), "others are not affected");
        assert!(buckets.take("a", start + Duration::from_secs(1)).is_ok());
    }

    #[test]
    fn made_up_keys_cost_no_memory() {
        let buckets = Buckets::new(Rate { burst: 2.0, per_second: 1.0 }, 3);
        let start = Duration::from_secs(1000);
        assert!(buckets.take(0, start).is_ok() && buckets.take(0, start).is_ok());
        assert!((1..10).all(|key| buckets.take(key, start).is_ok()), "newcomers are taken in");
        assert_eq!(buckets.levels.lock().expect("not poisoned").len(), 3);
        assert!(buckets.take(0, start).is_err(), "the emptiest stays");
    }

    #[test]
    fn a_refilled_bucket_is_full() {
        let buckets = Buckets::new(Rate { burst: 1.0, per_second: 0.1 }, 10);
        let now = Duration::ZERO;
        assert!(buckets.take("a", now).is_ok() && buckets.take("a", now).is_err());
        buckets.refill(&"a");
        assert!(buckets.take("a", now).is_ok());
    }
}
