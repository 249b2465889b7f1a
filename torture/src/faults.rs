//! What fails on a disk, when, and how: a plan, and the count of what was done to the files.

use crate::platter::Platter;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What SQLite does to its files that needs the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Opens or makes a file.
    Open,
    /// Writes into one.
    Write,
    /// Has it reach the disk.
    Sync,
    /// Shortens it.
    Truncate,
    /// Makes the memory that connections share larger: a file too.
    Share,
}

/// Which of its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum File {
    /// The database.
    Main,
    /// What was committed and is not in the database yet.
    Wal,
    /// What undoes a transaction where there is no WAL.
    Journal,
}

/// How an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// No room (ENOSPC). Lasting, only writing fails, also over what is there: some file systems copy on write.
    Full,
    /// The device failed (EIO).
    Broken,
}

/// Which operations fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// How.
    pub trouble: Trouble,
    /// The first to fail, counted from 1.
    pub nth: u64,
    /// Whether everything after it fails as well, until [`Faults::heal`].
    pub lasting: bool,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let trouble = match self.trouble {
            Trouble::Full => "full",
            Trouble::Broken => "broken",
        };
        write!(f, "{trouble} {} {}", if self.lasting { "from" } else { "at" }, self.nth)
    }
}

/// What happened since a plan was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Operations that the disk was asked for.
    pub asked: u64,
    /// Those that failed, the first few.
    pub failed: Vec<(File, Operation)>,
}

/// Most failures that a report names.
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
    /// From now on operations are counted and fail by this plan.
    pub fn arm(&self, plan: Plan) {
        *self.state() = State { plan: Some(plan), report: Report::default() };
    }

    /// All is well again; tells what happened.
    pub fn heal(&self) -> Report {
        std::mem::take(&mut *self.state()).report
    }

    /// Whether something has failed since the plan was made.
    pub fn struck(&self) -> bool {
        !self.state().report.failed.is_empty()
    }

    /// Whether this operation fails, and how.
    pub(crate) fn strike(&self, file: File, operation: Operation) -> Option<Trouble> {
        let mut state = self.state();
        let plan = state.plan?;
        state.report.asked += 1;
        let due = if plan.lasting { state.report.asked >= plan.nth } else { state.report.asked == plan.nth };
        let writes = matches!(operation, Operation::Write | Operation::Share);
        let spared = plan.lasting && plan.trouble == Trouble::Full && !writes;
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
