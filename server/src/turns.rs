//! Turns at work that takes much memory: so many at a time, and one of each account. Whoever has none waits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// All turns there are.
#[derive(Debug)]
pub struct Turns {
    all: Arc<Semaphore>,
    /// By row id: no more than there are accounts.
    by_account: Mutex<HashMap<i64, Arc<Semaphore>>>,
}

/// One's turn, until dropped.
#[derive(Debug)]
pub struct Turn {
    _of_all: OwnedSemaphorePermit,
    _of_account: OwnedSemaphorePermit,
}

impl Turns {
    /// So many at a time.
    pub fn new(all: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), by_account: Mutex::default() }
    }

    /// Waits for an account's turn; `None` if it does not come soon enough.
    pub async fn take(&self, account_id: i64, patience: Duration) -> Option<Turn> {
        let account = {
            let mut accounts = self.by_account.lock().unwrap_or_else(PoisonError::into_inner);
            accounts.entry(account_id).or_insert_with(|| Arc::new(Semaphore::new(1))).clone()
        };
        let turn = async {
            // In this order: whoever waits for another call of the same account keeps nobody else waiting.
            let of_account = account.acquire_owned().await.ok()?;
            let of_all = self.all.clone().acquire_owned().await.ok()?;
            Some(Turn { _of_all: of_all, _of_account: of_account })
        };
        timeout(patience, turn).await.ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;

    #[tokio::test]
    async fn an_account_has_one_turn_and_all_have_so_many() {
        let turns = Turns::new(2);
        let first = turns.take(1, NOW).await.expect("free");
        assert!(turns.take(1, NOW).await.is_none(), "one at a time of one account");
        let second = turns.take(2, NOW).await.expect("another account has its own");
        assert!(turns.take(3, NOW).await.is_none(), "two at a time");
        drop(second);
        let third = turns.take(3, NOW).await;
        assert!(third.is_some() && turns.take(1, NOW).await.is_none());
        drop((first, third));
        assert!(turns.take(1, NOW).await.is_some(), "who gave up waiting holds nothing");
    }
}
