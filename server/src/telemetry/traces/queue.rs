//! Spans on their way from where they end to the sender. Nobody who ends one waits: what has no room is dropped.

use metrics::{counter, describe_counter};
use opentelemetry::Context;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Spans that wait at most.
const MOST_WAITING: usize = 2048;

/// The end into which spans go.
#[derive(Debug)]
pub(super) struct Queue(Sender<SpanData>);

/// The other one.
pub(super) type Waiting = Receiver<SpanData>;

impl Queue {
    pub(super) fn new() -> (Self, Waiting) {
        let (queue, waiting) = channel(MOST_WAITING);
        (Self(queue), waiting)
    }
}

pub(in crate::telemetry) fn describe() {
    describe_counter!(
        "vault_trace_spans_total",
        "Spans of traces by outcome: sent; refused by the collector; dropped, as too many waited or the vault stopped."
    );
}

/// Counts spans by what became of them.
pub(super) fn count(outcome: &'static str, spans: usize) {
    counter!("vault_trace_spans_total", "outcome" => outcome).increment(spans as u64);
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if self.0.try_send(span).is_err() {
            count("dropped", 1);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::{Tracer as _, TracerProvider as _};
    use opentelemetry_sdk::trace::SdkTracerProvider;

    /// Nobody takes any: whoever ends a span goes on all the same.
    #[test]
    fn a_full_queue_drops_spans_instead_of_waiting() {
        let (queue, mut waiting) = Queue::new();
        let provider = SdkTracerProvider::builder().with_span_processor(queue).build();
        let tracer = provider.tracer("test");
        for _ in 0..MOST_WAITING + 10 {
            drop(tracer.start("span"));
        }
        let waited = std::iter::from_fn(|| waiting.try_recv().ok()).count();
        assert_eq!(waited, MOST_WAITING);
    }
}
