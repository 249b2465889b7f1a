//! How many connections each address has: one host must not take them all.

use crate::limits::group;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts open connections by address.
pub(super) struct Addresses {
    most: usize,
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// A connection of an address; counts until dropped.
pub(super) struct Open {
    addresses: Arc<Addresses>,
    address: IpAddr,
}

impl Addresses {
    /// Each address may have at most so many.
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, open: Mutex::default() })
    }

    /// `None` if the address has as many as it may.
    pub(super) fn admit(self: &Arc<Self>, ip: IpAddr) -> Option<Open> {
        let address = group(ip);
        let mut open = self.open();
        let count = open.entry(address).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Open { addresses: self.clone(), address })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut open = self.addresses.open();
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_own_count_which_ends_with_its_connections() {
        let addresses = Addresses::new(2);
        let (one, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let (first, second) = (addresses.admit(one), addresses.admit(one));
        assert!(first.is_some() && second.is_some() && addresses.admit(one).is_none());
        assert!(addresses.admit(other).is_some());
        drop(first);
        assert!(addresses.admit(one).is_some());
        drop(second);
        assert!(addresses.open().is_empty(), "nothing is left behind");
    }
}
