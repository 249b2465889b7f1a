//! Looks for a topic and creates it.

use super::cluster::Cluster;
use super::connection_error::Listener;
use super::error::answer;
use super::producer::{Producer, not_made};
use crate::sinks::refusal::Refusal;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use std::sync::Arc;
use std::time::Duration;

/// How long the brokers may take to create a topic, or to check whether they would.
const ADMINISTERED: Duration = Duration::from_secs(5);
/// For partitions and replicas: the brokers' own default.
const BROKERS_DEFAULT: i32 = -1;

/// Makes sure the topic exists.
pub(super) async fn ensure(cluster: &Arc<Cluster>, producer: &Producer, topic: &str) -> Result<(), Refusal> {
    if exists(producer, topic).await? { Ok(()) } else { create(cluster, producer, topic, false).await }
}

/// Whether the topic exists. Asking does not create it.
pub(super) async fn exists(producer: &Producer, topic: &str) -> Result<bool, Refusal> {
    let known = producer.metadata(Some(topic)).await?;
    let error = known.topics().first().and_then(|found| found.error());
    match error.map(Code::from) {
        None => Ok(known.topics().first().is_some_and(|found| !found.partitions().is_empty())),
        Some(Code::UnknownTopicOrPartition) => Ok(false),
        // Older brokers still choose leaders when the topic is already there.
        Some(Code::LeaderNotAvailable) => Ok(true),
        Some(code) => Err(answer(code, topic).unwrap_or_else(|| not_made(KafkaError::MetadataFetch(code)))),
    }
}

/// Creates a topic with the brokers' default number of partitions and replicas, or only checks whether it could.
pub(super) async fn create(
    cluster: &Arc<Cluster>,
    producer: &Producer,
    topic: &str,
    only_ask: bool,
) -> Result<(), Refusal> {
    let admin = Admin::new(cluster)?;
    let new = NewTopic::new(topic, BROKERS_DEFAULT, TopicReplication::Fixed(BROKERS_DEFAULT));
    let options = options().operation_timeout(Some(ADMINISTERED)).validate_only(only_ask);
    let outcome = match admin.client().create_topics([&new], &options).await {
        Ok(outcomes) => outcomes.into_iter().next().unwrap_or_else(|| Ok(topic.to_owned())),
        Err(error) => return Err(producer.refused(error, topic).await),
    };
    match outcome {
        Ok(_) | Err((_, Code::TopicAlreadyExists)) => Ok(()),
        Err((_, Code::TopicAuthorizationFailed | Code::ClusterAuthorizationFailed)) => Err(Refusal::down(
            format!("There is no topic '{topic}', and the user may not make it."),
            "Make the topic, or give the user the operation Create on it.",
        )),
        Err((_, code)) => Err(Refusal::down(
            format!("There is no topic '{topic}', and the broker does not make it: {code}."),
            "Make the topic yourself; see the broker's log for what it does not like.",
        )),
    }
}

/// The largest message the topic takes; `None` when the brokers do not say.
pub(super) async fn largest_message(cluster: &Arc<Cluster>, topic: &str) -> Option<usize> {
    let admin = Admin::new(cluster).ok()?;
    let described = admin.client().describe_configs([&ResourceSpecifier::Topic(topic)], &options()).await.ok()?;
    let config = described.into_iter().next()?.ok()?;
    config.get("max.message.bytes")?.value.as_deref()?.parse().ok()
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(ADMINISTERED))
}

/// An administration client. Dropping it waits for a thread, so that is done elsewhere.
struct Admin(Option<AdminClient<Listener>>);

impl Admin {
    fn new(cluster: &Cluster) -> Result<Self, Refusal> {
        let mut config = cluster.config.clone();
        // It is for producers only and would be warned about.
        config.remove("enable.idempotence");
        config.create_with_context(Listener::new()).map(|client| Self(Some(client))).map_err(not_made)
    }

    fn client(&self) -> &AdminClient<Listener> {
        self.0.as_ref().expect("is there until this is dropped")
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        let client = self.0.take();
        std::thread::spawn(move || drop(client));
    }
}
