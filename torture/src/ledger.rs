//! What agents were told, in a file that outlives a killed process.
//!
//! Before a request its aim is noted; after a success, that it was reached. In between both may be true: a vault that
//! died or answered with a failure may have done it or not. So every key has a list of what it may hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a key holds: the SHA-256 of a recording, or nothing.
pub type Held = Option<String>;

/// An acknowledged recording: its key and its size, by which its event is recognised.
pub type Stored = (String, u64);

/// The ledger of all requests.
#[derive(Debug)]
pub struct Ledger(Mutex<Book>);

#[derive(Debug)]
struct Book {
    file: File,
    may_hold: BTreeMap<String, BTreeSet<Held>>,
    acknowledged: BTreeSet<Stored>,
    committed: BTreeSet<String>,
}

/// One line.
enum Entry<'a> {
    /// An agent requests this.
    Asks { key: &'a str, held: &'a str },
    /// It was told that this is so now; for a new recording, with its size.
    Told { key: &'a str, held: &'a str, size: &'a str },
    /// It was told that a recording of this size was stored, while others uploaded the same key: one of them came last.
    ToldToo { key: &'a str, size: &'a str },
    /// An event of this id was in the vault's tables, which it leaves a week after it was sent.
    Committed { event: &'a str },
}

const NOTHING: &str = "nothing";

impl Ledger {
    /// Opens a ledger, or starts one.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        let written = std::fs::read_to_string(path).unwrap_or_default();
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let mut book =
            Book { file, may_hold: BTreeMap::new(), acknowledged: BTreeSet::new(), committed: BTreeSet::new() };
        for line in written.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["asks", key, held] => book.take(&Entry::Asks { key, held }),
                ["told", key, held, size] => book.take(&Entry::Told { key, held, size }),
                ["committed", event] => book.take(&Entry::Committed { event }),
                ["told-too", key, size] => book.take(&Entry::ToldToo { key, size }),
                // A process was killed while writing the last line, so nobody was told yet.
                _ => {}
            }
        }
        Ok(Self(Mutex::new(book)))
    }

    /// An agent is about to request this content, or none, for a key.
    pub fn asks(&self, key: &str, held: &Held) {
        let held = held.as_deref().unwrap_or(NOTHING);
        self.book().note(&Entry::Asks { key, held });
    }

    /// It was told that a key holds this now. `size` is that of a recording whose event must arrive.
    pub fn told(&self, key: &str, held: &Held, size: Option<u64>) {
        let size = size.map_or_else(|| NOTHING.to_owned(), |size| size.to_string());
        self.book().note(&Entry::Told { key, held: held.as_deref().unwrap_or(NOTHING), size: &size });
    }

    /// It was told that a recording of this size was stored, while others upload the same key.
    pub fn told_too(&self, key: &str, size: u64) {
        self.book().note(&Entry::ToldToo { key, size: &size.to_string() });
    }

    /// What keys may hold.
    pub fn may_hold(&self) -> BTreeMap<String, BTreeSet<Held>> {
        self.book().may_hold.clone()
    }

    /// Recordings whose events must arrive.
    pub fn acknowledged(&self) -> BTreeSet<Stored> {
        self.book().acknowledged.clone()
    }

    /// All events that have been in the vault's tables, including those in `now`.
    pub fn committed<'a>(&self, now: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
        let mut book = self.book();
        for event in now {
            if !book.committed.contains(event) {
                book.note(&Entry::Committed { event });
            }
        }
        book.committed.clone()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn note(&mut self, entry: &Entry<'_>) {
        let line = match entry {
            Entry::Asks { key, held } => format!("asks {key} {held}\n"),
            Entry::Told { key, held, size } => format!("told {key} {held} {size}\n"),
            Entry::ToldToo { key, size } => format!("told-too {key} {size}\n"),
            Entry::Committed { event } => format!("committed {event}\n"),
        };
        self.file.write_all(line.as_bytes()).expect("the ledger's own disk is well");
        self.take(entry);
    }

    fn take(&mut self, entry: &Entry<'_>) {
        let held = |text: &str| (text != NOTHING).then(|| text.to_owned());
        match entry {
            Entry::Asks { key, held: text } => {
                let before = || BTreeSet::from([None]);
                self.may_hold.entry((*key).to_owned()).or_insert_with(before).insert(held(text));
            }
            Entry::Told { key, held: text, size } => {
                self.may_hold.insert((*key).to_owned(), BTreeSet::from([held(text)]));
                if let Ok(size) = size.parse() {
                    self.acknowledged.insert(((*key).to_owned(), size));
                }
            }
            Entry::ToldToo { key, size } => {
                self.may_hold.entry((*key).to_owned()).or_default().remove(&None);
                if let Ok(size) = size.parse() {
                    self.acknowledged.insert(((*key).to_owned(), size));
                }
            }
            Entry::Committed { event } => _ = self.committed.insert((*event).to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_book_is_read_again_as_it_was_and_a_torn_line_tells_nothing() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("ledger");
        let ledger = Ledger::open(&path).expect("opens");
        ledger.asks("a", &Some("1".into()));
        ledger.told("a", &Some("1".into()), Some(10));
        ledger.asks("a", &None);
        ledger.asks("b", &Some("2".into()));
        let torn = OpenOptions::new().append(true).open(&path).and_then(|mut file| file.write_all(b"told b 2"));
        torn.expect("writes");
        let again = Ledger::open(&path).expect("opens");
        assert_eq!(again.may_hold(), ledger.may_hold());
        assert_eq!(again.may_hold()["a"], BTreeSet::from([None, Some("1".into())]));
        assert_eq!(again.may_hold()["b"], BTreeSet::from([None, Some("2".into())]));
        assert_eq!(again.acknowledged(), BTreeSet::from([("a".into(), 10)]));
    }
}
