//! Where a part is kept until it is sent: in memory while the budget lasts, else in a spool file.
//!
//! A slow agent must not block fast ones, so it never waits for memory that others hold: after a short wait its part
//! moves to disk. Spooled parts are read back under a second, smaller budget, held only while they are sent.
//!
//! Parts are memory maps, not heap allocations: untouched pages take no memory, a growing part is never copied, and
//! everything returns to the system the moment the part is dropped.

use super::shares::Share;
use bytes::Bytes;
use memmap2::MmapMut;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

/// Unit of the budget, in bytes.
const UNIT: usize = 1024;
/// Reserved at first, in bytes; then twice as much each time. What is only announced takes nothing from the others: it may
/// never come.
const FIRST: usize = 64 * 1024;
/// How long a part waits for memory before it moves to disk.
const PATIENCE: Duration = Duration::from_millis(250);
/// One part in this many of the budget is kept for sending spooled parts.
const SENDING_SHARE: usize = 4;

/// The memory that all uploads share.
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

    /// How much of the sending memory one provider may hold, in units: half.
    pub(super) fn sending_share(&self) -> usize {
        (self.sending_units / 2).max(1)
    }

    /// Creates a spool file that starts with these bytes.
    async fn spool(&self, start: Bytes) -> io::Result<Arc<File>> {
        let path = self.spool.join(crate::base::keys::random_id());
        blocking(move || {
            let create = || File::options().read(true).write(true).create_new(true).open(&path);
            let file = match create() {
                // The folder holds nothing of value, so somebody may have removed it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    std::fs::create_dir_all(path.parent().unwrap_or(&path)).and_then(|()| create())?
                }
                created => created?,
            };
            // Without a name, the system frees the file with its last handle, even after a crash.
            std::fs::remove_file(&path)?;
            file.write_all_at(&start, 0)?;
            Ok(Arc::new(file))
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    spawn_blocking(work).await.map_err(io::Error::other)?
}

/// A part being filled.
pub(super) struct PartBuffer {
    budget: Arc<Budget>,
    /// Most bytes it may hold.
    capacity: usize,
    /// Size that it will probably have.
    expected: usize,
    place: Place,
    len: usize,
}

enum Place {
    Memory(Memory),
    Spool(Arc<File>),
}

/// Memory taken from the budget as needed.
#[derive(Default)]
struct Memory {
    space: Option<MmapMut>,
    permit: Option<OwnedSemaphorePermit>,
    reserved: usize,
}

/// A whole part in memory, with its share of the budget.
pub(super) struct HeldPart {
    pub(super) bytes: Bytes,
    _permits: (Option<OwnedSemaphorePermit>, Option<OwnedSemaphorePermit>),
}

impl PartBuffer {
    /// An empty part of up to `capacity` bytes; `expected` is its size, if known.
    pub(super) fn new(budget: Arc<Budget>, capacity: usize, expected: Option<usize>) -> Self {
        let expected = expected.unwrap_or(capacity).min(capacity);
        Self { budget, capacity, expected, place: Place::Memory(Memory::default()), len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Appends bytes; the caller makes sure that they fit.
    pub(super) async fn push(&mut self, chunk: Bytes) -> io::Result<()> {
        let (at, len) = (self.len, self.len + chunk.len());
        if let Place::Memory(memory) = &mut self.place
            && !memory.reserve(&self.budget, len, self.expected, self.capacity).await
        {
            let (start, _held_until_written) = std::mem::take(memory).freeze(at);
            self.place = Place::Spool(self.budget.spool(start).await?);
        }
        match &mut self.place {
            Place::Memory(memory) => memory.space_mut()[at..len].copy_from_slice(&chunk),
            Place::Spool(file) => {
                let file = file.clone();
                blocking(move || file.write_all_at(&chunk, at as u64)).await?;
            }
        }
        self.len = len;
        Ok(())
    }

    /// The whole part in memory. If it was spooled, waits for its provider's share of the sending budget, then for the
    /// budget itself.
    pub(super) async fn load(self, share: &Share) -> io::Result<HeldPart> {
        match self.place {
            Place::Memory(memory) => {
                let (bytes, permit) = memory.freeze(self.len);
                Ok(HeldPart { bytes, _permits: (permit, None) })
            }
            Place::Spool(file) => {
                let units = self.len.div_ceil(UNIT).clamp(1, self.budget.sending_share());
                let units = u32::try_from(units).unwrap_or(u32::MAX);
                let of_provider = share.sending.clone().acquire_many_owned(units).await.map_err(io::Error::other)?;
                let permit = self.budget.sending.clone().acquire_many_owned(units).await.map_err(io::Error::other)?;
                let mut space = MmapMut::map_anon(self.len)?;
                let bytes = blocking(move || file.read_exact_at(&mut space, 0).map(|()| Bytes::from_owner(space)));
                Ok(HeldPart { bytes: bytes.await?, _permits: (Some(permit), Some(of_provider)) })
            }
        }
    }
}

impl Memory {
    /// Makes room for `len` bytes in all; `false` if there is none soon.
    async fn reserve(&mut self, budget: &Budget, len: usize, expected: usize, capacity: usize) -> bool {
        if len <= self.reserved {
            return true;
        }
        let wanted = FIRST.max(self.reserved * 2).min(expected).max(len).min(capacity);
        let units = u32::try_from((wanted - self.reserved).div_ceil(UNIT)).unwrap_or(u32::MAX);
        let more = tokio::time::timeout(PATIENCE, budget.receiving.clone().acquire_many_owned(units)).await;
        let Ok(Ok(more)) = more else { return false };
        if self.space.is_none() {
            self.space = MmapMut::map_anon(capacity).ok();
        }
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            None => self.permit = Some(more),
        }
        self.reserved += units as usize * UNIT;
        self.space.is_some()
    }

    /// The filled bytes, and their share of the budget.
    fn freeze(self, len: usize) -> (Bytes, Option<OwnedSemaphorePermit>) {
        (self.space.map_or_else(Bytes::new, |space| Bytes::from_owner(space).slice(..len)), self.permit)
    }

    fn space_mut(&mut self) -> &mut [u8] {
        self.space.as_mut().map_or(&mut [], |space| &mut space[..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flows::ingest::shares::Shares;

    #[tokio::test]
    async fn a_spool_folder_that_was_removed_is_made_anew() {
        let dir = tempfile::tempdir().expect("temp dir");
        let budget = Arc::new(Budget::new(1024, dir.path().join("spool")));
        budget.spool(Bytes::from_static(b"x")).await.expect("there is room");
        assert!(dir.path().join("spool").is_dir());
    }

    #[tokio::test]
    async fn spools_what_the_budget_cannot_hold_and_loses_nothing() {
        let dir = tempfile::tempdir().expect("temp dir");
        let budget = Arc::new(Budget::new(1024 * 1024, dir.path().to_owned()));
        let shares = Shares::new(1, 1, budget.sending_share());
        let mut parts = Vec::new();
        for n in 0..4u8 {
            let mut part = PartBuffer::new(budget.clone(), 400_000, None);
            for _ in 0..8 {
                part.push(Bytes::from(vec![n; 50_000])).await.expect("fits somewhere");
            }
            parts.push(part);
        }
        assert!(parts.iter().any(|p| matches!(p.place, Place::Spool(_))), "the budget is smaller than the parts");
        for (n, part) in (0..4u8).zip(parts) {
            let held = part.load(&shares.of(1)).await.expect("read back");
            assert_eq!(held.bytes, vec![n; 400_000]);
        }
        assert_eq!(std::fs::read_dir(dir.path()).expect("readable").count(), 0, "spool files have no name");
    }

    #[tokio::test]
    async fn what_is_only_announced_takes_no_memory() {
        let dir = tempfile::tempdir().expect("temp dir");
        let budget = Arc::new(Budget::new(1024 * 1024, dir.path().to_owned()));
        let mut slow = Vec::new();
        for _ in 0..8 {
            let mut part = PartBuffer::new(budget.clone(), 512 * 1024, Some(512 * 1024));
            part.push(Bytes::from_static(b"x")).await.expect("fits");
            slow.push(part);
        }
        let mut quick = PartBuffer::new(budget, 256 * 1024, Some(256 * 1024));
        quick.push(Bytes::from(vec![1; 256 * 1024])).await.expect("fits");
        assert!(matches!(quick.place, Place::Memory(_)), "the others have sent a byte each");
    }
}
