//! Validate for a folder: does it exist (or can it be created), can the vault write, read and delete in it?

use super::error::in_words;
use super::operation::Operation;
use super::{FilesystemStore, Inner};
use crate::prober::Prober;
use model::error::{StoreError, StoreErrorKind};
use model::ports::BlobStore as _;
use model::probe::{ProbeEnded, ProbeFailure, ProbeReport};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

pub(super) async fn run(store: FilesystemStore) -> ProbeReport {
    Prober::run(|mut prober| async move {
        let _ = steps(&mut prober, &store).await;
        prober
    })
    .await
}

async fn steps(prober: &mut Prober, store: &FilesystemStore) -> Result<(), ProbeEnded> {
    let made = prober.step("folder", folder(store)).await?;
    let ended = match store.set_up().await {
        Ok(()) => prober.objects(store, cure).await,
        Err(e) => prober.step("write", async { Err(ProbeFailure::new(&e, cure("write", &e))) }).await,
    };
    tidy(store, made).await;
    ended
}

/// Creates the folder if it is missing; returns the folders to remove again.
async fn folder(store: &FilesystemStore) -> Result<Vec<PathBuf>, ProbeFailure> {
    let folders = |inner: &Inner, _: &Operation| {
        let missing: Vec<PathBuf> =
            inner.staging.folder().ancestors().filter(|f| !f.exists()).map(Path::to_owned).collect();
        let made = enter(inner).map_err(|e| in_words("stored", e));
        Ok((inner.root.clone(), missing.into_iter().rev().collect(), made))
    };
    let (root, missing, made): (PathBuf, Vec<PathBuf>, _) =
        store.blocking(folders).await.map_err(|e| ProbeFailure::new(&e, "Try again."))?;
    match made {
        Ok(()) => Ok(missing),
        Err(error) => {
            tidy(store, missing).await;
            let reason = match error.kind {
                StoreErrorKind::Denied if root.is_file() => format!("{} is a file, not a folder.", root.display()),
                StoreErrorKind::Denied => format!(
                    "{} cannot be made or entered: permission is missing or a file is in the way.",
                    root.display()
                ),
                _ => format!("{} cannot be made or entered.", root.display()),
            };
            Err(ProbeFailure::new(reason, ownership(&root)))
        }
    }
}

fn enter(inner: &Inner) -> io::Result<()> {
    inner.folders.forget(&inner.root);
    inner.folders.ensure(&inner.root)?;
    if fs::metadata(&inner.root)?.is_dir() { Ok(()) } else { Err(io::ErrorKind::NotADirectory.into()) }
}

/// Removes the folders the probe created, deepest first, and only if empty: somebody may have stored something
/// meanwhile.
async fn tidy(store: &FilesystemStore, made: Vec<PathBuf>) {
    let removed = store.blocking(move |store, wanted| {
        for folder in made.iter().rev() {
            // It may be in use by then.
            wanted.check()?;
            store.folders.forget(folder);
            match fs::remove_dir(folder) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => break,
                _ => {}
            }
        }
        Ok(())
    });
    // An empty folder left behind does no harm.
    let _ = removed.await;
}

fn cure(step: &str, error: &StoreError) -> String {
    match (error.kind, step) {
        (StoreErrorKind::Full, _) => "Free some space, or choose a folder on a larger disk.".into(),
        (StoreErrorKind::Denied, "write") => format!(
            "Give the vault's user{} write permission to the folder, and check that it is not mounted read-only.",
            user()
        ),
        (StoreErrorKind::Denied, _) => format!("Give the vault's user{} full permission to the folder.", user()),
        _ => "Check the disk, or the network share, and the system's log.".into(),
    }
}

fn ownership(root: &Path) -> String {
    match own_uid() {
        Some(uid) => {
            format!("Make it and give it to the vault's user: mkdir -p {0} && chown {uid} {0}", root.display())
        }
        None => format!("Make {} and give it to the user the vault runs as.", root.display()),
    }
}

fn user() -> String {
    own_uid().map(|uid| format!(" (uid {uid})")).unwrap_or_default()
}

/// The user this process runs as, if `/proc` tells.
fn own_uid() -> Option<u32> {
    fs::metadata("/proc/self").ok().map(|m| m.uid())
}
