//! Whether a server keeps what lies at a key when it is told to (`If-None-Match: *`).
//!
//! Amazon does, and newer servers of others. Older ones ignore the header and replace, or answer 501. Many heed it for
//! objects sent whole and not for those in parts. So each is tried once, with an object of a few bytes. Where the
//! header is not heeded, the vault looks before it stores: what comes between the two is replaced.

use super::{S3Store, error};
use crate::random;
use crate::stores::request_failure::taken;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use bytes::Bytes;
use model::ObjectKey;
use model::error::{StoreError, StoreErrorKind};
use model::ports::{BlobStore as _, Publish};
use std::sync::OnceLock;
use tokio::sync::OnceCell;

/// How often to store an object while others store one of the same name.
pub(super) const ATTEMPTS: u32 = 3;
/// Content stored to see what becomes of it.
const KNOWN: &[u8] = b"kerberos-vault";

/// What has been found out about each request.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    put: OnceCell<bool>,
    complete: OnceCell<bool>,
    /// Names where it is tried: the same again if the server did not answer, so that nothing is left there.
    name: OnceLock<String>,
}

/// What a request says about an object that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    /// Nothing.
    None,
    /// It stays.
    NothingThere,
}

impl Condition {
    /// The value of `If-None-Match`.
    pub(super) fn header(self) -> Option<String> {
        (self == Self::NothingThere).then(|| "*".to_owned())
    }
}

impl S3Store {
    /// What to send along with an object.
    ///
    /// # Errors
    /// `Taken` if something is there, and the server cannot be told to keep it.
    pub(super) async fn condition_of_put(&self, key: &ObjectKey, publish: Publish) -> Result<Condition, StoreError> {
        match publish {
            Publish::Replace => Ok(Condition::None),
            Publish::New => {
                let heeded = self.conditions.put.get_or_try_init(|| self.try_put()).await;
                self.condition(key, heeded).await
            }
        }
    }

    /// The same for an object made of parts.
    pub(super) async fn condition_of_complete(
        &self,
        key: &ObjectKey,
        publish: Publish,
    ) -> Result<Condition, StoreError> {
        match publish {
            Publish::Replace => Ok(Condition::None),
            Publish::New => {
                let heeded = self.conditions.complete.get_or_try_init(|| self.try_complete()).await;
                self.condition(key, heeded).await
            }
        }
    }

    /// If the server could not be asked now, the next object asks again.
    async fn condition(&self, key: &ObjectKey, heeded: Result<&bool, StoreError>) -> Result<Condition, StoreError> {
        match heeded {
            Ok(true) => Ok(Condition::NothingThere),
            _ => match self.head(key).await? {
                Some(_) => Err(taken()),
                None => Ok(Condition::None),
            },
        }
    }

    async fn try_put(&self) -> Result<bool, StoreError> {
        let key = self.store_known("whole").await?;
        let again = self.send_object(&key, Bytes::from_static(KNOWN), None, None, Condition::NothingThere).await;
        let _ = self.delete(&key).await;
        self.heeded("PutObject", again)
    }

    async fn try_complete(&self) -> Result<bool, StoreError> {
        let key = self.store_known("parts").await?;
        let heeded = self.complete_over(&key).await;
        let _ = self.delete(&key).await;
        heeded
    }

    async fn complete_over(&self, key: &ObjectKey) -> Result<bool, StoreError> {
        self.abort_uploads(key).await?;
        let upload = self.begin_upload(key).await?;
        let part = self.upload_part(key, &upload, 1, Bytes::from_static(KNOWN)).await?;
        let again = self.send_complete(key, &upload, &[part], Condition::NothingThere).await;
        let _ = self.abort_upload(key, &upload.0).await;
        self.heeded("CompleteMultipartUpload", again)
    }

    /// Stores an object to try something at its key.
    async fn store_known(&self, how: &str) -> Result<ObjectKey, StoreError> {
        let name = self.conditions.name.get_or_init(random::hex::<16>);
        let key = ObjectKey::for_probe(&format!("{name}-{how}"));
        let stored = self.send_object(&key, Bytes::from_static(KNOWN), None, None, Condition::None).await;
        stored.map_err(self.failed())?;
        Ok(key)
    }

    /// Whether the object that was there has stayed.
    fn heeded<T, E>(&self, request: &str, answer: Result<T, SdkError<E>>) -> Result<bool, StoreError>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        match answer {
            Err(error) if !error::refuses_conditions(&error) => match self.trouble(error) {
                trouble if trouble.kind == StoreErrorKind::Taken => Ok(true),
                trouble => Err(trouble.into()),
            },
            // It replaced the object, or does not know the header.
            _ => {
                let bucket = &self.target.bucket;
                tracing::warn!(bucket, request, "If-None-Match is not heeded here: the vault looks before it stores");
                Ok(false)
            }
        }
    }
}
