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
    pub(crate) sink: Arc<MemorySink>,
    pub(crate) second_sink: Arc<MemorySink>,
}

impl Connector for World {
    fn store(&self, _: &str, settings: &Settings) -> Result<Arc<dyn BlobStore>, Vec<FieldError>> {
        let second = settings.get("path").contains("second");
        Ok(if second { self.second_store.clone() } else { self.store.clone() })
    }

    fn sink(&self, _: &str, settings: &Settings) -> Result<Arc<dyn EventSink>, Vec<FieldError>> {
        let second = settings.get("url").contains("second");
        Ok(if second { self.second_sink.clone() } else { self.sink.clone() })
    }
}
