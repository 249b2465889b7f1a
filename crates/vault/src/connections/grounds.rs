//! Which folders of this machine a provider may have. Not one with the vault's own files in it, or an agent that names the
//! right directory would overwrite them; nor one inside another provider's.

use super::Connections;
use super::place::PATIENCE;
use crate::base::db::location::sqlite_file;
use crate::base::entity::connection;
use crate::base::{Result, VaultError};
use crate::host::home::Home;
use model::connection::{ConnectionForm, Definition as _, Family};
use model::field::Settings;
use model::providers::Filesystem;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use tokio::time::timeout;

/// The setting that names a provider's folder.
const PATH: &str = "path";
/// Most symbolic links followed, as the system does.
const MAX_LINKS: usize = 40;
const OWN_CURE: &str = "Choose a folder that only recordings are in.";

/// What belongs to the vault itself.
#[derive(Debug, Default)]
pub(crate) struct Grounds {
    /// Data folder, database, configuration.
    own: Vec<PathBuf>,
    /// Where uploads wait: a part of the data folder that is no place for recordings either.
    spool: PathBuf,
}

impl Grounds {
    pub(crate) fn new(home: &Home, own_files: &[PathBuf]) -> Self {
        let own = [home.data_dir.clone()].into_iter().chain(sqlite_file(&home.database_url));
        Self { own: own.chain(own_files.iter().cloned()).collect(), spool: home.data_dir.join("spool") }
    }

    /// Something of the vault that a folder holds.
    fn held_by(&self, folder: &Path) -> Option<PathBuf> {
        let mounted = identity(folder).filter(|_| folder.is_dir());
        let holds =
            |own: &PathBuf| mounted.is_some_and(|folder| own.ancestors().any(|at| identity(at) == Some(folder)));
        if let Some(own) = self.own.iter().find(|own| holds(own)) {
            return Some(own.clone());
        }
        let inside = self.own.iter().map(|path| resolved(path)).find(|own| own.starts_with(folder));
        inside.or_else(|| Some(resolved(&self.spool)).filter(|spool| folder.starts_with(spool)))
    }
}

impl Connections {
    /// Why a provider cannot have the folder that its settings name; `None` if it can, or if it has none.
    pub(super) async fn own_ground(&self, kind: &str, settings: &Settings) -> Option<String> {
        let folder = folder(kind, settings)?;
        let (grounds, wanted) = (self.grounds.clone(), folder.clone());
        let looking = tokio::task::spawn_blocking(move || grounds.held_by(&resolved(&wanted)));
        // A share that hangs holds nothing of this vault's: it could not have started.
        let held = timeout(PATIENCE, looking).await.ok()?.ok()??;
        Some(format!("{} holds the vault's own {}.", folder.display(), held.display()))
    }

    /// Fails if a provider's folder holds something of the vault, or lies in another provider's, or another's in it.
    pub(crate) async fn check_ground(&self, id: Option<i64>, kind: &str, settings: &Settings) -> Result<()> {
        if let Some(why) = self.own_ground(kind, settings).await {
            return Err(VaultError::invalid(PATH, format!("Folder {why} {OWN_CURE}")));
        }
        let others = self.other_providers(id).await?;
        self.check_beside(kind, settings, others.iter().filter_map(|row| self.folder_of(row)).collect()).await
    }

    /// The same for a provider that the configuration file declares, beside those that it declares too.
    pub(crate) async fn check_declared_ground(&self, form: &ConnectionForm, declared: &[ConnectionForm]) -> Result<()> {
        if let Some(why) = self.own_ground(&form.kind, &form.settings).await {
            return Err(VaultError::invalid(PATH, format!("Folder {why} {OWN_CURE}")));
        }
        let stored = self.other_providers(None).await?;
        let mut others: Vec<_> = stored.iter().filter_map(|row| self.folder_of(row)).collect();
        others.retain(|(name, _)| !declared.iter().any(|d| d.family == Family::Provider && d.name == *name));
        let declared = declared.iter().filter(|other| other.family == Family::Provider && other.name != form.name);
        others.extend(declared.filter_map(|d| Some((d.name.clone(), folder(&d.kind, &d.settings)?))));
        self.check_beside(&form.kind, &form.settings, others).await
    }

    async fn check_beside(&self, kind: &str, settings: &Settings, folders: Vec<(String, PathBuf)>) -> Result<()> {
        let Some(wanted) = folder(kind, settings) else { return Ok(()) };
        let named = wanted.clone();
        let looking = tokio::task::spawn_blocking(move || {
            let here = resolved(&wanted);
            folders.into_iter().map(|(name, path)| (name, resolved(&path))).find(|(_, there)| {
                // The same folder is told as one place.
                here != *there && (lies_in(&here, there) || lies_in(there, &here))
            })
        });
        match timeout(PATIENCE, looking).await {
            Ok(Ok(Some((name, path)))) => Err(VaultError::invalid(
                PATH,
                format!(
                    "Folder {} and {}, the folder of {name}, lie in one another. Choose one beside it.",
                    named.display(),
                    path.display()
                ),
            )),
            _ => Ok(()),
        }
    }

    fn folder_of(&self, row: &connection::Model) -> Option<(String, PathBuf)> {
        Some((row.name.clone(), folder(&row.kind, &self.settings(row).ok()?)?))
    }
}

fn folder(kind: &str, settings: &Settings) -> Option<PathBuf> {
    (kind == Filesystem::NAME).then(|| PathBuf::from(settings.get(PATH))).filter(|path| !path.as_os_str().is_empty())
}

/// Whether a folder lies within another, also if a bind mount leads there.
fn lies_in(inner: &Path, outer: &Path) -> bool {
    let outer_is = |above: &Path| identity(outer).is_some_and(|outer| identity(above) == Some(outer));
    inner.starts_with(outer) || inner.ancestors().skip(1).any(outer_is)
}

/// A path without symbolic links, as far as it exists; also through links to what does not exist yet.
fn resolved(path: &Path) -> PathBuf {
    let mut missing: Vec<OsString> = Vec::new();
    let mut there = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut links = 0;
    loop {
        if let Ok(real) = fs::canonicalize(&there) {
            return missing.iter().rev().fold(real, |path, part| path.join(part));
        }
        if let Ok(target) = fs::read_link(&there)
            && links < MAX_LINKS
        {
            links += 1;
            there = there.parent().map_or_else(|| target.clone(), |parent| parent.join(&target));
            continue;
        }
        match (there.file_name().map(ToOwned::to_owned), there.pop()) {
            (Some(part), true) => missing.push(part),
            _ => return path.to_owned(),
        }
    }
}

/// What a path leads to, by any way: a bind mount is another one to the same folder.
fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vaults_own_is_found_by_any_way_that_leads_there() {
        let dir = tempfile::tempdir().expect("a folder");
        let (root, data) = (dir.path().join("srv"), dir.path().join("srv/vault/data"));
        fs::create_dir_all(&data).expect("made");
        fs::write(root.join("vault.toml"), "").expect("written");
        std::os::unix::fs::symlink(&root, dir.path().join("link")).expect("linked");
        std::os::unix::fs::symlink("srv/vault/data/spool/later", dir.path().join("dangling")).expect("linked");
        let home = Home { database_url: "postgres://x/y".into(), data_dir: data.clone(), master_key: None };
        let grounds = Grounds::new(&home, &[root.join("vault.toml")]);
        let held = |path: &str| grounds.held_by(&resolved(&dir.path().join(path)));
        for bad in
            ["", "srv", "srv/vault", "srv/vault/data", "link", "link/vault", "srv/vault/data/spool/x", "dangling"]
        {
            assert!(held(bad).is_some(), "{bad}");
        }
        for good in ["srv/vault/data/recordings", "srv/other", "elsewhere/not/there", "link/vault/data/recordings"] {
            assert_eq!(held(good), None, "{good}");
        }
    }
}
