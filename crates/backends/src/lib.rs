//! The outside world: object stores and event sinks. The only crate that names SDKs.
//!
//! [`Backends`] turns a connection's settings into the store or sink they describe; everything else goes through the
//! ports in `model`. A new kind is a file in `stores` or `sinks` and a line in the matching `match` here.

mod amazon;
mod clock;
mod collector;
mod guard;
mod http;
mod net;
mod prober;
mod random;
mod sinks;
mod stores;
mod trust;

use crate::http::Outgoing;
use ::http::HeaderMap;
use clock::Clock;
use model::connection::Definition;
use model::field::{FieldError, Settings};
use model::integrations::{Hub, Kafka, Rabbitmq, RemoteVault, Sqs, Webhook};
use model::ports::{BlobStore, Connector, EventSink};
use model::providers::{Azure, Ceph, Filesystem, Gcs, Minio, S3, S3Target, Storj};
use sinks::{HubSink, KafkaSink, RabbitmqSink, SqsSink, VaultSink, WebhookSink};
use std::sync::Arc;
use std::time::SystemTime;
use stores::{AzureStore, FilesystemStore, GcsStore, S3Store};

pub use collector::{Collector, NotTaken};

/// Most threads that one unresponsive folder can occupy.
pub const THREADS_OF_A_FOLDER: usize = stores::MAX_RUNNING;

/// Opens stores and sinks. One per process, since what it opens shares HTTP connections.
#[derive(Debug, Clone)]
pub struct Backends {
    outgoing: Outgoing,
    clock: Clock,
}

impl Backends {
    /// Reads the system's certificates; opens no connections.
    pub fn new() -> Self {
        Self::opening(Clock::system())
    }

    /// The same with another clock, to test with a wrong one.
    #[doc(hidden)]
    pub fn with_clock(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self::opening(Clock::new(now))
    }

    /// Where the vault's own traces go; `None` when `url` is no address.
    pub fn collector(&self, url: &str, headers: HeaderMap) -> Option<Collector> {
        Collector::new(url, headers, &self.outgoing)
    }

    fn opening(clock: Clock) -> Self {
        Self { outgoing: Outgoing::new(), clock }
    }

    fn s3(&self, target: impl Into<S3Target>) -> Result<Arc<dyn BlobStore>, Vec<FieldError>> {
        Ok(Arc::new(S3Store::new(target.into(), &self.outgoing, &self.clock)?))
    }
}

impl Default for Backends {
    fn default() -> Self {
        Self::new()
    }
}

impl Connector for Backends {
    fn store(&self, kind: &str, settings: &Settings) -> Result<Arc<dyn BlobStore>, Vec<FieldError>> {
        Ok(match kind {
            Filesystem::NAME => Arc::new(FilesystemStore::new(&Filesystem::parse(settings)?)),
            S3::NAME => self.s3(S3::parse(settings)?)?,
            Gcs::NAME => Arc::new(GcsStore::new(Gcs::parse(settings)?, &self.outgoing, &self.clock)?),
            Azure::NAME => Arc::new(AzureStore::new(Azure::parse(settings)?, &self.outgoing, &self.clock)?),
            Minio::NAME => self.s3(Minio::parse(settings)?)?,
            Ceph::NAME => self.s3(Ceph::parse(settings)?)?,
            Storj::NAME => self.s3(Storj::parse(settings)?)?,
            _ => return Err(unknown("storage provider", kind)),
        })
    }

    fn sink(&self, kind: &str, settings: &Settings) -> Result<Arc<dyn EventSink>, Vec<FieldError>> {
        Ok(match kind {
            Kafka::NAME => Arc::new(KafkaSink::new(&Kafka::parse(settings)?, &self.outgoing)?),
            Rabbitmq::NAME => Arc::new(RabbitmqSink::new(Rabbitmq::parse(settings)?, &self.outgoing)?),
            Sqs::NAME => Arc::new(SqsSink::new(Sqs::parse(settings)?, &self.outgoing, &self.clock)),
            RemoteVault::NAME => Arc::new(VaultSink::new(RemoteVault::parse(settings)?, &self.outgoing)?),
            Hub::NAME => Arc::new(HubSink::new(&Hub::parse(settings)?, &self.outgoing)?),
            Webhook::NAME => Arc::new(WebhookSink::new(Webhook::parse(settings)?, &self.outgoing, &self.clock)?),
            _ => return Err(unknown("integration", kind)),
        })
    }
}

fn unknown(family: &str, kind: &str) -> Vec<FieldError> {
    vec![FieldError::new("", format!("there is no kind of {family} named '{kind}'"))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::connection::Family;

    /// Otherwise a kind that forms offer but nothing opens would be noticed by its first user.
    #[test]
    fn every_kind_is_known_here() {
        let backends = Backends::new();
        let unknown = |errors: &[FieldError]| errors.iter().any(|e| e.message.starts_with("there is no kind"));
        for kind in Family::Provider.kinds() {
            let opened = backends.store(kind.name, &Settings::new());
            assert!(!unknown(&opened.err().unwrap_or_default()), "{}", kind.name);
        }
        for kind in Family::Integration.kinds() {
            let opened = backends.sink(kind.name, &Settings::new());
            assert!(!unknown(&opened.err().unwrap_or_default()), "{}", kind.name);
        }
        assert!(unknown(&backends.store("tape", &Settings::new()).err().unwrap_or_default()));
    }
}
