//! Where a part lies until it is sent on: in memory while the budget lasts, else in a spool file.
//!
//! A slow agent must not block the fast ones, so it never waits for memory others hold: after a
//! short wait its part moves to disk. Spooled parts are read back under a second, smaller budget
//! that is held only while they are sent.

use super::shares::Share;
use bytes::{Bytes, BytesMut};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Unit of the budget, in bytes.
const UNIT: usize = 1024;
/// Memory a part of unknown size starts with, in bytes.
const FIRST: usize = 256 * 1024;
/// How long a part waits for memory before it moves to disk.
const PATIENCE: Duration = Duration::from_millis(250);
/// Memory of an open spool file, in bytes. Hundreds may be open; left to itself each keeps up to 2 MiB.
const FILE_BUFFER: usize = 64 * 1024;
/// Part of the budget that is kept for sending spooled parts.
const SENDING_SHARE: usize = 4;

/// The memory all uploads share.
pub(crate) struct Budget {
    receiving: Arc<Semaphore>,
    sending: Arc<Semaphore>,
    sending_units: usize,
    spool: PathBuf,
}

impl Budget {
    pub(crate) fn new(bytes: usize, spool: PathBuf) -> Self {
        let sending_units = (bytes / SENDING_SHARE / UNIT).max(1);
        let receiving_units = (bytes / UNIT).saturating_sub(sending_units).max(1);
        let semaphore = |units| Arc::new(Semaphore::new(units));
        Self { receiving: semaphore(receiving_units), sending: semaphore(sending_units), sending_units, spool }
    }

    /// What one provider may hold of the memory for sending spooled parts, in units: half, but enough for any one part.
    pub(super) fn sending_share(&self) -> usize {
        (self.sending_units / 2).max(1)
    }

    async fn spool_file(&self) -> io::Result<File> {
        let path = self.spool.join(crate::keys::random_id());
        let mut file = OpenOptions::new().read(true).write(true).create_new(true).open(&path).await?;
        file.set_max_buf_size(FILE_BUFFER);
        // Without a name the system frees it with the last handle, whatever happens to us.
        tokio::fs::remove_file(&path).await?;
        Ok(file)
    }
}

/// A part being filled.
pub(super) struct PartBuffer {
    budget: Arc<Budget>,
    /// Size to reserve at once, when it is known.
    expected: usize,
    place: Place,
    len: usize,
}

enum Place {
    Memory { bytes: BytesMut, permit: Option<OwnedSemaphorePermit>, reserved: usize },
    Spool(File),
}

/// A whole part in memory, and its share of the budget.
pub(super) struct HeldPart {
    pub(super) bytes: Bytes,
    _permits: (Option<OwnedSemaphorePermit>, Option<OwnedSemaphorePermit>),
}

impl PartBuffer {
    /// An empty part that will hold `expected` bytes, as far as that is known.
    pub(super) fn new(budget: Arc<Budget>, expected: Option<usize>) -> Self {
        let place = Place::Memory { bytes: BytesMut::new(), permit: None, reserved: 0 };
        Self { budget, expected: expected.unwrap_or(FIRST), place, len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds bytes.
    pub(super) async fn push(&mut self, chunk: &[u8]) -> io::Result<()> {
        self.len += chunk.len();
        if let Place::Memory { bytes, permit, reserved } = &mut self.place {
            if self.len <= *reserved {
                bytes.extend_from_slice(chunk);
                return Ok(());
            }
            let wanted = self.len.max(self.expected).max(*reserved * 2);
            let units = u32::try_from((wanted - *reserved).div_ceil(UNIT)).unwrap_or(u32::MAX);
            let more = tokio::time::timeout(PATIENCE, self.budget.receiving.clone().acquire_many_owned(units)).await;
            if let Ok(Ok(more)) = more {
                match permit {
                    Some(permit) => permit.merge(more),
                    None => *permit = Some(more),
                }
                *reserved += units as usize * UNIT;
                bytes.reserve(wanted - bytes.len());
                bytes.extend_from_slice(chunk);
                return Ok(());
            }
            let mut file = self.budget.spool_file().await?;
            file.write_all(bytes).await?;
            self.place = Place::Spool(file);
        }
        match &mut self.place {
            Place::Spool(file) => file.write_all(chunk).await,
            Place::Memory { .. } => unreachable!("a part that stays in memory was answered above"),
        }
    }

    /// The whole part in memory. When it was spooled, waits for its provider's share of the sending budget first, and
    /// then for the budget itself.
    pub(super) async fn hold(self, share: &Share) -> io::Result<HeldPart> {
        match self.place {
            Place::Memory { bytes, permit, .. } => Ok(HeldPart { bytes: bytes.freeze(), _permits: (permit, None) }),
            Place::Spool(mut file) => {
                let units = self.len.div_ceil(UNIT).clamp(1, self.budget.sending_share());
                let units = u32::try_from(units).unwrap_or(u32::MAX);
                let of_provider = share.sending.clone().acquire_many_owned(units).await.map_err(io::Error::other)?;
                let permit = self.budget.sending.clone().acquire_many_owned(units).await.map_err(io::Error::other)?;
                file.flush().await?;
                file.rewind().await?;
                let mut bytes = BytesMut::with_capacity(self.len);
                while file.read_buf(&mut bytes).await? > 0 {}
                Ok(HeldPart { bytes: bytes.freeze(), _permits: (Some(permit), Some(of_provider)) })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::shares::Shares;

    #[tokio::test]
    async fn spools_what_the_budget_cannot_hold_and_loses_nothing() {
        let dir = tempfile::tempdir().expect("temp dir");
        let budget = Arc::new(Budget::new(1024 * 1024, dir.path().to_owned()));
        let shares = Shares::new(1, budget.sending_share());
        let mut parts = Vec::new();
        for n in 0..4u8 {
            let mut part = PartBuffer::new(budget.clone(), None);
            for _ in 0..8 {
                part.push(&[n; 50_000]).await.expect("fits somewhere");
            }
            parts.push(part);
        }
        assert!(parts.iter().any(|p| matches!(p.place, Place::Spool(_))), "the budget is smaller than the parts");
        for (n, part) in (0..4u8).zip(parts) {
            let held = part.hold(&shares.of(1)).await.expect("read back");
            assert_eq!(held.bytes, vec![n; 400_000]);
        }
        assert_eq!(std::fs::read_dir(dir.path()).expect("readable").count(), 0, "spool files have no name");
    }
}
