//! Whether a bucket's ETags are MD5s.
//!
//! Amazon's are, and most other servers'. Some make theirs of something else that looks the same, such as an XXH3-128
//! of size and time. Such a tag contradicts whatever is sent, so a contradiction alone proves no lie.

use super::S3Store;
use super::conditions::Condition;
use crate::random;
use crate::stores::receipt;
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt as _;
use model::ObjectKey;
use model::error::StoreError;
use model::ports::BlobStore as _;

/// Content stored to see its tag.
const KNOWN: &[u8] = b"kerberos-vault";

impl S3Store {
    /// Whether tags that contradict mean other bytes. Asks the server once, with an object of a few bytes: if they come
    /// back intact under a tag that is not their MD5, its tags are something else. From then on uploads are checked as
    /// if there were no tags.
    pub(super) async fn tags_are_md5s(&self) -> bool {
        let asked = self.md5_tags.get_or_try_init(|| async {
            let key = ObjectKey::for_probe(&random::hex::<16>());
            let found = self.tag_of_known(&key).await;
            let _ = self.delete(&key).await;
            found
        });
        // If the server cannot be asked now, the next contradiction asks again.
        *asked.await.unwrap_or(&true)
    }

    /// Whether an earlier contradiction has shown that its tags are not MD5s.
    pub(super) fn tags_are_known_to_be_others(&self) -> bool {
        self.md5_tags.get() == Some(&false)
    }

    async fn tag_of_known(&self, key: &ObjectKey) -> Result<bool, StoreError> {
        let stored = self
            .send_object(key, Bytes::from_static(KNOWN), None, None, Condition::None)
            .await
            .map_err(self.failed())?;
        if stored.e_tag().and_then(receipt::md5_of) == Some(receipt::md5(Bytes::from_static(KNOWN)).await?) {
            return Ok(true);
        }
        let read: BytesMut = self.get(key, None).await?.bytes.try_collect().await?;
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
