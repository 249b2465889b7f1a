//! How much one provider or account may take of what all uploads share: a provider that accepts and never answers must not
//! stop uploads to the others, nor an account whose agents send slowly those of the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Semaphore;

/// The shares of all providers and accounts that had uploads.
pub(super) struct Shares {
    /// Uploads at a time, of everybody and of one provider. An account's share is half of each.
    all_uploads: usize,
    uploads: usize,
    sending_units: usize,
    by_provider: Mutex<HashMap<i64, Arc<Share>>>,
    by_account: Mutex<HashMap<Account, usize>>,
}

/// One provider's share.
pub(super) struct Share {
    /// Uploads at a time.
    pub(super) uploads: Arc<Semaphore>,
    /// Units of the budget for sending spooled parts.
    pub(super) sending: Arc<Semaphore>,
}

/// An account's uploads at all providers, or at one of them.
type Account = (i64, Option<i64>);

/// An upload of an account, counted until dropped.
pub(super) struct Counted {
    shares: Arc<Shares>,
    account: [Account; 2],
    /// Whether the account has more than its share with it.
    pub(super) beyond_its_share: bool,
}

impl Shares {
    pub(super) fn new(all_uploads: usize, uploads: usize, sending_units: usize) -> Self {
        Self { all_uploads, uploads, sending_units, by_provider: Mutex::default(), by_account: Mutex::default() }
    }

    pub(super) fn of(&self, provider_id: i64) -> Arc<Share> {
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        let new = || Arc::new(Share { uploads: semaphore(self.uploads), sending: semaphore(self.sending_units) });
        let mut shares = self.by_provider.lock().unwrap_or_else(PoisonError::into_inner);
        shares.entry(provider_id).or_insert_with(new).clone()
    }

    /// Counts an upload of an account to a provider.
    pub(super) fn count(self: &Arc<Self>, account_id: i64, provider_id: i64) -> Counted {
        let account = [(account_id, None), (account_id, Some(provider_id))];
        let mut running = self.running();
        let mut beyond_its_share = false;
        for (key, all) in account.iter().zip([self.all_uploads, self.uploads]) {
            let count = running.entry(*key).or_default();
            *count += 1;
            beyond_its_share |= *count > all.div_ceil(2);
        }
        drop(running);
        Counted { shares: self.clone(), account, beyond_its_share }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<Account, usize>> {
        self.by_account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut running = self.shares.running();
        for key in &self.account {
            if let Some(count) = running.get_mut(key) {
                *count -= 1;
                if *count == 0 {
                    running.remove(key);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_provider_takes_is_not_missed_by_another() {
        let shares = Shares::new(4, 2, 2);
        let taken: Vec<_> = (0..2).map(|_| shares.of(1).uploads.clone().try_acquire_owned()).collect();
        assert!(taken.iter().all(Result::is_ok));
        assert!(shares.of(1).uploads.clone().try_acquire_owned().is_err());
        assert!(shares.of(2).uploads.clone().try_acquire_owned().is_ok());
        drop(taken);
        assert!(shares.of(1).uploads.clone().try_acquire_owned().is_ok());
    }

    #[test]
    fn an_accounts_share_is_half_of_all_and_half_of_each_provider() {
        let shares = Arc::new(Shares::new(8, 6, 1));
        let first: Vec<_> = (0..3).map(|_| shares.count(1, 1)).collect();
        assert!(first.iter().all(|upload| !upload.beyond_its_share));
        assert!(shares.count(1, 1).beyond_its_share, "half of the provider's");
        let other = shares.count(1, 2);
        assert!(!other.beyond_its_share);
        assert!(shares.count(1, 2).beyond_its_share, "half of all");
        assert!(!shares.count(2, 1).beyond_its_share, "another account has its own");
        drop((first, other));
        assert!(shares.running().is_empty(), "nothing is left behind");
    }
}
