//! One vault at a time in the folders that a vault uses.
//!
//! Two vaults on one folder harm each other: the second one's start takes the first one's running uploads for leftovers
//! of a crash. The lock is the kernel's and ends with the process, however that ends; the file's content is only for
//! people, so what a crash leaves in it hinders nobody. `Vault::open` does not take it: whoever runs a vault as a
//! process does so first.

use crate::base::db::location::{folder_of, sqlite_file};
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Name of the locked file.
const FILE: &str = "vault.lock";

/// Held for as long as a vault uses its folders.
#[derive(Debug)]
pub struct Lock {
    _held: Vec<File>,
}

/// Why the folders cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another vault uses one of them.
    #[error(
        "another vault uses the folder {}{owner}; stop that one first, or give each a folder of its own with data.dir", .folder.display()
    )]
    Taken {
        /// The folder.
        folder: PathBuf,
        /// ` (process 12 on host a)`; empty if the file does not say.
        owner: String,
    },
    /// A folder cannot be created or locked.
    #[error("cannot lock the folder {}: {source}; give the vault's user this folder with all that is in it, on a volume that it may write to", .folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl Lock {
    /// Locks the data folder and the SQLite database's, creating them if necessary. Locks nothing with PostgreSQL:
    /// those vaults meet in the database and keep nothing in their folders that could be harmed.
    ///
    /// # Errors
    /// `Taken` when another vault uses one of them, in this process or another.
    pub fn take(data_dir: &Path, database_url: &str) -> Result<Self, LockError> {
        let Some(database) = sqlite_file(database_url) else { return Ok(Self { _held: Vec::new() }) };
        let mut folders = vec![real(data_dir)?];
        let beside = real(&folder_of(&database))?;
        if !folders.contains(&beside) {
            folders.push(beside);
        }
        let held = folders.iter().map(|folder| lock(folder)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { _held: held.into_iter().flatten().collect() })
    }
}

/// Gives a file to the owner of its folder: an administrator may run `restore` as root, the vault does not run as root.
pub(crate) fn give_to_owner_of_folder(file: &Path) -> io::Result<()> {
    let (is, should) = (fs::metadata(file)?, fs::metadata(folder_of(file))?);
    if (is.uid(), is.gid()) == (should.uid(), should.gid()) {
        return Ok(());
    }
    match std::os::unix::fs::chown(file, Some(should.uid()), Some(should.gid())) {
        // Only root may. Anybody else's files belong to the right user anyway.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        other => other,
    }
}

fn real(folder: &Path) -> Result<PathBuf, LockError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder).and_then(|()| fs::canonicalize(folder));
    made.map_err(|source| LockError::Folder { folder: folder.to_owned(), source })
}

fn lock(folder: &Path) -> Result<Vec<File>, LockError> {
    let failed = |source| LockError::Folder { folder: folder.to_owned(), source };
    let path = folder.join(FILE);
    let mut options = OpenOptions::new();
    // Not truncated on opening and never removed: it may be another vault's.
    let mut file =
        options.read(true).write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(taken(folder, &mut file)),
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    // Somebody may remove the file as stale, but hardly the folder, so that is locked too. Not every file system allows
    // it.
    let itself = File::open(folder).ok();
    if let Some(Err(TryLockError::WouldBlock)) = itself.as_ref().map(File::try_lock) {
        return Err(taken(folder, &mut file));
    }
    // Its content does not matter, so neither does a full disk.
    let _ = sign(&mut file);
    let _ = give_to_owner_of_folder(&path);
    Ok([Some(file), itself].into_iter().flatten().collect())
}

fn taken(folder: &Path, file: &mut File) -> LockError {
    LockError::Taken { folder: folder.to_owned(), owner: owner(file) }
}

fn sign(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    writeln!(file, "{} {}", std::process::id(), host.trim())
}

fn owner(file: &mut File) -> String {
    let mut text = String::new();
    if file.take(300).read_to_string(&mut text).is_err() {
        return String::new();
    }
    match text.trim().split_once(' ') {
        Some((process, "")) => format!(" (process {process})"),
        Some((process, host)) => format!(" (process {process} on host {host})"),
        None if text.trim().is_empty() => String::new(),
        None => format!(" (process {})", text.trim()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(file: &Path) -> String {
        format!("sqlite://{}", file.display())
    }

    #[test]
    fn a_folder_is_had_by_one_until_it_lets_go() {
        let dir = tempfile::tempdir().expect("temp dir");
        let (data, database) = (dir.path().join("data"), url(&dir.path().join("data/vault.db")));
        fs::create_dir(&data).expect("made");
        fs::write(data.join(FILE), "1 left by a crash\n").expect("written");
        let first = Lock::take(&data, &database).expect("what a crash left hinders nobody");
        let refused = Lock::take(&data, &database).expect_err("it is taken").to_string();
        let us = format!("(process {} on host ", std::process::id());
        assert!(refused.contains(&data.display().to_string()) && refused.contains(&us), "{refused}");
        fs::remove_file(data.join(FILE)).expect("somebody takes it for a stale one");
        Lock::take(&data, &database).expect_err("it is taken all the same");
        drop(first);
        Lock::take(&data, &database).expect("it is free again");
    }

    #[test]
    fn a_database_elsewhere_is_had_by_one_too_whatever_leads_to_it() {
        let dir = tempfile::tempdir().expect("temp dir");
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        let _first = Lock::take(&a, &url(&a.join("vault.db"))).expect("free");
        fs::write(a.join("vault.db"), "").expect("written");
        std::os::unix::fs::symlink(a.join("vault.db"), dir.path().join("link.db")).expect("linked");
        for database in [a.join("vault.db"), a.join("../a/vault.db"), dir.path().join("link.db")] {
            let refused = Lock::take(&b, &url(&database)).expect_err("its database is another's").to_string();
            assert!(refused.contains(&a.display().to_string()), "{refused}");
        }
        Lock::take(&b, &url(&b.join("vault.db"))).expect("both are its own");
    }

    #[test]
    fn vaults_that_share_a_server_may_share_a_folder() {
        let dir = tempfile::tempdir().expect("temp dir");
        let database = "postgres://vault@db.example/vault";
        let _first = Lock::take(dir.path(), database).expect("free");
        Lock::take(dir.path(), database).expect("still free");
    }
}
