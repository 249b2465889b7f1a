//! Failures of one round of background work, logged in one line instead of one for each.

use crate::base::VaultError;
use model::ObjectKey;
use std::error::Error as StdError;

/// Failures at one provider.
#[derive(Default)]
pub(crate) struct Failures {
    times: u32,
    first: Option<(ObjectKey, VaultError)>,
}

impl Failures {
    /// Notes a failure. Damaged rows are reported to administrators elsewhere.
    pub(crate) fn note(&mut self, key: &ObjectKey, error: VaultError) {
        if !matches!(error, VaultError::Damaged(_)) {
            self.times += 1;
            self.first.get_or_insert((key.clone(), error));
        }
    }

    /// Logs the failures, if there are any.
    pub(crate) fn tell(self, provider_id: i64, what: &str) {
        if let Some((key, error)) = self.first {
            let error = &error as &dyn StdError;
            tracing::warn!(provider_id, times = self.times, first = %key, error, "{what}");
        }
    }
}
