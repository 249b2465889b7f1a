//! A connected producer.

use super::cluster::Cluster;
use super::connection_error::Listener;
use super::error::refusal;
use crate::sinks::refusal::Refusal;
use model::ports::OutgoingEvent;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::metadata::Metadata;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};
use rdkafka::util::Timeout;
use rdkafka::{ClientConfig, error::KafkaError, error::KafkaResult};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::spawn_blocking;

/// How long the brokers may take to answer a metadata request.
const METADATA: Duration = Duration::from_secs(5);
/// How long an event may wait for room in librdkafka's queue.
const QUEUED: Duration = Duration::from_secs(2);

/// A producer.
pub(super) struct Producer {
    inner: Option<FutureProducer<Listener>>,
    cluster: Arc<Cluster>,
    listener: Listener,
}

impl Producer {
    /// Connects, and waits until a broker has accepted the login.
    pub(super) async fn connect(cluster: &Arc<Cluster>) -> Result<Self, Refusal> {
        let producer = Self::new(cluster, &cluster.config).map_err(not_made)?;
        let known = producer.metadata(None).await?;
        let hosts = known.brokers().iter().map(|broker| broker.host().to_owned()).collect();
        cluster.check_advertised(hosts).await?;
        Ok(producer)
    }

    /// Creates one with another configuration; it connects in the background.
    pub(super) fn new(cluster: &Arc<Cluster>, config: &ClientConfig) -> KafkaResult<Self> {
        let listener = Listener::new();
        let inner = config.create_with_context(listener.clone())?;
        Ok(Self { inner: Some(inner), cluster: cluster.clone(), listener })
    }

    /// What the brokers know about a topic, or about each other.
    pub(super) async fn metadata(&self, topic: Option<&str>) -> Result<Metadata, Refusal> {
        let (inner, wanted) = (self.inner().clone(), topic.map(str::to_owned));
        let asked = spawn_blocking(move || {
            let found = inner.client().fetch_metadata(wanted.as_deref(), METADATA);
            drop_aside(inner);
            found
        });
        let answered = asked.await.unwrap_or(Err(KafkaError::Canceled));
        match answered {
            Ok(known) => Ok(known),
            Err(error) => Err(self.refused(error, topic.unwrap_or_default()).await),
        }
    }

    /// Sends an event and waits until all in-sync replicas have it. Brokers that librdkafka has learned of since the last
    /// event are checked first.
    pub(super) async fn send(&self, topic: &str, event: &OutgoingEvent) -> Result<(), Refusal> {
        self.cluster.check_learned(self.listener.take_learned()).await?;
        let id = Header { key: "id", value: Some(&event.id) };
        let mut record = FutureRecord::to(topic).payload(&event.body[..]).headers(OwnedHeaders::new().insert(id));
        if !event.device.is_empty() {
            record = record.key(event.device.as_str());
        }
        match self.inner().send(record, Timeout::After(QUEUED)).await {
            Ok(_) => {
                self.listener.forget();
                Ok(())
            }
            Err((error, _)) => Err(self.refused(error, topic).await),
        }
    }

    /// Plain words for an error. What ended the producer is told instead of its consequences.
    pub(super) async fn refused(&self, error: KafkaError, topic: &str) -> Refusal {
        let ended = self.inner().client().fatal_error();
        let error = ended.map_or(error, |(code, _)| KafkaError::MessageProduction(code));
        refusal(error, &self.cluster, topic, &self.listener).await
    }

    pub(super) fn inner(&self) -> &FutureProducer<Listener> {
        self.inner.as_ref().expect("is there until this is dropped")
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take() {
            drop_aside(inner);
        }
    }
}

/// Dropping the last handle waits for threads and for events in flight; nothing should block on that.
fn drop_aside(inner: FutureProducer<Listener>) {
    std::thread::spawn(move || drop(inner));
}

/// librdkafka rejected its configuration.
pub(super) fn not_made(error: KafkaError) -> Refusal {
    let cure = "Check the settings; the vault's log says what the Kafka library does not like.";
    Refusal::down("The Kafka client cannot be set up.", cure).caused_by(error)
}
