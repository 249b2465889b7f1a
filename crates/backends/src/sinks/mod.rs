//! Event sinks.

mod refusal;
mod webhook;

pub(crate) use webhook::WebhookSink;
