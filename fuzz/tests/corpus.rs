//! Tries every target on its corpus and on changes of it, the same ones every time.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngAlgorithm, RngSeed, TestError, TestRunner};
use std::fs;
use std::path::Path;

/// Largest input: what is longer shows nothing else.
const LARGEST: usize = 64 * 1024;

/// A change of an input.
#[derive(Debug, Clone)]
enum Change {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, Index),
    /// Numbers where off-by-ones and overflows are.
    Number(Index, u64, usize),
    /// A piece of another input, or of the same.
    Splice(Index, Index, Index, Index),
}

fn change() -> impl Strategy<Value = Change> {
    let number = prop_oneof![
        Just(0),
        Just(1),
        Just(u64::MAX),
        Just(u64::MAX >> 1),
        Just(u64::from(u32::MAX)),
        Just(u64::from(u32::MAX >> 1)),
        0..300_u64,
        any::<u64>(),
    ];
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        (any::<Index>(), vec(any::<u8>(), 1..16)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (any::<Index>(), any::<Index>()).prop_map(|(at, length)| Change::Remove(at, length)),
        (any::<Index>(), number, 1..=8_usize).prop_map(|(at, number, length)| Change::Number(at, number, length)),
        (any::<Index>(), any::<Index>(), any::<Index>(), any::<Index>())
            .prop_map(|(from, start, length, at)| Change::Splice(from, start, length, at)),
    ]
}

fn apply(change: &Change, bytes: &mut Vec<u8>, corpus: &[Vec<u8>]) {
    let place = |at: &Index| at.index(bytes.len() + 1);
    match change {
        Change::Set(at, byte) => {
            let at = place(at);
            if let Some(changed) = bytes.get_mut(at) {
                *changed = *byte;
            }
        }
        Change::Insert(at, new) => {
            let at = place(at);
            bytes.splice(at..at, new.iter().copied());
        }
        Change::Remove(at, length) => {
            let at = place(at);
            let end = at + length.index(bytes.len() - at + 1);
            bytes.drain(at..end);
        }
        Change::Number(at, number, length) => {
            let (at, number) = (place(at), number.to_be_bytes());
            let end = (at + length).min(bytes.len());
            bytes[at..end].copy_from_slice(&number[8 - (end - at)..]);
        }
        Change::Splice(from, start, length, at) => {
            let other = &corpus[from.index(corpus.len())];
            let start = start.index(other.len() + 1);
            let piece = other[start..start + length.index(other.len() - start + 1)].to_vec();
            let at = place(at);
            bytes.splice(at..at, piece);
        }
    }
    bytes.truncate(LARGEST);
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "no corpus for {target}");
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// Runs the target on its corpus, then on so many changes of it.
fn try_target(name: &str, target: fn(&[u8]), times: u32) {
    let corpus = corpus(name);
    corpus.iter().for_each(|bytes| target(bytes));
    let config = Config {
        cases: times,
        failure_persistence: None,
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: RngSeed::Fixed(20_261_127),
        ..Config::default()
    };
    let tried = TestRunner::new(config).run(&(any::<Index>(), vec(change(), 1..8)), |(first, changes)| {
        let mut bytes = corpus[first.index(corpus.len())].clone();
        changes.iter().for_each(|change| apply(change, &mut bytes, &corpus));
        // Shown by name and content when it fails, to be put into the corpus.
        let outcome = std::panic::catch_unwind(|| target(&bytes));
        prop_assert!(outcome.is_ok(), "{name} fails for {:?}", bytes.escape_ascii().to_string());
        Ok(())
    });
    if let Err(TestError::Fail(why, _) | TestError::Abort(why)) = tried {
        panic!("{why}");
    }
}

#[test]
fn file_name() {
    try_target("file_name", fuzz::file_name, 20_000);
}

#[test]
fn key() {
    try_target("key", fuzz::key, 20_000);
}

#[test]
fn mp4() {
    try_target("mp4", fuzz::mp4, 5_000);
}

#[test]
#[cfg(feature = "server")]
fn range() {
    try_target("range", fuzz::range, 20_000);
}

#[test]
#[cfg(feature = "server")]
fn heartbeat() {
    try_target("heartbeat", fuzz::heartbeat, 20_000);
}

#[test]
#[cfg(feature = "server")]
fn forwarded() {
    try_target("forwarded", fuzz::forwarded, 20_000);
}

#[test]
#[cfg(feature = "server")]
fn bulk() {
    try_target("bulk", fuzz::bulk, 20_000);
}

#[test]
#[cfg(feature = "server")]
fn upload_metadata() {
    try_target("upload_metadata", fuzz::upload_metadata, 20_000);
}
