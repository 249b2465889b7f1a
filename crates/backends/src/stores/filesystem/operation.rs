//! Whether anybody still waits for an operation.
//!
//! A thread that hangs in the file system cannot be stopped. Its caller is told that the folder does not answer, and
//! whatever the caller does next must not be undone when that thread goes on.

use super::hangs;
use model::error::StoreError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The thread's side.
#[derive(Debug)]
pub(super) struct Operation(Arc<AtomicBool>);

/// The caller's side; dropping it gives the operation up.
#[derive(Debug)]
pub(super) struct Waiting(Arc<AtomicBool>);

/// A pair for one operation.
pub(super) fn operation() -> (Waiting, Operation) {
    let wanted = Arc::new(AtomicBool::new(true));
    (Waiting(wanted.clone()), Operation(wanted))
}

impl Operation {
    /// Fails once the operation has been given up. Called right before every rename or removal of a file others know
    /// of: only such a call itself may still take effect later.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        if self.0.load(Ordering::SeqCst) { Ok(()) } else { Err(hangs()) }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}
