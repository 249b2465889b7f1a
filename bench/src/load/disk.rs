//! Writers to a folder: what the disk alone can do.

use super::Client;
use anyhow::Result;
use async_trait::async_trait;
use bytes::Bytes;
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

static NUMBER: AtomicU64 = AtomicU64::new(0);

/// Writes a file, syncs it, renames it and syncs its folder: what it takes for it to survive a power cut.
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
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let written = tokio::task::spawn_blocking(move || -> std::io::Result<()> {
            let (draft, place) = (folder.join(format!("{number}.part")), folder.join(format!("{number}.mp4")));
            let mut file = File::create_new(&draft)?;
            file.write_all(&recording)?;
            file.sync_all()?;
            std::fs::rename(draft, place)?;
            File::open(folder)?.sync_all()
        });
        Ok(written.await??)
    }
}
