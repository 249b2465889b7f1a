//! Failed uploads for which recovery knows what is at their key.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Intents of failed uploads whose object was found to match its row, while another one may still arrive late: it is
/// read again once that time is over, not every minute.
#[derive(Clone, Default)]
pub(crate) struct Settled(Arc<Mutex<HashSet<i64>>>);

impl Settled {
    pub(crate) fn contains(&self, intent_id: i64) -> bool {
        self.lock().contains(&intent_id)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, HashSet<i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
