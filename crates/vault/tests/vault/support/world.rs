//! What the vault finds outside.

use super::{MemorySink, MemoryStore};
use model::field::{FieldError, Settings};
use model::ports::{BlobStore, Connector, EventSink};
use std::sync::Arc;

/// The outside world of one test; survives a "restart" of the vault.
#[derive(Clone, Default)]
pub(crate) struct World {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) second_store: Arc<MemoryStore>,
    /// Of providers that are a bucket.
    pub(crate) bucket: Arc<MemoryStore>,
    pub(crate) sink: Arc<MemorySink>,
    pub(crate) second_sink: Arc<MemorySink>,
}

impl Connector for World {
    fn store(&self, _: &str, settings: &Settings) -> Result<Arc<dyn BlobStore>, Vec<FieldError>> {
        // Whatever else a folder is called, it is the first one by another name.
        Ok(match (settings.get("path"), settings.get("bucket")) {
            (path, _) if path.contains("second") => self.second_store.clone(),
            (_, "") => self.store.clone(),
            _ => self.bucket.clone(),
        })
    }

    fn sink(&self, _: &str, settings: &Settings) -> Result<Arc<dyn EventSink>, Vec<FieldError>> {
        let second = settings.get("url").contains("second");
        Ok(if second { self.second_sink.clone() } else { self.sink.clone() })
    }
}
