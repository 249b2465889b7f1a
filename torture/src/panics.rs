//! A task's panic ends only that task, and nobody notices. Here it breaks a promise.

use std::sync::{LazyLock, Mutex, PoisonError};

static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());
static WATCHING: LazyLock<()> = LazyLock::new(|| {
    let told_before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        told_before(panic);
        // A test's own panics, on a thread with its name, are its failures.
        if std::thread::current().name().is_some_and(|name| name.starts_with("tokio-")) {
            SEEN.lock().unwrap_or_else(PoisonError::into_inner).push(panic.to_string());
        }
    }));
});

/// Starts recording panics.
pub(crate) fn watch() {
    LazyLock::force(&WATCHING);
}

/// This process's panics so far.
pub(crate) fn seen() -> Vec<String> {
    SEEN.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
