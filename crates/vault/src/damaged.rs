//! Rows of the database that hold what no vault writes: told, and left out; the others go on.

use crate::VaultError;
use crate::notices::{Notice, Notices};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

const CURE: &str = "Mend that row, or restore a backup; everything else goes on without it.";

/// Tells of damaged rows; cheap to clone.
#[derive(Clone)]
pub(crate) struct DamagedRows {
    notices: Notices,
    logged: Arc<Mutex<HashSet<String>>>,
}

impl DamagedRows {
    pub(crate) fn new(notices: Notices) -> Self {
        Self { notices, logged: Arc::default() }
    }

    /// Tells administrators of a row, and the log once.
    pub(crate) async fn tell(&self, table: &'static str, id: i64, column: &'static str, why: &'static str) {
        let subject = format!("{table} {id} {column}");
        let text = VaultError::Damaged { table, id, column, why }.to_string();
        let is_new = self.logged.lock().unwrap_or_else(PoisonError::into_inner).insert(subject.clone());
        if is_new {
            tracing::error!(table, id, column, why, "a damaged row is left out");
        }
        let notice = Notice { code: "damaged-row", subject, text, cure: CURE.into(), dismissible: true };
        self.notices.raise(notice).await;
    }
}
