//! The process's threads.

use backends::THREADS_OF_A_FOLDER;
use std::io;
use tokio::runtime::{Builder, Runtime};

/// Folders that may hang at the same time without taking threads from others.
const HANGING: usize = 2;
/// Threads for everything else that blocks: working folders, the spool, passwords. Tokio's own default.
const OTHERS: usize = 512;

/// The runtime of a vault. Threads are started when needed.
pub fn build() -> io::Result<Runtime> {
    let blocking = HANGING * THREADS_OF_A_FOLDER + OTHERS;
    Builder::new_multi_thread().max_blocking_threads(blocking).enable_all().build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;

    #[test]
    fn two_folders_that_hang_leave_threads_for_the_others() {
        let runtime = build().expect("starts");
        let mut hanging = Vec::new();
        for _ in 0..HANGING * THREADS_OF_A_FOLDER {
            let (go_on, held) = mpsc::channel::<()>();
            runtime.spawn_blocking(move || held.recv());
            hanging.push(go_on);
        }
        let served = runtime.block_on(async {
            let work = tokio::task::spawn_blocking(|| "served");
            tokio::time::timeout(Duration::from_secs(30), work).await
        });
        // Before anything is asserted: a runtime ends only once its threads have.
        drop(hanging);
        assert_eq!(served.expect("a thread is left").expect("no panic"), "served");
    }
}
