//! Sends spans to the collector, a batch at a time. One that does not answer costs nothing but spans: what it has not taken is
//! kept while it fits into the queue. It is told once, and so is its end.

use super::queue::{Waiting, count};
use backends::{Collector, NotTaken};
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;
use prost::Message as _;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Spans in a batch at most.
const BATCH: usize = 512;
/// How long the first span of a batch waits for others.
const GATHERED: Duration = Duration::from_secs(2);
/// How long to wait after a failure; doubled with each up to the longest.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// See the module.
pub(super) struct Sender {
    waiting: Waiting,
    resource: ResourceAttributesWithSchema,
    collector: Collector,
    stop: CancellationToken,
    /// Whether the last batch was not taken, which has been told.
    fails: bool,
}

impl Sender {
    pub(super) fn new(waiting: Waiting, resource: &Resource, collector: Collector, stop: CancellationToken) -> Self {
        Self { waiting, resource: resource.into(), collector, stop, fails: false }
    }

    /// Until it is stopped, then sends what is left once.
    pub(super) async fn run(mut self) {
        let stop = self.stop.clone();
        while !stop.is_cancelled() {
            let mut spans = Vec::new();
            stop.run_until_cancelled(self.gather(&mut spans)).await;
            if spans.is_empty() && self.waiting.is_closed() {
                return;
            }
            self.send(spans).await;
        }
        self.waiting.close();
        let mut spans = Vec::new();
        while self.waiting.recv_many(&mut spans, BATCH).await > 0 {
            self.send(std::mem::take(&mut spans)).await;
            if self.fails {
                return;
            }
        }
    }

    /// Waits for a span, and a little for others. What it has gathered stays if it is dropped.
    async fn gather(&mut self, spans: &mut Vec<SpanData>) {
        self.waiting.recv_many(spans, BATCH).await;
        let more =
            async { while spans.len() < BATCH && self.waiting.recv_many(spans, BATCH - spans.len()).await > 0 {} };
        let _ = timeout(GATHERED, more).await;
    }

    /// Sends a batch until the collector takes it or refuses it; once only when the vault stops.
    async fn send(&mut self, spans: Vec<SpanData>) {
        let number = spans.len();
        if number == 0 {
            return;
        }
        let resource_spans = group_spans_by_resource_and_scope(spans, &self.resource);
        let batch = Bytes::from(ExportTraceServiceRequest { resource_spans }.encode_to_vec());
        let mut wait = FIRST_WAIT;
        loop {
            let error = match self.collector.take(batch.clone()).await {
                Ok(()) => {
                    self.works();
                    return count("sent", number);
                }
                Err(error) => error,
            };
            self.tell(&error);
            if matches!(error, NotTaken::Ever(_)) {
                return count("refused", number);
            }
            if self.stop.run_until_cancelled(sleep(wait)).await.is_none() {
                return count("dropped", number);
            }
            wait = LONGEST_WAIT.min(wait * 2);
        }
    }

    fn tell(&mut self, error: &NotTaken) {
        if !std::mem::replace(&mut self.fails, true) {
            tracing::warn!(%error, "the collector does not take traces; uploads go on. This is logged once, until it does");
        }
    }

    fn works(&mut self) {
        if std::mem::take(&mut self.fails) {
            tracing::info!("the collector takes traces again; vault_trace_spans_total says how many were lost");
        }
    }
}
