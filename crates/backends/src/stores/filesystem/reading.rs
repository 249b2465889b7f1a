//! Reading objects.

use super::error::{in_words, not_found};
use super::operation::Operation;
use super::{FilesystemStore, Inner};
use bytes::Bytes;
use futures::stream;
use model::ObjectKey;
use model::error::{StoreError, StoreErrorKind};
use model::ports::ByteStream;
use std::fs::{self, File};
use std::io;
use std::ops::{Range, RangeInclusive};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes read at a time by one reader: the most, and the least.
const CHUNKS: RangeInclusive<u64> = 8 * 1024..=64 * 1024;
/// Bytes that all readers together may read at a time, unless there are very many: each holds what it has read until its client
/// has taken it, and thousands may take it slowly.
const ALL_CHUNKS: u64 = 8 * 1024 * 1024;

/// A reader, counted until dropped.
struct Reader(Arc<AtomicU64>);

impl Reader {
    fn new(readers: &Arc<AtomicU64>) -> Self {
        readers.fetch_add(1, Ordering::Relaxed);
        Self(readers.clone())
    }

    /// How many bytes to read next.
    fn chunk(&self) -> u64 {
        let share = ALL_CHUNKS / self.0.load(Ordering::Relaxed).max(1);
        share.clamp(*CHUNKS.start(), *CHUNKS.end())
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Inner {
    /// Opens an object and returns its length; `None` when there is none. Folders and symbolic links are not objects.
    pub(super) fn open(&self, key: &ObjectKey) -> Result<Option<(File, u64)>, StoreError> {
        let path = self.path(key);
        if !self.folders.exists_inside(path.parent().unwrap_or(&self.root))? {
            return self.staging.check_set_up().map(|()| None);
        }
        let opened = fs::symlink_metadata(&path)
            .and_then(|found| if found.is_file() { File::open(&path).map(Some) } else { Ok(None) });
        match opened {
            Ok(Some(file)) => {
                let length = file.metadata().map_err(|e| in_words("read", e))?.len();
                Ok(Some((file, length)))
            }
            Ok(None) => Ok(None),
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidFilename) => {
                self.staging.check_set_up().map(|()| None)
            }
            Err(e) => Err(in_words("read", e)),
        }
    }

    /// Opens an object; returns its length, and works out the range of bytes.
    pub(super) fn open_range(
        &self,
        key: &ObjectKey,
        range: Option<Range<u64>>,
    ) -> Result<(File, u64, Range<u64>), StoreError> {
        let (file, length) = self.open(key)?.ok_or_else(not_found)?;
        match range {
            None => Ok((file, length, 0..length)),
            Some(range) if range.start < length.min(range.end) => {
                Ok((file, length, range.start..length.min(range.end)))
            }
            Some(_) => Err(StoreError::new(StoreErrorKind::Range, "The range lies outside the recording.")),
        }
    }
}

/// The bytes of an open file in chunks. Ends with an error when a chunk does not come in time.
pub(super) fn stream(store: FilesystemStore, file: File, range: Range<u64>) -> ByteStream {
    let open = Arc::new((file, Reader::new(&store.0.readers)));
    Box::pin(stream::try_unfold(range, move |range| {
        let (store, open) = (store.clone(), open.clone());
        async move {
            if range.is_empty() {
                return Ok(None);
            }
            let end = range.end.min(range.start + open.1.chunk());
            let read = move |_: &Inner, _: &Operation| read(&open.0, range.start..end).map_err(|e| in_words("read", e));
            let bytes = store.blocking_in_turn(read).await?;
            Ok(Some((bytes, end..range.end)))
        }
    }))
}

fn read(file: &File, range: Range<u64>) -> io::Result<Bytes> {
    let mut bytes = vec![0; usize::try_from(range.end - range.start).map_err(io::Error::other)?];
    file.read_exact_at(&mut bytes, range.start)?;
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_share_what_they_hold() {
        let readers = Arc::default();
        let held = |count| -> u64 {
            let all: Vec<Reader> = (0..count).map(|_| Reader::new(&readers)).collect();
            all.iter().map(Reader::chunk).sum()
        };
        assert_eq!(held(1), *CHUNKS.end());
        assert_eq!(held(128), ALL_CHUNKS);
        assert!(held(1000) <= ALL_CHUNKS, "{}", held(1000));
        assert_eq!(held(4000), 4000 * CHUNKS.start());
        assert_eq!(readers.load(Ordering::Relaxed), 0, "nothing is left behind");
    }
}
