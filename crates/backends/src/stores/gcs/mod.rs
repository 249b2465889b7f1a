//! Google Cloud Storage, through its JSON API. ADR 0009 says why not through Google's client or `object_store`.

mod api;
mod error;
mod key;
mod objects;
mod probe;
mod sign;
mod uploads;

use crate::clock::Clock;
use crate::http::Outgoing;
use crate::stores::request_failure::{PART_SIZE, no_object, no_ranges, out_of_range, size_in, stream_of};
use api::Api;
use async_trait::async_trait;
use bytes::Bytes;
use key::Signing;
use model::ObjectKey;
use model::error::StoreError;
use model::field::FieldError;
use model::media_type;
use model::ports::{BlobStore, Found, Part, Publish, UploadId};
use model::probe::ProbeReport;
use model::providers::{Gcs, ServiceKey, Signer};
use reqwest::StatusCode;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE};
use std::ops::Range;
use std::time::Duration;

/// Google's own URL.
const GOOGLE: &str = "https://storage.googleapis.com";

/// A bucket.
#[derive(Debug, Clone)]
pub(crate) struct GcsStore {
    bucket: String,
    signer: Signer,
    api: Api,
}

impl GcsStore {
    pub(crate) fn new(settings: Gcs, outgoing: &Outgoing, clock: &Clock) -> Result<Self, Vec<FieldError>> {
        let wrong = |field: &str, message: String| vec![FieldError::new(field, message)];
        let signing = ServiceKey::parse(&settings.service_key).and_then(Signing::new);
        let signing = signing.map_err(|message| wrong("service_key", message))?;
        let given = if settings.endpoint.is_empty() { GOOGLE } else { &settings.endpoint };
        let base = given.parse().map_err(|_| wrong("endpoint", "Endpoint is not a valid address".into()))?;
        let api = Api::new(base, signing, outgoing, clock);
        Ok(Self { bucket: settings.bucket, signer: settings.signed_urls, api })
    }
}

#[async_trait]
impl BlobStore for GcsStore {
    async fn probe(&self) -> ProbeReport {
        probe::run(self.clone()).await
    }

    fn part_size(&self) -> usize {
        PART_SIZE
    }

    async fn put(&self, key: &ObjectKey, bytes: Bytes, publish: Publish) -> Result<(), StoreError> {
        self.upload(key.as_str(), media_type::of(key.as_str()), bytes, publish).await?;
        Ok(())
    }

    async fn head(&self, key: &ObjectKey) -> Result<Option<u64>, StoreError> {
        Ok(self.object(key.as_str()).await?.map(|object| object.size.parse().unwrap_or(0)))
    }

    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<Found, StoreError> {
        if range.as_ref().is_some_and(Range::is_empty) {
            return match self.head(key).await? {
                Some(_) => Err(out_of_range()),
                None => Err(no_object()),
            };
        }
        let wanted = range.as_ref().map(|r| format!("bytes={}-{}", r.start, r.end - 1));
        let found = self.download(key.as_str(), wanted).await?;
        if range.is_some() && found.status() != StatusCode::PARTIAL_CONTENT {
            return Err(no_ranges());
        }
        let told = |name| found.headers().get(name).and_then(|value| value.to_str().ok());
        let size = match &range {
            Some(_) => told(CONTENT_RANGE).and_then(size_in),
            None => told(CONTENT_LENGTH).and_then(|length| length.parse().ok()),
        };
        Ok(Found { size, bytes: stream_of(found) })
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        Ok(self.remove(key.as_str()).await?)
    }

    async fn sign(&self, key: &ObjectKey, expires_in: Duration) -> Result<Option<String>, StoreError> {
        let signs = self.signer == Signer::Provider;
        let Api { signing, base, clock, .. } = &self.api;
        Ok(signs.then(|| sign::signed_url(signing, base, &self.bucket, key, clock.now(), expires_in)))
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
        self.abort_upload(key, upload).await
    }

    async fn abort_all(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.abort_uploads(key).await
    }
}
