//! Limits of the API for agents and readers.

use crate::turns::Turns;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use subtle::ConstantTimeEq as _;
use vault::rate_limit::{Buckets, Rate};

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

/// Limits of the API for agents and readers. (`vault::users` limits sign-in.)
#[derive(Debug)]
pub struct Limits {
    /// Wrong credentials, by address and access key: stops guessing one account's secret from one place.
    pub wrong_credentials: Buckets<(IpAddr, String)>,
    /// Credentials that are never slowed down.
    pub proven: Proven,
    /// Heartbeats of cameras that have uploaded, by address and camera: thousands may share an address, and a stranger who
    /// knows one's key does not silence it from elsewhere.
    pub known_heartbeats: Buckets<(IpAddr, String)>,
    /// Heartbeats of all other cameras, by address.
    pub heartbeats: Buckets<IpAddr>,
    /// The same from all addresses together.
    pub all_heartbeats: Buckets<()>,
    /// Notices about what an account's cameras are refused for: a refused camera tries again and again.
    pub shut_out: Buckets<i64>,
    /// Large lists of recordings whose URLs are to be signed: each may take tens of MB (estimated) while it is worked on.
    pub bulk: Turns,
    /// Timelines for HLS players: each may take tens of MB and of milliseconds.
    pub hls: Turns,
    /// Answers with either that are being read: each holds some MB until its reader has it.
    pub unread: Turns,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wrong_credentials: Buckets::new(Rate { burst: 30.0, per_second: 0.5 }, 10_000),
            proven: Proven::new(10_000),
            known_heartbeats: Buckets::new(Rate { burst: 20.0, per_second: 1.0 }, 30_000),
            heartbeats: Buckets::new(Rate { burst: 100.0, per_second: 20.0 }, 10_000),
            all_heartbeats: Buckets::new(Rate { burst: 1000.0, per_second: 500.0 }, 1),
            shut_out: Buckets::new(Rate { burst: 1.0, per_second: 1.0 / 60.0 }, 10_000),
            bulk: Turns::new(2, 1),
            hls: Turns::new(2, 1),
            unread: Turns::new(8, 4),
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
