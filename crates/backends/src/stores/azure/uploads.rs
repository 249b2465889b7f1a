//! Multipart uploads: blocks of the blob itself, committed at the end (ADR 0010).
//!
//! An uncommitted block belongs to nobody: Azure can neither list nor drop those of one upload, and forgets them after
//! a week or when the blob is written. What belongs to an upload here are its block ids and a small blob
//! `.vault-parts/<hash of the key>/<upload>`, the *mark*, which exists until the upload is completed or abandoned.

use super::AzureStore;
use crate::random;
use crate::stores::receipt::{self, Reported, Sent};
use crate::stores::request_failure::{RequestFailure, check_parts, lost_parts, unknown_upload};
use azure_storage_blob::models::{
    BlobClientGetPropertiesResultHeaders, BlockBlobClientCommitBlockListOptions, BlockBlobClientStageBlockOptions,
    BlockBlobClientStageBlockResultHeaders, BlockLookupList,
};
use bytes::Bytes;
use model::ObjectKey;
use model::error::{StoreError, StoreErrorKind};
use model::key::RESERVED_PREFIX;
use model::media_type;
use model::ports::{Part, Publish, UploadId};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// Metadata of the recording: the upload that made it.
const UPLOAD: &str = "vaultupload";

/// Prefix of the marks of all uploads of a key.
fn marks(key: &ObjectKey) -> String {
    format!("{RESERVED_PREFIX}parts/{}/", hex::encode(Sha256::digest(key.as_str())))
}

/// An upload's mark; `None` if the id is not one of ours.
fn mark(key: &ObjectKey, upload: &UploadId) -> Option<String> {
    let ours = upload.0.len() == 32 && upload.0.bytes().all(|b| b.is_ascii_hexdigit());
    ours.then(|| format!("{}{}", marks(key), upload.0))
}

/// A block's id. Within a blob all must have the same length. A repeated part gets a new id, so that exactly what was
/// acknowledged is committed.
fn block_id(upload: &UploadId, number: u32, tag: &str) -> Option<Vec<u8>> {
    let valid = tag.len() == 16 && tag.bytes().all(|b| b.is_ascii_hexdigit());
    valid.then(|| format!("{}{number:05}{tag}", upload.0).into_bytes())
}

impl AzureStore {
    pub(super) async fn begin_upload(&self, key: &ObjectKey) -> Result<UploadId, StoreError> {
        let upload = UploadId(random::hex::<16>());
        let mark = mark(key, &upload).expect("made like this");
        self.upload(&mark, key.as_str().to_owned().into(), "text/plain", Publish::Replace).await?;
        Ok(upload)
    }

    async fn is_marked(&self, mark: &str) -> Result<bool, StoreError> {
        Ok(self.properties(mark).await?.is_some())
    }

    pub(super) async fn upload_part(
        &self,
        key: &ObjectKey,
        upload: &UploadId,
        number: u32,
        bytes: Bytes,
    ) -> Result<Part, StoreError> {
        let mark = mark(key, upload).ok_or_else(unknown_upload)?;
        if !(1..=50_000).contains(&number) {
            return Err(StoreError::new(
                StoreErrorKind::Denied,
                "The recording has more parts than Azure allows (50,000).",
            ));
        }
        let tag = random::hex::<8>();
        let id = block_id(upload, number, &tag).expect("made like this");
        let blob = self.blob(key.as_str())?.block_blob_client();
        // Azure returns a block's MD5 only if one was sent along.
        let md5 = receipt::md5(bytes.clone()).await?;
        let options =
            BlockBlobClientStageBlockOptions { transactional_content_md5: Some(md5.to_vec()), ..Default::default() };
        let size = bytes.len() as u64;
        let stored = blob.stage_block(&id, size, super::content(bytes.clone()), Some(options)).await;
        let told = stored.and_then(|stored| stored.content_md5()).map_err(|e| self.trouble(e))?;
        receipt::check(Sent { bytes, sha256: None }, Reported { md5: super::md5(told), ..Reported::default() }).await?;
        // A block of an upload abandoned meanwhile stays uncommitted, but the caller must know.
        if self.is_marked(&mark).await? { Ok(Part { number, size, tag }) } else { Err(unknown_upload()) }
    }

    pub(super) async fn complete_upload(
        &self,
        key: &ObjectKey,
        upload: &UploadId,
        parts: &[Part],
        publish: Publish,
    ) -> Result<(), StoreError> {
        let mark = mark(key, upload).ok_or_else(unknown_upload)?;
        check_parts(parts)?;
        let begun = self.is_marked(&mark).await?;
        let committed = begun && self.commit(key, upload, parts, publish).await?;
        if !committed && !self.came_from(key, upload).await? {
            return Err(if begun { lost_parts() } else { unknown_upload() });
        }
        receipt::same_length(parts.iter().map(|part| part.size).sum(), self.length(key.as_str()).await?)?;
        if let Err(error) = self.remove(&mark).await {
            // The recording is there; a leftover mark does no harm.
            tracing::warn!(reason = error.failure.reason, "the mark of a completed upload stays behind");
        }
        Ok(())
    }

    /// Commits the blocks; `false` if some were missing.
    async fn commit(
        &self,
        key: &ObjectKey,
        upload: &UploadId,
        parts: &[Part],
        publish: Publish,
    ) -> Result<bool, StoreError> {
        let ids: Option<Vec<_>> = parts.iter().map(|part| block_id(upload, part.number, &part.tag)).collect();
        let Some(ids) = ids else { return Ok(false) };
        let list = BlockLookupList { uncommitted: Some(ids), ..Default::default() };
        let list = list.try_into().map_err(|e| self.trouble(e))?;
        let options = BlockBlobClientCommitBlockListOptions {
            blob_content_type: Some(media_type::of(key.as_str()).into()),
            metadata: Some(HashMap::from([(UPLOAD.to_owned(), upload.0.clone())])),
            if_none_match: super::condition(publish),
            ..Default::default()
        };
        let blob = self.blob(key.as_str())?.block_blob_client();
        match blob.commit_block_list(list, Some(options)).await.map_err(|e| self.trouble(e)) {
            Ok(_) => Ok(true),
            Err(trouble) if trouble.kind == StoreErrorKind::Interrupted => Ok(false),
            // The client repeats what was not answered, and then meets its own blob.
            Err(trouble) if trouble.kind == StoreErrorKind::Taken && self.came_from(key, upload).await? => Ok(true),
            Err(trouble) => Err(trouble.into()),
        }
    }

    /// Whether the blob at a key was made by this upload.
    async fn came_from(&self, key: &ObjectKey, upload: &UploadId) -> Result<bool, StoreError> {
        let Some(found) = self.properties(key.as_str()).await? else { return Ok(false) };
        let metadata = found.metadata().map_err(|e| self.trouble(e))?;
        Ok(metadata.get(UPLOAD) == Some(&upload.0))
    }

    pub(super) async fn abort_upload(&self, key: &ObjectKey, upload: &UploadId) -> Result<(), StoreError> {
        match mark(key, upload) {
            Some(mark) => Ok(self.remove(&mark).await?),
            None => Ok(()),
        }
    }

    pub(super) async fn abort_uploads(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let mut from = None;
        loop {
            let (names, next) = self.list_page(&marks(key), from).await.map_err(|t| self.not_the_object(t))?;
            for name in names {
                self.remove(&name).await?;
            }
            from = next;
            if from.is_none() {
                return Ok(());
            }
        }
    }

    fn not_the_object(&self, trouble: RequestFailure) -> RequestFailure {
        let missing = trouble.kind == StoreErrorKind::NotFound;
        if missing { super::error::no_container(&self.names.container) } else { trouble }
    }
}
