//! A topic of a Kafka cluster, through librdkafka.
//!
//! The message key is the device key, which keeps a camera's events in order in one partition. The header `id` is the
//! event's and stays the same on a resend. An event counts as sent when all in-sync replicas have it.

mod cluster;
mod connection_error;
mod error;
mod probe;
mod producer;
mod topic;

use super::kept::Kept;
use super::refusal::Refusal;
use crate::http::Outgoing;
use crate::prober::Prober;
use async_trait::async_trait;
use cluster::Cluster;
use model::error::SinkError;
use model::field::FieldError;
use model::integrations::Kafka;
use model::ports::{EventSink, OutgoingEvent};
use model::probe::ProbeReport;
use producer::Producer;
use std::sync::Arc;

/// A topic.
#[derive(Clone)]
pub(crate) struct KafkaSink {
    cluster: Arc<Cluster>,
    topic: Arc<str>,
    producer: Arc<Kept<Producer>>,
}

impl KafkaSink {
    pub(crate) fn new(settings: &Kafka, outgoing: &Outgoing) -> Result<Self, Vec<FieldError>> {
        let cluster = Arc::new(Cluster::new(settings, outgoing)?);
        Ok(Self { cluster, topic: settings.topic.as_str().into(), producer: Arc::new(Kept::new()) })
    }

    /// Connects, and makes sure the topic exists.
    async fn open(&self) -> Result<Producer, Refusal> {
        self.cluster.resolve().await?;
        let producer = Producer::connect(&self.cluster).await?;
        topic::ensure(&self.cluster, &producer, &self.topic).await?;
        Ok(producer)
    }

    async fn produce(&self, event: &OutgoingEvent) -> Result<(), Refusal> {
        let producer = self.producer.get(|_| true, self.open()).await?;
        let delivered = producer.send(&self.topic, event).await;
        // A failure of the event alone says nothing against the connection.
        if delivered.as_ref().is_err_and(|refusal| !refusal.is_about_the_event()) {
            self.producer.forget(&producer).await;
        }
        delivered
    }
}

#[async_trait]
impl EventSink for KafkaSink {
    async fn probe(&self) -> ProbeReport {
        let sink = self.clone();
        Prober::run(|mut prober| async move {
            let _ = probe::steps(&sink.cluster, &sink.topic, &mut prober).await;
            prober
        })
        .await
    }

    async fn send(&self, event: &OutgoingEvent) -> Result<(), SinkError> {
        self.produce(event).await.map_err(Into::into)
    }
}
