//! Giving a file its place.
//!
//! A new object must not replace a file that is there. `renameat2` can promise that, but not on every file system: NFS
//! and some that go through FUSE answer EINVAL. A second link can, where there are links. Where there are none, all that
//! is left is to look first.

use super::error::{broken, file_in_the_way, folder_in_the_way, in_words};
use super::names::unkept;
use super::operation::Operation;
use super::{ATTEMPTS, Inner, folders, make_durable};
use crate::stores::request_failure::taken;
use model::ObjectKey;
use model::error::StoreError;
use model::ports::Publish;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

impl Inner {
    /// Moves a synced file to its key's place, durably.
    pub(super) fn publish(
        &self,
        staged: &Path,
        key: &ObjectKey,
        publish: Publish,
        wanted: &Operation,
    ) -> Result<(), StoreError> {
        let target = self.path(key);
        let folder = target.parent().unwrap_or(&self.root);
        self.check_name(key)?;
        let mut attempt = 0;
        loop {
            self.staging.check_set_up()?;
            if !self.folders.is_known(folder) {
                self.folders.make(folder).map_err(|e| self.in_the_way(key, e))?;
                self.check_spelling(key.directory())?;
                self.folders.remember(folder);
            }
            self.folders.check_inside(folder)?;
            if publish == Publish::Replace {
                self.check_spelling(key.as_str())?;
            }
            wanted.check()?;
            let moved = match publish {
                Publish::Replace => fs::rename(staged, &target),
                Publish::New => rename_new(staged, &target),
            };
            match moved {
                Ok(()) => break,
                // Another deletion may just have removed the folder along with its last object.
                Err(e) if e.kind() == io::ErrorKind::NotFound && attempt < ATTEMPTS && staged.exists() => {
                    attempt += 1;
                    self.folders.forget(folder);
                }
                Err(e) if e.kind() == io::ErrorKind::NotFound && !staged.exists() => {
                    return Err(broken("The upload was given up before it was complete."));
                }
                Err(e) if e.kind() == io::ErrorKind::NotFound && !folder.is_dir() => return Err(in_words("stored", e)),
                Err(e) => return Err(self.in_the_way(key, e)),
            }
        }
        make_durable(folder).map_err(|e| in_words("stored", e))
    }

    /// Says what keeps a file from its place.
    fn in_the_way(&self, key: &ObjectKey, error: io::Error) -> StoreError {
        use io::ErrorKind::{AlreadyExists, DirectoryNotEmpty, InvalidFilename, IsADirectory, NotADirectory, NotFound};
        if matches!(Errno::from_io_error(&error), Some(Errno::INVAL | Errno::ILSEQ)) {
            return unkept(key, "it has a character that is not allowed there");
        }
        match error.kind() {
            InvalidFilename => return unkept(key, "it is too long"),
            // What exFAT through FUSE says of a name with a colon.
            NotFound => return unkept(key, "it says that there can be no such file"),
            _ => {}
        }
        if !matches!(error.kind(), AlreadyExists | DirectoryNotEmpty | IsADirectory | NotADirectory) {
            return in_words("stored", error);
        }
        let folders = key.as_str().match_indices('/').map(|(at, _)| &key.as_str()[..at]);
        for folder in folders {
            match fs::metadata(self.root.join(folder)) {
                Ok(found) if found.is_dir() => {}
                Ok(_) => return file_in_the_way(folder),
                Err(_) => return in_words("stored", error),
            }
        }
        let target = self.path(key);
        match fs::symlink_metadata(&target) {
            Ok(found) if found.is_dir() => folder_in_the_way(key),
            // Whoever finds that it is what was sent relies on it.
            Ok(found) if found.is_file() => {
                let kept = keep(&target).map_err(|e| in_words("stored", e));
                kept.and_then(|()| self.check_spelling(key.as_str())).err().unwrap_or_else(taken)
            }
            Ok(_) => taken(),
            Err(_) => in_words("stored", error),
        }
    }
}

/// Makes a file that somebody put there durable.
fn keep(file: &Path) -> io::Result<()> {
    File::open(file)?.sync_all()?;
    file.parent().map_or(Ok(()), folders::sync)
}

/// Renames a file unless something has the name.
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => link_new(from, to),
        renamed => Ok(renamed?),
    }
}

/// The same where `renameat2` cannot.
fn link_new(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => {}
        // NFS repeats what was not answered, and then meets its own link.
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && is_same(from, to)? => {}
        Err(e) if has_no_links(&e) => return look_and_rename(from, to),
        Err(e) => return Err(e),
    }
    if let Err(error) = fs::remove_file(from) {
        // The object is there all the same.
        tracing::warn!(%error, path = %from.display(), "a staging file is left behind");
    }
    Ok(())
}

/// The same where there are no links either. What comes between the look and the renaming is replaced.
fn look_and_rename(from: &Path, to: &Path) -> io::Result<()> {
    match fs::symlink_metadata(to) {
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => fs::rename(from, to),
        Err(e) => Err(e),
    }
}

fn is_same(one: &Path, other: &Path) -> io::Result<bool> {
    let (one, other) = (fs::symlink_metadata(one)?, fs::symlink_metadata(other)?);
    Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
}

fn has_no_links(error: &io::Error) -> bool {
    let no = [Errno::PERM, Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP, Errno::MLINK];
    Errno::from_io_error(error).is_some_and(|errno| no.contains(&errno))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each way on a file system that knows all of them.
    #[test]
    fn each_way_replaces_nothing() {
        for way in [rename_new, link_new, look_and_rename] {
            let root = tempfile::tempdir().expect("temp dir");
            let [staged, free, taken, folder] =
                ["staged", "free", "taken", "folder"].map(|name| root.path().join(name));
            fs::write(&staged, "new").expect("is written");
            fs::write(&taken, "old").expect("is written");
            fs::create_dir(&folder).expect("is made");
            for there in [&taken, &folder] {
                assert_eq!(way(&staged, there).expect_err("is there").kind(), io::ErrorKind::AlreadyExists);
            }
            assert_eq!(fs::read(&taken).expect("is there"), b"old");
            way(&staged, &free).expect("nothing is there");
            assert_eq!((fs::read(&free).expect("is there"), staged.exists()), (b"new".to_vec(), false));
            let gone = way(&staged, &root.path().join("other")).expect_err("nothing to rename");
            assert_eq!(gone.kind(), io::ErrorKind::NotFound);
        }
    }

    /// The answer to the first request was lost on the way, and NFS asks again.
    #[test]
    fn a_link_that_is_made_already_is_ones_own() {
        let root = tempfile::tempdir().expect("temp dir");
        let (staged, target) = (root.path().join("staged"), root.path().join("a"));
        fs::write(&staged, "new").expect("is written");
        fs::hard_link(&staged, &target).expect("has links");
        link_new(&staged, &target).expect("it is its own");
        assert_eq!((fs::read(&target).expect("is there"), staged.exists()), (b"new".to_vec(), false));
    }
}
