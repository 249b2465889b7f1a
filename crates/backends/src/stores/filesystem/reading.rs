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
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Bytes read at a time. Each reader holds as many, and thousands may read slowly.
const CHUNK: u64 = 64 * 1024;

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
    let file = Arc::new(file);
    Box::pin(stream::try_unfold(range, move |range| {
        let (store, file) = (store.clone(), file.clone());
        async move {
            if range.is_empty() {
                return Ok(None);
            }
            let end = range.end.min(range.start + CHUNK);
            let read = move |_: &Inner, _: &Operation| read(&file, range.start..end).map_err(|e| in_words("read", e));
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
