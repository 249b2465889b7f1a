//! A value in the database that no vault writes is an error that names table, row and column, never a default.
//!
//! `columns.rs` has the rules. Code that reads a row passes the outcome to `DamagedRows::readable`, `reported` or `or_error`, so
//! that an administrator learns of it; lists and loops then skip the row and go on.

mod columns;
mod damage;

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) use columns::{damage_of_state, delivery_purpose, delivery_state};
pub use damage::Damage;

/// The damage found since the start; cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct DamagedRows(Arc<Mutex<Met>>);

/// Most damaged rows remembered. Further ones are not reported: these are enough to act on.
const MOST: usize = 1000;

#[derive(Default)]
struct Met {
    logged: HashSet<Damage>,
    unreported: BTreeSet<Damage>,
}

impl DamagedRows {
    /// Reports damage, and makes it the vault's error.
    pub(crate) fn error(&self, damage: Damage) -> crate::base::VaultError {
        self.report(&damage);
        damage.into()
    }

    /// Passes on what was read; damage is reported to administrators, and logged once.
    pub(crate) fn reported<T>(&self, read: Result<T, Damage>) -> Result<T, Damage> {
        read.inspect_err(|damage| self.report(damage))
    }

    /// Like [`reported`](Self::reported), with the vault's error type.
    pub(crate) fn or_error<T>(&self, read: Result<T, Damage>) -> crate::base::Result<T> {
        read.map_err(|damage| self.error(damage))
    }

    /// The readable ones of several; the others are reported.
    pub(crate) fn readable<T>(&self, read: impl IntoIterator<Item = Result<T, Damage>>) -> Vec<T> {
        read.into_iter().filter_map(|one| self.reported(one).ok()).collect()
    }

    fn report(&self, damage: &Damage) {
        let mut met = self.lock();
        // Logged once only: an administrator may dismiss the notice, and the row is found again every minute.
        if met.logged.len() < MOST && met.logged.insert(damage.clone()) {
            let Damage { table, id, column, why } = damage;
            tracing::error!(table, id, column, why, "a damaged row is left out");
            met.unreported.insert(damage.clone());
        }
    }

    /// Damage not yet reported to administrators.
    pub(crate) fn take_unreported(&self) -> BTreeSet<Damage> {
        std::mem::take(&mut self.lock().unreported)
    }

    /// Table and row id of each damaged row.
    pub(crate) fn rows(&self) -> BTreeSet<(String, i64)> {
        self.lock().logged.iter().map(|damage| (damage.table.to_owned(), damage.id)).collect()
    }

    /// A row was mended or is gone; if it is damaged again, that is logged again.
    pub(crate) fn forget(&self, table: &str, id: i64) {
        self.lock().logged.retain(|damage| (damage.table, damage.id) != (table, id));
    }

    fn lock(&self) -> MutexGuard<'_, Met> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
