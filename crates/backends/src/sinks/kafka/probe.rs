//! The steps of Validate. No event is sent, and no topic created.

use super::cluster::Cluster;
use super::producer::{Producer, not_made};
use super::topic;
use crate::net::Target;
use crate::prober::Prober;
use crate::sinks::refusal::Refusal;
use crate::trust::name_the_authority;
use futures::future::join_all;
use model::probe::{ProbeEnded, ProbeFailure};
use rdkafka::error::RDKafkaErrorCode as Code;
use rdkafka::producer::FutureRecord;
use rdkafka::util::Timeout;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;

/// Validate does not try to write to topics that take larger messages: see [`write`].
const LARGEST_TRIED: usize = 4 << 20;
/// Room for what a message has besides its content.
const OVERHEAD: usize = 64 << 10;

pub(super) async fn steps(cluster: &Arc<Cluster>, topic: &str, prober: &mut Prober) -> Result<(), ProbeEnded> {
    let brokers = prober.step("resolve", cluster.resolve()).await?;
    let (broker, stream) = prober.step("connect", connect(brokers)).await?;
    if let Some(tls) = &cluster.tls {
        let shaken = async { broker.handshake(stream, tls.clone()).await.map_err(name_the_authority) };
        prober.step("TLS", shaken).await?;
    }
    let connected = async { Producer::connect(cluster).await.map_err(ProbeFailure::from) };
    let producer = prober.step("authenticate", connected).await?;
    let found = async { find(cluster, &producer, topic).await.map_err(ProbeFailure::from) };
    if prober.step("topic", found).await? {
        prober.step("write", async { write(cluster, topic).await.map_err(ProbeFailure::from) }).await?;
    }
    Ok(())
}

/// Tries all brokers at once. One that accepts is enough: it knows the others.
async fn connect(brokers: Vec<(&Target, Vec<IpAddr>)>) -> Result<(&Target, TcpStream), ProbeFailure> {
    let tried =
        brokers.into_iter().map(|(broker, addresses)| async move { (broker, broker.connect(&addresses).await) });
    let mut failure = None;
    for (broker, outcome) in join_all(tried).await {
        match outcome {
            Ok(stream) => return Ok((broker, stream)),
            Err(refused) => failure = failure.or(Some(refused)),
        }
    }
    Err(failure.unwrap_or_else(|| ProbeFailure::new("No broker is named.", "Enter one in Broker.")))
}

/// Whether the topic is there. Fails when it is not and could not be created.
async fn find(cluster: &Arc<Cluster>, producer: &Producer, topic: &str) -> Result<bool, Refusal> {
    let exists = topic::exists(producer, topic).await?;
    if !exists {
        topic::create(cluster, producer, topic, true).await?;
    }
    Ok(exists)
}

/// Whether the user may write to the topic: sends a message that is too large for it. Brokers check permissions first,
/// so the refusal shows them, and nothing is written. Skipped where the brokers do not say what is too large.
async fn write(cluster: &Arc<Cluster>, topic: &str) -> Result<(), Refusal> {
    let Some(largest) = topic::largest_message(cluster, topic).await.filter(|size| *size <= LARGEST_TRIED) else {
        return Ok(());
    };
    let content = vec![b' '; largest + OVERHEAD];
    let mut config = cluster.config.clone();
    config.set("enable.idempotence", "false");
    config.set("message.max.bytes", (content.len() + OVERHEAD).to_string());
    let producer = Producer::new(cluster, &config).map_err(not_made)?;
    let record = FutureRecord::<str, _>::to(topic).payload(&content);
    match producer.inner().send(record, Timeout::After(Duration::ZERO)).await {
        Ok(_) => Ok(()),
        Err((error, _)) if error.rdkafka_error_code() == Some(Code::MessageSizeTooLarge) => Ok(()),
        Err((error, _)) => Err(producer.refused(error, topic).await),
    }
}
