//! Whether a bucket's ETags are MD5s.
//!
//! Amazon's are, and those of most other servers. Some make theirs of something else that looks the same: an XXH3-128 of size
//! and time, for one. Such a tag contradicts whatever is sent, so a contradiction alone does not prove a lie.

use super::S3Store;
use crate::random;
use crate::stores::receipt;
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt as _;
use model::ObjectKey;
use model::error::StoreError;
use model::ports::BlobStore as _;

/// What is stored to see the tag of it.
const KNOWN: &[u8] = b"kerberos-vault";

impl S3Store {
    /// Whether a tag that contradicts tells of other bytes. The server is asked once, with an object of a few bytes: one that
    /// keeps those whole under a tag that is not their MD5 makes its tags of something else. Uploads are then proven as
    /// where no tag is told.
    pub(super) async fn tags_are_md5s(&self) -> bool {
        let asked = self.md5_tags.get_or_try_init(|| async {
            let key = ObjectKey::for_probe(&random::hex::<16>());
            let found = self.tag_of_known(&key).await;
            let _ = self.delete(&key).await;
            found
        });
        // A server that cannot be asked now is asked at the next contradiction.
        *asked.await.unwrap_or(&true)
    }

    /// Whether an earlier contradiction has shown that they are not.
    pub(super) fn tags_are_known_to_be_others(&self) -> bool {
        self.md5_tags.get() == Some(&false)
    }

    async fn tag_of_known(&self, key: &ObjectKey) -> Result<bool, StoreError> {
        let stored = self.send_object(key, Bytes::from_static(KNOWN), None, None).await.map_err(self.failed())?;
        if stored.e_tag().and_then(receipt::md5_of) == Some(receipt::md5(Bytes::from_static(KNOWN)).await?) {
            return Ok(true);
        }
        let read: BytesMut = self.get(key, None).await?.try_collect().await?;
        if read == KNOWN {
            tracing::warn!(
                bucket = self.target.bucket,
                "ETags are no MD5s here; of what is stored only the length is compared"
            );
            return Ok(false);
        }
        Err(receipt::unconfirmed("other bytes").into())
    }
}
