//! A consumer of an SQS queue.

use super::{Inbox, Slot};
use anyhow::{Context as _, Result};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_sqs::types::DeleteMessageBatchRequestEntry;
use std::time::Instant;

/// Messages per request, the most that SQS allows.
const AT_ONCE: i32 = 10;
/// Seconds a request waits for a message, the most that SQS allows.
const WAIT: i32 = 20;

/// A queue of our own.
pub(crate) struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    /// Creates it.
    pub(crate) async fn create(
        endpoint: &str,
        region: &'static str,
        access_key: &str,
        secret_key: &str,
        name: &str,
    ) -> Result<Self> {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region))
            .credentials_provider(Credentials::new(access_key, secret_key, None, None, "bench"))
            .endpoint_url(endpoint);
        let client = Client::from_conf(config.build());
        let made = client.create_queue().queue_name(name).send().await?;
        Ok(Self { client, url: made.queue_url.context("the queue has no address")? })
    }

    /// Takes everything out of it.
    pub(crate) fn read(self) -> Inbox {
        Inbox::filled_by(|slot| async move {
            loop {
                self.take(&slot).await?;
            }
        })
    }

    async fn take(&self, slot: &Slot) -> Result<()> {
        let asked = self.client.receive_message().queue_url(&self.url).max_number_of_messages(AT_ONCE);
        let answer = asked.wait_time_seconds(WAIT).send().await?;
        let at = Instant::now();
        let mut taken = Vec::new();
        for (number, message) in answer.messages.unwrap_or_default().into_iter().enumerate() {
            slot.put(message.body.unwrap_or_default().as_bytes(), at)?;
            let entry = DeleteMessageBatchRequestEntry::builder().id(number.to_string());
            taken.push(entry.receipt_handle(message.receipt_handle.unwrap_or_default()).build()?);
        }
        if !taken.is_empty() {
            self.client.delete_message_batch().queue_url(&self.url).set_entries(Some(taken)).send().await?;
        }
        Ok(())
    }
}
