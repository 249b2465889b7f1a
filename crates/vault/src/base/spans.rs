//! Where time goes, for traces: all spans that the vault's use cases make, and all that they say. Nothing else is exported
//! (`server/src/telemetry/traces`); without traces none of them is made.
//!
//! None says a key, an account or a device. Numbers are `i64`: others are exported as text.

use std::future::Future;
use tracing::field::Empty;
use tracing::{Instrument as _, Span, info_span};

/// The target of spans that are exported, and of nothing else.
pub const TRACED: &str = "traced";

/// A recording, from its first byte to its row.
pub(crate) fn storing(provider: &str) -> Span {
    info_span!(target: TRACED, "store recording", vault.provider = provider, otel.status_code = Empty)
}

/// A request of an upload in several; the last one ends like [`storing`].
pub(crate) fn appending() -> Span {
    info_span!(target: TRACED, "append to recording", otel.status_code = Empty)
}

/// Its bytes arrive, and go to the provider in parts if they are many.
pub(crate) fn receiving() -> Span {
    info_span!(target: TRACED, "receive recording", otel.status_code = Empty)
}

/// One of those parts goes to the provider.
pub(crate) fn sending_part(number: u32) -> Span {
    info_span!(target: TRACED, "send part", vault.part = i64::from(number), otel.status_code = Empty)
}

/// It becomes visible at the provider, which has it for good then.
pub(crate) fn publishing(bytes: u64) -> Span {
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    info_span!(target: TRACED, "publish recording", vault.bytes = bytes, otel.status_code = Empty)
}

/// Its row and its events are committed.
pub(crate) fn committing() -> Span {
    info_span!(target: TRACED, "commit recording", otel.status_code = Empty)
}

/// A provider begins to send a recording. The bytes that follow are not in it.
pub(crate) fn opening(provider: &str) -> Span {
    info_span!(target: TRACED, "open recording", vault.provider = provider, otel.status_code = Empty)
}

/// An event goes to an integration. A trace of its own: the upload that it tells of was answered before.
pub(crate) fn delivering(integration: &str, event: &str) -> Span {
    info_span!(
        target: TRACED, parent: None, "deliver event",
        otel.kind = "client", vault.integration = integration, vault.event = event, otel.status_code = Empty
    )
}

/// A recording is copied to a secondary provider; a trace of its own.
pub(crate) fn copying(provider: &str) -> Span {
    info_span!(target: TRACED, parent: None, "copy recording", vault.provider = provider, otel.status_code = Empty)
}

/// Does work within a span, which then says whether it failed.
pub(crate) async fn within<T, E>(span: Span, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let outcome = work.instrument(span.clone()).await;
    if outcome.is_err() {
        failed(&span);
    }
    outcome
}

/// Marks a span as failed.
pub(crate) fn failed(span: &Span) {
    span.record("otel.status_code", "ERROR");
}
