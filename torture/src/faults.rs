//! Disk failures: a plan of what fails, when and how, and the count of operations on the files.

use crate::platter::Platter;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// SQLite's operations on its files that need the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Opens or creates a file.
    Open,
    /// Writes to a file.
    Write,
    /// Syncs a file.
    Sync,
    /// Shortens a file.
    Truncate,
    /// Enlarges the memory shared by connections, which is a file too.
    Share,
}

/// One of SQLite's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum File {
    /// The database.
    Main,
    /// The write-ahead log.
    Wal,
    /// The rollback journal, used without a WAL.
    Journal,
}

/// How an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskError {
    /// No room (ENOSPC). As a lasting trouble only writing fails, even overwriting: some file systems copy on write.
    Full,
    /// The device failed (EIO).
    Broken,
}

/// Which operations fail, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// How they fail.
    pub trouble: DiskError,
    /// The first one to fail, counted from 1.
    pub nth: u64,
    /// Whether all later ones fail too, until [`Faults::heal`].
    pub lasting: bool,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let trouble = match self.trouble {
            DiskError::Full => "full",
            DiskError::Broken => "broken",
        };
        write!(f, "{trouble} {} {}", if self.lasting { "from" } else { "at" }, self.nth)
    }
}

/// What has happened since the plan was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Operations requested.
    pub asked: u64,
    /// The first few that failed.
    pub failed: Vec<(File, Operation)>,
}

/// Most failures named in a report.
const NAMED: usize = 4;

/// The disk below one database.
#[derive(Debug, Default)]
pub struct Faults {
    state: Mutex<State>,
    /// What a power cut would leave.
    pub platter: Platter,
}

#[derive(Debug, Default)]
struct State {
    plan: Option<Plan>,
    report: Report,
}

impl Faults {
    /// Starts counting operations and failing them by this plan.
    pub fn arm(&self, plan: Plan) {
        *self.state() = State { plan: Some(plan), report: Report::default() };
    }

    /// Ends the plan; reports what happened.
    pub fn heal(&self) -> Report {
        std::mem::take(&mut *self.state()).report
    }

    /// Whether anything has failed since the plan was made.
    pub fn struck(&self) -> bool {
        !self.state().report.failed.is_empty()
    }

    /// Whether this operation fails, and how.
    pub(crate) fn strike(&self, file: File, operation: Operation) -> Option<DiskError> {
        let mut state = self.state();
        let plan = state.plan?;
        state.report.asked += 1;
        let due = if plan.lasting { state.report.asked >= plan.nth } else { state.report.asked == plan.nth };
        let writes = matches!(operation, Operation::Write | Operation::Share);
        let spared = plan.lasting && plan.trouble == DiskError::Full && !writes;
        if !due || spared {
            return None;
        }
        if state.report.failed.len() < NAMED {
            state.report.failed.push((file, operation));
        }
        Some(plan.trouble)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
