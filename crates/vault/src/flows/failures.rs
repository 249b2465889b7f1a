//! What failed in one round of background work: told with one line, not with one for each and every minute.

use crate::base::VaultError;
use model::ObjectKey;
use std::error::Error as StdError;

/// The failures at one provider.
#[derive(Default)]
pub(crate) struct Failures {
    times: u32,
    first: Option<(ObjectKey, VaultError)>,
}

impl Failures {
    /// Something failed. Of a damaged row administrators are told by itself.
    pub(crate) fn note(&mut self, key: &ObjectKey, error: VaultError) {
        if !matches!(error, VaultError::Damaged(_)) {
            self.times += 1;
            self.first.get_or_insert((key.clone(), error));
        }
    }

    /// Tells the log, if there is something to tell.
    pub(crate) fn tell(self, provider_id: i64, what: &str) {
        if let Some((key, error)) = self.first {
            let error = &error as &dyn StdError;
            tracing::warn!(provider_id, times = self.times, first = %key, error, "{what}");
        }
    }
}
