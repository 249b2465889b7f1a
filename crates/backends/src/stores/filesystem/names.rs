//! Folders that take two names for one: FAT, exFAT, NTFS, APFS, and shares of them.
//!
//! There `A.mp4` is `a.mp4`, or `é` is one name however it is written, or a dot at the end is dropped. Then an object that is
//! found by its key may be another key's. So on such a folder an object lies under exactly its key's name, and what is
//! listed under another is none of that key's: it is neither replaced nor deleted.

use super::Inner;
use super::error::in_words;
use crate::random;
use model::ObjectKey;
use model::error::{StoreError, StoreErrorKind};
use std::fs::{self, File};
use std::io;
use std::path::Path;

/// What a folder makes of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Habits {
    /// Takes names for one that are two, and lists them as they were given.
    folds: bool,
    /// Drops dots or spaces at the end.
    trims: bool,
}

/// How a name that is found is spelt.
#[derive(Debug, PartialEq, Eq)]
enum Spelling {
    /// As it was asked for, or nothing has it.
    Same,
    /// Otherwise.
    Other(String),
}

impl Habits {
    /// Tries a folder of the vault's own.
    fn of(folder: &Path) -> io::Result<Self> {
        let name = format!("names-{}-é", random::hex::<8>());
        let path = folder.join(&name);
        File::create_new(&path)?;
        let found = |other: &str| fs::symlink_metadata(folder.join(other)).is_ok();
        let folds = found(&name.to_uppercase()) || found(&name.replace('é', "e\u{301}"));
        let trims = found(&format!("{name}.")) || found(&format!("{name} "));
        // HFS+ lists names as it likes; there nothing can be told by them.
        let lists = is_listed(folder, &name);
        fs::remove_file(&path)?;
        Ok(Self { folds: folds && lists?, trims })
    }
}

impl Inner {
    /// What the folder makes of names; asked once. If it cannot be asked now, the next one asks again.
    fn habits(&self) -> Habits {
        if let Some(habits) = self.habits.get() {
            return *habits;
        }
        let Ok(habits) = Habits::of(self.staging.folder()) else { return Habits::default() };
        if habits != Habits::default() {
            let folder = self.root.display();
            tracing::warn!(%folder, ?habits, "names that differ in case or writing only are one name here");
        }
        *self.habits.get_or_init(|| habits)
    }

    /// Refuses a key that the folder would keep under another name.
    pub(super) fn check_name(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let ends = key.as_str().split('/').any(|part| part.ends_with(['.', ' ']));
        if ends && self.habits().trims {
            return Err(unkept(key, "it drops dots and spaces at the end of a name"));
        }
        Ok(())
    }

    /// Refuses a folder, or a file, that is there under another name.
    pub(super) fn check_spelling(&self, path: &str) -> Result<(), StoreError> {
        if !self.habits().folds {
            return Ok(());
        }
        match spelling(&self.root, path).map_err(|e| in_words("stored", e))? {
            Spelling::Same => Ok(()),
            Spelling::Other(other) => Err(StoreError::new(
                StoreErrorKind::Clash,
                format!("{path} is there already as {other}: the provider's folder does not tell these names apart."),
            )),
        }
    }

    /// Whether what is found by a key is another key's.
    pub(super) fn is_anothers(&self, key: &ObjectKey) -> Result<bool, StoreError> {
        if !self.habits().folds {
            return Ok(false);
        }
        let found = spelling(&self.root, key.as_str()).map_err(|e| in_words("looked at", e))?;
        Ok(found != Spelling::Same)
    }
}

/// The folder cannot keep a name.
pub(super) fn unkept(key: &ObjectKey, why: &str) -> StoreError {
    StoreError::new(StoreErrorKind::Name, format!("The provider's folder cannot keep the name {key}: {why}."))
}

/// How a path below a root is spelt there. Lists every folder on the way.
fn spelling(root: &Path, path: &str) -> io::Result<Spelling> {
    let mut folder = root.to_owned();
    let mut real = Vec::new();
    for part in path.split('/') {
        match fs::symlink_metadata(folder.join(part)) {
            Ok(_) => {}
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => break,
            Err(e) => return Err(e),
        }
        real.push(listed_as(&folder, part)?);
        folder.push(part);
    }
    let same = real.iter().zip(path.split('/')).all(|(real, part)| real == part);
    Ok(if same { Spelling::Same } else { Spelling::Other(real.join("/")) })
}

/// The name under which a folder lists what it finds by this one.
fn listed_as(folder: &Path, name: &str) -> io::Result<String> {
    let mut alike = None;
    for entry in fs::read_dir(folder)? {
        let listed = entry?.file_name();
        if listed == name {
            return Ok(name.to_owned());
        }
        let listed = listed.to_string_lossy();
        if listed.to_lowercase() == name.to_lowercase() {
            alike = Some(listed.into_owned());
        }
    }
    Ok(alike.unwrap_or_else(|| "another name".into()))
}

fn is_listed(folder: &Path, name: &str) -> io::Result<bool> {
    Ok(listed_as(folder, name)? == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_keeps_names_apart_does_nothing_to_them() {
        let root = tempfile::tempdir().expect("temp dir");
        assert_eq!(Habits::of(root.path()).expect("can be asked"), Habits::default());
        assert_eq!(fs::read_dir(root.path()).expect("is there").count(), 0, "nothing is left");
    }

    /// As far as a folder that keeps names apart can tell: what is there is listed.
    #[test]
    fn finds_how_a_path_is_spelt() {
        let root = tempfile::tempdir().expect("temp dir");
        fs::create_dir_all(root.path().join("Site/b")).expect("is made");
        fs::write(root.path().join("Site/b/A.mp4"), "x").expect("is written");
        for path in ["Site/b/A.mp4", "Site/b/a.mp4", "site/b/A.mp4", "Site/b", "Site/b/A.mp4/x"] {
            assert_eq!(spelling(root.path(), path).expect("can be read"), Spelling::Same, "{path}");
        }
        assert_eq!(listed_as(&root.path().join("Site/b"), "a.MP4").expect("can be read"), "A.mp4");
        assert_eq!(listed_as(root.path(), "elsewhere").expect("can be read"), "another name");
    }
}
