//! The vault in a container or as a service, on bad days. Each works all the same, or ends soon with one sentence that says
//! what is wrong and what to do; and however often a supervisor starts it again, nothing is made anew.

mod asked;
mod first_start;
mod foreign;
mod late_database;
mod memory;
mod newer_tables;
mod read_only;
mod replaced;
mod secrets;
mod stopped;

use crate::data_folder::only_line;
use crate::process::output;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The longest that a vault takes to say why it does not start.
const SOON: Duration = Duration::from_secs(5);

/// A supervisor's restarts: starts it three times, which each end soon with the same sentence and leave no more behind
/// than the first one did. Answers the sentence.
fn said_by_each_start(folder: &Path, start: impl Fn() -> Command) -> String {
    let key = |held: &BTreeMap<PathBuf, Vec<u8>>| -> Vec<_> {
        held.iter()
            .filter(|(path, _)| path.to_string_lossy().contains("master.key"))
            .map(|(_, key)| key.clone())
            .collect()
    };
    let before = held_in(folder);
    let mut left = None;
    let mut sentences = Vec::new();
    for _ in 0..3 {
        let begun = Instant::now();
        // What went well before it is of no interest.
        let output = output(start().env("VAULT_LOG__LEVEL", "warn"));
        assert!(begun.elapsed() < SOON, "after {:?}: {output:?}", begun.elapsed());
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(output.stdout.is_empty(), "no keys, no password: {output:?}");
        sentences.push(only_line(&output));
        let held = held_in(folder);
        assert_eq!(key(&held), key(&before), "no other master key");
        // Of SQLite's own, which come and go, no matter.
        let stays = |path: &PathBuf| !["-wal", "-shm"].iter().any(|end| path.to_string_lossy().ends_with(end));
        let names = held.into_keys().filter(stays).collect::<Vec<_>>();
        assert_eq!(left.get_or_insert(names.clone()), &names, "no more files with each start");
    }
    assert!(sentences[0].starts_with("kerberos-vault cannot start: "), "{sentences:?}");
    assert!(sentences.iter().all(|said| *said == sentences[0]), "{sentences:?}");
    sentences.remove(0)
}

/// All files below a folder, with what is in the small ones.
fn held_in(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut held = BTreeMap::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().unwrap().is_dir() {
            held.extend(held_in(&entry.path()));
            held.insert(entry.path(), Vec::new());
        } else {
            let small = entry.metadata().unwrap().len() < 100;
            // To the test some are closed as they are to the vault.
            let content = if small { std::fs::read(entry.path()).unwrap_or_default() } else { Vec::new() };
            held.insert(entry.path(), content);
        }
    }
    held
}
