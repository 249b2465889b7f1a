//! How much one provider may take of what all uploads share, so that one that accepts and never answers does not stop
//! uploads to the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;

/// The shares of all providers that had uploads.
pub(super) struct Shares {
    uploads: usize,
    sending_units: usize,
    by_provider: Mutex<HashMap<i64, Arc<Share>>>,
}

/// One provider's share.
pub(super) struct Share {
    /// Uploads at a time.
    pub(super) uploads: Arc<Semaphore>,
    /// Units of the budget for sending spooled parts.
    pub(super) sending: Arc<Semaphore>,
}

impl Shares {
    pub(super) fn new(uploads: usize, sending_units: usize) -> Self {
        Self { uploads, sending_units, by_provider: Mutex::default() }
    }

    pub(super) fn of(&self, provider_id: i64) -> Arc<Share> {
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        let new = || Arc::new(Share { uploads: semaphore(self.uploads), sending: semaphore(self.sending_units) });
        let mut shares = self.by_provider.lock().unwrap_or_else(PoisonError::into_inner);
        shares.entry(provider_id).or_insert_with(new).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_provider_takes_is_not_missed_by_another() {
        let shares = Shares::new(2, 2);
        let taken: Vec<_> = (0..2).map(|_| shares.of(1).uploads.clone().try_acquire_owned()).collect();
        assert!(taken.iter().all(Result::is_ok));
        assert!(shares.of(1).uploads.clone().try_acquire_owned().is_err());
        assert!(shares.of(2).uploads.clone().try_acquire_owned().is_ok());
        drop(taken);
        assert!(shares.of(1).uploads.clone().try_acquire_owned().is_ok());
    }
}
