//! Failed uploads of which recovery knows what lies at their key.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Intents of failed uploads whose object was found to be what its row says, while another one may still arrive late: it is
/// read again when that time is over, not every minute.
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
