//! Amazon SQS: one message per event, its body the event's JSON (docs/protocol.md §9).
//!
//! The event's id comes along as the message attribute `id`; FIFO queues get it for deduplication as
//! well, and the device as message group, which keeps each camera's order.

mod client;
mod error;
mod ids;

use crate::clock::Clock;
use crate::http::Outgoing;
use crate::net::Target;
use crate::prober::Prober;
use crate::sinks::refusal::Refusal;
use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::MessageAttributeValue;
use error::RequestFailure;
use model::error::SinkError;
use model::integrations::Sqs;
use model::ports::{EventSink, OutgoingEvent};
use model::probe::{ProbeEnded, ProbeFailure, ProbeReport};
use std::sync::{Arc, PoisonError, RwLock};

/// Largest message any queue takes, attributes included: 1 MiB. A queue may be set to less.
const MAX_MESSAGE: usize = 1024 * 1024;
/// Room for the attribute with the event's id, generously.
const ATTRIBUTES: usize = 256;
/// Name of that attribute.
const ID: &str = "id";

/// A queue.
#[derive(Debug, Clone)]
pub(crate) struct SqsSink {
    settings: Arc<Sqs>,
    client: Client,
    outgoing: Outgoing,
    /// Its URL, once looked up.
    queue: Arc<RwLock<Option<String>>>,
}

impl SqsSink {
    pub(crate) fn new(settings: Sqs, outgoing: &Outgoing, clock: &Clock) -> Self {
        let client = client::client(&settings, outgoing, clock);
        Self { settings: Arc::new(settings), client, outgoing: outgoing.clone(), queue: Arc::default() }
    }

    fn trouble<E>(&self, error: SdkError<E>) -> RequestFailure
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let server = client::url(&self.settings).as_ref().and_then(Target::of);
        RequestFailure::of(error, &self.settings, &server.map_or_else(|| "SQS".into(), |t| t.name()))
    }

    /// Looks the queue's URL up and keeps it.
    async fn look_up(&self) -> Result<String, RequestFailure> {
        let found = self.client.get_queue_url().queue_name(&self.settings.topic).send().await;
        let url = found.map_err(|e| self.trouble(e))?.queue_url.unwrap_or_default();
        *self.queue.write().unwrap_or_else(PoisonError::into_inner) = Some(url.clone());
        Ok(url)
    }

    fn known(&self) -> Option<String> {
        self.queue.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn send_to(&self, queue: String, event: &OutgoingEvent, body: &str) -> Result<(), RequestFailure> {
        let id = MessageAttributeValue::builder().data_type("String").string_value(&event.id).build();
        let id = id.expect("the data type is given");
        let mut request = self.client.send_message().queue_url(queue).message_body(body).message_attributes(ID, id);
        if self.settings.is_fifo() {
            request =
                request.message_group_id(ids::group(&event.device)).message_deduplication_id(ids::valid(&event.id));
        }
        request.send().await.map(drop).map_err(|e| self.trouble(e))
    }

    async fn deliver(&self, event: &OutgoingEvent) -> Result<(), RequestFailure> {
        let body = readable(event)?;
        if let Some(queue) = self.known() {
            match self.send_to(queue, event, body).await {
                // A queue that was deleted and created again may have another URL.
                Err(trouble) if trouble.no_queue => {}
                outcome => return outcome,
            }
        }
        let queue = self.look_up().await?;
        self.send_to(queue, event, body).await
    }

    async fn steps(&self, prober: &mut Prober) -> Result<(), ProbeEnded> {
        let Some(server) = client::url(&self.settings).as_ref().and_then(Target::of) else {
            let failure = ProbeFailure::new(
                "The endpoint is not a valid address.",
                "Enter it as https://host or http://host:port.",
            );
            return prober.step("resolve", async { Err(failure) }).await;
        };
        server.reach(prober, &self.outgoing).await?;
        let looked_up = async { self.look_up().await.map(drop).map_err(|trouble| trouble.refusal.failure) };
        prober.step("queue", looked_up).await
    }
}

/// The event as text, if it fits into a message.
fn readable(event: &OutgoingEvent) -> Result<&str, RequestFailure> {
    let refused = |reason: &str, cure| RequestFailure { refusal: Refusal::hopeless(reason, cure), no_queue: false };
    if event.body.len() + ATTRIBUTES > MAX_MESSAGE {
        return Err(refused("The event is larger than the 1 MiB that SQS takes.", "Use another kind of integration."));
    }
    std::str::from_utf8(&event.body).map_err(|_| refused("The event is no text.", "Replay the recording's event."))
}

#[async_trait]
impl EventSink for SqsSink {
    async fn probe(&self) -> ProbeReport {
        let sink = self.clone();
        Prober::run(|mut prober| async move {
            let _ = sink.steps(&mut prober).await;
            prober
        })
        .await
    }

    async fn send(&self, event: &OutgoingEvent) -> Result<(), SinkError> {
        self.deliver(event).await.map_err(|trouble| trouble.refusal.into())
    }
}
