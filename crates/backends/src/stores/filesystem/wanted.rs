//! Whether somebody still waits for an operation.
//!
//! A thread that hangs in the file system cannot be ended. Whoever asked for it is told that the folder does not answer, and
//! whatever they do next must not be undone by that thread when it goes on.

use super::hangs;
use model::error::StoreError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the thread asks.
#[derive(Debug)]
pub(super) struct Wanted(Arc<AtomicBool>);

/// Held by whoever waits; dropped, the operation is given up.
#[derive(Debug)]
pub(super) struct Waiting(Arc<AtomicBool>);

/// For one operation.
pub(super) fn operation() -> (Waiting, Wanted) {
    let wanted = Arc::new(AtomicBool::new(true));
    (Waiting(wanted.clone()), Wanted(wanted))
}

impl Wanted {
    /// Fails once the operation was given up. Asked right before each call that renames or removes a file others know of:
    /// only such a call itself may still come to its end later.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        if self.0.load(Ordering::SeqCst) { Ok(()) } else { Err(hangs()) }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}
