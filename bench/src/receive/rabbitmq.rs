//! A consumer of a RabbitMQ queue.

use super::Inbox;
use anyhow::Result;
use futures::StreamExt as _;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};
use std::time::Instant;

/// Messages in flight before the first is acknowledged.
const AHEAD: u16 = 256;

/// Takes everything out of an existing queue.
pub(crate) async fn read_queue(uri: &str, queue: &str) -> Result<Inbox> {
    let connection = Connection::connect(uri, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.basic_qos(AHEAD, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let mut consumer = channel.basic_consume(queue.into(), "bench".into(), options, FieldTable::default()).await?;
    Ok(Inbox::filled_by(|slot| async move {
        // kept until the end
        let _connection = connection;
        while let Some(delivery) = consumer.next().await {
            let delivery = delivery?;
            slot.put(&delivery.data, Instant::now())?;
            delivery.ack(BasicAckOptions::default()).await?;
        }
        Ok(())
    }))
}
