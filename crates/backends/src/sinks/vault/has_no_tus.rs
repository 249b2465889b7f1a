//! Whether the other vault has no resumable uploads, as older ones.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long that is believed: it may be replaced by a newer one.
const BELIEVED: Duration = Duration::from_secs(3600);

/// Remembers it; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct HasNoTus(Arc<Mutex<Option<Instant>>>);

impl HasNoTus {
    pub(super) fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    pub(super) fn holds(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|noted| noted.elapsed() < BELIEVED)
    }
}
