//! A folder's files in memory, and writing them without touching unchanged ones.

use anyhow::{Context, Result};
use std::{
    collections::BTreeMap,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

/// Relative path → content.
#[derive(Default, Debug, PartialEq, Eq)]
pub(crate) struct Tree(pub(crate) BTreeMap<PathBuf, Vec<u8>>);

impl Tree {
    /// Reads a folder; empty if it does not exist.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let mut tree = Self::default();
        for relative in files_below(folder)? {
            let file = folder.join(&relative);
            let content = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
            tree.0.insert(relative, content);
        }
        Ok(tree)
    }

    pub(crate) fn add(&mut self, path: impl Into<PathBuf>, content: Vec<u8>) {
        self.0.insert(path.into(), content);
    }

    /// Adds all files of another tree below `folder`.
    pub(crate) fn graft(&mut self, folder: &str, other: Tree) {
        for (path, content) in other.0 {
            self.0.insert(Path::new(folder).join(path), content);
        }
    }

    /// Makes `folder` hold exactly these files; returns whether anything changed. Unchanged files keep their time
    /// stamps, so that cargo does not rebuild the server for them.
    pub(crate) fn write(&self, folder: &Path) -> Result<bool> {
        let mut changed = false;
        for (path, content) in &self.0 {
            let file = folder.join(path);
            if fs::read(&file).is_ok_and(|found| &found == content) {
                continue;
            }
            fs::create_dir_all(file.parent().context("a file has a folder")?)?;
            fs::write(&file, content).with_context(|| format!("writing {}", file.display()))?;
            changed = true;
        }
        for path in files_below(folder)? {
            if !self.0.contains_key(&path) {
                fs::remove_file(folder.join(&path))?;
                changed = true;
                // fails for a folder that still has files
                path.ancestors().skip(1).take_while(|above| fs::remove_dir(folder.join(above)).is_ok()).for_each(drop);
            }
        }
        Ok(changed)
    }
}

/// Detects changes; no protection against attacks.
pub(crate) fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(relative) = folders.pop() {
        let Ok(entries) = fs::read_dir(folder.join(&relative)) else { continue };
        for entry in entries {
            let entry = entry?;
            let path = relative.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_leaves_exactly_the_tree_and_touches_nothing_twice() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("pkg/older")).unwrap();
        fs::write(folder.path().join("pkg/older/stale.wasm"), "old").unwrap();
        fs::write(folder.path().join("pkg/stale.wasm.br"), "old").unwrap();
        let mut package = Tree::default();
        package.add("a.js", b"new".to_vec());
        let mut tree = Tree::default();
        tree.add("icon.svg", b"<svg/>".to_vec());
        tree.graft("pkg", package);

        assert!(tree.write(folder.path()).unwrap());
        assert_eq!(Tree::read(folder.path()).unwrap(), tree);
        assert!(!folder.path().join("pkg/older").exists());
        let modified = |name| fs::metadata(folder.path().join(name)).unwrap().modified().unwrap();
        let before = modified("pkg/a.js");
        assert!(!tree.write(folder.path()).unwrap());
        assert_eq!(modified("pkg/a.js"), before);
    }
}
