//! The S3 family: Amazon's own, MinIO, Ceph, Storj and whatever else speaks the protocol.
//!
//! What keeps strict servers happy: bodies are in memory, so that every request is signed with a plain payload hash
//! (Storj refuses the streaming kind); no checksums are added in trailers; over TLS the payload is not hashed at all
//! (`UNSIGNED-PAYLOAD`), since TLS already protects it.
//!
//! What the store reports about an object is compared with what was sent: the SHA-256 if it reports one, else an ETag
//! that is an MD5 (`tags.rs`), else the length, by a HEAD.

mod client;
mod conditions;
mod error;
mod probe;
mod signing;
mod tags;
mod uploads;

use crate::amazon::Signing;
use crate::clock::Clock;
use crate::http::Outgoing;
use crate::net::Target;
use crate::stores::receipt::{self, Reported, Sent};
use crate::stores::request_failure::{
    PART_SIZE, RequestFailure, broke_off, no_object, no_ranges, out_of_range, size_in,
};
use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::operation::put_object::{PutObjectError, PutObjectOutput};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream as SdkStream;
use aws_sdk_s3::types::{ServerSideEncryption, StorageClass};
use bytes::Bytes;
use client::Clients;
use conditions::{Condition, Conditions};
use futures::stream;
use model::ObjectKey;
use model::error::{StoreError, StoreErrorKind};
use model::field::FieldError;
use model::media_type;
use model::ports::{BlobStore, Found, Part, Publish, UploadId};
use model::probe::ProbeReport;
use model::providers::{Encryption, S3Target, Signer};
use reqwest::Url;
use signing::KnownHash;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::OnceCell;

/// Longest validity of a signed URL: the protocol's own limit.
const MAX_SIGNED: Duration = Duration::from_secs(7 * 24 * 3600);

/// A bucket.
#[derive(Debug, Clone)]
pub(crate) struct S3Store {
    target: Arc<S3Target>,
    clients: Clients,
    signing: Signing,
    outgoing: Outgoing,
    clock: Clock,
    /// Whether the server has already refused a checksum.
    refuses_checksums: Arc<AtomicBool>,
    /// Whether its ETags are MD5s; found out when one contradicts.
    md5_tags: Arc<OnceCell<bool>>,
    /// Whether it keeps what is not to be replaced.
    conditions: Arc<Conditions>,
}

impl S3Store {
    pub(crate) fn new(target: S3Target, outgoing: &Outgoing, clock: &Clock) -> Result<Self, Vec<FieldError>> {
        // An authority that is trusted for the store says nothing about Amazon's token service.
        let signing = Signing::by(target.keys.as_ref(), &target.region, outgoing, clock);
        let outgoing = match target.ca.as_str() {
            "" => outgoing.clone(),
            pem => Outgoing::trusting(pem).ok_or_else(|| {
                vec![FieldError::new("ca", "Certificate authority holds no certificate that can be read")]
            })?,
        };
        let clients = Clients::new(&target, &signing, &outgoing, clock);
        let (target, clock) = (Arc::new(target), clock.clone());
        Ok(Self {
            target,
            clients,
            signing,
            outgoing,
            clock,
            refuses_checksums: Arc::default(),
            md5_tags: Arc::default(),
            conditions: Arc::default(),
        })
    }

    fn encryption(&self) -> Option<ServerSideEncryption> {
        match self.target.encryption {
            Encryption::Bucket => None,
            Encryption::Service => Some(ServerSideEncryption::Aes256),
            Encryption::Kms => Some(ServerSideEncryption::AwsKms),
        }
    }

    fn kms_key(&self) -> Option<String> {
        self.target.kms_key.clone().filter(|_| self.target.encryption == Encryption::Kms)
    }

    fn storage_class(&self) -> Option<StorageClass> {
        self.target.storage_class.as_deref().map(StorageClass::from)
    }

    /// The service's URL. Amazon's own follows from region and bucket.
    fn url(&self) -> Option<Url> {
        let given = self.target.endpoint.clone();
        given.unwrap_or_else(|| format!("https://s3.{}.amazonaws.com", self.target.region)).parse().ok()
    }

    fn uses_tls(&self) -> bool {
        self.url().is_none_or(|url| url.scheme() == "https")
    }

    fn quick(&self) -> &Client {
        &self.clients.quick
    }

    fn trouble<E>(&self, error: SdkError<E>) -> RequestFailure
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let server = self.url().as_ref().and_then(Target::of).map_or_else(|| "the store".into(), |t| t.name());
        RequestFailure::of(error, &self.target, &server, self.clock.now())
    }

    fn failed<E>(&self) -> impl Fn(SdkError<E>) -> StoreError
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        |error| self.trouble(error).into()
    }

    /// Stores an object, and makes sure that exactly this was stored.
    async fn put_object(
        &self,
        key: &ObjectKey,
        bytes: Bytes,
        sha256: Option<&str>,
        publish: Publish,
    ) -> Result<(), StoreError> {
        let condition = self.condition_of_put(key, publish).await?;
        let checksum = sha256.filter(|_| !self.refuses_checksums.load(Ordering::Relaxed)).and_then(receipt::to_base64);
        let asked = checksum.is_some();
        let stored = match self.send_object(key, bytes.clone(), sha256, checksum, condition).await {
            Err(error) if asked && error::refuses_checksums(&error) => {
                let stored =
                    self.send_object(key, bytes.clone(), sha256, None, condition).await.map_err(self.failed())?;
                self.refuses_checksums.store(true, Ordering::Relaxed);
                stored
            }
            answer => answer.map_err(self.failed())?,
        };
        let told = Reported {
            sha256: stored.checksum_sha256().and_then(receipt::from_base64),
            md5: self.md5_tag(stored.e_tag(), stored.server_side_encryption()),
            ..Reported::default()
        };
        let (length, by_tag) = (bytes.len() as u64, told.sha256.is_none());
        let proven = match receipt::check(Sent { bytes, sha256 }, told).await {
            Err(_) if by_tag && !self.tags_are_md5s().await => false,
            checked => checked?,
        };
        if !proven {
            receipt::same_length(length, self.head(key).await?)?;
        }
        Ok(())
    }

    async fn send_object(
        &self,
        key: &ObjectKey,
        bytes: Bytes,
        sha256: Option<&str>,
        checksum: Option<String>,
        condition: Condition,
    ) -> Result<PutObjectOutput, SdkError<PutObjectError>> {
        let mut attempt = 1;
        loop {
            match self.send_object_once(key, bytes.clone(), sha256, checksum.clone(), condition).await {
                Err(error) if error::is_conflict(&error) && attempt < conditions::ATTEMPTS => attempt += 1,
                answer => return answer,
            }
        }
    }

    async fn send_object_once(
        &self,
        key: &ObjectKey,
        bytes: Bytes,
        sha256: Option<&str>,
        checksum: Option<String>,
        condition: Condition,
    ) -> Result<PutObjectOutput, SdkError<PutObjectError>> {
        let request = self.clients.bulk.put_object().bucket(&self.target.bucket).key(key.as_str());
        let request = request.set_server_side_encryption(self.encryption()).set_ssekms_key_id(self.kms_key());
        let request = request.set_storage_class(self.storage_class()).content_type(media_type::of(key.as_str()));
        let request = request.set_if_none_match(condition.header());
        let request = request.set_checksum_sha256(checksum).body(SdkStream::from(bytes)).customize();
        let request = match sha256 {
            _ if self.uses_tls() => request.disable_payload_signing(),
            Some(sha256) => request.interceptor(KnownHash(sha256.to_owned())),
            None => request,
        };
        request.send().await
    }

    /// An ETag, if it is made of MD5s of the content: not where a KMS key encrypts, nor in S3 Express buckets.
    fn telling_tag<'a>(&self, tag: Option<&'a str>, by: Option<&ServerSideEncryption>) -> Option<&'a str> {
        let plain =
            by.is_none_or(|by| *by == ServerSideEncryption::Aes256) && self.target.encryption != Encryption::Kms;
        tag.filter(|_| plain && !self.target.bucket.ends_with("--x-s3") && !self.tags_are_known_to_be_others())
    }

    fn md5_tag(&self, tag: Option<&str>, by: Option<&ServerSideEncryption>) -> Option<[u8; 16]> {
        self.telling_tag(tag, by).and_then(receipt::md5_of)
    }

    /// An object's metadata; `None` when there is no such object.
    async fn look(&self, key: &ObjectKey) -> Result<Option<HeadObjectOutput>, StoreError> {
        let found = self.quick().head_object().bucket(&self.target.bucket).key(key.as_str()).send().await;
        match found.map_err(|e| self.trouble(e)) {
            Ok(found) => Ok(Some(found)),
            Err(trouble) if trouble.kind == StoreErrorKind::NotFound => self.check_bucket().await.map(|()| None),
            Err(trouble) => Err(trouble.into()),
        }
    }

    /// HEAD does not tell a missing object from a missing bucket; confusing them would make every recording look lost.
    async fn check_bucket(&self) -> Result<(), StoreError> {
        match self.quick().head_bucket().bucket(&self.target.bucket).send().await.map_err(|e| self.trouble(e)) {
            Err(trouble) if trouble.kind == StoreErrorKind::NotFound => Err(error::no_bucket(&self.target).into()),
            // The object's answer stands: this request may just lack another permission.
            _ => Ok(()),
        }
    }
}

fn length(found: &HeadObjectOutput) -> u64 {
    found.content_length().and_then(|length| u64::try_from(length).ok()).unwrap_or(0)
}

#[async_trait]
impl BlobStore for S3Store {
    async fn probe(&self) -> ProbeReport {
        probe::run(self.clone()).await
    }

    fn part_size(&self) -> usize {
        PART_SIZE
    }

    async fn put(&self, key: &ObjectKey, bytes: Bytes, publish: Publish) -> Result<(), StoreError> {
        self.put_object(key, bytes, None, publish).await
    }

    async fn put_hashed(
        &self,
        key: &ObjectKey,
        bytes: Bytes,
        sha256: &str,
        publish: Publish,
    ) -> Result<(), StoreError> {
        self.put_object(key, bytes, Some(sha256), publish).await
    }

    async fn head(&self, key: &ObjectKey) -> Result<Option<u64>, StoreError> {
        Ok(self.look(key).await?.map(|found| length(&found)))
    }

    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<Found, StoreError> {
        if range.as_ref().is_some_and(Range::is_empty) {
            return match self.head(key).await? {
                Some(_) => Err(out_of_range()),
                None => Err(no_object()),
            };
        }
        let wanted = range.as_ref().map(|r| format!("bytes={}-{}", r.start, r.end - 1));
        let found =
            self.quick().get_object().bucket(&self.target.bucket).key(key.as_str()).set_range(wanted).send().await;
        let found = found.map_err(self.failed())?;
        let size = match (&range, found.content_range()) {
            (Some(_), None) => return Err(no_ranges()),
            (Some(_), Some(told)) => size_in(told),
            (None, _) => found.content_length().and_then(|length| u64::try_from(length).ok()),
        };
        let bytes = Box::pin(stream::try_unfold(found.body, |mut body| async move {
            match body.next().await {
                None => Ok(None),
                Some(Ok(bytes)) => Ok(Some((bytes, body))),
                Some(Err(e)) => Err(broke_off(e)),
            }
        }));
        Ok(Found { size, bytes })
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        match self
            .quick()
            .delete_object()
            .bucket(&self.target.bucket)
            .key(key.as_str())
            .send()
            .await
            .map_err(|e| self.trouble(e))
        {
            Ok(_) => Ok(()),
            Err(trouble) if trouble.kind == StoreErrorKind::NotFound => Ok(()),
            Err(trouble) => Err(trouble.into()),
        }
    }

    async fn sign(&self, key: &ObjectKey, expires_in: Duration) -> Result<Option<String>, StoreError> {
        if self.target.signer != Signer::Provider {
            return Ok(None);
        }
        let config =
            PresigningConfig::builder().start_time(self.clock.now()).expires_in(expires_in.min(MAX_SIGNED)).build();
        let config =
            config.map_err(|e| StoreError::caused(StoreErrorKind::Denied, "The link's lifetime is not valid.", e))?;
        let request = self.clients.signing.get_object().bucket(&self.target.bucket).key(key.as_str());
        let request =
            request.response_content_type(media_type::of(key.as_str())).response_content_disposition("inline");
        let signed = request.presigned(config).await.map_err(self.failed())?;
        Ok(Some(signed.uri().to_owned()))
    }

    async fn begin(&self, key: &ObjectKey) -> Result<UploadId, StoreError> {
        self.begin_upload(key).await
    }

    async fn put_part(
        &self,
        key: &ObjectKey,
        upload: &UploadId,
        number: u32,
        bytes: Bytes,
    ) -> Result<Part, StoreError> {
        self.upload_part(key, upload, number, bytes).await
    }

    async fn complete(
        &self,
        key: &ObjectKey,
        upload: &UploadId,
        parts: &[Part],
        publish: Publish,
    ) -> Result<(), StoreError> {
        self.complete_upload(key, upload, parts, publish).await
    }

    async fn abort(&self, key: &ObjectKey, upload: &UploadId) -> Result<(), StoreError> {
        self.abort_upload(key, &upload.0).await
    }

    async fn abort_all(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.abort_uploads(key).await
    }
}
