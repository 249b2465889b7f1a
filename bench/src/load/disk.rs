//! Writers to a folder: what the disk alone can do.

use super::Client;
use anyhow::{Context as _, Result};
use async_trait::async_trait;
use bytes::Bytes;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

static NUMBER: AtomicU64 = AtomicU64::new(0);

/// Writes a file, syncs it, renames it and syncs its folder, which is what survives a power cut.
fn write(folder: &Path, content: &[u8]) -> std::io::Result<()> {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let (draft, place) = (folder.join(format!("{number}.part")), folder.join(format!("{number}.mp4")));
    let mut file = File::create_new(&draft)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(draft, place)?;
    File::open(folder)?.sync_all()
}

/// Writes a recording from memory.
pub(crate) struct Disk {
    folder: PathBuf,
    recording: Bytes,
}

impl Disk {
    pub(crate) fn new(folder: PathBuf, recording: Bytes) -> Self {
        Self { folder, recording }
    }
}

#[async_trait]
impl Client for Disk {
    async fn upload(&mut self) -> Result<()> {
        let (folder, recording) = (self.folder.clone(), self.recording.clone());
        Ok(tokio::task::spawn_blocking(move || write(&folder, &recording)).await??)
    }
}

/// Copies files; the copiers of a set share the work.
#[derive(Clone)]
pub(crate) struct Copier {
    files: Arc<Mutex<Vec<PathBuf>>>,
    folder: PathBuf,
}

impl Copier {
    pub(crate) fn new(files: Vec<PathBuf>, folder: PathBuf) -> Self {
        Self { files: Arc::new(Mutex::new(files)), folder }
    }
}

#[async_trait]
impl Client for Copier {
    async fn upload(&mut self) -> Result<()> {
        let next = self.files.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let (file, folder) = (next.context("every file is copied")?, self.folder.clone());
        Ok(tokio::task::spawn_blocking(move || write(&folder, &std::fs::read(file)?)).await??)
    }
}
