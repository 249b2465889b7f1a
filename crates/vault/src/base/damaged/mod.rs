//! What is read from the database and no vault has written: an error that names table, row and column, never a default.
//!
//! `columns.rs` has the rules. Whoever reads a row reads it by them and hands the outcome to `DamagedRows::sound`, `noted` or
//! `told`, so that an administrator learns of it; lists and loops then leave the row out and go on with the others.

mod columns;
mod damage;

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) use columns::{damage_of_state, delivery_purpose, delivery_state};
pub use damage::Damage;

/// The damage that was met since the start; cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct DamagedRows(Arc<Mutex<Met>>);

/// Most damaged rows that are remembered. Of further ones nobody is told: these are enough to act.
const MOST: usize = 1000;

#[derive(Default)]
struct Met {
    logged: HashSet<Damage>,
    untold: BTreeSet<Damage>,
}

impl DamagedRows {
    /// Damage that was met, as an error of the vault's.
    pub(crate) fn tell(&self, damage: Damage) -> crate::base::VaultError {
        self.note(&damage);
        damage.into()
    }

    /// What was read; of damage administrators are told, and the log once.
    pub(crate) fn noted<T>(&self, read: Result<T, Damage>) -> Result<T, Damage> {
        read.inspect_err(|damage| self.note(damage))
    }

    /// The same, as an error of the vault's.
    pub(crate) fn told<T>(&self, read: Result<T, Damage>) -> crate::base::Result<T> {
        read.map_err(|damage| self.tell(damage))
    }

    /// What can be read of several; the others are told.
    pub(crate) fn sound<T>(&self, read: impl IntoIterator<Item = Result<T, Damage>>) -> Vec<T> {
        read.into_iter().filter_map(|one| self.noted(one).ok()).collect()
    }

    fn note(&self, damage: &Damage) {
        let mut met = self.lock();
        // Told once: an administrator may put the notice away, and the row is met every minute.
        if met.logged.len() < MOST && met.logged.insert(damage.clone()) {
            let Damage { table, id, column, why } = damage;
            tracing::error!(table, id, column, why, "a damaged row is left out");
            met.untold.insert(damage.clone());
        }
    }

    /// What administrators have not been told.
    pub(crate) fn take_untold(&self) -> BTreeSet<Damage> {
        std::mem::take(&mut self.lock().untold)
    }

    /// Table and id of each.
    pub(crate) fn rows(&self) -> BTreeSet<(String, i64)> {
        self.lock().logged.iter().map(|damage| (damage.table.to_owned(), damage.id)).collect()
    }

    /// A row is mended or gone: should it be damaged again, the log is told again.
    pub(crate) fn forget(&self, table: &str, id: i64) {
        self.lock().logged.retain(|damage| (damage.table, damage.id) != (table, id));
    }

    fn lock(&self) -> MutexGuard<'_, Met> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
