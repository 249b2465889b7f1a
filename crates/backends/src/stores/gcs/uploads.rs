//! Multipart uploads: parts are objects below `.vault-parts/<hash of the key>/<upload>/`, composed to the recording at
//! the end (ADR 0009).
//!
//! An object `begun` beside the parts exists until the upload is completed or abandoned. The recording carries the
//! upload's id, so that a lost answer to `complete` can be told from a lost upload.

use super::GcsStore;
use super::objects::Object;
use crate::random;
use crate::stores::receipt;
use crate::stores::request_failure::{RequestFailure, check_parts, lost_parts, unknown_upload};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use model::ObjectKey;
use model::error::{StoreError, StoreErrorKind};
use model::key::RESERVED_PREFIX;
use model::media_type;
use model::ports::{Part, Publish, UploadId};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Objects that one request can join.
const MOST_SOURCES: usize = 32;
/// Concurrent requests while composing and cleaning up.
const AT_ONCE: usize = 8;
/// Objects on a page of a listing.
const PAGE: u32 = 1000;
/// Metadata of the recording: the upload that made it.
const UPLOAD: &str = "vault-upload";
/// Media type of parts.
const PART_TYPE: &str = "application/octet-stream";

/// Where an upload's objects lie.
#[derive(Debug)]
struct Folder(String);

impl Folder {
    /// The folder of all uploads of a key.
    fn of_key(key: &ObjectKey) -> String {
        format!("{RESERVED_PREFIX}parts/{}/", hex::encode(Sha256::digest(key.as_str())))
    }

    /// `None` if the id is not one of ours.
    fn of(key: &ObjectKey, upload: &UploadId) -> Option<Self> {
        let ours = upload.0.len() == 32 && upload.0.bytes().all(|b| b.is_ascii_hexdigit());
        ours.then(|| Self(format!("{}{}/", Self::of_key(key), upload.0)))
    }

    fn begun(&self) -> String {
        format!("{}begun", self.0)
    }

    fn part(&self, number: u32) -> String {
        format!("{}{number:05}", self.0)
    }

    /// Named after its sources, so that one left by an earlier attempt is the same object.
    fn joint(&self, sources: &[(String, String)]) -> String {
        let made_of: Vec<_> = sources.iter().map(|(name, generation)| format!("{name} {generation}")).collect();
        format!("{}joint-{}", self.0, hex::encode(Sha256::digest(made_of.join("\n"))))
    }
}

impl GcsStore {
    pub(super) async fn begin_upload(&self, key: &ObjectKey) -> Result<UploadId, StoreError> {
        let upload = UploadId(random::hex::<16>());
        let folder = Folder::of(key, &upload).expect("made like this");
        self.upload(&folder.begun(), "text/plain", key.as_str().to_owned().into(), Publish::Replace).await?;
        Ok(upload)
    }

    /// Checks after storing the part, not before, whether the upload has been abandoned: otherwise a part could be left
    /// for good.
    pub(super) async fn upload_part(
        &self,
        key: &ObjectKey,
        upload: &UploadId,
        number: u32,
        bytes: Bytes,
    ) -> Result<Part, StoreError> {
        let folder = Folder::of(key, upload).ok_or_else(unknown_upload)?;
        if !(1..=10_000).contains(&number) {
            return Err(StoreError::new(StoreErrorKind::Denied, "The recording has more than 10,000 parts."));
        }
        let name = folder.part(number);
        let (size, crc) = (bytes.len() as u64, receipt::crc32c(&bytes));
        let stored = self.upload(&name, PART_TYPE, bytes, Publish::Replace).await?;
        if self.object(&folder.begun()).await?.is_none() {
            self.remove(&name).await?;
            return Err(unknown_upload());
        }
        Ok(Part { number, size, tag: format!("{}.{crc:08x}", stored.generation) })
    }

    pub(super) async fn complete_upload(
        &self,
        key: &ObjectKey,
        upload: &UploadId,
        parts: &[Part],
        publish: Publish,
    ) -> Result<(), StoreError> {
        let folder = Folder::of(key, upload).ok_or_else(unknown_upload)?;
        check_parts(parts)?;
        let stored: BTreeMap<String, String> = self.list(&folder.0).await?.into_iter().collect();
        let begun = stored.contains_key(&folder.begun());
        let mut sources: Vec<_> =
            parts.iter().map(|part| (folder.part(part.number), generation(part).to_owned())).collect();
        let joined =
            async {
                if !begun {
                    return Ok(false);
                }
                let mut first = true;
                while sources.len() > MOST_SOURCES {
                    let joints = sources.chunks(MOST_SOURCES).map(|chunk| self.join(&folder, chunk, &stored, first));
                    let joints: Vec<_> = joints.collect();
                    let joints: Option<Vec<_>> =
                        stream::iter(joints).buffered(AT_ONCE).try_collect::<Vec<_>>().await?.into_iter().collect();
                    let Some(joints) = joints else { return Ok(false) };
                    (sources, first) = (joints, false);
                }
                if first && !are_stored(&sources, &stored) {
                    return Ok(false);
                }
                let metadata = BTreeMap::from([(UPLOAD, upload.0.as_str())]);
                match self.compose(&sources, key.as_str(), media_type::of(key.as_str()), metadata, publish).await {
                    Ok(object) => Ok(confirm(&object, parts).map(|()| true)?),
                    // A request that was repeated meets its own object.
                    Err(trouble) if trouble.kind == StoreErrorKind::Taken => {
                        if self.came_from(key, upload, parts).await? { Ok(true) } else { Err(trouble.into()) }
                    }
                    Err(trouble) if trouble.kind == StoreErrorKind::NotFound => Ok(false),
                    Err(trouble) => Err(StoreError::from(trouble)),
                }
            };
        if !joined.await? && !self.came_from(key, upload, parts).await? {
            return Err(if begun { lost_parts() } else { unknown_upload() });
        }
        if let Err(error) = self.remove_all(&folder.0).await {
            // The recording is there; the bucket's lifecycle rule removes the rest.
            tracing::warn!(error = &error as &dyn std::error::Error, "parts of a completed upload stay behind");
        }
        Ok(())
    }

    /// Composes some parts, unless an earlier attempt did. `None` when one of them is missing.
    async fn join(
        &self,
        folder: &Folder,
        sources: &[(String, String)],
        stored: &BTreeMap<String, String>,
        are_parts: bool,
    ) -> Result<Option<(String, String)>, StoreError> {
        let name = folder.joint(sources);
        if let Some(generation) = stored.get(&name) {
            return Ok(Some((name, generation.clone())));
        }
        if are_parts && !are_stored(sources, stored) {
            return Ok(None);
        }
        match self.compose(sources, &name, PART_TYPE, BTreeMap::new(), Publish::Replace).await {
            Ok(joint) => Ok(Some((name, joint.generation))),
            // The first success removes the sources, but its answer may have been lost.
            Err(trouble) if trouble.kind == StoreErrorKind::NotFound => {
                Ok(self.object(&name).await?.map(|joint| (name, joint.generation)))
            }
            Err(trouble) => Err(trouble.into()),
        }
    }

    /// Whether the object at a key was made by this upload; an error if so, but with other bytes than its parts.
    async fn came_from(&self, key: &ObjectKey, upload: &UploadId, parts: &[Part]) -> Result<bool, StoreError> {
        let found = self.object(key.as_str()).await?;
        let Some(object) = found.filter(|object| object.metadata.get(UPLOAD) == Some(&upload.0)) else {
            return Ok(false);
        };
        confirm(&object, parts)?;
        Ok(true)
    }

    pub(super) async fn abort_upload(&self, key: &ObjectKey, upload: &UploadId) -> Result<(), StoreError> {
        match Folder::of(key, upload) {
            Some(folder) => self.remove_all(&folder.0).await,
            None => Ok(()),
        }
    }

    pub(super) async fn abort_uploads(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.remove_all(&Folder::of_key(key)).await
    }

    /// Removes everything below a folder. The `begun` objects go first, so that a part being stored meanwhile notices.
    async fn remove_all(&self, folder: &str) -> Result<(), StoreError> {
        let found = self.list(folder).await?;
        let (begun, others): (Vec<_>, Vec<_>) =
            found.into_iter().map(|(name, _)| name).partition(|name| name.ends_with("/begun"));
        for names in [begun, others] {
            let removals = names.iter().map(|name| self.remove(name)).collect::<Vec<_>>();
            stream::iter(removals).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        }
        Ok(())
    }

    /// Names and generations of everything below a folder.
    async fn list(&self, folder: &str) -> Result<Vec<(String, String)>, StoreError> {
        let (mut found, mut from) = (Vec::new(), None);
        loop {
            let page = self.list_page(folder, from, PAGE).await.map_err(|t| self.not_the_object(t))?;
            found.extend(page.items.into_iter().map(|object| (object.name, object.generation)));
            from = page.next_page_token.filter(|token| !token.is_empty());
            if from.is_none() {
                return Ok(found);
            }
        }
    }
}

fn are_stored(sources: &[(String, String)], stored: &BTreeMap<String, String>) -> bool {
    sources.iter().all(|(name, generation)| stored.get(name) == Some(generation))
}

/// A part's tag is `<generation>.<CRC-32C>`.
fn generation(part: &Part) -> &str {
    part.tag.split_once('.').map_or(part.tag.as_str(), |(generation, _)| generation)
}

fn crc32c(part: &Part) -> Option<u32> {
    u32::from_str_radix(part.tag.split_once('.')?.1, 16).ok()
}

/// Compares a composed object's checksum with that of its parts.
fn confirm(object: &Object, parts: &[Part]) -> Result<(), RequestFailure> {
    let told = object.told();
    receipt::same_length(parts.iter().map(|part| part.size).sum(), told.length)?;
    let joined = parts.iter().try_fold(0, |crc, part| Some(receipt::joined_crc32c(crc, crc32c(part)?, part.size)));
    match (told.crc32c, joined) {
        (Some(told), Some(sent)) if told != sent => Err(receipt::unconfirmed("another checksum")),
        _ => Ok(()),
    }
}
