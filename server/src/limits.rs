//! Rate limits: token buckets by key, in bounded memory.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use subtle::ConstantTimeEq as _;

/// A rate: `burst` at once, then `per_second`.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// Tokens available at once.
    pub burst: f64,
    /// Tokens regained per second.
    pub per_second: f64,
}

/// Token buckets by key. When there is no room for a new key, full buckets are dropped; if none is full, the newcomer
/// is refused, so that a flood of made-up keys costs no memory.
#[derive(Debug)]
pub struct Buckets<K> {
    rate: Rate,
    capacity: usize,
    levels: Mutex<HashMap<K, (f64, Instant)>>,
}

impl<K: Eq + Hash> Buckets<K> {
    /// For at most `capacity` keys.
    pub fn new(rate: Rate, capacity: usize) -> Self {
        Self { rate, capacity, levels: Mutex::default() }
    }

    /// Takes a token; if there is none, returns how long until there is.
    pub fn take(&self, key: K, now: Instant) -> Result<(), Duration> {
        let mut levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        if levels.len() >= self.capacity && !levels.contains_key(&key) {
            levels.retain(|_, level| self.level(*level, now) < self.rate.burst);
            if levels.len() >= self.capacity {
                return Err(Duration::from_secs(1));
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
    pub fn check(&self, key: &K, now: Instant) -> Result<(), Duration> {
        let levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        let level = levels.get(key).map_or(self.rate.burst, |stored| self.level(*stored, now));
        if level < 1.0 { Err(self.wait(level)) } else { Ok(()) }
    }

    fn level(&self, (level, at): (f64, Instant), now: Instant) -> f64 {
        let regained = now.saturating_duration_since(at).as_secs_f64() * self.rate.per_second;
        (level + regained).min(self.rate.burst)
    }

    fn wait(&self, level: f64) -> Duration {
        Duration::from_secs_f64((1.0 - level) / self.rate.per_second)
    }
}

/// Credentials that were right lately, by address and access key, in bounded memory. Holds fingerprints, not secrets.
#[derive(Debug)]
pub struct Proven {
    capacity: usize,
    fingerprints: Mutex<HashMap<(IpAddr, String), [u8; 32]>>,
}

impl Proven {
    /// For at most `capacity` pairs.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, fingerprints: Mutex::default() }
    }

    /// Whether exactly these credentials were right.
    pub fn contains(&self, who: &(IpAddr, String), fingerprint: &[u8; 32]) -> bool {
        let known = self.fingerprints.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(who).is_some_and(|known| known.ct_eq(fingerprint).into())
    }

    /// Remembers credentials. When full, forgets all others.
    pub fn insert(&self, who: (IpAddr, String), fingerprint: [u8; 32]) {
        let mut known = self.fingerprints.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= self.capacity && !known.contains_key(&who) {
            known.clear();
        }
        known.insert(who, fingerprint);
    }
}

/// Limits of the API for agents and readers. (`vault` limits sign-in.)
#[derive(Debug)]
pub struct Limits {
    /// Wrong credentials, by address and access key: stops guessing one account's secret from one place.
    pub wrong_credentials: Buckets<(IpAddr, String)>,
    /// Credentials that are never slowed down.
    pub proven: Proven,
    /// Heartbeats by address; many cameras may share one.
    pub heartbeats: Buckets<IpAddr>,
    /// Heartbeats from everybody together.
    pub all_heartbeats: Buckets<()>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wrong_credentials: Buckets::new(Rate { burst: 30.0, per_second: 0.5 }, 10_000),
            proven: Proven::new(10_000),
            heartbeats: Buckets::new(Rate { burst: 100.0, per_second: 20.0 }, 10_000),
            all_heartbeats: Buckets::new(Rate { burst: 1000.0, per_second: 500.0 }, 1),
        }
    }
}

/// What counts as one address: an IPv6 client has at least a /64.
pub fn group(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 => v4,
    }
}

/// Seconds for a `Retry-After`.
pub fn seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_refills() {
        let buckets = Buckets::new(Rate { burst: 2.0, per_second: 1.0 }, 10);
        let start = Instant::now();
        assert!(buckets.take("a", start).is_ok() && buckets.take("a", start).is_ok());
        assert_eq!(buckets.take("a", start), Err(Duration::from_secs(1)));
        assert!(buckets.check(&"a", start).is_err());
        assert!(buckets.take("b", start).is_ok(), "others are not affected");
        assert!(buckets.take("a", start + Duration::from_secs(1)).is_ok());
    }

    #[test]
    fn made_up_keys_cost_no_memory() {
        let buckets = Buckets::new(Rate { burst: 2.0, per_second: 1.0 }, 3);
        let start = Instant::now();
        let refused = (0..10).filter(|k| buckets.take(*k, start).is_err()).count();
        assert_eq!(refused, 7);
        assert!(buckets.take(99, start + Duration::from_secs(5)).is_ok(), "idle keys make room");
    }

    #[test]
    fn only_what_proved_right_is_let_pass() {
        let (proven, who) = (Proven::new(2), |n: u8| (IpAddr::from([127, 0, 0, n]), "key".to_owned()));
        proven.insert(who(1), [1; 32]);
        assert!(proven.contains(&who(1), &[1; 32]));
        assert!(!proven.contains(&who(1), &[2; 32]));
        assert!(!proven.contains(&who(2), &[1; 32]), "another address proves itself");
        for n in 2..9 {
            proven.insert(who(n), [1; 32]);
            assert!(proven.fingerprints.lock().expect("not poisoned").len() <= 2);
        }
    }

    #[test]
    fn an_ipv6_network_counts_as_one() {
        let ip = |s: &str| s.parse::<IpAddr>().expect("address");
        assert_eq!(group(ip("2001:db8::1")), group(ip("2001:db8::ffff")));
        assert_eq!(group(ip("::ffff:10.0.0.1")), ip("10.0.0.1"));
        assert_ne!(group(ip("10.0.0.1")), group(ip("10.0.0.2")));
    }
}
