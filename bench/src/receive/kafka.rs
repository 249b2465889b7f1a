//! A consumer of a Kafka topic.

use super::Inbox;
use anyhow::{Context as _, Result, ensure};
use rdkafka::consumer::{Consumer as _, StreamConsumer};
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};
use std::time::{Duration, Instant};

const METADATA: Duration = Duration::from_secs(10);

/// Reads all of an existing topic from the start.
pub(crate) async fn read_topic(broker: &str, topic: &'static str) -> Result<Inbox> {
    let mut config = ClientConfig::new();
    for (key, value) in [("bootstrap.servers", broker), ("group.id", "bench"), ("enable.auto.commit", "false")] {
        config.set(key, value);
    }
    let consumer: StreamConsumer = config.create()?;
    let consumer = tokio::task::spawn_blocking(move || assign(consumer, topic)).await??;
    Ok(Inbox::filled_by(|slot| async move {
        loop {
            let message = consumer.recv().await?;
            slot.put(message.payload().unwrap_or_default(), Instant::now())?;
        }
    }))
}

/// Assigns all partitions without the group protocol, as there is one consumer.
fn assign(consumer: StreamConsumer, topic: &str) -> Result<StreamConsumer> {
    let known = consumer.fetch_metadata(Some(topic), METADATA)?;
    let partitions = known.topics().first().context("the broker does not know the topic")?.partitions();
    ensure!(!partitions.is_empty(), "the topic has no partitions");
    let mut places = TopicPartitionList::new();
    for partition in partitions {
        places.add_partition_offset(topic, partition.id(), Offset::Beginning)?;
    }
    consumer.assign(&places)?;
    Ok(consumer)
}
