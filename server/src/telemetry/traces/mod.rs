//! Traces, by OpenTelemetry's protocol (OTLP), for whoever configures a collector; without one, nothing here runs.
//!
//! Exported are the spans with the target [`TRACED`] and what they say: one for each request (`request.rs`), and those of
//! `crates/vault/src/base/spans.rs`. Never an event, and never a span of a library.

mod caller;
pub(super) mod queue;
pub(super) mod request;
mod sender;

use crate::config;
use backends::Collector;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanLimits};
use queue::{Queue, Waiting};
use sender::Sender;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::{FilterFn, LevelFilter};
use tracing_subscriber::layer::{Filter, Layer};
use tracing_subscriber::registry::LookupSpan;
use vault::TRACED;

/// How long the last spans may take to be sent when the vault stops.
const LAST: Duration = Duration::from_secs(3);

/// Spans that wait for somebody who sends them.
pub struct Traces {
    waiting: Waiting,
    resource: Resource,
}

/// Sends them.
pub struct Sending {
    task: JoinHandle<()>,
    stop: CancellationToken,
}

/// What notes spans, and what they become.
pub(super) fn noting<S>(traces: &config::Traces) -> (Box<dyn Layer<S> + Send + Sync>, Traces)
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let (queue, waiting) = Queue::new();
    let resource = Resource::builder_empty()
        .with_service_name(traces.service_name.clone())
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    // All that the SDK would read from the environment is said here.
    let provider = SdkTracerProvider::builder()
        .with_span_processor(queue)
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(traces.sample_ratio))))
        .with_span_limits(SpanLimits::default())
        .with_resource(resource.clone())
        .build();
    let scope = InstrumentationScope::builder("kerberos-vault").with_version(env!("CARGO_PKG_VERSION")).build();
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer_with_scope(scope))
        .with_location(false)
        .with_threads(false)
        .with_level(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_context_activation(false);
    (layer.with_filter(chosen()).boxed(), Traces { waiting, resource })
}

/// Spans that are meant to be exported, and no events: those may hold what an error says.
fn chosen<S>() -> impl Filter<S> {
    let chosen: fn(&Metadata<'_>) -> bool = |metadata| metadata.is_span() && metadata.target() == TRACED;
    FilterFn::new(chosen).with_max_level_hint(LevelFilter::INFO)
}

impl Traces {
    /// Begins to send what waits.
    pub fn send_to(self, collector: Collector) -> Sending {
        let stop = CancellationToken::new();
        let sender = Sender::new(self.waiting, &self.resource, collector, stop.clone());
        Sending { task: tokio::spawn(sender.run()), stop }
    }
}

impl Sending {
    /// Sends what is left, for three seconds at most.
    pub async fn finish(mut self) {
        self.stop.cancel();
        if tokio::time::timeout(LAST, &mut self.task).await.is_err() {
            self.task.abort();
            tracing::warn!("the last traces were not sent: the collector does not answer in time");
        }
    }
}
