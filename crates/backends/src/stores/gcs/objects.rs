//! Single objects and listings of the JSON API. <https://cloud.google.com/storage/docs/json_api/v1>

use super::GcsStore;
use super::api::Call;
use crate::http::BULK;
use crate::stores::encoding::encode;
use crate::stores::receipt::{self, Reported, Sent};
use crate::stores::request_failure::RequestFailure;
use bytes::Bytes;
use model::error::StoreErrorKind;
use model::ports::Publish;
use reqwest::{Method, Response};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

/// An object's metadata. This API writes numbers as texts.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Object {
    pub(super) name: String,
    pub(super) size: String,
    /// Changes with every write.
    pub(super) generation: String,
    pub(super) metadata: BTreeMap<String, String>,
    /// CRC-32C, big-endian, as base64; every object has one.
    crc32c: Option<String>,
    /// MD5, as base64; composed objects have none.
    md5_hash: Option<String>,
}

impl Object {
    /// What Google reports about its bytes.
    pub(super) fn told(&self) -> Reported {
        Reported {
            length: self.size.parse().ok(),
            crc32c: self.crc32c.as_deref().and_then(receipt::from_base64).map(u32::from_be_bytes),
            md5: self.md5_hash.as_deref().and_then(receipt::from_base64),
            ..Reported::default()
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Page {
    pub(super) items: Vec<Object>,
    pub(super) next_page_token: Option<String>,
}

/// What to add to an address if what lies there is to stay: no object is generation 0.
fn condition(separator: &str, publish: Publish) -> String {
    match publish {
        Publish::New => format!("{separator}ifGenerationMatch=0"),
        Publish::Replace => String::new(),
    }
}

impl GcsStore {
    fn object_path(&self, name: &str) -> String {
        format!("/storage/v1/b/{}/o/{}", self.bucket, encode(name))
    }

    /// Stores a small object whole; it is visible once all of it has arrived.
    pub(super) async fn upload(
        &self,
        name: &str,
        kind: &'static str,
        bytes: Bytes,
        publish: Publish,
    ) -> Result<Object, RequestFailure> {
        let condition = condition("&", publish);
        let path = format!("/upload/storage/v1/b/{}/o?uploadType=media&name={}{condition}", self.bucket, encode(name));
        let length = bytes.len() as u64;
        let call = Call { content: Some((kind, bytes.clone())), patience: BULK, ..Call::new(Method::POST, path) };
        let stored: Object = self.api.json(call).await.map_err(|t| self.not_the_object(t))?;
        let told = stored.told();
        receipt::same_length(length, told.length)?;
        receipt::check(Sent { bytes, sha256: None }, told).await?;
        Ok(stored)
    }

    /// An object's metadata; `None` when there is no such object.
    pub(super) async fn object(&self, name: &str) -> Result<Option<Object>, RequestFailure> {
        let path = format!("{}?fields=name,size,generation,metadata,crc32c", self.object_path(name));
        match self.api.json(Call::new(Method::GET, path)).await {
            Ok(found) => Ok(Some(found)),
            Err(trouble) if trouble.kind == StoreErrorKind::NotFound => self.check_bucket().await.map(|()| None),
            Err(trouble) => Err(trouble),
        }
    }

    pub(super) async fn download(&self, name: &str, range: Option<String>) -> Result<Response, RequestFailure> {
        let path = format!("{}?alt=media", self.object_path(name));
        match self.api.call(Call { range, ..Call::new(Method::GET, path) }).await {
            Err(trouble) if trouble.kind == StoreErrorKind::NotFound => {
                self.check_bucket().await?;
                Err(trouble)
            }
            answered => answered,
        }
    }

    /// Removes an object; a missing one is fine.
    pub(super) async fn remove(&self, name: &str) -> Result<(), RequestFailure> {
        match self.api.call(Call::new(Method::DELETE, self.object_path(name))).await {
            Ok(_) => Ok(()),
            Err(trouble) if trouble.kind == StoreErrorKind::NotFound => self.check_bucket().await,
            Err(trouble) => Err(trouble),
        }
    }

    /// Composes up to 32 objects, given as name and generation. Google removes the sources in the same step, so that
    /// neither soft delete nor versioning nor early-deletion fees apply to them.
    pub(super) async fn compose(
        &self,
        sources: &[(String, String)],
        name: &str,
        kind: &str,
        metadata: BTreeMap<&str, &str>,
        publish: Publish,
    ) -> Result<Object, RequestFailure> {
        let sources: Vec<_> =
            sources.iter().map(|(name, generation)| json!({"name": name, "generation": generation})).collect();
        let body = json!({
            "sourceObjects": sources,
            "destination": {"contentType": kind, "metadata": metadata},
            "deleteSourceObjects": true,
        });
        let content = Some(("application/json", body.to_string().into()));
        let path = format!("{}/compose{}", self.object_path(name), condition("?", publish));
        self.api.json(Call { content, patience: BULK, ..Call::new(Method::POST, path) }).await
    }

    pub(super) async fn list_page(
        &self,
        prefix: &str,
        from: Option<String>,
        most: u32,
    ) -> Result<Page, RequestFailure> {
        let from = from.map(|token| format!("&pageToken={}", encode(&token))).unwrap_or_default();
        let path = format!(
            "/storage/v1/b/{}/o?prefix={}&maxResults={most}&fields=items(name,generation),nextPageToken{from}",
            self.bucket,
            encode(prefix)
        );
        self.api.json(Call::new(Method::GET, path)).await
    }

    /// A missing object and a missing bucket get the same answer; confusing them would make every recording look lost.
    async fn check_bucket(&self) -> Result<(), RequestFailure> {
        match self.list_page(model::ObjectKey::for_probe("").as_str(), None, 1).await {
            Err(trouble) if trouble.kind == StoreErrorKind::NotFound => Err(super::error::no_bucket(&self.bucket)),
            // The object's answer stands: this request may just lack another permission.
            _ => Ok(()),
        }
    }

    /// For uploads, "not found" can only mean the bucket.
    pub(super) fn not_the_object(&self, trouble: RequestFailure) -> RequestFailure {
        if trouble.kind == StoreErrorKind::NotFound { super::error::no_bucket(&self.bucket) } else { trouble }
    }
}
