//! Azure Blob Storage, through Azure's client on top of our HTTP client and our signing (ADR 0010).

mod error;
mod probe;
mod shared_key;
mod transport;
mod uploads;

use crate::clock::Clock;
use crate::http::Outgoing;
use crate::net::server_of;
use crate::stores::encoding::path_of;
use crate::stores::receipt::{self, Reported, Sent};
use crate::stores::request_failure::{PART_SIZE, RequestFailure, broke_off, no_object, no_ranges, out_of_range};
use async_trait::async_trait;
use azure_core::http::headers::HeaderName;
use azure_core::http::{
    ClientOptions, Etag, ExponentialRetryOptions, NoFormat, RequestContent, Response, RetryOptions, Transport, Url,
};
use azure_core::time::Duration as SdkDuration;
use azure_storage_blob::models::{
    BlobClientDownloadOptions, BlobClientGetPropertiesResult, BlobClientGetPropertiesResultHeaders,
    BlobContainerClientListBlobsOptions, BlockBlobClientUploadOptions,
};
use azure_storage_blob::{BlobClient, BlobClientOptions, BlobContainerClient, BlobContainerClientOptions};
use bytes::Bytes;
use error::Names;
use futures::TryStreamExt;
use model::ObjectKey;
use model::error::{StoreError, StoreErrorKind};
use model::field::FieldError;
use model::media_type;
use model::ports::{BlobStore, Found, Part, Publish, UploadId};
use model::probe::ProbeReport;
use model::providers::{Azure, Signer};
use shared_key::SharedKey;
use std::num::NonZero;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use transport::Guarded;

/// Further attempts at what looks like a passing failure.
const RETRIES: u32 = 2;
/// Downloads are one stream: otherwise the client reads ahead in parallel and keeps that in memory.
const WHOLE: NonZero<usize> = NonZero::new(1 << 44).expect("not zero");
/// Names on a page of a listing.
const PAGE: i32 = 1000;
/// Longest validity of a signed URL, as for other stores.
const MAX_SIGNED: Duration = Duration::from_secs(7 * 24 * 3600);

/// A container.
#[derive(Debug, Clone)]
pub(crate) struct AzureStore {
    /// The container's URL, with the SAS token if there is one.
    base: Url,
    names: Names,
    key: Option<SharedKey>,
    signer: Signer,
    options: ClientOptions,
    outgoing: Outgoing,
    clock: Clock,
}

impl AzureStore {
    pub(crate) fn new(settings: Azure, outgoing: &Outgoing, clock: &Clock) -> Result<Self, Vec<FieldError>> {
        let wrong = |field: &str, message: &str| vec![FieldError::new(field, message)];
        let key = match settings.key.expose() {
            "" => None,
            given => Some(
                SharedKey::new(&settings.account, given, clock)
                    .ok_or_else(|| wrong("key", "Account key must be copied whole: it is base64"))?,
            ),
        };
        let endpoint = match settings.endpoint.as_str() {
            "" => format!("https://{}.blob.core.windows.net", settings.account),
            given => given.trim_end_matches('/').to_owned(),
        };
        let address = format!("{endpoint}/{}", settings.container);
        let mut base: Url = address.parse().map_err(|_| wrong("endpoint", "Endpoint is not a valid address"))?;
        if key.is_none() {
            base.set_query(Some(settings.sas_query()));
        }
        let names = Names { container: settings.container.clone(), server: server_of(&base), by_key: key.is_some() };
        let retry = RetryOptions::exponential(ExponentialRetryOptions {
            initial_delay: SdkDuration::milliseconds(200),
            max_retries: RETRIES,
            ..Default::default()
        });
        let mut options = ClientOptions {
            transport: Some(Transport::new(Arc::new(Guarded(outgoing.clone())))),
            retry,
            ..Default::default()
        };
        if let Some(key) = &key {
            options.per_try_policies.push(Arc::new(key.clone()));
        }
        let (outgoing, clock) = (outgoing.clone(), clock.clone());
        Ok(Self { base, names, key, signer: settings.signed_urls, options, outgoing, clock })
    }

    /// For probes: no retries, so that the first answer is reported.
    fn impatient(mut self) -> Self {
        self.options.retry = RetryOptions::none();
        self
    }

    fn trouble(&self, error: azure_core::Error) -> RequestFailure {
        error::trouble(error, &self.names, self.clock.now())
    }

    fn address(&self, name: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/{}", self.base.path(), path_of(name)));
        url
    }

    fn blob(&self, name: &str) -> Result<BlobClient, RequestFailure> {
        let options = BlobClientOptions { client_options: self.options.clone(), ..Default::default() };
        BlobClient::new(self.address(name), None, Some(options)).map_err(|e| self.trouble(e))
    }

    /// Stores a small blob in one request.
    async fn upload(&self, name: &str, bytes: Bytes, kind: &str, publish: Publish) -> Result<(), RequestFailure> {
        let options = BlockBlobClientUploadOptions {
            blob_content_type: Some(kind.to_owned()),
            // Never in blocks, which would discard those of a running upload.
            partition_size: NonZero::new(u64::MAX),
            if_none_match: condition(publish),
            ..Default::default()
        };
        let stored = self.blob(name)?.block_blob_client().upload(content(bytes.clone()), Some(options)).await;
        let stored = stored.map_err(|e| self.trouble(e))?;
        let told = Reported { md5: md5(stored.content_md5), ..Reported::default() };
        let length = bytes.len() as u64;
        if !receipt::check(Sent { bytes, sha256: None }, told).await? {
            receipt::same_length(length, self.length(name).await?)?;
        }
        Ok(())
    }

    /// A blob's length; `None` when there is no such blob.
    async fn length(&self, name: &str) -> Result<Option<u64>, RequestFailure> {
        let Some(found) = self.properties(name).await? else { return Ok(None) };
        Ok(Some(found.content_length().map_err(|e| self.trouble(e))?.unwrap_or(0)))
    }

    /// A blob's properties; `None` when there is no such blob.
    async fn properties(
        &self,
        name: &str,
    ) -> Result<Option<Response<BlobClientGetPropertiesResult, NoFormat>>, RequestFailure> {
        match self.blob(name)?.get_properties(None).await.map_err(|e| self.trouble(e)) {
            Ok(found) => Ok(Some(found)),
            Err(trouble) if trouble.kind == StoreErrorKind::NotFound => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }

    /// Removes a blob; a missing one is fine.
    async fn remove(&self, name: &str) -> Result<(), RequestFailure> {
        match self.blob(name)?.delete(None).await.map_err(|e| self.trouble(e)) {
            Ok(_) => Ok(()),
            Err(trouble) if trouble.kind == StoreErrorKind::NotFound => Ok(()),
            Err(trouble) => Err(trouble),
        }
    }

    /// Names with a prefix, and where the next page begins.
    async fn list_page(
        &self,
        prefix: &str,
        from: Option<String>,
    ) -> Result<(Vec<String>, Option<String>), RequestFailure> {
        let client_options = self.options.clone();
        let options = BlobContainerClientOptions { client_options, ..Default::default() };
        let container =
            BlobContainerClient::new(self.base.clone(), None, Some(options)).map_err(|e| self.trouble(e))?;
        let wanted = BlobContainerClientListBlobsOptions {
            prefix: Some(prefix.to_owned()),
            maxresults: Some(PAGE),
            marker: from,
            ..Default::default()
        };
        let mut pages = container.list_blobs(Some(wanted)).map_err(|e| self.trouble(e))?.into_pages();
        let Some(page) = pages.try_next().await.map_err(|e| self.trouble(e))? else { return Ok((Vec::new(), None)) };
        let page = page.into_model().map_err(|e| self.trouble(e))?;
        let names = page.blob_items.into_iter().filter_map(|item| item.name).collect();
        Ok((names, page.next_marker.filter(|marker| !marker.is_empty())))
    }
}

/// First byte and total size from `bytes 10-19/1000`.
fn content_range(told: &str) -> Option<(u64, u64)> {
    let (range, total) = told.strip_prefix("bytes ")?.split_once('/')?;
    Some((range.split('-').next()?.parse().ok()?, total.parse().ok()?))
}

/// `If-None-Match: *`, if what lies there is to stay.
fn condition(publish: Publish) -> Option<Etag> {
    (publish == Publish::New).then(|| "*".into())
}

/// Bytes in the client's form.
fn content(bytes: Bytes) -> RequestContent<Bytes, NoFormat> {
    bytes.into()
}

fn md5(told: Option<Vec<u8>>) -> Option<[u8; 16]> {
    told.and_then(|told| told.try_into().ok())
}

#[async_trait]
impl BlobStore for AzureStore {
    async fn probe(&self) -> ProbeReport {
        probe::run(self.clone()).await
    }

    fn part_size(&self) -> usize {
        PART_SIZE
    }

    async fn put(&self, key: &ObjectKey, bytes: Bytes, publish: Publish) -> Result<(), StoreError> {
        Ok(self.upload(key.as_str(), bytes, media_type::of(key.as_str()), publish).await?)
    }

    async fn head(&self, key: &ObjectKey) -> Result<Option<u64>, StoreError> {
        Ok(self.length(key.as_str()).await?)
    }

    async fn get(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<Found, StoreError> {
        if range.as_ref().is_some_and(Range::is_empty) {
            return match self.head(key).await? {
                Some(_) => Err(out_of_range()),
                None => Err(no_object()),
            };
        }
        let options = BlobClientDownloadOptions {
            range: range.clone().map(Into::into),
            parallel: NonZero::new(1),
            partition_size: Some(WHOLE),
            ..Default::default()
        };
        let found = self.blob(key.as_str())?.download(Some(options)).await.map_err(|e| self.trouble(e))?;
        let told = found.headers.get_optional_str(&HeaderName::from_static("content-range"));
        let size = match (range, told.and_then(content_range)) {
            (Some(_), None) => return Err(no_ranges()),
            // Azurite answers a range that begins right at the end with no bytes.
            (Some(range), Some((start, total))) if start != range.start || start >= total => {
                return Err(out_of_range());
            }
            // The client asks for a whole blob as a range, too.
            (_, Some((_, total))) => Some(total),
            (None, None) => {
                let length = found.headers.get_optional_str(&HeaderName::from_static("content-length"));
                length.and_then(|length| length.parse().ok())
            }
        };
        Ok(Found { size, bytes: Box::pin(found.body.map_err(broke_off)) })
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        Ok(self.remove(key.as_str()).await?)
    }

    async fn sign(&self, key: &ObjectKey, expires_in: Duration) -> Result<Option<String>, StoreError> {
        let Some(signing) = self.key.as_ref().filter(|_| self.signer == Signer::Provider) else { return Ok(None) };
        let mut url = self.address(key.as_str());
        let https = url.scheme() == "https";
        let query = signing.reading(&self.names.container, key.as_str(), https, expires_in.min(MAX_SIGNED));
        url.set_query(Some(&query));
        Ok(Some(url.into()))
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
