//! Multipart uploads.

use super::conditions::Condition;
use super::{S3Store, length};
use crate::stores::receipt::{self, Reported, Sent};
use crate::stores::request_failure::{check_parts, unknown_upload};
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::complete_multipart_upload::{CompleteMultipartUploadError, CompleteMultipartUploadOutput};
use aws_sdk_s3::primitives::ByteStream as SdkStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use md5::{Digest, Md5};
use model::ObjectKey;
use model::error::{StoreError, StoreErrorKind};
use model::media_type;
use model::ports::{Part, Publish, UploadId};

impl S3Store {
    pub(super) async fn begin_upload(&self, key: &ObjectKey) -> Result<UploadId, StoreError> {
        let request = self.quick().create_multipart_upload().bucket(&self.target.bucket).key(key.as_str());
        let request = request.set_server_side_encryption(self.encryption()).set_ssekms_key_id(self.kms_key());
        let request = request.set_storage_class(self.storage_class());
        let begun = request.content_type(media_type::of(key.as_str())).send().await.map_err(self.failed())?;
        let id = begun.upload_id().filter(|id| !id.is_empty());
        id.map(|id| UploadId(id.to_owned()))
            .ok_or_else(|| StoreError::new(StoreErrorKind::Unavailable, "The store began an upload without naming it."))
    }

    pub(super) async fn upload_part(
        &self,
        key: &ObjectKey,
        upload: &UploadId,
        number: u32,
        bytes: Bytes,
    ) -> Result<Part, StoreError> {
        let request =
            self.clients.bulk.upload_part().bucket(&self.target.bucket).key(key.as_str()).upload_id(&upload.0);
        let request = request.part_number(wire_number(number)?).body(SdkStream::from(bytes.clone())).customize();
        let request = if self.uses_tls() { request.disable_payload_signing() } else { request };
        let stored = request.send().await.map_err(self.failed())?;
        let tag = stored.e_tag().filter(|tag| !tag.is_empty());
        let tag = tag.ok_or_else(|| {
            StoreError::new(StoreErrorKind::Unavailable, "The store took a part without an ETag for it.")
        })?;
        let told = Reported { md5: self.md5_tag(Some(tag), stored.server_side_encryption()), ..Reported::default() };
        let (size, tag) = (bytes.len() as u64, tag.to_owned());
        match receipt::check(Sent { bytes, sha256: None }, told).await {
            Err(_) if !self.tags_are_md5s().await => {}
            checked => drop(checked?),
        }
        Ok(Part { number, size, tag })
    }

    pub(super) async fn complete_upload(
        &self,
        key: &ObjectKey,
        upload: &UploadId,
        parts: &[Part],
        publish: Publish,
    ) -> Result<(), StoreError> {
        check_parts(parts)?;
        let condition = self.condition_of_complete(key, publish).await?;
        match self.send_complete(key, upload, parts, condition).await.map_err(|e| self.trouble(e)) {
            Ok(_) => self.confirm(key, parts).await,
            Err(trouble) if trouble.kind == StoreErrorKind::NotFound => self.completed_before(key, parts).await,
            Err(trouble) => Err(trouble.into()),
        }
    }

    pub(super) async fn send_complete(
        &self,
        key: &ObjectKey,
        upload: &UploadId,
        parts: &[Part],
        condition: Condition,
    ) -> Result<CompleteMultipartUploadOutput, SdkError<CompleteMultipartUploadError>> {
        let listed = parts.iter().map(|part| {
            let number = i32::try_from(part.number).unwrap_or(i32::MAX);
            CompletedPart::builder().part_number(number).e_tag(&part.tag).build()
        });
        let whole = CompletedMultipartUpload::builder().set_parts(Some(listed.collect())).build();
        let request = self.clients.bulk.complete_multipart_upload().bucket(&self.target.bucket).key(key.as_str());
        let request = request.upload_id(&upload.0).multipart_upload(whole).set_if_none_match(condition.header());
        request.send().await
    }

    /// A completed upload is gone, and the answer may have been lost (the SDK's own retries run into this too). Fine if
    /// the object is made of exactly these parts.
    async fn completed_before(&self, key: &ObjectKey, parts: &[Part]) -> Result<(), StoreError> {
        let whole = self.look(key).await?.is_some_and(|found| {
            let tag = found.e_tag().map(bare);
            tag.is_some() && tag == joined_tag(parts) && length(&found) == total(parts)
        });
        if whole { Ok(()) } else { Err(unknown_upload()) }
    }

    /// The answer to "complete" says nothing about the bytes, so look at the object itself.
    async fn confirm(&self, key: &ObjectKey, parts: &[Part]) -> Result<(), StoreError> {
        let found = self.look(key).await?;
        receipt::same_length(total(parts), found.as_ref().map(length))?;
        let tag = found.as_ref().and_then(|found| self.telling_tag(found.e_tag(), found.server_side_encryption()));
        let tag = tag.map(bare).filter(|tag| is_joined(tag));
        match (tag, joined_tag(parts)) {
            (Some(told), Some(sent)) if told != sent && self.tags_are_md5s().await => {
                Err(receipt::unconfirmed("another checksum").into())
            }
            _ => Ok(()),
        }
    }

    pub(super) async fn abort_upload(&self, key: &ObjectKey, id: &str) -> Result<(), StoreError> {
        let request = self.quick().abort_multipart_upload().bucket(&self.target.bucket).key(key.as_str()).upload_id(id);
        match request.send().await.map_err(|e| self.trouble(e)) {
            Ok(_) => Ok(()),
            Err(trouble) if trouble.kind == StoreErrorKind::NotFound => Ok(()),
            Err(trouble) => Err(trouble.into()),
        }
    }

    /// Asks for the uploads of exactly this key: MinIO finds none by a shorter prefix, and others also list keys that
    /// merely start with it.
    pub(super) async fn abort_uploads(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let (mut key_marker, mut id_marker) = (None, None);
        loop {
            let request = self.quick().list_multipart_uploads().bucket(&self.target.bucket).prefix(key.as_str());
            let page = request
                .set_key_marker(key_marker)
                .set_upload_id_marker(id_marker)
                .send()
                .await
                .map_err(self.failed())?;
            let ours = page.uploads().iter().filter(|upload| upload.key() == Some(key.as_str()));
            for id in ours.filter_map(|upload| upload.upload_id()) {
                self.abort_upload(key, id).await?;
            }
            // Keys are sorted: after ours, none of ours follow.
            let past = page.uploads().last().and_then(|upload| upload.key()).is_some_and(|last| last > key.as_str());
            (key_marker, id_marker) = (page.next_key_marker, page.next_upload_id_marker);
            if past || page.is_truncated != Some(true) || key_marker.as_deref().unwrap_or_default().is_empty() {
                return Ok(());
            }
        }
    }
}

fn wire_number(number: u32) -> Result<i32, StoreError> {
    let valid = i32::try_from(number).ok().filter(|n| (1..=10_000).contains(n));
    valid
        .ok_or_else(|| StoreError::new(StoreErrorKind::Denied, "The recording has more parts than S3 allows (10,000)."))
}

fn total(parts: &[Part]) -> u64 {
    parts.iter().map(|part| part.size).sum()
}

/// An ETag without quotes, in lower case.
fn bare(tag: &str) -> String {
    tag.trim_matches('"').to_ascii_lowercase()
}

/// Whether an ETag looks like a multipart object's.
fn is_joined(tag: &str) -> bool {
    tag.split_once('-').is_some_and(|(md5, n)| receipt::md5_of(md5).is_some() && n.parse::<u32>().is_ok())
}

/// The ETag of a multipart object: the MD5 of the parts' MD5s, and their number. `None` where the store's ETags are of
/// another kind, e.g. in encrypted buckets.
fn joined_tag(parts: &[Part]) -> Option<String> {
    let mut joined = Md5::new();
    for part in parts {
        joined.update(receipt::md5_of(&part.tag)?);
    }
    Some(format!("{}-{}", hex::encode(joined.finalize()), parts.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parts `a` and `b`; expected value from Python's hashlib.
    #[test]
    fn joins_tags_as_s3_does() {
        let part = |number, tag: &str| Part { number, size: 1, tag: tag.into() };
        let parts = [part(1, "\"0cc175b9c0f1b6a831c399e269772661\""), part(2, "92eb5ffee6ae2fec3ad71c777531578f")];
        assert_eq!(joined_tag(&parts).as_deref(), Some("96e024ba2074fe77e8e965ba43a704be-2"));
        assert_eq!(joined_tag(&[part(1, "not-md5")]), None);
        assert!(is_joined("96e024ba2074fe77e8e965ba43a704be-2"));
        assert!(!is_joined("96e024ba2074fe77e8e965ba43a704be") && !is_joined("0x8DB7-2"));
    }
}
