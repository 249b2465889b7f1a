//! Multipart uploads: one staging file each, with every part at its offset.
//!
//! Parts are not synced one by one. Instead, a part's tag holds its length and CRC-32, and
//! [`complete`](Inner::complete) reads back whatever this process did not write itself: bytes lost when the machine
//! went down between two requests are noticed before they become an object. The file is synced once, when it is whole.

use super::error::{broken, in_words, not_found, unknown_upload};
use super::operation::Operation;
use super::{Inner, PART_SIZE, confirm, folders};
use model::ObjectKey;
use model::error::{StoreError, StoreErrorKind};
use model::ports::{Part, Publish, UploadId};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many files are kept open; beyond that uploads still work, a little slower.
const OPEN: usize = 256;
/// Most parts of an upload, so that no number leads to an absurd offset.
const MAX_PARTS: u32 = 1_000_000;

/// The files of running uploads by name, oldest first.
#[derive(Debug, Default)]
pub(super) struct Uploads(Mutex<Vec<(String, Arc<Upload>)>>);

/// An upload's open file.
#[derive(Debug)]
struct Upload {
    file: File,
    /// Parts written through this file handle.
    written: Mutex<BTreeSet<u32>>,
}

impl Upload {
    fn written(&self) -> MutexGuard<'_, BTreeSet<u32>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Uploads {
    fn find(&self, name: &str) -> Option<Arc<Upload>> {
        self.lock().iter().rev().find(|(n, _)| n == name).map(|(_, upload)| upload.clone())
    }

    fn keep(&self, name: &str, file: File) -> Arc<Upload> {
        let mut open = self.lock();
        // Another part of the same upload may have opened it meanwhile.
        if let Some((_, upload)) = open.iter().find(|(n, _)| n == name) {
            return upload.clone();
        }
        if open.len() >= OPEN {
            open.remove(0);
        }
        let upload = Arc::new(Upload { file, written: Mutex::default() });
        open.push((name.to_owned(), upload.clone()));
        upload
    }

    fn forget(&self, name: &str) {
        self.lock().retain(|(n, _)| n != name);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(String, Arc<Upload>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `<file name>:<inode>`. The inode survives the rename, so it tells an object of this upload from any other of the
/// same key.
fn parse(upload: &UploadId) -> Option<(&str, u64)> {
    let (name, inode) = upload.0.split_once(':')?;
    Some((name, inode.parse().ok()?))
}

/// `<length>-<CRC-32>`.
fn tag(bytes: &[u8]) -> String {
    format!("{}-{:08x}", bytes.len(), crc32fast::hash(bytes))
}

fn length(part: &Part) -> Option<u64> {
    part.tag.split_once('-').and_then(|(length, _)| length.parse().ok())
}

fn offset(number: u32) -> u64 {
    u64::from(number - 1) * PART_SIZE as u64
}

impl Inner {
    pub(super) fn begin(&self, key: &ObjectKey) -> Result<UploadId, StoreError> {
        let (file, path) = self.staging.create(key)?;
        let inode = file.metadata().map_err(|e| in_words("stored", e))?.ino();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.uploads.keep(&name, file);
        Ok(UploadId(format!("{name}:{inode}")))
    }

    pub(super) fn put_part(
        &self,
        key: &ObjectKey,
        upload: &UploadId,
        number: u32,
        bytes: &[u8],
    ) -> Result<Part, StoreError> {
        if number == 0 || number > MAX_PARTS || bytes.len() > PART_SIZE {
            return Err(StoreError::new(
                StoreErrorKind::Denied,
                "The part is larger than the store's parts, or has no valid number.",
            ));
        }
        let (_, upload) = self.find_upload(key, upload)?.ok_or_else(unknown_upload)?;
        // A write that fails half-way spoils an earlier part of the same number.
        upload.written().remove(&number);
        upload.file.write_all_at(bytes, offset(number)).map_err(|e| in_words("stored", e))?;
        upload.written().insert(number);
        Ok(Part { number, size: bytes.len() as u64, tag: tag(bytes) })
    }

    pub(super) fn complete(
        &self,
        key: &ObjectKey,
        id: &UploadId,
        parts: &[Part],
        publish: Publish,
        wanted: &Operation,
    ) -> Result<(), StoreError> {
        let total = total(parts)?;
        let Some((staged, upload)) = self.find_upload(key, id)? else {
            return self.completed_before(key, id, total);
        };
        let present = upload.file.metadata().map_err(|e| in_words("stored", e))?.len();
        if present < total {
            return Err(broken("Some of the upload's bytes are missing; it must be sent again."));
        }
        let written = upload.written().clone();
        for part in parts.iter().filter(|p| !written.contains(&p.number)) {
            verify(&upload.file, part)?;
        }
        if present > total {
            // The last part may have been replaced by a shorter one.
            upload.file.set_len(total).map_err(|e| in_words("stored", e))?;
        }
        upload.file.sync_all().map_err(|e| in_words("stored", e))?;
        confirm(&upload.file, total)?;
        self.publish(&staged, key, publish, wanted)?;
        self.forget_upload(id);
        Ok(())
    }

    pub(super) fn abort(&self, key: &ObjectKey, upload: &UploadId, wanted: &Operation) -> Result<(), StoreError> {
        let found = parse(upload).and_then(|(name, _)| Some((name, self.staging.find(key, name)?)));
        let Some((name, path)) = found else { return Ok(()) };
        // If the folder is away, the file is not gone: it comes back with the folder.
        self.staging.check_set_up()?;
        wanted.check()?;
        self.staging.remove(&path).map_err(|e| in_words("given up", e))?;
        self.uploads.forget(name);
        Ok(())
    }

    pub(super) fn abort_all(&self, key: &ObjectKey, wanted: &Operation) -> Result<(), StoreError> {
        for name in self.staging.remove_all(key, wanted)? {
            self.uploads.forget(&name);
        }
        Ok(())
    }

    /// The upload's path and file; `None` if it no longer exists.
    fn find_upload(&self, key: &ObjectKey, id: &UploadId) -> Result<Option<(PathBuf, Arc<Upload>)>, StoreError> {
        let (name, path) =
            parse(id).and_then(|(n, _)| Some((n, self.staging.find(key, n)?))).ok_or_else(unknown_upload)?;
        if let Some(upload) = self.uploads.find(name) {
            return Ok(Some((path, upload)));
        }
        match File::options().read(true).write(true).open(&path) {
            Ok(file) => Ok(Some((path, self.uploads.keep(name, file)))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => self.staging.check_set_up().map(|()| None),
            Err(e) => Err(in_words("stored", e)),
        }
    }

    /// A repeated `complete` whose first answer was lost: fine if the object is this upload's.
    fn completed_before(&self, key: &ObjectKey, id: &UploadId, total: u64) -> Result<(), StoreError> {
        let target = self.path(key);
        let inode = parse(id).map(|(_, inode)| inode);
        match fs::symlink_metadata(&target) {
            Ok(found) if found.is_file() && Some(found.ino()) == inode && found.len() == total => {
                folders::sync(target.parent().unwrap_or(&self.root)).map_err(|e| in_words("stored", e))
            }
            _ => Err(unknown_upload()),
        }
    }

    fn forget_upload(&self, id: &UploadId) {
        if let Some((name, _)) = parse(id) {
            self.uploads.forget(name);
        }
    }
}

/// Checks that the parts join without gaps; returns their total length.
fn total(parts: &[Part]) -> Result<u64, StoreError> {
    let incomplete = || broken("The upload's parts do not join to a whole; it must be sent again.");
    let (last, others) = parts.split_last().ok_or_else(incomplete)?;
    let in_order = parts.iter().zip(1u32..).all(|(part, number)| part.number == number);
    let full = others.iter().all(|part| length(part) == Some(PART_SIZE as u64));
    match length(last) {
        Some(tail) if in_order && full => Ok(offset(last.number) + tail),
        _ => Err(incomplete()),
    }
}

/// Reads a part back and compares it with its tag.
fn verify(file: &File, part: &Part) -> Result<(), StoreError> {
    let expected =
        length(part).and_then(|l| usize::try_from(l).ok()).filter(|l| *l <= PART_SIZE).ok_or_else(not_found)?;
    let mut bytes = vec![0; expected];
    file.read_exact_at(&mut bytes, offset(part.number)).map_err(|e| in_words("read back", e))?;
    if tag(&bytes) == part.tag {
        Ok(())
    } else {
        Err(broken("Some of the upload's bytes were lost; it must be sent again."))
    }
}
